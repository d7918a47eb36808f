//! A fleet that is played: hosts that are slow, die, lie, fall silent or refuse take part in a rollout, people hold it and let it go
//! on, the service is killed and comes back; and whatever may never happen is looked for at each step.

mod host;
mod watch;

pub use host::{Faults, Nature};

use change::{Phase, Place, Plan, Rollout, RolloutEvent, Wait};
use jiff::{SignedDuration, Timestamp};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use watch::Watch;

/// Chance that is the same on any machine: SplitMix64.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Chance from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another one.
    pub fn below(&mut self, most: u64) -> u64 {
        self.number() % most.max(1)
    }

    /// Whether it happens that happens so many times in ten thousand.
    pub fn happens(&mut self, times: u64) -> bool {
        self.below(10_000) < times
    }
}

/// What people do while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum People {
    /// They let it run, and abort it once it has stopped.
    Abort,
    /// They take it back once it has stopped.
    TakeBack,
    /// They hold it and let it go on, also where it stopped.
    Meddle,
}

/// What is played.
#[derive(Debug, Clone)]
pub struct Play {
    /// What goes wrong.
    pub faults: Faults,
    /// What people do.
    pub people: People,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// The ring in which it stopped by itself first.
    pub stopped_in: Option<usize>,
    /// How many hosts it killed.
    pub killed: u32,
    /// How many are verified at its end.
    pub verified: u32,
    /// How many are as they were before.
    pub as_before: u32,
    /// The last ring that any host of has begun.
    pub reached: usize,
    /// How many events there were.
    pub events: usize,
}

/// What is to happen to whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Ask(usize),
    Tell(usize, Told),
    Person,
    Approve,
}

/// What a host says, or an inventory shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Installed,
    Shown(bool),
    Failed(bool),
    Refused,
    RolledBack,
}

struct Fleet {
    rollout: Rollout,
    watch: Watch,
    natures: Vec<Nature>,
    chance: Chance,
    now: Timestamp,
    queue: BinaryHeap<Reverse<(Timestamp, u64, Next)>>,
    count: u64,
    /// Who asked and has to wait until something moves.
    parked: VecDeque<usize>,
    /// The first asset that was never woken.
    woken: usize,
    rings: Vec<usize>,
    happened: Vec<(RolloutEvent, Timestamp)>,
    people: People,
    resumed: u32,
    /// Whether somebody was asked for an approval.
    is_asked: bool,
    /// How much had happened when everybody was asked last.
    asked_at: usize,
}

/// Plays a plan with a seed.
///
/// # Errors
/// What happened that never may, in words.
pub fn play(plan: &Arc<Plan>, play: &Play, seed: u64) -> Result<Played, String> {
    let mut chance = Chance::new(seed);
    let natures = (0..plan.assets()).map(|_| play.faults.nature(&mut chance)).collect();
    let mut ends = Vec::new();
    for ring in &plan.rings {
        ends.push(ends.last().copied().unwrap_or(0) + ring.members.len());
    }
    let mut fleet = Fleet {
        rollout: Rollout::new(Arc::clone(plan)),
        watch: Watch::new(plan),
        natures,
        now: plan.made_at,
        queue: BinaryHeap::new(),
        count: 0,
        parked: VecDeque::new(),
        woken: 0,
        rings: ends,
        happened: Vec::new(),
        people: play.people,
        resumed: 0,
        is_asked: false,
        asked_at: usize::MAX,
        chance,
    };
    fleet.run()
}

impl Fleet {
    fn run(&mut self) -> Result<Played, String> {
        if self.people == People::Meddle {
            let hours = self.chance.below(96);
            self.later(SignedDuration::from_mins(i64::try_from(hours * 60).unwrap_or(0)), Next::Person);
        }
        let killed_at = self.chance.happens(500).then(|| self.chance.below(20_000));
        while *self.rollout.phase() != Phase::Ended {
            self.wake();
            self.step()?;
            if Some(self.count) == killed_at {
                self.comes_back()?;
            }
        }
        self.comes_back()?;
        self.watch.holds_at_the_end(&self.rollout)?;
        let rings = 0..self.rollout.plan().rings.len();
        let count = |places: &[Place]| {
            let at = |ring: usize| {
                self.rollout.ring(ring).map_or(0, |ring| places.iter().map(|place| ring.at(*place)).sum())
            };
            rings.clone().map(at).sum::<u32>()
        };
        Ok(Played {
            stopped_in: self.watch.stopped_in,
            killed: self.watch.killed,
            reached: self.watch.reached,
            verified: count(&[Place::Verified]),
            as_before: count(&[
                Place::Failed,
                Place::RolledBack,
                Place::Waiting,
                Place::PassedOver,
                Place::Refused,
                Place::Excluded,
            ]),
            events: self.happened.len(),
        })
    }

