//! Rollouts: how far a plan has come, and what may happen next.
//!
//! What happened comes in one event after the other, and the same events make the same rollout on any machine. An asset begins only
//! when it asks and [`Rollout::may_begin`] says yes at that instant: so a pause holds at once, and no clock but the caller's counts.
//! A rollout stops by itself when too much of a ring fails; an asset that falls silent has failed.

mod counts;
mod step;

pub use counts::Count;
pub use step::{Phase, Place, RolloutEvent, Stop, Wait};

use counts::Group;

use crate::plan::Plan;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How far a plan has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    plan: Arc<Plan>,
    phase: Phase,
    /// Whether the gate is passed between the test environments and the others.
    is_open: bool,
    /// When somebody held it, let it go on, passed the gate or turned it back last.
    turned_at: Timestamp,
    /// For each asset, in the order of the plan: its ring, its place in that, its group, and how far it has come.
    assets: Vec<Asset>,
    rings: Vec<Count>,
    groups: Vec<Group>,
    /// When assets that are under way count as silent.
    silent_at: BTreeSet<(Timestamp, usize)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Asset {
    ring: usize,
    hours: usize,
    group: Option<usize>,
    place: Place,
    /// Since when it is there, and when it last began.
    since: Timestamp,
    began_at: Option<Timestamp>,
    silent_at: Option<Timestamp>,
}

impl Rollout {
    /// A rollout of which nothing has happened.
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let named = plan.members().filter_map(|(_, member)| member.group.as_deref());
        let ordered = plan.precedence.iter().flat_map(|one| [one.first.as_str(), one.then.as_str()]);
        for name in named.chain(ordered) {
            let next = names.len();
            names.entry(name).or_insert(next);
        }
        let mut groups = vec![Group::new(plan.rings.len()); names.len()];
        for (name, number) in &names {
            groups[*number].name = (*name).to_owned();
        }
        for one in &plan.precedence {
            groups[names[one.then.as_str()]].after.push(names[one.first.as_str()]);
        }
        let mut rings = vec![Count::default(); plan.rings.len()];
        let mut assets = Vec::with_capacity(plan.assets());
        for (ring, member) in plan.members() {
            let group = member.group.as_deref().map(|name| names[name]);
            rings[ring].enter(Place::Waiting);
            if let Some(group) = group {
                groups[group].enter(ring, Place::Waiting);
            }
            assets.push(Asset {
                ring,
                hours: member.hours,
                group,
                place: Place::Waiting,
                since: plan.made_at,
                began_at: None,
                silent_at: None,
            });
        }
        let rested_at = plan.made_at;
        rings.iter_mut().for_each(|ring| ring.rested_at = rested_at);
        Self {
            phase: Phase::Running,
            is_open: false,
            turned_at: plan.made_at,
            assets,
            rings,
            groups,
            silent_at: BTreeSet::new(),
            plan,
        }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How it stands.
    #[must_use]
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// How far an asset has come, by its number in the plan.
    #[must_use]
    pub fn place(&self, asset: usize) -> Option<Place> {
        self.assets.get(asset).map(|asset| asset.place)
    }

    /// Since when an asset is where it is.
    #[must_use]
    pub fn since(&self, asset: usize) -> Option<Timestamp> {
        self.assets.get(asset).map(|asset| asset.since)
    }

    /// When an asset last began, to change or to go back: what an inventory shows from before shows nothing of it.
    #[must_use]
    pub fn began_at(&self, asset: usize) -> Option<Timestamp> {
        self.assets.get(asset).and_then(|asset| asset.began_at)
    }

    /// How many assets of a ring have come how far.
    #[must_use]
    pub fn ring(&self, ring: usize) -> Option<&Count> {
        self.rings.get(ring)
    }

    /// How many assets are under way.
    #[must_use]
    pub fn under_way(&self) -> u32 {
        self.rings.iter().map(Count::under_way).sum()
    }

    /// The ring that is at work, and until when the one before it is watched if that is not over; none once all are through.
    #[must_use]
    pub fn at_work(&self, now: Timestamp) -> Option<(usize, Option<Timestamp>)> {
        let mut opens_at = Timestamp::MIN;
        for (number, ring) in self.rings.iter().enumerate().filter(|(_, ring)| ring.is_used()) {
            if ring.through_at.is_none() {
                return Some((number, Some(opens_at).filter(|opens| *opens > now)));
            }
            opens_at = opens_at.max(self.watched_until(number));
        }
        None
    }

