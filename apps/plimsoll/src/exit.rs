//! Exit codes. The output format never changes them.

/// Everything is within the policy.
pub(crate) const WITHIN_POLICY: u8 = 0;
/// The policy is not met.
pub(crate) const POLICY_NOT_MET: u8 = 1;
/// The command could not finish.
pub(crate) const COULD_NOT_FINISH: u8 = 2;
/// There is not enough data to say.
pub(crate) const NOT_ENOUGH_DATA: u8 = 3;
/// The command was used wrongly (`EX_USAGE`).
pub(crate) const USAGE: u8 = 64;

/// Wrong usage that only shows after the arguments were parsed.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The code for an error.
pub(crate) fn of(error: &anyhow::Error) -> u8 {
    let is_usage = |cause: &(dyn std::error::Error + 'static)| {
        let of_store = cause.downcast_ref::<store::Error>();
        cause.is::<Usage>() || matches!(of_store, Some(store::Error::NoRecord { .. } | store::Error::Occupied))
    };
    if error.chain().any(is_usage) { USAGE } else { COULD_NOT_FINISH }
}
