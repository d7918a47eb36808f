//! Planning: from what assets miss, and what the policy says of rings, windows and bounds, to plans.

use crate::error::Error;
use crate::order::Upgrade;
use crate::plan::{Exclusion, Hours, Limits, Member, Plan, Precedence, RingPlan};
use jiff::{SignedDuration, Timestamp};
use policy::Policy;
use policy::promises::{ChangeType, Need, Ring};
use std::collections::BTreeMap;

/// An asset that could be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Its id, as the record has it.
    pub asset: String,
    /// `production`, `test` … if it is known.
    pub environment: Option<String>,
    /// `critical`, `high` … if it is known.
    pub criticality: Option<String>,
    /// The cluster or availability group that it is in.
    pub group: Option<String>,
    /// What it misses.
    pub upgrades: Vec<Upgrade>,
    /// The findings with a patch that fall due on it by the instant for which is planned.
    pub due: Vec<Due>,
}

/// Findings of a class that fall due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The class.
    pub class: String,
    /// How many.
    pub count: u64,
    /// When the first of them does.
    pub first: Timestamp,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What kind of change.
    pub kind: ChangeType,
    /// What for, in words.
    pub title: String,
    /// How it is taken back, in words.
    pub way_back: String,
    /// Until when it may be carried out.
    pub until: Timestamp,
    /// Assets that are left out.
    pub left_out: Vec<Exclusion>,
    /// Groups that have to be through before others begin.
    pub precedence: Vec<Precedence>,
}

/// A change that would be good to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What kind of change.
    pub kind: ChangeType,
    /// Its assets, by their places among the candidates.
    pub candidates: Vec<usize>,
    /// How many findings fall due on them.
    pub due_count: u64,
    /// The first of them.
    pub due: Timestamp,
}

/// No plan is for longer: windows are not followed further.
const MOST_DAYS: i64 = 180;
/// So many percent of a change's assets may be under way or lost before the last ring, where the policy does not say it; and so many
/// at least.
const RISK: (u32, u32) = (1, 2);
/// So many at once, where the policy does not say it.
const AT_ONCE: u32 = 200;
const TAKES_MINUTES: i64 = 60;
const PATIENCE_MINUTES: i64 = 60;

/// Makes a plan for these assets.
///
/// # Errors
/// If there is nothing to do, the policy's windows cannot be read, or names or versions are none.
pub fn plan(candidates: &[Candidate], wanted: Wanted, policy: &Policy, now: Timestamp) -> Result<Plan, Error> {
    let horizon = now.checked_add(SignedDuration::from_hours(24 * MOST_DAYS)).unwrap_or(Timestamp::MAX);
    let until = wanted.until;
    if until > horizon || until <= now {
        return Err(Error::Plan { what: format!("it must end after now and within {MOST_DAYS} days") });
    }
    let left_out = |candidate: &&Candidate| wanted.left_out.iter().any(|left| left.asset == candidate.asset);
    let mut own: Vec<&Candidate> = candidates.iter().filter(|candidate| !candidate.upgrades.is_empty()).collect();
    own.retain(|candidate| !left_out(candidate));
    if own.is_empty() {
        return Err(Error::Plan { what: "no asset misses anything".to_owned() });
    }
    let mut sets = Sets::default();
    let mut hours = Sets::default();
    let mut known_hours: BTreeMap<Option<String>, usize> = BTreeMap::new();
    let mut members = Vec::with_capacity(own.len());
    for candidate in own {
        let environment = candidate.environment.as_ref().map(|name| name.to_ascii_lowercase());
        let hours = match known_hours.get(&environment) {
            Some(known) => *known,
            None => {
                let found = hours_of(policy, environment.as_deref(), (wanted.kind, now, until))?;
                *known_hours.entry(environment.clone()).or_insert(hours.number(found))
            }
        };
        let mut upgrades = candidate.upgrades.clone();
        upgrades.sort();
        upgrades.dedup();
        let upgrades = sets.number(upgrades);
        let member = Member { asset: candidate.asset.clone(), upgrades, hours, group: candidate.group.clone() };
        members.push((environment, member));
    }
    let limits = limits_of(policy, members.len());
    let plan = Plan {
        form: Plan::form(),
        kind: wanted.kind,
        rings: rings_of(policy, (wanted.kind, &wanted.title), members),
        title: wanted.title,
        made_at: now,
        until,
        upgrades: sets.in_order,
        hours: hours.in_order,
        precedence: wanted.precedence,
        limits,
        left_out: wanted.left_out,
        way_back: wanted.way_back,
    };
    plan.check()?;
    Ok(plan)
}

