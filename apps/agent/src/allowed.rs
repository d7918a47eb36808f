//! What this host lets be done to it: a file of its own says it, whatever a server orders. Without that file nothing is.

use crate::health::Check;
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
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
    /// What a snapshot is made of before packages change; none where nothing is named.
    pub(crate) snapshot: Option<host::SnapshotOf>,
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
        allowed.room(Timestamp::now())?;
        Ok(allowed)
    }

    /// The same; where there is no such file these actions.
    ///
    /// # Errors
    /// The same, or if one of them is none.
    pub(crate) fn or_else(path: &Path, actions: &[String]) -> Result<Self> {
        // A file that is there and cannot be read allows nothing.
        let is_there = path.symlink_metadata().is_ok() || path.try_exists().unwrap_or(true);
        if is_there || actions.is_empty() {
            return Self::read(path);
        }
        let actions = serde_json::from_value(serde_json::json!(actions)).context("an action is none")?;
        Ok(Self { actions, health_within_seconds: a_minute(), ..Self::default() })
    }

    /// For how long a window of this host's own is open still, in minutes; none where it has no windows.
    ///
    /// # Errors
    /// If a window cannot be followed.
    pub(crate) fn room(&self, now: Timestamp) -> Result<Option<i64>> {
        let zone = self.time_zone.as_deref().unwrap_or("UTC");
        let mut room = None;
        for window in &self.window {
            let spans = window.spans(zone, (now, now)).map_err(anyhow::Error::msg)?;
            let open = spans.iter().filter(|(opens, closes)| *opens <= now && now < *closes);
            let left = open.map(|(_, closes)| closes.duration_since(now).as_mins()).max().unwrap_or(0);
            room = room.max(Some(left));
        }
        Ok(room)
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
        let room = self.room(now).map_err(|error| format!("{error:#}"))?;
        if room.is_some_and(|room| room < order.slip.takes_minutes) {
            return Err("this host's own windows are not open, or not for long enough".to_owned());
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

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]
    use super::*;

    const WINDOWS: &str = "actions = [\"upgrade\"]\n[[window]]\nid = \"night\"\nstarts = \"2026-01-01T22:00:00\"\nrule = \"FREQ=DAILY\"\nlasts = \"6 hours\"\n";

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_window_says_how_long_it_is_open_still() {
        let allowed: Allowed = toml::from_str(WINDOWS).expect("understood");
        assert_eq!(allowed.room(at("2026-12-01T21:59:00Z")).expect("followed"), Some(0));
        assert_eq!(allowed.room(at("2026-12-01T22:00:00Z")).expect("followed"), Some(360));
        assert_eq!(allowed.room(at("2026-12-02T03:59:00Z")).expect("followed"), Some(1));
        assert_eq!(allowed.room(at("2026-12-02T04:00:00Z")).expect("followed"), Some(0));
        assert_eq!(allowed.room(at("2026-12-02T03:00:00Z")).expect("followed"), Some(60));
        assert_eq!(allowed.room(at("2026-12-02T03:00:01Z")).expect("followed"), Some(59));
        let always: Allowed = toml::from_str("actions = []\n").expect("understood");
        assert_eq!(always.room(at("2026-12-01T12:00:00Z")).expect("followed"), None);
    }

    #[test]
    fn what_nobody_changes_is_found_whatever_its_architecture() {
        for (pattern, package, is) in [
            ("linux-image-*", "linux-image-6.1.0-30-amd64", true),
            ("postgresql-15", "postgresql-15:amd64", true),
            ("postgresql-15", "postgresql-15-doc", false),
            ("libc6", "libc6:i386", true),
            ("*", "anything", true),
        ] {
            assert_eq!(is_like(pattern, package), is, "{pattern} {package}");
        }
    }

    #[test]
    fn a_file_that_says_what_it_cannot_mean_allows_nothing() {
        for text in [
            "actions = [\"everything\"]",
            "action = [\"upgrade\"]",
            "plan-keys = [\"no key\"]",
            "health = [\"sh:rm -rf /\"]",
            "health = [\"program:relative\"]",
            "health = [\"unit:--now\"]",
            "snapshot = \"btrfs:root\"",
            "snapshot = \"program:reboot\"",
        ] {
            assert!(toml::from_str::<Allowed>(text).is_err(), "{text}");
        }
        let folder = std::env::temp_dir().join(format!("plimsoll-allowed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("agent.toml");
        let otherwise = ["upgrade".to_owned()];
        assert!(Allowed::or_else(&path, &otherwise).expect("nothing is there").actions.contains(&Action::Upgrade));
        std::os::unix::fs::symlink("nowhere", &path).expect("a link");
        assert!(Allowed::or_else(&path, &otherwise).expect("nothing is there").actions.is_empty(), "a link to nowhere");
        std::fs::remove_dir_all(&folder).expect("gone");
    }
}
