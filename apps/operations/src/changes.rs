//! Changes of a fleet: what would be changed, plans, and what follows from them while they are carried out.

mod automatic;
mod calendar;
mod needs;
mod orders;
mod shown;
mod told;

pub use calendar::{Opening, as_calendar, openings};
pub use needs::needs_words;
pub use orders::{Errant, OrderBook, begun, may_begin};
pub use told::{AssetStanding, asset_standings, change_standing, gate_lacks, may_happen, step_words};

use crate::error::Error;
use crate::organisation::Organisation;
use crate::questions::View;
use change::{Came, Candidate, Due, Happening, Health, Needs, Plan, Proposal, Stage, Upgrade, Wanted};
use fleet::AssetFilter;
use jiff::Timestamp;
use lifecycle::{AssetId, ChangeId, Command, PersonId, Refusal, Role, Rolled, SYSTEM};
use protocol::Errand;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use store::{ChangeStep, Committed, digest};

/// How a tag begins that names the cluster or availability group of an asset.
const GROUP: &str = "group:";

/// Which changes are wanted.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Of which assets.
    pub assets: AssetFilter,
    /// Of these packages alone, by their own names or those of their sources; of all that are offered where none is named.
    pub packages: BTreeSet<String>,
    /// What falls due until then is counted, and where nothing is due nothing is proposed.
    pub due_until: Option<Timestamp>,
    /// Whether assets are left out that an open change is about to change.
    pub only_unplanned: bool,
}

/// What a fleet misses that a change could bring.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// The assets whose repositories offer it, by their ids.
    pub candidates: Vec<Candidate>,
    /// On so many others something with a patch falls due, and nothing is known of what their repositories offer for it.
    pub without: u64,
    /// So many findings are that.
    pub due_without: u64,
    /// So many assets were left out because an open change is about to change them.
    pub planned: u64,
}

/// What is to be done on an asset, for whoever carries it out by other means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandedOut {
    /// The asset.
    pub asset: AssetId,
    /// Its ring.
    pub ring: String,
    /// Whether it goes back to the versions before.
    pub is_back: bool,
    /// What goes from where to where, were it not to go back.
    pub upgrades: Vec<Upgrade>,
    /// What holds on it before and after.
    pub health: BTreeSet<Health>,
}

impl View<'_> {
    /// The assets that miss something their own repositories offer, with what that is, and what falls due on them; by their ids.
    #[must_use]
    pub fn candidates(&self, scope: &Scope) -> Missing {
        let facts = &self.record.facts;
        let until = scope.due_until.unwrap_or(Timestamp::MAX);
        let mut falling = self.findings.falling_due(facts, until);
        let mut missing = Missing::default();
        for (asset, attributes) in self.findings.each_asset(facts, &scope.assets) {
            let (upgrades, needs) = self.offered(asset, &scope.packages);
            // One whose words no package manager would take is not changed, and is told like one of which nothing is known.
            let upgrades = if change::are_words(&upgrades) { upgrades } else { Vec::new() };
            let due = falling.remove(asset).unwrap_or_default();
            if upgrades.is_empty() {
                missing.without += u64::from(!due.is_empty());
                missing.due_without += due.iter().map(|due| due.count).sum::<u64>();
                continue;
            }
            if scope.due_until.is_some() && due.is_empty() {
                continue;
            }
            if scope.only_unplanned && self.is_planned(asset) {
                missing.planned += 1;
                continue;
            }
            let due = due.into_iter().map(|due| Due { class: due.class, count: due.count, first: due.first });
            missing.candidates.push(Candidate {
                asset: asset.to_string(),
                environment: attributes.environment.clone(),
                criticality: attributes.criticality.clone(),
                group: attributes.tags.iter().find_map(|tag| tag.strip_prefix(GROUP)).map(str::to_owned),
                owner: attributes.owner.clone(),
                upgrades,
                needs,
                due: due.collect(),
            });
        }
        missing.candidates.sort_by(|one, other| one.asset.cmp(&other.asset));
        missing
    }

    /// Whether an open change is about to change an asset.
    fn is_planned(&self, asset: &AssetId) -> bool {
        self.record.rollouts.iter().any(|(id, rolled)| {
            let is_open = self.record.state.changes.get(id).is_some_and(|known| !known.is_over());
            let place = rolled.number(asset).and_then(|number| rolled.rollout.place(number));
            is_open && place.is_some_and(|place| place == change::Place::Waiting || place.is_under_way())
        })
    }

    /// What the repositories of an asset offer for its security, of packages that are told by name and version; and what that needs.
    fn offered(&self, asset: &AssetId, packages: &BTreeSet<String>) -> (Vec<Upgrade>, Needs) {
        let facts = &self.record.facts;
        let things = facts.things_of(asset).filter_map(|number| facts.thing(number));
        let offers = things.filter_map(|thing| Some((thing, thing.offer.as_deref()?)));
        // Other package managers' words are none that an order takes yet.
        let known = offers.filter(|(thing, _)| ["deb", "rpm"].contains(&thing.kind.as_str()));
        let is_asked = |thing: &fleet::Thing| {
            packages.contains(&thing.name) || thing.source.as_ref().is_some_and(|(source, _)| packages.contains(source))
        };
        let wanted = known.filter(|(thing, _)| packages.is_empty() || is_asked(thing));
        let upgrade = |(thing, offer): (&fleet::Thing, &fleet::Offer)| Upgrade {
            package: change::address(&thing.name, &thing.architecture),
            from: Some(thing.version.clone()),
            to: offer.version.clone(),
        };
        let mut found: Vec<(Upgrade, &fleet::Offer)> = wanted.map(|one| (upgrade(one), one.1)).collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found.dedup_by(|(one, _), (other, _)| one == other);
        let mut needs = Needs::default();
        found.iter().for_each(|(upgrade, offer)| needs.add(&upgrade.package, &offer.source.0, offer.size_bytes));
        (found.into_iter().map(|(upgrade, _)| upgrade).collect(), needs)
    }

    /// The changes that would serve what falls due in a scope.
    #[must_use]
    pub fn propose(&self, candidates: &[Candidate]) -> Vec<Proposal> {
        self.record.facts.policy().map(|policy| change::propose(candidates, &policy)).unwrap_or_default()
    }
}

