//! What this host lets be done to it: a file of its own says it, whatever a server orders. Without that file nothing is.

use crate::health::Check;
use anyhow::{Context, Result, bail};
use jiff::{SignedDuration, Timestamp};
use ledger::Verifier;
use protocol::{AssetOrder, Errand};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::path::Path;

/// Where the file lies, by default.
pub(crate) const PATH: &str = "/etc/plimsoll/agent.toml";

/// Something that may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    /// To install the versions that an order names.
    Upgrade,
    /// To bring back what was there before an order.
    RollBack,
    /// To restart services that still run what was replaced.
    RestartServices,
    /// To reboot where something still runs what was replaced, and no restart of a service helps.
    Reboot,
}

/// What a host lets be done to it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Allowed {
    /// What may be done.
    pub(crate) actions: BTreeSet<Action>,
    /// The keys that may sign orders, beside the one that enrolment brought; that one holds only where none is named.
    #[serde(deserialize_with = "keys")]
    server_keys: Vec<Verifier>,
    /// The keys that must have signed a plan before anything of it is done; any plan is done where none is named.
    #[serde(deserialize_with = "keys")]
    plan_keys: Vec<Verifier>,
    /// Packages that no order changes; a `*` at the end stands for any end.
    never: Vec<String>,
    /// Whose clocks the windows follow.
    time_zone: Option<String>,
    /// When something may be begun; at any time where none is named.
    window: Vec<policy::promises::Window>,
    /// Whether the host is well: held before and after.
    pub(crate) health: Vec<Check>,
    /// How long it may take until it is well again, in seconds.
    #[serde(default = "a_minute")]
    pub(crate) health_within_seconds: u64,
}

fn a_minute() -> u64 {
    60
}

fn keys<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<Verifier>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| Verifier::parse(text)).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

impl Allowed {
    /// Reads the file; without it nothing is allowed.
    ///
    /// # Errors
    /// If it cannot be read, or says what it cannot mean: then nothing is done either.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("failed to read `{}`", path.display())),
        };
        let allowed: Self =
            toml::from_str(&text).with_context(|| format!("`{}` cannot be understood", path.display()))?;
        // A window that can never be followed is told at once.
        allowed.is_open(Timestamp::now(), SignedDuration::ZERO)?;
        Ok(allowed)
    }

    /// The same; where there is no such file these actions.
    ///
    /// # Errors
    /// The same, or if one of them is none.
    pub(crate) fn or_else(path: &Path, actions: &[String]) -> Result<Self> {
        if path.exists() || actions.is_empty() {
            return Self::read(path);
        }
        let actions = serde_json::from_value(serde_json::json!(actions)).context("an action is none")?;
        Ok(Self { actions, health_within_seconds: a_minute(), ..Self::default() })
    }

    /// Whether an hour of this host's own has come in which something may be begun that may take so long.
    ///
    /// # Errors
    /// If a window cannot be followed.
    pub(crate) fn is_open(&self, now: Timestamp, takes: SignedDuration) -> Result<bool> {
        let zone = self.time_zone.as_deref().unwrap_or("UTC");
        let ends = now.checked_add(takes).context("an order takes for ever")?;
        for window in &self.window {
            let spans = window.spans(zone, (now, ends)).map_err(anyhow::Error::msg)?;
            if spans.iter().any(|(opens, closes)| *opens <= now && ends <= *closes) {
                return Ok(true);
            }
        }
        Ok(self.window.is_empty())
    }

    /// Opens an order that one of the host's keys has signed.
    ///
    /// # Errors
    /// If it cannot be believed.
    pub(crate) fn open(&self, note: &str, enrolled: &[Verifier]) -> Result<AssetOrder> {
        let servers = if self.server_keys.is_empty() { enrolled } else { &self.server_keys };
        if servers.is_empty() {
            bail!("no key is known that orders are signed with: enrol again, or name it in `server-keys`");
        }
        Ok(AssetOrder::open(note, servers, &self.plan_keys)?)
    }

    /// Says no to an order that this host does not let begin now.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn check(&self, order: &AssetOrder, now: Timestamp) -> Result<(), String> {
        let action = match order.errand {
            Errand::Upgrade => Action::Upgrade,
            Errand::RollBack => Action::RollBack,
        };
        if !self.actions.contains(&action) {
            return Err(format!("this host does not let anybody {}", order.errand.words()));
        }
        order.is_in_time(now).map_err(str::to_owned)?;
        // What goes back does so at any hour, as in the plan.
        if order.errand == Errand::RollBack {
            return Ok(());
        }
        order.slip.may_begin(now).map_err(str::to_owned)?;
        let takes = SignedDuration::from_mins(order.slip.takes_minutes);
        if !self.is_open(now, takes).map_err(|error| format!("{error:#}"))? {
            return Err("this host's own windows are not open".to_owned());
        }
        self.check_packages(&order.slip.upgrades)
    }

    /// Says no to packages that this host lets nobody change.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn check_packages(&self, upgrades: &[change::Upgrade]) -> Result<(), String> {
        let is_never = |package: &str| self.never.iter().any(|never| is_like(never, package));
        match upgrades.iter().find(|upgrade| is_never(&upgrade.package)) {
            Some(upgrade) => Err(format!("this host lets nobody change {}", upgrade.package)),
            None => Ok(()),
        }
    }
}

/// Whether a package, whatever its architecture, is one of those that a name with a `*` at its end stands for.
fn is_like(pattern: &str, package: &str) -> bool {
    let name = package.split(':').next().unwrap_or(package);
    match pattern.strip_suffix('*') {
        Some(begins) => name.starts_with(begins),
        None => name == pattern || package == pattern,
    }
}
