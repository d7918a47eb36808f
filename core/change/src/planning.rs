//! Planning: from what assets miss, and what the policy says of rings, windows and bounds, to plans.

mod rings;

use crate::error::Error;
use crate::needs::{Health, Needs};
use crate::order::Upgrade;
use crate::plan::{Exclusion, Hours, Limits, Member, Plan, Precedence, Span};
use jiff::{SignedDuration, Timestamp};
use policy::Policy;
use policy::promises::ChangeType;
use rings::{Placed, is_tested, rings_of};
use std::collections::{BTreeMap, BTreeSet};

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
    /// The team whose it is, if somebody's.
    pub owner: Option<String>,
    /// What it misses.
    pub upgrades: Vec<Upgrade>,
    /// What that needs beside its packages.
    pub needs: Needs,
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
    /// What holds on each asset before it begins and after.
    pub health: BTreeSet<Health>,
    /// What makes it an emergency, where no class does: one of those that the policy names.
    pub trigger: Option<String>,
}

/// What is known of an asset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Said<'a> {
    /// `production`, `test` …
    pub environment: Option<&'a str>,
    /// `critical`, `high` …
    pub criticality: Option<&'a str>,
    /// The team whose it is.
    pub owner: Option<&'a str>,
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
/// How long an asset may wait for a restart, where the policy does not say it.
const RESTART_HOURS: i64 = 72;

/// Makes a plan for these assets.
///
/// # Errors
/// If there is nothing to do, the policy's windows cannot be read, or names or versions are none.
pub fn plan(candidates: &[Candidate], mut wanted: Wanted, policy: &Policy, now: Timestamp) -> Result<Plan, Error> {
    let horizon = now.checked_add(SignedDuration::from_hours(24 * MOST_DAYS)).unwrap_or(Timestamp::MAX);
    let until = wanted.until;
    if until > horizon || until <= now {
        return Err(Error::Plan { what: format!("it must end after now and within {MOST_DAYS} days") });
    }
    if wanted.kind == ChangeType::Emergency {
        check_within(policy, until, now)?;
    }
    check_trigger(policy, (wanted.kind, wanted.trigger.as_deref()))?;
    check_left_out(candidates, &wanted.left_out)?;
    let own = taken_in(candidates, &mut wanted, policy);
    if own.is_empty() {
        let article = if wanted.kind == ChangeType::Emergency { "an" } else { "a" };
        let what = format!("no asset misses anything that {article} {} change could bring", wanted.kind);
        return Err(Error::Plan { what });
    }
    let mut sets = Sets::default();
    let mut hours = Sets::default();
    let mut known_hours: BTreeMap<Option<String>, usize> = BTreeMap::new();
    let mut members = Vec::with_capacity(own.len());
    let mut needs: Vec<Needs> = Vec::new();
    let teams = teams_of(own.iter().map(|candidate| candidate.owner.as_deref()));
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
        match needs.get_mut(upgrades) {
            Some(known) => known.take_in(&candidate.needs),
            None => needs.push(candidate.needs.clone()),
        }
        let member = Member { asset: candidate.asset.clone(), upgrades, hours, group: candidate.group.clone() };
        members.push(Placed { environment, member });
    }
    let limits = limits_of(policy, members.len());
    let plan = Plan {
        form: Plan::FORM,
        kind: wanted.kind,
        rings: rings_of(policy, (wanted.kind, &wanted.title), members),
        title: wanted.title,
        made_at: now,
        until,
        upgrades: sets.in_order,
        needs,
        health: wanted.health,
        trigger: wanted.trigger,
        hours: hours.in_order,
        precedence: wanted.precedence,
        limits,
        left_out: wanted.left_out,
        teams,
        way_back: wanted.way_back,
    };
    plan.check()?;
    Ok(plan)
}

/// The teams whose assets these are; none where nobody owns one of them.
fn teams_of<'a>(owners: impl Iterator<Item = Option<&'a str>>) -> Option<BTreeSet<String>> {
    owners.map(|owner| owner.map(str::to_owned)).collect()
}

/// Says no to what is left out and would not be changed anyway: a name that is misspelt leaves nothing out.
fn check_left_out(candidates: &[Candidate], left_out: &[Exclusion]) -> Result<(), Error> {
    for left in left_out {
        let asset = left.asset.escape_debug();
        if left.reason.trim().is_empty() {
            return Err(Error::Plan { what: format!("asset `{asset}` is left out, and nobody says why") });
        }
        if !candidates.iter().any(|candidate| candidate.asset == left.asset) {
            return Err(Error::Plan { what: format!("asset `{asset}` is left out, and would not be changed anyway") });
        }
    }
    Ok(())
}