    /// The next thing happens.
    fn step(&mut self) -> Result<(), String> {
        let next = self.queue.pop().map(|Reverse((at, _, next))| (at, next));
        // Where nothing is to happen somebody looks now and then.
        let (passed, passing) =
            if self.queue.is_empty() { self.rollout.passed_over_by(self.now) } else { Default::default() };
        for asset in passed {
            self.happens(RolloutEvent::PassedOver(asset))?;
        }
        let silent = self.rollout.next_silent().unwrap_or(self.rollout.plan().until);
        // Whatever comes, time goes on.
        let idle = passing.map_or(silent, |passing| passing.min(silent)).max(self.now + SignedDuration::from_mins(1));
        let (at, next) = match next {
            Some((at, next)) if at <= idle => (at, Some(next)),
            Some((at, next)) => {
                self.count += 1;
                self.queue.push(Reverse((at, self.count, next)));
                (idle, None)
            }
            None => (idle, None),
        };
        self.now = self.now.max(at);
        if self.now > self.rollout.plan().until + SignedDuration::from_hours(24 * 60) {
            return Err(format!("it does not end: {:?} at {}", self.rollout.phase(), self.now));
        }
        let silent: Vec<usize> = self.rollout.silent_by(self.now).collect();
        for asset in silent {
            self.happens(RolloutEvent::Silent(asset))?;
        }
        match next {
            Some(Next::Ask(asset)) => self.asks(asset)?,
            Some(Next::Tell(asset, told)) => self.tells(asset, told)?,
            Some(Next::Person) => self.meddles()?,
            Some(Next::Approve) => {
                self.may_happen(RolloutEvent::Opened)?;
                self.unpark(usize::MAX);
            }
            None => {}
        }
        if matches!(self.rollout.phase(), Phase::Stopped(_)) {
            self.decides()?;
        }
        if self.rollout.is_over(self.now) {
            self.happens(RolloutEvent::Ended)?;
        }
        Ok(())
    }

    /// Whoever may have a chance now asks.
    fn wake(&mut self) {
        let Some((ring, _)) = self.rollout.at_work(self.now) else { return };
        // Whoever approves waits until the test environments are through.
        if !self.is_asked && self.rollout.tested_since().is_some() {
            self.is_asked = true;
            let hours = i64::try_from(self.chance.below(72)).unwrap_or(0);
            self.later(SignedDuration::from_hours(hours), Next::Approve);
        }
        while self.woken < self.rings[ring] {
            let minutes = self.chance.below(30);
            self.later(SignedDuration::from_secs(i64::try_from(minutes).unwrap_or(0)), Next::Ask(self.woken));
            self.woken += 1;
        }
        // Where nothing has happened since, asking again gives the same answer.
        if self.queue.is_empty() && self.asked_at != self.happened.len() {
            self.asked_at = self.happened.len();
            self.unpark(usize::MAX);
        }
    }

