//! What a fresh inventory shows of an asset that is being changed, and what follows from it.

use crate::happening::Came;
use crate::order::Upgrade;
use crate::rollout::Place;

/// A package on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnDisk<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its architecture.
    pub architecture: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Whether several versions of it lie beside each other: a new kernel of an RPM distribution replaces none.
    pub lies_beside: bool,
}

impl OnDisk<'_> {
    /// Whether versions of one package, with whether they lie beside each other, are those after an upgrade.
    pub(crate) fn is_after(versions: &[(&str, bool)], upgrade: &Upgrade) -> bool {
        let is_it = |(version, _): &(&str, bool)| *version == upgrade.to;
        let is_one_enough = versions.iter().any(|(_, lies_beside)| *lies_beside);
        !versions.is_empty() && if is_one_enough { versions.iter().any(is_it) } else { versions.iter().all(is_it) }
    }

    /// Whether they are those before it.
    pub(crate) fn is_before(versions: &[(&str, bool)], upgrade: &Upgrade) -> bool {
        let Some(from) = &upgrade.from else { return versions.is_empty() };
        let has = |wanted: &str| versions.iter().any(|(version, _)| *version == wanted);
        let is_other = |(version, lies_beside): &(&str, bool)| version != from && !lies_beside;
        has(from) && !versions.iter().any(is_other) && (*from == upgrade.to || !has(&upgrade.to))
    }
}

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
        let versions = |upgrade: &Upgrade| -> Vec<(&str, bool)> {
            let own = on_disk.iter().filter(|own| upgrade.is_of(own.name, own.architecture));
            own.map(|own| (own.version, own.lies_beside)).collect()
        };
        if upgrades.iter().all(|upgrade| OnDisk::is_after(&versions(upgrade), upgrade)) {
            return if needs_restart { Self::Installed } else { Self::Runs };
        }
        let is_before = upgrades.iter().all(|upgrade| OnDisk::is_before(&versions(upgrade), upgrade));
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

#[cfg(test)]
mod tests {
    use super::{OnDisk, Shown};
    use crate::order::Upgrade;

    fn kernel(version: &str) -> OnDisk<'_> {
        OnDisk { name: "kernel-core", architecture: "x86_64", version, lies_beside: true }
    }

    #[test]
    fn a_new_kernel_lies_beside_the_one_before() {
        let upgrade = Upgrade {
            package: "kernel-core:x86_64".to_owned(),
            from: Some("5.1-1".to_owned()),
            to: "5.2-1".to_owned(),
        };
        let shown = |versions: &[&str]| {
            let on_disk: Vec<OnDisk<'_>> = versions.iter().map(|version| kernel(version)).collect();
            Shown::of(std::slice::from_ref(&upgrade), &on_disk, false)
        };
        assert_eq!(shown(&["5.0-1", "5.1-1", "5.2-1"]), Shown::Runs);
        assert_eq!(shown(&["5.0-1", "5.1-1"]), Shown::Before);
        assert_eq!(shown(&["5.0-1"]), Shown::Otherwise);
        assert_eq!(shown(&[]), Shown::Otherwise);
        // Two versions of anything else are what a cut has left.
        let two = ["5.1-1", "5.2-1"].map(|version| OnDisk { lies_beside: false, ..kernel(version) });
        assert_eq!(Shown::of(std::slice::from_ref(&upgrade), &two, false), Shown::Otherwise);
    }
}
