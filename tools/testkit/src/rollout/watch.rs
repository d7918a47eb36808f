//! What may never happen in a rollout, looked at from outside: with lists of its own, which know nothing of how it counts.

use change::{Hours, Phase, Place, Plan, Rollout, RolloutEvent};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Watch {
    begun: Vec<bool>,
    shown: Vec<bool>,
    dead: Vec<bool>,
    under_way: BTreeSet<usize>,
    lost: BTreeSet<usize>,
    /// Of each group, those of which it would miss another one now.
    busy: BTreeMap<usize, BTreeSet<usize>>,
    ring: Vec<usize>,
    group: Vec<Option<usize>>,
    hours: Vec<usize>,
    pub(super) killed: u32,
    pub(super) stopped_in: Option<usize>,
    pub(super) reached: usize,
    holds: bool,
    is_open: bool,
}

impl Watch {
    pub(super) fn new(plan: &Plan) -> Self {
        let count = plan.assets();
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let group = plan.members().map(|(_, member)| {
            let next = names.len();
            member.group.as_deref().map(|name| *names.entry(name).or_insert(next))
        });
        Self {
            group: group.collect(),
            begun: vec![false; count],
            shown: vec![false; count],
            dead: vec![false; count],
            under_way: BTreeSet::new(),
            lost: BTreeSet::new(),
            busy: BTreeMap::new(),
            ring: plan.members().map(|(ring, _)| ring).collect(),
            hours: plan.members().map(|(_, member)| member.hours).collect(),
            killed: 0,
            stopped_in: None,
            reached: 0,
            holds: false,
            is_open: false,
        }
    }

    pub(super) fn is_dead(&self, asset: usize) -> bool {
        self.dead[asset]
    }

    pub(super) fn dies(&mut self, asset: usize) {
        self.dead[asset] = true;
        self.killed += 1;
    }

    /// What happened: is it something that never may?
    pub(super) fn sees(&mut self, plan: &Plan, event: &RolloutEvent, now: Timestamp) -> Result<(), String> {
        let wrong = |what: String| format!("{event:?} at {now}: {what}");
        match event {
            RolloutEvent::Begun(asset) => self.begins(plan, *asset, now).map_err(wrong)?,
            RolloutEvent::RollingBack(asset) => self.goes_back(*asset).map_err(wrong)?,
            RolloutEvent::Shown(asset, runs) => {
                if !self.begun[*asset] {
                    return Err(wrong("it never began".to_owned()));
                }
                self.shown[*asset] |= runs;
                self.rests(*asset, *runs, false);
            }
            RolloutEvent::Failed(asset, is_as_before) => self.rests(*asset, *is_as_before, !is_as_before),
            RolloutEvent::Silent(asset) => self.rests(*asset, false, true),
            RolloutEvent::Installed(asset) => {
                self.lost.remove(asset);
                self.under_way.insert(*asset);
            }
            RolloutEvent::Refused(asset) | RolloutEvent::RolledBack(asset) | RolloutEvent::Excluded(asset) => {
                self.rests(*asset, true, false);
            }
            RolloutEvent::Resumed => self.holds = false,
            RolloutEvent::PassedOver(_) | RolloutEvent::Started => {}
            RolloutEvent::Opened => self.is_open = true,
            _ => self.holds = true,
        }
        Ok(())
    }

    /// Whether it stopped by itself just now, and where.
    pub(super) fn looks(&mut self, rollout: &Rollout) {
        if matches!(rollout.phase(), Phase::Stopped(_)) && !self.holds {
            self.holds = true;
            self.stopped_in.get_or_insert(self.reached);
        }
    }

    /// Nothing is called done that no inventory has shown.
    pub(super) fn holds_at_the_end(&self, rollout: &Rollout) -> Result<(), String> {
        let is_proven = |asset: &usize| self.begun[*asset] && self.shown[*asset];
        let mut verified = (0..self.begun.len()).filter(|asset| rollout.place(*asset) == Some(Place::Verified));
        match verified.find(|asset| !is_proven(asset)) {
            Some(asset) => Err(format!("asset {asset} is verified, and nothing shows it")),
            None => Ok(()),
        }
    }

    fn begins(&mut self, plan: &Plan, asset: usize, now: Timestamp) -> Result<(), String> {
        if std::mem::replace(&mut self.begun[asset], true) {
            return Err("it had begun before".to_owned());
        }
        if self.holds || !self.is_open && !plan.rings[self.ring[asset]].is_test {
            return Err("nothing may begin".to_owned());
        }
        let ends = now + SignedDuration::from_mins(plan.limits.takes_minutes);
        let is_open = match &plan.hours[self.hours[asset]] {
            Hours::Always => true,
            Hours::Within(spans) => spans.iter().any(|(from, until)| *from <= now && ends <= *until),
        };
        if !is_open || ends > plan.until {
            return Err("it is outside of its window, or runs into its end".to_owned());
        }
        if self.under_way.len() >= plan.limits.at_once as usize {
            return Err("as many as may be are under way".to_owned());
        }
        let is_last = self.ring[asset] + 1 == plan.rings.len();
        if !is_last && self.under_way.len() + self.lost.len() >= plan.limits.at_risk as usize {
            return Err("more could be lost than may be".to_owned());
        }
        self.under_way.insert(asset);
        self.reached = self.reached.max(self.ring[asset]);
        if let Some(group) = self.group[asset] {
            let busy = self.busy.entry(group).or_default();
            if !busy.is_empty() {
                return Err("another one of its group is not there".to_owned());
            }
            busy.insert(asset);
        }
        Ok(())
    }

    fn goes_back(&mut self, asset: usize) -> Result<(), String> {
        let group = self.group[asset];
        let mut others = self.under_way.iter().filter(|other| **other != asset && group.is_some());
        if others.any(|other| self.group[*other] == group) {
            return Err("another one of its group is under way".to_owned());
        }
        self.lost.remove(&asset);
        self.under_way.insert(asset);
        if let Some(group) = group {
            self.busy.entry(group).or_default().insert(asset);
        }
        Ok(())
    }

    /// It is not under way any more: its group has it again or not, and it is lost or not.
    fn rests(&mut self, asset: usize, is_there: bool, is_lost: bool) {
        self.under_way.remove(&asset);
        self.lost.remove(&asset);
        if is_lost {
            self.lost.insert(asset);
        }
        if let Some(group) = self.group[asset] {
            let busy = self.busy.entry(group).or_default();
            if is_there {
                busy.remove(&asset);
            } else {
                busy.insert(asset);
            }
        }
    }
}
