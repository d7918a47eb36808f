//! Rollouts of changes that are not over, or can be taken back still: made of their plans and of what has happened to them.

use crate::blobs::Blobs;
use crate::database;
use crate::error::Error;
use crate::record::{Record, documents};
use crate::tables::{CHANGE_STEPS, Cell, Row};
use change::{Happening, Plan};
use jiff::Timestamp;
use ledger::Entry;
use lifecycle::{ChangeId, Event, PersonId, Rolled, State};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, ExprTrait};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    pub(crate) fn check_plan(&self, event: &Event, document: Option<&[u8]>) -> Result<(), Error> {
        let Event::Change { what: what @ (Happening::Planned(_) | Happening::Opened { .. }), .. } = event else {
            return Ok(());
        };
        let plan = read_plan(what, document).map_err(Error::Plan)?;
        let Some(policy) = self.facts.policy() else { return Ok(()) };
        self.state.check_change_rule(&policy)?;
        if let Some(plan) = plan {
            self.state.check_plan(&plan, &policy).map_err(|error| Error::Plan(error.to_string()))?;
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
        let changes = &self.state.changes;
        let is_kept = |known: &change::Change| !known.is_over() || known.can_return(entry.at);
        self.rollouts.retain(|change, _| changes.get(change).is_some_and(is_kept));
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
    // Nothing is known of a later instant: what could be taken back then can be still, as far as is known.
    let newest = state.changes.values().filter_map(|change| change.ended_at).max().unwrap_or(Timestamp::MIN);
    let is_kept = |change: &change::Change| !change.is_over() || change.can_return(newest);
    let open: Vec<ChangeId> =
        state.changes.iter().filter(|(_, change)| is_kept(change)).map(|(id, _)| id.clone()).collect();
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
