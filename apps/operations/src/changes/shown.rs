//! What inventories show of assets that are being changed: verification.

use change::{Came, Happening, Place, Upgrade};
use lifecycle::{AssetId, ChangeId, Command};

/// What the newest inventories show of assets that are being changed: nothing is believed that they do not show, and nothing that they
/// showed before.
pub(super) fn shown(record: &store::Record, id: &ChangeId, rolled: &store::Rolled) -> Vec<Command> {
    let rollout = &rolled.rollout;
    let mut commands = Vec::new();
    for (number, (_, member)) in rollout.plan().members().enumerate() {
        let (Some(place), Some(began)) = (rollout.place(number), rollout.began_at(number)) else { continue };
        let is_open = matches!(
            place,
            Place::Begun | Place::Installed | Place::RestartPending | Place::Silent | Place::RollingBack
        );
        if !is_open {
            continue;
        }
        let Ok(asset) = AssetId::new(member.asset.as_str()) else { continue };
        let looked = record.state.assets.get(&asset).and_then(|known| known.scanned_at);
        if looked.is_none_or(|looked| looked <= began) {
            continue;
        }
        let upgrades = rollout.plan().upgrades_of(member);
        let standing = Standing::of(record, &asset, upgrades);
        let is_newest = rollout.since(number).zip(looked).is_some_and(|(since, looked)| looked > since);
        let is_back = *rollout.phase() == change::Phase::RollingBack;
        let came: &[Came] = match (place, standing) {
            (Place::Installed | Place::RestartPending | Place::Silent, Standing::Runs) => &[Came::Verified],
            (Place::Begun, Standing::Runs) => &[Came::Installed, Came::Verified],
            (Place::Begun, Standing::Installed) => &[Came::Installed, Came::RestartPending],
            (Place::Installed | Place::Silent, Standing::Installed) => &[Came::RestartPending],
            (Place::RollingBack, Standing::Before) => &[Came::RolledBack],
            (Place::Silent, Standing::Before) if is_back => &[Came::RolledBack],
            // It said so, or was not heard of, and is as it was.
            (Place::Installed | Place::Silent, Standing::Before) if is_newest => &[Came::Failed],
            _ => &[],
        };
        commands.extend(came.iter().map(|came| {
            let what = Happening::Asset { asset: asset.clone(), came: *came, words: String::new(), log: None };
            Command::Change(id.clone(), what)
        }));
    }
    commands
}

/// What an inventory shows of some upgrades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// All are there, and nothing on the asset waits for a restart.
    Runs,
    /// All are there.
    Installed,
    /// None is there: all is as it was.
    Before,
    /// Something else is.
    Otherwise,
}

impl Standing {
    fn of(record: &store::Record, asset: &AssetId, upgrades: &[Upgrade]) -> Self {
        let things: Vec<&fleet::Thing> =
            record.facts.things_of(asset).filter_map(|number| record.facts.thing(number)).collect();
        let own = |upgrade: &Upgrade| {
            let (name, architecture) = match upgrade.package.split_once(':') {
                Some((name, architecture)) => (name.to_owned(), Some(architecture.to_owned())),
                None => (upgrade.package.clone(), None),
            };
            things.iter().filter(move |thing| {
                let fits = architecture.as_ref().is_none_or(|own| *own == thing.architecture);
                thing.name == name && thing.offer.is_none() && fits
            })
        };
        let has = |upgrade: &Upgrade, version: Option<&String>| {
            let mut on_disk = own(upgrade).filter(|thing| thing.still_runs.is_none()).peekable();
            match version {
                Some(version) => on_disk.peek().is_some() && on_disk.all(|thing| thing.version == *version),
                None => on_disk.peek().is_none(),
            }
        };
        if upgrades.iter().all(|upgrade| has(upgrade, Some(&upgrade.to))) {
            // Whatever runs that should be restarted may be what was replaced.
            return if things.iter().any(|thing| thing.needs_restart()) { Self::Installed } else { Self::Runs };
        }
        let is_before = upgrades.iter().all(|upgrade| has(upgrade, upgrade.from.as_ref()));
        if is_before { Self::Before } else { Self::Otherwise }
    }
}