/// The candidates that are taken in. What passes fewer gates is for those alone that the policy lets pass them: the others are left out.
fn taken_in<'c>(candidates: &'c [Candidate], wanted: &mut Wanted, policy: &Policy) -> Vec<&'c Candidate> {
    let is_wanted = |candidate: &&Candidate| {
        !candidate.upgrades.is_empty() && !wanted.left_out.iter().any(|left| left.asset == candidate.asset)
    };
    let all = candidates.iter().filter(is_wanted);
    let (own, others): (Vec<_>, Vec<&Candidate>) =
        all.partition(|candidate| wanted.trigger.is_some() || is_of(candidate, wanted.kind, policy));
    let reason = format!("it is none that the policy lets pass as {}", wanted.kind);
    let left = |other: &&Candidate| Exclusion { asset: other.asset.clone(), reason: reason.clone() };
    wanted.left_out.extend(others.iter().map(left));
    own
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
    let kinds = [ChangeType::Emergency, ChangeType::Standard];
    kinds.into_iter().find(|kind| is_of(candidate, *kind, policy)).unwrap_or(ChangeType::Normal)
}

/// Whether an asset may be in a change of a type: in one that passes every gate each may.
fn is_of(candidate: &Candidate, kind: ChangeType, policy: &Policy) -> bool {
    match kind {
        ChangeType::Normal => true,
        ChangeType::Standard => is_automatic(candidate, policy),
        ChangeType::Emergency => {
            let classes = policy.promises.emergency.as_ref().map_or(&[][..], |emergency| &emergency.classes);
            let is_emergency = |due: &Due| classes.iter().any(|class| *class.as_ref() == due.class);
            candidate.due.iter().any(is_emergency)
        }
    }
}

/// Whether the policy has anything patched without anybody's word.
#[must_use]
pub fn has_automatic(policy: &Policy) -> bool {
    let automatic = policy.promises.deployment.as_ref().and_then(|deployment| deployment.automatic.as_ref());
    automatic.is_some_and(|automatic| !automatic.criticality.is_empty() || !automatic.environment.is_empty())
}

/// Whether the policy has an asset patched without anybody's word.
#[must_use]
pub fn is_automatic(candidate: &Candidate, policy: &Policy) -> bool {
    is_named(policy, (candidate.environment.as_deref(), candidate.criticality.as_deref()))
}

/// Whether an asset is in a test environment of the policy.
#[must_use]
pub fn is_in_test(candidate: &Candidate, policy: &Policy) -> bool {
    candidate.environment.as_deref().is_some_and(|own| is_tested(policy, own))
}

/// Whether the policy names such an asset among those that are patched without anybody's word.
fn is_named(policy: &Policy, (environment, criticality): (Option<&str>, Option<&str>)) -> bool {
    let automatic = policy.promises.deployment.as_ref().and_then(|deployment| deployment.automatic.as_ref());
    automatic.is_some_and(|automatic| {
        let is_among = |known: &[String], own: Option<&str>| {
            known.is_empty() || own.is_some_and(|own| known.iter().any(|known| known.eq_ignore_ascii_case(own)))
        };
        // What is not known of an asset lets it into nothing.
        has_automatic(policy)
            && is_among(&automatic.criticality, criticality)
            && is_among(&automatic.environment, environment)
    })
}

/// What makes an emergency is what the policy says.
fn check_trigger(policy: &Policy, (kind, trigger): (ChangeType, Option<&str>)) -> Result<(), Error> {
    let Some(trigger) = trigger else { return Ok(()) };
    let known = policy.promises.emergency.as_ref().map_or(&[][..], |emergency| &emergency.triggers);
    if kind == ChangeType::Emergency && known.iter().any(|known| known == trigger) {
        return Ok(());
    }
    let what = match (kind, known) {
        (ChangeType::Emergency, []) => {
            "the policy names nothing that makes an emergency, beside its classes".to_owned()
        }
        (ChangeType::Emergency, known) => {
            format!("`{}` makes no emergency; what does: {}", trigger.escape_debug(), known.join(", "))
        }
        _ => format!("nothing has to make a {kind} change"),
    };
    Err(Error::Plan { what })
}

