//! Rollouts of changes that are not over, and what their plans, the time and inventories let happen to them.

use crate::asset::{Asset, Attributes};
use crate::event::Event;
use crate::{Refusal, State};
use ::change::{Came, Happening, Place, Plan, Rollout, RolloutEvent, Said, Wait};
use ::policy::Policy;
use jiff::Timestamp;
use rules::{AssetId, ChangeId, PolicyRule};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A rollout, and the numbers of its assets.
#[derive(Debug, Clone)]
pub struct Rolled {
    /// How far it has come.
    pub rollout: Rollout,
    numbers: Arc<BTreeMap<String, usize>>,
}

impl Rolled {
    /// One of which nothing has happened.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let numbers = plan.members().enumerate().map(|(number, (_, member))| (member.asset.clone(), number)).collect();
        Self { rollout: Rollout::new(Arc::new(plan)), numbers: Arc::new(numbers) }
    }

    /// The number of an asset in the plan.
    #[must_use]
    pub fn number(&self, asset: &AssetId) -> Option<usize> {
        self.numbers.get(asset.as_str()).copied()
    }

    /// What something that happened to the change is for the rollout, where it is something.
    #[must_use]
    pub fn event(&self, what: &Happening) -> Option<RolloutEvent> {
        let number = match what {
            Happening::Asset { asset, .. } => self.number(asset),
            _ => None,
        };
        what.in_rollout(number)
    }

    /// Says no to what its plan, the time or inventories do not let happen now; `asset` is the one that it is about.
    ///
    /// # Errors
    /// The refusal.
    pub fn check(&self, what: &Happening, asset: Option<&Asset>, at: Timestamp) -> Result<(), Refusal> {
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

    /// Says no to what the plans of changes do not let happen, one after the other.
    ///
    /// # Errors
    /// The refusal.
    pub fn check_all(
        state: &State,
        rollouts: &BTreeMap<ChangeId, Self>,
        events: &[Event],
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let mut ahead: BTreeMap<&ChangeId, Self> = BTreeMap::new();
        let mut told = events
            .iter()
            .filter_map(|event| match event {
                Event::Change { change, what } => Some((change, what)),
                _ => None,
            })
            .peekable();
        while let Some((change, what)) = told.next() {
            let Some(known) = ahead.get(change).or_else(|| rollouts.get(change)) else { continue };
            let asset = match what {
                Happening::Asset { asset, .. } => state.assets.get(asset),
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
}

impl State {
    /// Says no to changes where the policy asks more of them than the entry that put it in force says.
    ///
    /// # Errors
    /// The refusal.
    pub fn check_change_rule(&self, policy: &Policy) -> Result<(), Refusal> {
        if PolicyRule::of(policy).governance.changes == *self.change_rule() {
            return Ok(());
        }
        let lacks = "a policy that is put in force anew: an older program did, and said nothing of changes".to_owned();
        Err(Refusal::NotReady { lacks })
    }

    /// Says no to a plan that is not one of the policy, for the assets that are there.
    ///
    /// # Errors
    /// What differs.
    pub fn check_plan(&self, plan: &Plan, policy: &Policy) -> Result<(), ::change::Error> {
        let said = |asset: &str| {
            let known = self.assets.get(&AssetId::new(asset).ok()?).filter(|known| known.is_active())?;
            let Attributes { environment, criticality, owner, .. } = &known.attributes;
            let [environment, criticality, owner] = [environment, criticality, owner].map(|one| one.as_deref());
            Some(Said { environment, criticality, owner })
        };
        ::change::conforms(plan, policy, said)
    }
}