    /// Whether an asset may begin now; and if not, what it waits for.
    ///
    /// # Errors
    /// What it waits for.
    pub fn may_begin(&self, asset: usize, now: Timestamp) -> Result<(), Wait> {
        let Some(known) = self.assets.get(asset) else { return Err(Wait::NotWaiting(Place::Excluded)) };
        if !matches!(known.place, Place::Waiting | Place::PassedOver) {
            return Err(Wait::NotWaiting(known.place));
        }
        if self.phase != Phase::Running {
            return Err(Wait::Phase(self.phase.clone()));
        }
        match self.at_work(now) {
            Some((ring, None)) if ring >= known.ring => {}
            Some((ring, Some(until))) if ring == known.ring => return Err(Wait::Soak { until }),
            Some((ring, _)) => return Err(Wait::Ring { ring }),
            // All rings are through: who was passed over may still come.
            None => {}
        }
        if !self.is_open && !self.plan.rings[known.ring].is_test {
            return Err(Wait::Gate);
        }
        self.hours_allow(known, now)?;
        self.others_allow(known)
    }

    fn hours_allow(&self, asset: &Asset, now: Timestamp) -> Result<(), Wait> {
        let takes = SignedDuration::from_mins(self.plan.limits.takes_minutes);
        let ends = now.checked_add(takes).unwrap_or(Timestamp::MAX);
        if ends > self.plan.until {
            return Err(Wait::Window { until: None });
        }
        let hours = &self.plan.hours[asset.hours];
        if hours.allow(now, takes) {
            return Ok(());
        }
        let next = hours.next(now, takes);
        Err(Wait::Window {
            until: next.filter(|next| next.checked_add(takes).is_ok_and(|ends| ends <= self.plan.until)),
        })
    }

    fn others_allow(&self, asset: &Asset) -> Result<(), Wait> {
        let (limits, ring) = (&self.plan.limits, &self.rings[asset.ring]);
        let under_way = self.under_way();
        // A ring begins with one asset, and goes on with as many more as have got through.
        if under_way >= limits.at_once.min(ring.through().max(1)) {
            return Err(Wait::AtOnce);
        }
        // Even if everything that is under way is lost, no more is than may be.
        let is_last = asset.ring + 1 == self.rings.len();
        if !is_last && self.rings.iter().map(Count::at_risk).sum::<u32>() >= limits.at_risk {
            return Err(Wait::AtRisk);
        }
        let Some(group) = asset.group.map(|number| &self.groups[number]) else { return Ok(()) };
        if group.is_busy() {
            return Err(Wait::Group);
        }
        match group.after.iter().map(|number| &self.groups[*number]).find(|first| !first.is_through(asset.ring)) {
            Some(first) => Err(Wait::Before { group: first.name.clone() }),
            None => Ok(()),
        }
    }

    /// Whether an asset may go back now: at any hour, but never with another one of its group.
    ///
    /// # Errors
    /// What it waits for.
    pub fn may_go_back(&self, asset: usize) -> Result<(), Wait> {
        let Some(known) = self.assets.get(asset) else { return Err(Wait::NotWaiting(Place::Excluded)) };
        if self.phase != Phase::RollingBack {
            return Err(Wait::Phase(self.phase.clone()));
        }
        if !goes_back(known.place) {
            return Err(Wait::NotWaiting(known.place));
        }
        if self.under_way() >= self.plan.limits.at_once {
            return Err(Wait::AtOnce);
        }
        let is_alone = known.group.is_none_or(|group| self.groups[group].under_way() == 0);
        if is_alone { Ok(()) } else { Err(Wait::Group) }
    }

    /// Since when all test environments are through, if they are: there is nothing to wait for where there are none.
    #[must_use]
    pub fn tested_since(&self) -> Option<Timestamp> {
        let count = self.plan.test_rings();
        if self.plan.rings[..count].iter().all(|ring| ring.members.is_empty()) {
            return Some(self.plan.made_at);
        }
        // Where everything was left out nothing was tested.
        let used = self.rings[..count].iter().filter(|ring| ring.is_used());
        used.map(|ring| ring.through_at).try_fold(None, |last, through_at| Some(last.max(Some(through_at?))))?
    }

    /// The assets that are to be told silent by an instant.
    pub fn silent_by(&self, now: Timestamp) -> impl Iterator<Item = usize> {
        self.silent_at.iter().take_while(move |(at, _)| *at <= now).map(|(_, asset)| *asset)
    }

