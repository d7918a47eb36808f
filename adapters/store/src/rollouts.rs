//! Rollouts of changes that are not over: made of their plans and of what has happened to them.

use crate::blobs::Blobs;
use crate::database;
use crate::error::Error;
use crate::record::{Record, documents};
use crate::tables::{CHANGE_STEPS, Cell, Row};
use change::{Came, Happening, Place, Plan, Rollout, RolloutEvent, Wait};
use jiff::Timestamp;
use ledger::Entry;
use lifecycle::{Asset, AssetId, ChangeId, Event, PersonId, PolicyRule, Refusal, State};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, ExprTrait};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A rollout, and the numbers of its assets.
#[derive(Debug, Clone)]
pub struct Rolled {
    /// How far it has come.
    pub rollout: Rollout,
    numbers: Arc<BTreeMap<String, usize>>,
}

/// What has happened to a change, with when and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeStep {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: PersonId,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

impl Rolled {
    fn new(plan: Plan) -> Self {
        let numbers = plan.members().enumerate().map(|(number, (_, member))| (member.asset.clone(), number)).collect();
        Self { rollout: Rollout::new(Arc::new(plan)), numbers: Arc::new(numbers) }
    }

    /// The number of an asset in the plan.
    #[must_use]
    pub fn number(&self, asset: &AssetId) -> Option<usize> {
        self.numbers.get(asset.as_str()).copied()
    }

    fn event(&self, what: &Happening) -> Option<RolloutEvent> {
        let number = match what {
            Happening::Asset { asset, .. } => self.number(asset),
            _ => None,
        };
        what.in_rollout(number)
    }

    /// Says no to what its plan, the time or inventories do not let happen now; `asset` is the one that it is about.
    fn check(&self, what: &Happening, asset: Option<&Asset>, at: Timestamp) -> Result<(), Refusal> {
        let lacks = |wait: Wait| Refusal::NotReady { lacks: wait.words(self.rollout.plan()) };
        if let Happening::Opened { tested_since, .. } = what
            && *tested_since != self.rollout.tested_since()
        {
            return Err(Refusal::Unlike);
        }
        let Some(event) = self.event(what) else {
            return match what {
                Happening::Asset { asset, .. } => {
                    Err(Refusal::Unknown { what: "asset in this change", id: asset.to_string() })
                }
                _ => Ok(()),
            };
        };
        if let (Happening::Asset { came, .. }, Some(number)) = (what, event.asset()) {
            self.check_shown(*came, number, asset)?;
        }
        let is_due = match &event {
            RolloutEvent::Silent(number) => self.rollout.silent_by(at).any(|silent| silent == *number),
            RolloutEvent::PassedOver(number) => self.rollout.passed_over_by(at).0.contains(number),
            RolloutEvent::Ended => self.rollout.is_over(at),
            _ => true,
        };
        if !is_due {
            return Err(Refusal::NotReady { lacks: "the time for it".to_owned() });
        }
        match &event {
            RolloutEvent::Begun(number) => self.rollout.may_begin(*number, at).map_err(lacks),
            RolloutEvent::RollingBack(number) => self.rollout.may_go_back(*number).map_err(lacks),
            event if self.rollout.follows(event, at) => Ok(()),
            _ => {
                Err(Refusal::State { found: "at a step from which this does not follow", wanted: "at the one before" })
            }
        }
    }
}

impl Rolled {
    /// Says no to what only an inventory that is newer than the last step could show.
    fn check_shown(&self, came: Came, number: usize, asset: Option<&Asset>) -> Result<(), Refusal> {
        let looked = asset.and_then(|asset| asset.scanned_at);
        let is_gone = asset.is_some_and(|asset| !asset.is_active());
        let is_newer = self.rollout.began_at(number).zip(looked).is_some_and(|(began, looked)| looked > began);
        let place = self.rollout.place(number);
        let is_let = match (came, place) {
            (Came::LeftOut, Some(Place::Verified | Place::RestartPending)) => is_gone,
            // What is lost is believed to be back where it shows itself.
            (Came::LeftOut | Came::Failed, Some(Place::Silent | Place::Broken | Place::Stuck)) => is_gone || is_newer,
            _ => is_newer || !came.is_shown(),
        };
        match is_let {
            true => Ok(()),
            false => Err(Refusal::NotReady { lacks: "an inventory that is newer than its beginning".to_owned() }),
        }
    }
}

/// Reads a plan, and holds it against what its entry says of it.
pub(crate) fn read_plan(what: &Happening, document: Option<&[u8]>) -> Result<Option<Plan>, String> {
    let Happening::Planned(planned) = what else { return Ok(None) };
    let bytes = document.ok_or("its plan is missing")?;
    let plan: Plan = serde_json::from_slice(bytes).map_err(|error| format!("its plan is none: {error}"))?;
    plan.check().map_err(|error| error.to_string())?;
    match plan.planned(&planned.plan) == *planned {
        true => Ok(Some(plan)),
        false => Err("it says something else of its plan than that says".to_owned()),
    }
}