/// An emergency is over within the time that the policy gives.
fn check_within(policy: &Policy, until: Timestamp, now: Timestamp) -> Result<(), Error> {
    let Some(emergency) = &policy.promises.emergency else {
        return Err(Error::Plan { what: "the policy knows no emergencies".to_owned() });
    };
    let within = *emergency.within.as_ref();
    match until <= rules::after(now, within) {
        true => Ok(()),
        false => Err(Error::Plan { what: format!("an emergency is over within {within}") }),
    }
}

/// Says no to a plan that is not one of the policy: whose bounds, hours, test environments, teams or assets another one would have.
///
/// # Errors
/// What differs.
pub fn conforms<'a>(plan: &Plan, policy: &Policy, said: impl Fn(&str) -> Option<Said<'a>>) -> Result<(), Error> {
    let other = |what: String| Err(Error::Plan { what });
    let bounds = limits_of(policy, plan.assets());
    let bounds = if plan.form == 1 { Limits { restarts: None, ..bounds } } else { bounds };
    if plan.limits != bounds {
        return other("its bounds are not those of the policy".to_owned());
    }
    if plan.kind == ChangeType::Emergency {
        check_within(policy, plan.until, plan.made_at)?;
    }
    check_trigger(policy, (plan.kind, plan.trigger.as_deref()))?;
    let mut known: BTreeMap<Option<String>, Hours> = BTreeMap::new();
    let mut owners = Vec::with_capacity(plan.assets());
    for (ring, member) in plan.members() {
        let Some(Said { environment, criticality, owner }) = said(&member.asset) else {
            return other(format!("asset `{}` is not registered", member.asset.escape_debug()));
        };
        owners.push(owner);
        let environment = environment.map(str::to_ascii_lowercase);
        if plan.kind == ChangeType::Standard && !is_named(policy, (environment.as_deref(), criticality)) {
            return other(format!("asset `{}` is none that is patched without anybody's word", member.asset));
        }
        if plan.rings[ring].is_test && !environment.as_deref().is_some_and(|own| is_tested(policy, own)) {
            return other(format!("asset `{}` is in no test environment", member.asset));
        }
        if !known.contains_key(&environment) {
            let hours = hours_of(policy, environment.as_deref(), (plan.kind, plan.made_at, plan.until))?;
            known.insert(environment.clone(), hours);
        }
        if known.get(&environment) != plan.hours.get(member.hours) {
            return other(format!("the hours of asset `{}` are not those of the policy", member.asset));
        }
    }
    // One of the first form names none: whose it is gives nobody a right.
    let teams = if plan.form == 1 { None } else { teams_of(owners.into_iter()) };
    if plan.teams != teams {
        return other("its assets are not those of the teams that it names".to_owned());
    }
    Ok(())
}

fn hours_of(
    policy: &Policy,
    environment: Option<&str>,
    (kind, now, until): (ChangeType, Timestamp, Timestamp),
) -> Result<Hours, Error> {
    let spans = |environment: Option<&str>| {
        let openness = policy.openness(environment, kind, (now, until));
        let openness = openness.ok_or_else(|| Error::Plan { what: UNREADABLE.to_owned() })?;
        Ok(openness.spans((now, until)))
    };
    let mut hours = spans(environment)?;
    if environment.is_none() {
        // Of an asset whose environment nobody knows the hours of all count.
        for window in policy.promises.windows.iter().flat_map(|window| &window.environment) {
            let own = spans(Some(window.as_str()))?;
            hours = match (hours, own) {
                (Some(one), Some(other)) => Some(both(&one, &other)),
                (one, other) => one.or(other),
            };
        }
    }
    Ok(hours.map_or(Hours::Always, Hours::Within))
}

const UNREADABLE: &str = "the policy's windows or freezes cannot be read";

/// When both are open.
fn both(one: &[Span], other: &[Span]) -> Vec<Span> {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1))));
    let mut spans: Vec<Span> = pairs.filter(|(from, until)| from < until).collect();
    spans.sort_unstable();
    spans
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
        restart_hours: deployment
            .and_then(|deployment| deployment.reboot.as_ref())
            .map_or(RESTART_HOURS, |reboot| reboot.within.as_ref().longest_hours()),
        restarts: deployment.and_then(|deployment| deployment.reboot.as_ref()).map(|reboot| reboot.most),
    }
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