impl Organisation {
    /// Plans a change of these assets, of those that whoever plans may see, and says it: from here on its plan never changes.
    ///
    /// # Errors
    /// If nothing is to be done, the rules refuse it, or it cannot be kept.
    pub async fn plan_change(
        &self,
        by: &PersonId,
        id: ChangeId,
        (candidates, wanted): (&[Candidate], Wanted),
        now: Timestamp,
    ) -> Result<(Committed, Plan), Error> {
        let plan = {
            let record = self.store.record().await?;
            let is_system = by.as_str() == SYSTEM;
            if !is_system && !record.state.plans_changes(by) {
                record.state.may(by, Role::OPERATES)?;
            }
            let policy = record.facts.policy().ok_or(Error::NoPolicy { at: None })?;
            let is_seen = |candidate: &&Candidate| {
                AssetId::new(candidate.asset.as_str()).is_ok_and(|asset| record.state.may_see(by, &asset).is_ok())
            };
            let seen: Vec<Candidate>;
            let candidates = match is_system || record.state.may(by, Role::OPERATES).is_ok() {
                true => candidates,
                false => {
                    seen = candidates.iter().filter(is_seen).cloned().collect();
                    &seen
                }
            };
            change::plan(candidates, wanted, &policy, now).map_err(|source| Error::Change { source })?
        };
        let bytes = serde_json::to_vec(&plan).map_err(|source| Error::Json { source })?;
        let what = Happening::Planned(plan.planned(&digest(&bytes)));
        let commands = vec![Command::Change(id, what)];
        let to_keep = store::Plan { commands, documents: vec![bytes], ..store::Plan::default() };
        Ok((self.store.commit(by, now, move |_| Ok(to_keep)).await?, plan))
    }

    /// Says what follows from the time alone: who was not heard of, who was passed over, gates that lack nothing any more, rollouts
    /// that stopped by themselves, and those that are over. Says how many entries that made.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub async fn follow_changes(&self, now: Timestamp) -> Result<usize, Error> {
        let system = PersonId::new(SYSTEM)?;
        let mut told = 0;
        // One thing may follow from another one.
        loop {
            let commands = following(&*self.store.record().await?, now);
            let before = told;
            // Each is looked at by itself: another one may have come before it.
            for command in commands {
                let done = self.unless_refused(&system, now, command).await?;
                told += done.map_or(0, |done| done.events.len());
            }
            if told == before {
                return Ok(told);
            }
        }
    }

    /// Says what the newest inventory of one asset shows of the changes that it is in.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub async fn follow_asset(&self, asset: &AssetId, now: Timestamp) -> Result<(), Error> {
        let commands: Vec<Command> = {
            let record = self.store.record().await?;
            let open = record.rollouts.iter().filter(|(id, rolled)| {
                let is_open = record.state.changes.get(*id).is_some_and(|known| known.stage.is_under_way());
                is_open && rolled.number(asset).is_some()
            });
            open.flat_map(|one| shown::shown(&record, one, Some(asset))).collect()
        };
        let system = PersonId::new(SYSTEM)?;
        for command in commands {
            self.unless_refused(&system, now, command).await?;
        }
        Ok(())
    }

    /// Hands out what may begin now, or go back, for whoever carries it out by other means: each is said to have begun, and an
    /// inventory shows what came of it.
    ///
    /// # Errors
    /// If there is no such change, or it cannot be kept.
    pub async fn hand_out(
        &self,
        by: &PersonId,
        id: &ChangeId,
        (most, now): (usize, Timestamp),
    ) -> Result<Vec<HandedOut>, Error> {
        let found = {
            let record = self.store.record().await?;
            let known = record.state.changes.get(id);
            let known = known.ok_or_else(|| Refusal::Unknown { what: "change", id: id.to_string() })?;
            if !matches!(known.stage, Stage::RollingOut | Stage::RollingBack) {
                return Err(Refusal::State { found: known.stage.word(), wanted: "rolling out" }.into());
            }
            let found = orders::may_begin(&record, &|change, _| change == id, now);
            let out = |errant: Errant| handed_out(&record, errant);
            found.into_iter().take(most).filter_map(out).collect::<Vec<_>>()
        };
        let mut handed = Vec::new();
        for (errant, out) in found {
            // Somebody held it, or was faster: what was handed out until now is.
            if self.begin(by, &errant, now).await? {
                handed.push(out);
            }
        }
        Ok(handed)
    }

    /// What has happened to a change, the first first.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn change_steps(&self, id: &ChangeId) -> Result<Vec<ChangeStep>, Error> {
        Ok(self.store.change_steps(id).await?)
    }
}

