//! What a fresh inventory shows of an asset that is being changed, and what follows from it.

use crate::happening::Came;
use crate::order::Upgrade;
use crate::rollout::Place;

/// A package on disk: its name, architecture and version.
pub type OnDisk<'a> = (&'a str, &'a str, &'a str);

/// What an inventory shows of some upgrades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// All are there, and nothing on the asset waits for a restart.
    Runs,
    /// All are there.
    Installed,
    /// None is there: all is as it was.
    Before,
    /// Something else is.
    Otherwise,
}

impl Shown {
    /// What these packages show. Whatever on the asset should be restarted may be what was replaced.
    #[must_use]
    pub fn of(upgrades: &[Upgrade], on_disk: &[OnDisk<'_>], needs_restart: bool) -> Self {
        let has = |upgrade: &Upgrade, wanted: Option<&String>| {
            let own = on_disk.iter().filter(|(name, architecture, _)| upgrade.is_of(name, architecture));
            let mut versions = own.map(|(.., version)| *version).peekable();
            match wanted {
                Some(wanted) => versions.peek().is_some() && versions.all(|version| version == wanted.as_str()),
                None => versions.peek().is_none(),
            }
        };
        if upgrades.iter().all(|upgrade| has(upgrade, Some(&upgrade.to))) {
            return if needs_restart { Self::Installed } else { Self::Runs };
        }
        let is_before = upgrades.iter().all(|upgrade| has(upgrade, upgrade.from.as_ref()));
        if is_before { Self::Before } else { Self::Otherwise }
    }

    /// How far an asset has come by it, from where it is: `is_newest` if the inventory is newer than its last step, `is_back` if
    /// what was done is being taken back.
    #[must_use]
    pub fn leads_from(self, place: Place, is_newest: bool, is_back: bool) -> &'static [Came] {
        match (place, self) {
            (Place::Installed | Place::RestartPending | Place::Silent, Self::Runs) => &[Came::Verified],
            (Place::Begun, Self::Runs) => &[Came::Installed, Came::Verified],
            (Place::Begun, Self::Installed) => &[Came::Installed, Came::RestartPending],
            (Place::Installed | Place::Silent, Self::Installed) => &[Came::RestartPending],
            (Place::RollingBack, Self::Before) => &[Came::RolledBack],
            (Place::Silent, Self::Before) if is_back => &[Came::RolledBack],
            // It said so, or was not heard of, and is as it was.
            (Place::Installed | Place::Silent, Self::Before) if is_newest => &[Came::Failed],
            _ => &[],
        }
    }
}