/// The changes that would serve what falls due: one of each type, so that each asset is changed once for all it misses.
#[must_use]
pub fn propose(candidates: &[Candidate], policy: &Policy) -> Vec<Proposal> {
    let mut proposals: BTreeMap<ChangeType, Proposal> = BTreeMap::new();
    for (place, candidate) in candidates.iter().enumerate() {
        let first = candidate.due.iter().map(|due| due.first).min();
        let Some(first) = first.filter(|_| !candidate.upgrades.is_empty()) else { continue };
        let kind = kind_of(candidate, policy);
        let proposal = proposals.entry(kind).or_insert(Proposal {
            kind,
            candidates: Vec::new(),
            due_count: 0,
            due: Timestamp::MAX,
        });
        proposal.candidates.push(place);
        proposal.due_count += candidate.due.iter().map(|due| due.count).sum::<u64>();
        proposal.due = proposal.due.min(first);
    }
    let mut proposals: Vec<Proposal> = proposals.into_values().collect();
    proposals.sort_by_key(|proposal| (proposal.due, proposal.kind));
    proposals
}

/// What kind of change an asset's findings ask for.
fn kind_of(candidate: &Candidate, policy: &Policy) -> ChangeType {
    let emergency = policy.promises.emergency.as_ref();
    let is_emergency = |class: &str| {
        emergency.is_some_and(|emergency| emergency.classes.iter().any(|known| known.as_ref().as_str() == class))
    };
    if candidate.due.iter().any(|due| is_emergency(&due.class)) {
        return ChangeType::Emergency;
    }
    let automatic = policy.promises.deployment.as_ref().and_then(|deployment| deployment.automatic.as_ref());
    let is_automatic = automatic.is_some_and(|automatic| {
        let is_among = |known: &[String], own: Option<&String>| {
            known.is_empty() || own.is_some_and(|own| known.iter().any(|known| known.eq_ignore_ascii_case(own)))
        };
        let says_something = !automatic.criticality.is_empty() || !automatic.environment.is_empty();
        // What is not known of an asset lets it into nothing.
        says_something
            && is_among(&automatic.criticality, candidate.criticality.as_ref())
            && is_among(&automatic.environment, candidate.environment.as_ref())
    });
    if is_automatic { ChangeType::Standard } else { ChangeType::Normal }
}

fn hours_of(
    policy: &Policy,
    environment: Option<&str>,
    (kind, now, until): (ChangeType, Timestamp, Timestamp),
) -> Result<Hours, Error> {
    let openness = policy.openness(environment, kind, (now, until));
    let openness =
        openness.ok_or_else(|| Error::Plan { what: "the policy's windows or freezes cannot be read".to_owned() })?;
    Ok(openness.spans((now, until)).map_or(Hours::Always, Hours::Within))
}

fn limits_of(policy: &Policy, assets: usize) -> Limits {
    let deployment = policy.promises.deployment.as_ref();
    let assets = u32::try_from(assets).unwrap_or(u32::MAX);
    let percent =
        deployment.and_then(|deployment| deployment.blast_radius.as_ref()).map_or(RISK.0, |own| *own.as_ref());
    let at_once = deployment.and_then(|deployment| deployment.at_once.as_ref()).map_or(AT_ONCE, |own| *own.as_ref());
    Limits {
        // A policy that names no share stops at the first.
        failure_threshold: deployment.map_or(0, |deployment| *deployment.failure_threshold.as_ref()),
        at_once: at_once.max(1),
        at_risk: (assets.saturating_mul(percent) / 100).max(RISK.1),
        takes_minutes: TAKES_MINUTES,
        patience_minutes: PATIENCE_MINUTES,
    }
}

