//! Limits: how often somebody may ask. Whoever asks more often is told when to come back.

use crate::problem::Problem;
use axum::http::StatusCode;
use governor::{DefaultKeyedRateLimiter, Quota};
use lifecycle::AssetId;
use std::collections::HashSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Mutex;

/// So many places from where somebody has signed in are remembered.
const MOST_KNOWN: usize = 100_000;

/// How often somebody may ask, by what they ask and who they are.
pub(crate) struct Limits {
    /// Requests of one address.
    requests: DefaultKeyedRateLimiter<IpAddr>,
    /// Attempts to sign in, of one address: whatever account it tries.
    sign_in_address: DefaultKeyedRateLimiter<IpAddr>,
    /// Attempts to sign in to one account from one address: whoever guesses keeps nobody else out.
    sign_in_pair: DefaultKeyedRateLimiter<(String, IpAddr)>,
    /// Attempts to sign in to one account from all addresses that never signed in to it.
    sign_in_account: DefaultKeyedRateLimiter<String>,
    /// Attempts to guess a code or a password of somebody who is signed in.
    own_account: DefaultKeyedRateLimiter<String>,
    /// From where somebody has signed in since this process began.
    known: Mutex<HashSet<(String, IpAddr)>>,
    /// Messages of one agent.
    agents: DefaultKeyedRateLimiter<AssetId>,
}

const fn number(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Limits {
    pub(crate) fn new() -> Self {
        Self {
            requests: DefaultKeyedRateLimiter::keyed(Quota::per_second(number(200)).allow_burst(number(2000))),
            sign_in_address: DefaultKeyedRateLimiter::keyed(Quota::per_minute(number(30))),
            sign_in_pair: DefaultKeyedRateLimiter::keyed(Quota::per_minute(number(6))),
            sign_in_account: DefaultKeyedRateLimiter::keyed(Quota::per_minute(number(12))),
            own_account: DefaultKeyedRateLimiter::keyed(Quota::per_minute(number(6))),
            known: Mutex::default(),
            agents: DefaultKeyedRateLimiter::keyed(Quota::per_minute(number(60))),
        }
    }

    /// Counts a request of an address.
    pub(crate) fn request(&self, address: IpAddr) -> Result<(), Problem> {
        self.requests.check_key(&network(address)).map_err(|_| too_many("requests from your address"))
    }

    /// Counts an attempt to sign in.
    pub(crate) fn sign_in(&self, address: IpAddr, account: &str) -> Result<(), Problem> {
        // Long names are no names; what is counted must not grow with them.
        let (account, address) = (account.chars().take(128).collect::<String>(), network(address));
        self.sign_in_address.check_key(&address).map_err(|_| too_many("attempts to sign in from your address"))?;
        let pair = (account, address);
        self.sign_in_pair.check_key(&pair).map_err(|_| too_many("attempts to sign in to this account"))?;
        if self.known.lock().is_ok_and(|known| known.contains(&pair)) {
            return Ok(());
        }
        self.sign_in_account.check_key(&pair.0).map_err(|_| too_many("attempts to sign in to this account"))
    }

    /// Notes that somebody has signed in from an address: others' guesses do not keep them out there.
    pub(crate) fn signed_in(&self, address: IpAddr, account: &str) {
        if let Ok(mut known) = self.known.lock() {
            if known.len() >= MOST_KNOWN {
                known.clear();
            }
            known.insert((account.to_owned(), network(address)));
        }
    }

    /// Counts a message of an agent.
    pub(crate) fn agent(&self, asset: &AssetId) -> Result<(), Problem> {
        self.agents.check_key(asset).map_err(|_| too_many("messages of this agent"))
    }

    /// Counts an attempt to guess a link, or to come back from a provider.
    pub(crate) fn attempt(&self, address: IpAddr) -> Result<(), Problem> {
        self.sign_in_address.check_key(&network(address)).map_err(|_| too_many("attempts from your address"))
    }

    /// Counts an attempt to guess a code or a password of somebody who is signed in.
    pub(crate) fn account(&self, person: &str) -> Result<(), Problem> {
        self.own_account.check_key(&person.to_owned()).map_err(|_| too_many("attempts on this account"))
    }

    /// Forgets who has not asked for long.
    pub(crate) fn sweep(&self) {
        self.requests.retain_recent();
        self.sign_in_address.retain_recent();
        self.sign_in_pair.retain_recent();
        self.sign_in_account.retain_recent();
        self.own_account.retain_recent();
        self.agents.retain_recent();
    }
}

/// Who asks, as far as an address tells: whoever has one of IPv6 has the 2⁶⁴ around it (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(own) => own.to_ipv4_mapped().map_or_else(
            || IpAddr::V6(std::net::Ipv6Addr::from_bits(own.to_bits() & !u128::from(u64::MAX))),
            IpAddr::V4,
        ),
    }
}

fn too_many(what: &str) -> Problem {
    let words = format!("too many {what}; wait a minute");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "access/too-many-requests", words)
}

#[cfg(test)]
mod tests {
    use super::Limits;
    use std::net::IpAddr;

    #[test]
    fn whoever_guesses_keeps_nobody_else_out() {
        let limits = Limits::new();
        let at = |last: u8| IpAddr::from([192, 0, 2, last]);
        let tries =
            |address: IpAddr, count: usize| (0..count).filter(|_| limits.sign_in(address, "root").is_ok()).count();
        limits.signed_in(at(1), "root");
        assert_eq!(tries(at(2), 20), 6, "one address is stopped");
        assert_eq!(tries(at(3), 1), 1, "and others are not");
        let many: usize = (10..60).map(|last| tries(at(last), 6)).sum();
        assert_eq!(many, 12 - 6 - 1, "many together are stopped too");
        assert_eq!(tries(at(1), 1), 1, "save from where they have signed in before");
        assert_eq!(tries(at(9), 1), 0);
        let of_one = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        let many: usize =
            (0..30).map(|last| (0..6).filter(|_| limits.sign_in(of_one(last), "ada").is_ok()).count()).sum();
        assert_eq!(many, 6, "whoever has a network has one address");
    }
}