    /// The next instant at which an asset would count as silent.
    #[must_use]
    pub fn next_silent(&self) -> Option<Timestamp> {
        self.silent_at.first().map(|(at, _)| *at)
    }

    /// The assets that have not begun although they could have for as long as one may be silent, while nothing else was under way;
    /// and the instant at which the next of them would be so.
    #[must_use]
    pub fn passed_over_by(&self, now: Timestamp) -> (Vec<usize>, Option<Timestamp>) {
        let Some((ring, None)) = self.at_work(now) else { return Default::default() };
        let is_open = self.is_open || self.plan.rings[ring].is_test;
        if self.phase != Phase::Running || self.under_way() > 0 || !is_open {
            return Default::default();
        }
        let limits = &self.plan.limits;
        let takes = SignedDuration::from_mins(limits.takes_minutes);
        let patience = SignedDuration::from_mins(limits.patience_minutes);
        let since = self.turned_at.max(self.rings[..=ring].iter().map(|ring| ring.rested_at).max().unwrap_or_default());
        let before = self.rings[..ring].iter().enumerate().filter(|(_, ring)| ring.is_used());
        let since = before.map(|(number, _)| self.watched_until(number)).fold(since, Timestamp::max);
        let could = |asset: &Asset| {
            let begins = self.plan.hours[asset.hours].next(since, takes)?;
            begins.checked_add(patience).ok()
        };
        let (mut passed, mut next) = (Vec::new(), None::<Timestamp>);
        for (number, asset) in self.assets.iter().enumerate() {
            // Who waits for others could not have begun.
            if asset.ring != ring || asset.place != Place::Waiting || self.others_allow(asset).is_err() {
                continue;
            }
            match could(asset) {
                // No window comes any more.
                None => passed.push(number),
                Some(at) if at <= now => passed.push(number),
                Some(at) => next = Some(next.map_or(at, |next| next.min(at))),
            }
        }
        (passed, next)
    }

    /// When a ring's watching is over: never, where it is used and not through.
    fn watched_until(&self, ring: usize) -> Timestamp {
        let soak = SignedDuration::from_hours(self.plan.rings[ring].soak_hours);
        let through_at = self.rings[ring].through_at;
        through_at.and_then(|through_at| through_at.checked_add(soak).ok()).unwrap_or(Timestamp::MAX)
    }