impl Record {
    /// Says no to a plan that is not one of the policy in force, and to gates where that asks more than its entry says.
    pub(crate) fn check_plan(&self, what: &Happening, document: Option<&[u8]>) -> Result<(), Error> {
        if !matches!(what, Happening::Planned(_) | Happening::Opened { .. }) {
            return Ok(());
        }
        let Some(policy) = self.facts.policy() else { return Ok(()) };
        if PolicyRule::of(&policy).governance.changes != *self.state.change_rule() {
            let lacks =
                "a policy that is put in force anew: an older program did, and said nothing of changes".to_owned();
            return Err(Refusal::NotReady { lacks }.into());
        }
        if let Some(plan) = read_plan(what, document).map_err(Error::Plan)? {
            let said = |asset: &str| {
                let known = self.state.assets.get(&AssetId::new(asset).ok()?).filter(|known| known.is_active())?;
                Some((known.attributes.environment.as_deref(), known.attributes.criticality.as_deref()))
            };
            change::conforms(&plan, &policy, said).map_err(|error| Error::Plan(error.to_string()))?;
        }
        Ok(())
    }

    /// Says no to what the plans of changes do not let happen, one after the other.
    pub(crate) fn check_changes(&self, events: &[Event], at: Timestamp) -> Result<(), Refusal> {
        let mut ahead: BTreeMap<&ChangeId, Rolled> = BTreeMap::new();
        let mut told = events
            .iter()
            .filter_map(|event| match event {
                Event::Change { change, what } => Some((change, what)),
                _ => None,
            })
            .peekable();
        while let Some((change, what)) = told.next() {
            let Some(known) = ahead.get(change).or_else(|| self.rollouts.get(change)) else { continue };
            let asset = match what {
                Happening::Asset { asset, .. } => self.state.assets.get(asset),
                _ => None,
            };
            known.check(what, asset, at)?;
            // What comes next is held against what this makes of it.
            if told.peek().is_some()
                && let Some(event) = known.event(what)
            {
                let mut next = known.clone();
                next.rollout.apply(&event, at);
                ahead.insert(change, next);
            }
        }
        Ok(())
    }

    /// Takes in what happened to a change.
    pub(crate) fn roll(
        &mut self,
        (change, what): (&ChangeId, &Happening),
        entry: &Entry,
        document: Option<&[u8]>,
    ) -> Result<(), Error> {
        let damaged =
            |what: String| Error::Damaged { place: format!("entry {}, change `{change}`", self.state.entries), what };
        if let Some(plan) = read_plan(what, document).map_err(damaged)? {
            self.rollouts.insert(change.clone(), Rolled::new(plan));
        }
        roll(&mut self.rollouts, (change, what), entry.at);
        if self.state.changes.get(change).is_some_and(change::Change::is_over) {
            self.rollouts.remove(change);
        }
        Ok(())
    }
}

fn roll(rollouts: &mut BTreeMap<ChangeId, Rolled>, (change, what): (&ChangeId, &Happening), at: Timestamp) {
    if let Some(known) = rollouts.get_mut(change)
        && let Some(event) = known.event(what)
    {
        // What may not be is found by whoever holds the ledger against the rules.
        known.rollout.apply(&event, at);
    }
}

/// The row of what has happened to a change.
pub(crate) fn row((change, what): (&ChangeId, &Happening), entry: &Entry, number: u64) -> Result<Row, Error> {
    let step = ChangeStep { at: entry.at, by: PersonId::new(entry.actor.as_str())?, what: what.clone() };
    let id = format!("{change} {number:020}");
    Ok(vec![Cell::from(id.as_str()), number.into(), Cell::Text(serde_json::to_string(&step)?)])
}

/// What has happened to a change, the first first.
pub(crate) async fn steps(on: &impl ConnectionTrait, change: &ChangeId) -> Result<Vec<ChangeStep>, Error> {
    let mut statement = database::select(&CHANGE_STEPS);
    // A `_` in an id stands for any sign here: what begins otherwise is left out below.
    statement.and_where(Expr::col(Alias::new("id")).like(format!("{change} %")));
    let begins = format!("{change} ");
    let mut found = database::rows(on, &CHANGE_STEPS, &statement).await?;
    found.retain(|row| row[0].text().starts_with(&begins));
    found.sort_by_key(|row| row[1].number());
    found.iter().map(|row| Ok(serde_json::from_str(row[2].text())?)).collect()
}

/// The rollouts of changes that are not over, and how far their assets have come.
pub(crate) async fn load(
    (on, blobs): (&impl ConnectionTrait, &Blobs),
    state: &mut State,
) -> Result<BTreeMap<ChangeId, Rolled>, Error> {
    let mut rollouts = BTreeMap::new();
    let open: Vec<ChangeId> =
        state.changes.iter().filter(|(_, change)| !change.is_over()).map(|(id, _)| id.clone()).collect();
    for change in open {
        let steps = steps(on, &change).await?;
        let digest = state.changes[&change].planned.plan.clone();
        let documents = documents((on, blobs), &[&digest]).await?;
        for step in steps {
            let damaged = |what: String| Error::Damaged { place: format!("change `{change}`"), what };
            let document = documents.get(&digest).map(Vec::as_slice);
            if let Some(plan) = read_plan(&step.what, document).map_err(damaged)? {
                rollouts.insert(change.clone(), Rolled::new(plan));
            }
            roll(&mut rollouts, (&change, &step.what), step.at);
            if let Happening::Asset { asset, came, .. } = step.what {
                state.came.entry(change.clone()).or_default().insert(asset, came);
            }
        }
    }
    Ok(rollouts)
}
