//! What inventories show of assets that are being changed: verification.

use change::{Happening, Place, Shown, Upgrade};
use lifecycle::{AssetId, ChangeId, Command, Rolled};

/// What the newest inventories show of assets that are being changed: nothing is believed that they do not show, and nothing that they
/// showed before.
pub(super) fn shown(
    record: &store::Record,
    (id, rolled): (&ChangeId, &Rolled),
    only: Option<&AssetId>,
) -> Vec<Command> {
    let rollout = &rolled.rollout;
    let is_back = *rollout.phase() == change::Phase::RollingBack;
    let mut commands = Vec::new();
    for (number, (_, member)) in rollout.plan().members().enumerate() {
        if only.is_some_and(|only| only.as_str() != member.asset) {
            continue;
        }
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
        let shown = shown_of(record, &asset, rollout.plan().upgrades_of(member));
        let is_newest = rollout.since(number).zip(looked).is_some_and(|(since, looked)| looked > since);
        commands.extend(shown.leads_from(place, is_newest, is_back).iter().map(|came| {
            let what = Happening::Asset { asset: asset.clone(), came: *came, words: String::new(), log: None };
            Command::Change(id.clone(), what)
        }));
    }
    commands
}

fn shown_of(record: &store::Record, asset: &AssetId, upgrades: &[Upgrade]) -> Shown {
    let facts = &record.facts;
    let things: Vec<&fleet::Thing> =
        facts.things_of(asset).filter_map(|number| facts.thing(number)).filter(|thing| thing.offer.is_none()).collect();
    let on_disk = things.iter().filter(|thing| thing.still_runs.is_none());
    let on_disk: Vec<change::OnDisk<'_>> = on_disk.map(|thing| of_thing(thing)).collect();
    Shown::of(upgrades, &on_disk, things.iter().any(|thing| thing.needs_restart()))
}

fn of_thing(thing: &fleet::Thing) -> change::OnDisk<'_> {
    change::OnDisk {
        name: &thing.name,
        architecture: &thing.architecture,
        version: &thing.version,
        lies_beside: thing.kind == "rpm" && thing.kernel.is_some(),
    }
}