    /// Whether nothing more can happen by itself, so that it is to be ended.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        let nothing_under_way = self.under_way() == 0;
        let is_late = now >= self.plan.until;
        let waits_long = now.duration_since(self.turned_at) >= BACK_WITHIN;
        let goes_back = |asset: &Asset| goes_back(asset.place);
        // Who was passed over may still come, and what waits for a restart is not done.
        let is_open = |ring: &Count| ring.at(Place::PassedOver) + ring.at(Place::RestartPending) > 0;
        let is_watched = |ring: usize| !self.rings[ring].is_used() || now >= self.watched_until(ring);
        match self.phase {
            Phase::Ended => false,
            // What was done can be taken back for a while.
            Phase::Aborted => nothing_under_way && (waits_long || !self.assets.iter().any(goes_back)),
            Phase::RollingBack => {
                // Who is silent goes back when it is heard of again.
                let waits = |asset: &Asset| goes_back(asset) && asset.place != Place::Silent;
                nothing_under_way && (waits_long || !self.assets.iter().any(waits))
            }
            Phase::Running => {
                let is_done = !self.rings.iter().any(is_open) && (0..self.rings.len()).all(is_watched);
                nothing_under_way && (is_done || is_late)
            }
            Phase::Paused | Phase::Stopped(_) => nothing_under_way && is_late,
        }
    }

    /// Whether something can follow from what was before: what is to begin may, and the rest comes after what it comes after.
    #[must_use]
    pub fn follows(&self, event: &RolloutEvent, now: Timestamp) -> bool {
        use Phase::{Aborted, Ended, Paused, Running, Stopped};
        if self.phase == Ended {
            // What was done can be taken back for a while.
            return *event == RolloutEvent::TakenBack && now.duration_since(self.turned_at) < BACK_WITHIN;
        }
        if let Some(asset) = event.asset() {
            let is_next = self.place(asset).is_some_and(|place| event.comes_from().contains(&place));
            return match event {
                RolloutEvent::Begun(_) => self.may_begin(asset, now).is_ok(),
                RolloutEvent::RollingBack(_) => self.may_go_back(asset).is_ok(),
                RolloutEvent::Excluded(_) => is_next && self.may_be_left_out(asset),
                _ => is_next,
            };
        }
        match event {
            RolloutEvent::Started => true,
            RolloutEvent::Opened => !self.is_open,
            RolloutEvent::Paused => matches!(self.phase, Running | Stopped(_)),
            RolloutEvent::Unwell(_) => matches!(self.phase, Running | Paused | Stopped(_)),
            RolloutEvent::Resumed => matches!(self.phase, Paused | Stopped(_)),
            RolloutEvent::Aborted => matches!(self.phase, Running | Paused | Stopped(_)),
            RolloutEvent::TakenBack => matches!(self.phase, Running | Paused | Stopped(_) | Aborted),
            RolloutEvent::Ended => self.under_way() == 0,
            _ => false,
        }
    }

    /// A ring before the last one is not emptied by leaving assets out: nothing would have been proven in it.
    fn may_be_left_out(&self, asset: usize) -> bool {
        let ring = self.assets[asset].ring;
        self.phase == Phase::RollingBack || ring + 1 == self.rings.len() || self.rings[ring].used() > 1
    }

    /// Takes in what happened. What cannot follow from what was before changes nothing, and is said (`false`).
    pub fn apply(&mut self, event: &RolloutEvent, now: Timestamp) -> bool {
        if !self.follows(event, now) {
            return false;
        }
        if let Some(asset) = event.asset()
            && let Some(was) = self.place(asset)
        {
            self.moves(asset, event.leads_to(was), now);
            return true;
        }
        self.turned_at = self.turned_at.max(now);
        match event {
            RolloutEvent::Opened => self.is_open = true,
            RolloutEvent::Resumed => {
                self.rings.iter_mut().for_each(Count::forgive);
                self.phase = Phase::Running;
            }
            RolloutEvent::Paused => self.phase = Phase::Paused,
            RolloutEvent::Unwell(words) if !matches!(self.phase, Phase::Stopped(_)) => {
                self.phase = Phase::Stopped(Stop::Unwell { words: words.clone() });
            }
            RolloutEvent::Aborted => self.phase = Phase::Aborted,
            RolloutEvent::TakenBack => self.phase = Phase::RollingBack,
            RolloutEvent::Ended => self.phase = Phase::Ended,
            _ => {}
        }
        true
    }

    fn moves(&mut self, asset: usize, to: Place, now: Timestamp) {
        let known = &mut self.assets[asset];
        let (ring, was) = (known.ring, known.place);
        if let Some(at) = known.silent_at.take() {
            self.silent_at.remove(&(at, asset));
        }
        (known.place, known.since) = (to, now);
        if matches!(to, Place::Begun | Place::RollingBack) {
            known.began_at = Some(now);
        }
        let limits = &self.plan.limits;
        let patience = match to {
            Place::RestartPending => Some(SignedDuration::from_hours(limits.restart_hours)),
            to if is_under_way(to) => Some(SignedDuration::from_mins(limits.takes_minutes + limits.patience_minutes)),
            _ => None,
        };
        if let Some(patience) = patience {
            let at = now.checked_add(patience).unwrap_or(Timestamp::MAX);
            known.silent_at = Some(at);
            self.silent_at.insert((at, asset));
        }
        if let Some(group) = known.group {
            self.groups[group].leave(ring, was);
            self.groups[group].enter(ring, to);
        }
        let count = &mut self.rings[ring];
        count.leave(was);
        count.enter(to);
        if to != Place::PassedOver {
            count.rested_at = count.rested_at.max(now);
        }
        if count.is_through() && count.through_at.is_none() {
            count.through_at = Some(now);
        }
        self.stop_if_failing(ring);
    }

    fn stop_if_failing(&mut self, ring: usize) {
        if !matches!(self.phase, Phase::Running | Phase::Paused) {
            return;
        }
        let count = &self.rings[ring];
        if let Some(stop) = count.stop(ring, self.plan.limits.failure_threshold) {
            self.phase = Phase::Stopped(stop);
        }
    }
}

/// So long what was done can be taken back, and assets are waited for that are to go back: one that never asks must not keep a rollout
/// open for ever.
pub const BACK_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);

fn goes_back(place: Place) -> bool {
    RolloutEvent::RollingBack(0).comes_from().contains(&place)
}

fn is_under_way(place: Place) -> bool {
    matches!(place, Place::Begun | Place::Installed | Place::RollingBack)
}