    fn unpark(&mut self, most: usize) {
        for _ in 0..most.min(self.parked.len()) {
            let Some(asset) = self.parked.pop_front() else { return };
            let seconds = 1 + self.chance.below(59);
            self.later(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(1)), Next::Ask(asset));
        }
    }

    fn later(&mut self, after: SignedDuration, next: Next) {
        self.at(self.now + after, next);
    }

    fn at(&mut self, at: Timestamp, next: Next) {
        self.count += 1;
        self.queue.push(Reverse((at, self.count, next)));
    }

    fn asks(&mut self, asset: usize) -> Result<(), String> {
        if self.natures[asset] == Nature::Away || self.watch.is_dead(asset) {
            return Ok(());
        }
        if *self.rollout.phase() == Phase::RollingBack {
            return self.asks_to_go_back(asset);
        }
        match self.rollout.may_begin(asset, self.now) {
            Ok(()) => {
                self.happens(RolloutEvent::Begun(asset))?;
                let takes = self.rollout.plan().limits.takes_minutes;
                for (after, told) in self.natures[asset].course(takes, &mut self.chance) {
                    self.later(after, Next::Tell(asset, told));
                }
                if self.natures[asset] == Nature::Dies {
                    self.watch.dies(asset);
                }
            }
            Err(Wait::Soak { until } | Wait::Window { until: Some(until) }) => {
                let seconds = i64::try_from(self.chance.below(120)).unwrap_or(0);
                self.at(until + SignedDuration::from_secs(seconds), Next::Ask(asset));
            }
            Err(Wait::Window { until: None } | Wait::NotWaiting(_)) => {}
            Err(_) => self.parked.push_back(asset),
        }
        Ok(())
    }

    fn asks_to_go_back(&mut self, asset: usize) -> Result<(), String> {
        if self.natures[asset] == Nature::Vanishes {
            return Ok(());
        }
        match self.rollout.may_go_back(asset) {
            Ok(()) => {
                self.happens(RolloutEvent::RollingBack(asset))?;
                let minutes = i64::try_from(1 + self.chance.below(20)).unwrap_or(1);
                let told = if self.chance.happens(50) { Told::Failed(false) } else { Told::RolledBack };
                self.later(SignedDuration::from_mins(minutes), Next::Tell(asset, told));
            }
            Err(Wait::NotWaiting(_) | Wait::Phase(_)) => {}
            Err(_) => self.parked.push_back(asset),
        }
        Ok(())
    }

    fn tells(&mut self, asset: usize, told: Told) -> Result<(), String> {
        let event = match told {
            Told::Installed => RolloutEvent::Installed(asset),
            Told::Shown(runs) => RolloutEvent::Shown(asset, runs),
            Told::Failed(is_as_before) => RolloutEvent::Failed(asset, is_as_before),
            Told::Refused => RolloutEvent::Refused(asset),
            Told::RolledBack => RolloutEvent::RolledBack(asset),
        };
        // What comes late, or twice, changes nothing.
        self.may_happen(event)?;
        if *self.rollout.phase() == Phase::RollingBack {
            self.later(SignedDuration::from_mins(1), Next::Ask(asset));
        }
        // Two for each that got through: so rings grow.
        self.unpark(2);
        Ok(())
    }

    fn meddles(&mut self) -> Result<(), String> {
        let event = match (self.rollout.phase(), self.chance.below(8)) {
            (Phase::Running, 0) => RolloutEvent::Aborted,
            (Phase::Running, 1) => RolloutEvent::TakenBack,
            (Phase::Running, _) => RolloutEvent::Paused,
            (Phase::Paused, _) => RolloutEvent::Resumed,
            _ => return Ok(()),
        };
        self.happens(event)?;
        self.everybody_asks();
        let hours = i64::try_from(1 + self.chance.below(48)).unwrap_or(1);
        self.later(SignedDuration::from_hours(hours), Next::Person);
        Ok(())
    }

    /// It has stopped by itself, and somebody says what is to become of it.
    fn decides(&mut self) -> Result<(), String> {
        let event = match self.people {
            People::Abort => RolloutEvent::Aborted,
            People::TakeBack => RolloutEvent::TakenBack,
            People::Meddle if self.resumed < 3 => {
                self.resumed += 1;
                RolloutEvent::Resumed
            }
            People::Meddle => RolloutEvent::TakenBack,
        };
        self.happens(event)?;
        self.everybody_asks();
        Ok(())
    }

    fn everybody_asks(&mut self) {
        self.unpark(usize::MAX);
        if *self.rollout.phase() == Phase::RollingBack {
            for asset in 0..self.woken {
                let seconds = i64::try_from(self.chance.below(60)).unwrap_or(0);
                self.later(SignedDuration::from_secs(seconds), Next::Ask(asset));
            }
        }
    }

    fn happens(&mut self, event: RolloutEvent) -> Result<(), String> {
        let words = format!("{event:?} at {} cannot follow", self.now);
        if self.may_happen(event)? { Ok(()) } else { Err(words) }
    }

    fn may_happen(&mut self, event: RolloutEvent) -> Result<bool, String> {
        let follows = self.rollout.apply(&event, self.now);
        if follows {
            self.watch.sees(self.rollout.plan(), &event, self.now)?;
            self.watch.looks(&self.rollout);
            self.happened.push((event, self.now));
        }
        Ok(follows)
    }

    /// The service was killed, and reads again what happened.
    fn comes_back(&self) -> Result<(), String> {
        let mut again = Rollout::new(Arc::new(self.rollout.plan().clone()));
        for (event, at) in &self.happened {
            if !again.apply(event, *at) {
                return Err(format!("{event:?} at {at} cannot follow when it is read again"));
            }
        }
        if again == self.rollout { Ok(()) } else { Err("what is read again is not what was".to_owned()) }
    }
}