/// What is handed out of what may begin.
fn handed_out(record: &store::Record, errant: Errant) -> Option<(Errant, HandedOut)> {
    let rollout = &record.rollouts.get(&errant.change)?.rollout;
    let number = record.rollouts[&errant.change].number(&errant.asset)?;
    let (ring, member) = rollout.plan().members().nth(number)?;
    let out = HandedOut {
        asset: errant.asset.clone(),
        ring: rollout.plan().rings[ring].id.clone(),
        is_back: errant.errand == Errand::RollBack,
        upgrades: rollout.plan().upgrades_of(member).to_vec(),
        health: rollout.plan().health.clone(),
    };
    Some((errant, out))
}

/// Assets that are retired wait for nothing any more, and hold nobody up: they are left out, also of what is taken back.
fn retired(record: &store::Record, id: &ChangeId, rolled: &Rolled) -> Vec<Command> {
    let rollout = &rolled.rollout;
    let gone = |member: &change::Member| {
        let asset = AssetId::new(member.asset.as_str()).ok()?;
        let (since, _) = record.state.assets.get(&asset)?.retired.as_ref()?;
        Some((asset, format!("it was retired on {since}")))
    };
    let members = rollout.plan().members().enumerate();
    let left = members.filter_map(|(number, (_, member))| {
        let is_open = rollout.place(number).is_some_and(change::Place::can_be_left);
        let (asset, words) = gone(member).filter(|_| is_open)?;
        let what = Happening::Asset { asset, came: Came::LeftOut, words, log: None };
        Some(Command::Change(id.clone(), what))
    });
    left.collect()
}

/// What follows from the time, and from what inventories show.
fn following(record: &store::Record, now: Timestamp) -> Vec<Command> {
    let mut commands = Vec::new();
    for (id, rolled) in &record.rollouts {
        let Some(known) = record.state.changes.get(id).filter(|known| known.stage.is_under_way()) else { continue };
        let before = commands.len();
        let rollout = &rolled.rollout;
        commands.extend(shown::shown(record, (id, rolled), None));
        let (passed, _) = rollout.passed_over_by(now);
        let timed: BTreeMap<usize, Came> = (rollout.silent_by(now).map(|number| (number, Came::Silent)))
            .chain(passed.into_iter().map(|number| (number, Came::PassedOver)))
            .collect();
        let members = rollout.plan().members().enumerate().filter(|_| !timed.is_empty());
        commands.extend(members.filter_map(|(number, (_, member))| {
            let asset = AssetId::new(member.asset.as_str()).ok()?;
            let what = Happening::Asset { asset, came: *timed.get(&number)?, words: String::new(), log: None };
            Some(Command::Change(id.clone(), what))
        }));
        commands.extend(retired(record, id, rolled));
        let own = |what: Happening| Command::Change(id.clone(), what);
        if let change::Phase::Stopped(stop) = rollout.phase()
            && matches!(known.stage, Stage::RollingOut | Stage::Paused)
        {
            commands.push(own(Happening::Stopped { reason: stop.words(rollout.plan()) }));
        }
        let tested_since = rollout.tested_since();
        let is_waiting = known.stage == Stage::RollingOut && known.opened.is_none();
        if is_waiting && record.state.change_lacks(known, tested_since, now).is_empty() {
            let skipped = known.skips(record.state.change_rule());
            commands.push(own(Happening::Opened { tested_since, skipped }));
        }
        if commands.len() == before && rollout.is_over(now) {
            commands.push(own(Happening::Ended {}));
        }
    }
    commands
}
