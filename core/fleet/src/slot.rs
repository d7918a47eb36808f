//! Slots: what is gathered of one finding, and what decides about it.

use crate::deadline::Profile;
use crate::evaluate::{Question, intervals_of};
use crate::fact::{Claim, Instant, OPEN};
use crate::facts::Facts;
use crate::judgement::Standing;
use lifecycle::Decision;
use rustc_hash::{FxHashMap, FxHashSet};

/// What is gathered of one finding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    /// When it was seen first.
    pub(crate) start: Instant,
    /// When the last of what is gone went.
    pub(crate) ended: Instant,
    /// Which profiles there are or were.
    pub(crate) ever: u32,
    /// Which there are.
    pub(crate) now: u32,
    /// The strongest standing now; none where it is closed.
    pub(crate) standing: Option<Standing>,
}

pub(crate) const EMPTY: Slot = Slot { start: OPEN, ended: Instant::MIN, ever: 0, now: 0, standing: None };

impl Slot {
    /// Adds an interval in which something carried it; one that ends where the same goes on in other words ends nothing.
    pub(crate) fn add(
        &mut self,
        (from, until): (Instant, Instant),
        at: Instant,
        (profile, standing): (u32, Standing),
        goes_on: bool,
    ) {
        if from >= until || from > at {
            return;
        }
        self.start = self.start.min(from);
        self.ever |= profile;
        if until > at {
            self.now |= profile;
            self.standing = Some(self.standing.map_or(standing, |known| known.min(standing)));
        } else {
            self.ended = if goes_on { self.ended } else { self.ended.max(until) };
        }
    }

    /// Whether something that carried it has ended: then it may have been closed for a while.
    pub(crate) fn has_past(&self) -> bool {
        self.ended > Instant::MIN
    }

    /// It was seen before, under another id.
    pub(crate) fn seen_before(&mut self, from: Instant, at: Instant) {
        if self.start != OPEN && from <= at {
            self.start = self.start.min(from);
        }
    }
}

/// Where claims begin, so that it can be told of one that ends whether the same goes on in other words.
pub(crate) struct Begun(FxHashSet<(u32, Instant)>);

impl Begun {
    /// Of claims on things (or on vulnerabilities), by their numbers.
    pub(crate) fn of<'c>(claims: impl Iterator<Item = (u32, &'c Claim)> + Clone) -> Self {
        let is_any_over = claims.clone().any(|(_, claim)| claim.until != OPEN);
        Self(if is_any_over {
            claims.map(|(number, claim)| (number, claim.from)).collect()
        } else {
            FxHashSet::default()
        })
    }

    /// Whether what is claimed goes on where an interval ends.
    pub(crate) fn goes_on(&self, number: u32, until: Instant) -> bool {
        until != OPEN && self.0.contains(&(number, until))
    }
}

/// Room for one finding of each asset, used for one vulnerability after the other.
pub(crate) struct Scratch {
    pub(crate) slots: Vec<Slot>,
    pub(crate) touched: Vec<u32>,
}

impl Scratch {
    pub(crate) fn new(assets: usize) -> Self {
        Self { slots: vec![EMPTY; assets], touched: Vec::new() }
    }

    pub(crate) fn slot(&mut self, asset: u32) -> &mut Slot {
        let slot = &mut self.slots[asset as usize];
        if slot.start == OPEN {
            self.touched.push(asset);
        }
        slot
    }
}

/// The distinct profiles of a vulnerability's claims; beyond 32 the last stands for the rest.
pub(crate) struct Profiles {
    pub(crate) known: Vec<Profile>,
    bits: FxHashMap<u32, u32>,
}

impl Profiles {
    pub(crate) fn of(facts: &Facts, claims: &[Claim]) -> Self {
        let (mut known, mut bits): (Vec<Profile>, FxHashMap<u32, u32>) = Default::default();
        for claim in claims {
            if bits.contains_key(&claim.detail) {
                continue;
            }
            let profile = Profile::of(&facts.details[claim.detail as usize]);
            let place = known.iter().position(|other| *other == profile).unwrap_or_else(|| {
                known.push(profile);
                known.len() - 1
            });
            bits.insert(claim.detail, 1 << place.min(31));
        }
        Self { known, bits }
    }

    pub(crate) fn bit(&self, claim: &Claim) -> u32 {
        self.bits.get(&claim.detail).copied().unwrap_or(0)
    }

    /// The profiles that decide a deadline: where a patch exists now, all patches that there were; else what is there.
    pub(crate) fn deciding(&self, slot: &Slot) -> u32 {
        self.deciding_of(slot.ever, slot.now)
    }

    /// The same, of the profiles that there ever were and those that there are.
    pub(crate) fn deciding_of(&self, ever: u32, now: u32) -> u32 {
        let fixed = self.known.iter().enumerate().filter(|(_, profile)| profile.has_fix);
        let fixed = fixed.fold(0, |mask, (place, _)| mask | 1 << place.min(31));
        if now & fixed != 0 { ever & fixed } else { now }
    }

    pub(crate) fn in_mask(&self, mask: u32) -> Vec<&Profile> {
        let is_in = |place: usize| mask & (1 << place.min(31)) != 0;
        self.known.iter().enumerate().filter(|(place, _)| is_in(*place)).map(|(_, profile)| profile).collect()
    }
}

/// Decisions on one vulnerability that hold.
pub(crate) struct Decided<'d>(pub(crate) Vec<&'d Decision>);

impl<'d> Decided<'d> {
    pub(crate) fn on(question: &'d Question, facts: &Facts, vulnerability: usize) -> Self {
        if question.decisions.is_empty() {
            return Self(Vec::new());
        }
        let known = &facts.vulnerabilities[vulnerability];
        let aliases = known.signals.last().map(|(_, signals)| signals.aliases.as_slice()).unwrap_or_default();
        let is_on =
            |id: &str| known.id.eq_ignore_ascii_case(id) || aliases.iter().any(|own| own.eq_ignore_ascii_case(id));
        Self(question.decisions.iter().filter(|decision| is_on(&decision.reach.vulnerability)).collect())
    }

    /// Whether everything that ever carried the vulnerability on an asset is set aside.
    pub(crate) fn sets_aside(&self, facts: &Facts, vulnerability: usize, asset: u32) -> bool {
        let claims = &facts.vulnerabilities[vulnerability].claims;
        let mut carriers = claims.iter().filter(|claim| !intervals_of(facts, claim.thing, asset).is_empty());
        !self.0.is_empty() && carriers.all(|claim| self.find(facts, claim.thing, asset).is_some())
    }

    /// The decision that sets a thing aside on an asset.
    pub(crate) fn find(&self, facts: &Facts, thing: u32, asset: u32) -> Option<&'d Decision> {
        let names = |decision: &&&Decision| {
            let is_package = decision.reach.package.as_ref();
            is_package.is_none_or(|package| facts.things[thing as usize].thing.is_named(package))
                && (decision.reach.assets.is_empty()
                    || decision.reach.assets.contains(&facts.assets[asset as usize].id))
        };
        self.0.iter().find(names).copied()
    }
}