/// Puts assets into the policy's rings: each into the first whose environment is its own and whose share has room.
fn rings_of(
    policy: &Policy,
    (kind, title): (ChangeType, &str),
    mut members: Vec<(Option<String>, Member)>,
) -> Vec<RingPlan> {
    // An emergency that need not soak is not watched between its rings either: it still goes ring by ring.
    let skips = policy.promises.emergency.as_ref().map_or(&[][..], |emergency| &emergency.skips);
    let is_watched = kind != ChangeType::Emergency || !skips.contains(&Need::Soak);
    // The same assets must not always be the first ones.
    members.sort_by_cached_key(|(_, member)| (mixed(title, &member.asset), member.asset.clone()));
    let named: Vec<(&str, i64)> = policy
        .promises
        .rings
        .iter()
        .map(|ring| {
            let hours = if is_watched { ring.soak.longest_hours() } else { 0 };
            (ring.id.as_ref().as_str(), hours)
        })
        .collect();
    let Some(first) = policy.promises.rings.first().map(|_| &policy.promises.rings) else {
        let (first, rest) = shared(members, CANARY_PERCENT);
        let ring = |id: &str, members: Vec<(Option<String>, Member)>| {
            ring_plan((id, if is_watched { 24 } else { 0 }), members)
        };
        return vec![ring("canary", first), ring("rest", rest)];
    };
    let tested = policy.promises.testing.as_ref().map_or(&[][..], |testing| &testing.environments);
    let is_test = |ring: &Ring| {
        let is_known = |own: &String| tested.iter().any(|known| known.as_ref().eq_ignore_ascii_case(own));
        !ring.environment.is_empty() && ring.environment.iter().all(is_known)
    };
    let mut is_first = true;
    let mut rings = Vec::new();
    for (ring, named) in first.iter().zip(named) {
        let (own, others): (Vec<_>, Vec<_>) = members.into_iter().partition(|(environment, _)| {
            let is_own = |own: &String| environment.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(own));
            ring.environment.is_empty() || ring.environment.iter().any(is_own)
        });
        let (own, rest) = match share(ring) {
            Some(percent) => shared(own, percent),
            None => (own, Vec::new()),
        };
        members = others;
        members.extend(rest);
        rings.push(RingPlan { is_test: is_first && is_test(ring), ..ring_plan(named, own) });
        is_first &= is_test(ring);
    }
    // A checked policy has a last ring that takes in every asset that is left.
    if !members.is_empty() {
        rings.push(ring_plan(("rest", 0), members));
    }
    rings
}

/// Where a policy names no rings, so many percent go first.
const CANARY_PERCENT: u32 = 5;

fn share(ring: &Ring) -> Option<u32> {
    ring.share.as_ref().map(|share| *share.as_ref())
}

/// A share of some assets, one at least, with no two of a group; and the others.
#[expect(clippy::type_complexity, reason = "the same kind of list twice")]
fn shared(
    members: Vec<(Option<String>, Member)>,
    percent: u32,
) -> (Vec<(Option<String>, Member)>, Vec<(Option<String>, Member)>) {
    let most = (members.len() * percent as usize).div_ceil(100);
    let mut groups = std::collections::BTreeSet::new();
    let mut taken = 0;
    members.into_iter().partition(|(_, member)| {
        let is_new = member.group.as_ref().is_none_or(|group| groups.insert(group.clone()));
        let is_taken = taken < most && is_new;
        taken += usize::from(is_taken);
        is_taken
    })
}

fn ring_plan((id, soak_hours): (&str, i64), members: Vec<(Option<String>, Member)>) -> RingPlan {
    let members = members.into_iter().map(|(_, member)| member).collect();
    RingPlan { id: id.to_owned(), is_test: false, soak_hours, members }
}

/// A number that looks like chance, and is the same everywhere: FNV-1a, its bits mixed once more.
fn mixed(title: &str, asset: &str) -> u64 {
    let bytes = title.bytes().chain([0]).chain(asset.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd)
}

/// Things, each once, in the order in which they came.
struct Sets<T> {
    in_order: Vec<T>,
    numbers: BTreeMap<T, usize>,
}

impl<T> Default for Sets<T> {
    fn default() -> Self {
        Self { in_order: Vec::new(), numbers: BTreeMap::new() }
    }
}

impl<T: Ord + Clone> Sets<T> {
    fn number(&mut self, one: T) -> usize {
        if let Some(known) = self.numbers.get(&one) {
            return *known;
        }
        self.in_order.push(one.clone());
        self.numbers.insert(one, self.in_order.len() - 1);
        self.in_order.len() - 1
    }
}
