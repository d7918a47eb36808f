//! A draft of a policy held against the fleet: now, and as it would have gone in the months before.

use crate::questions::View;
use fleet::{AssetFilter, Counts, Facet, Filter, Findings, GroupBy, Moves, Question, Switch};
use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};
use lifecycle::Transition;
use policy::Policy;
use std::sync::Arc;

/// What a policy comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The policy's name.
    pub policy: String,
    /// What is owed in all, and what of it is overdue.
    pub all: Counts,
    /// The same by class, the strictest first.
    pub classes: Vec<(String, Counts)>,
    /// How many patches fall due within the next 30 days, or are overdue.
    pub patches: u64,
    /// How many assets they touch.
    pub assets: u64,
    /// How many assets the policy does not cover.
    pub uncovered: u64,
    /// How many times its windows open within these days; none if it names no windows.
    pub openings: Option<u64>,
}

/// What was, and would have been, overdue at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// When.
    pub at: Timestamp,
    /// By the policy in force today.
    pub current: u64,
    /// By the draft.
    pub draft: u64,
}

/// A draft beside the policy in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// The policy in force.
    pub current: Side,
    /// The draft.
    pub draft: Side,
    /// What becomes of the findings that there are.
    pub moves: Moves,
    /// By team, what is overdue by the one and by the other; the last is for assets whose team is not known.
    pub teams: Vec<(String, u64, u64)>,
    /// The months before, the oldest first, and now.
    pub months: Vec<Month>,
}

/// What falls due within so many days counts as work ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Holds a draft against the fleet, as if it came into force now under a transition rule; the months before are evaluated as if it had
/// always been in force. `progress` is told how many of how many instants were evaluated.
#[must_use]
pub fn simulate(
    view: &View<'_>,
    (draft, transition): (&Arc<Policy>, Transition),
    months: u32,
    mut progress: impl FnMut(u64, u64),
) -> Simulation {
    let (facts, state, now) = (&view.record.facts, &view.record.state, view.now);
    let current = facts.policy().unwrap_or_else(|| Arc::clone(draft));
    let instants = instants(view, months);
    let total = instants.len() as u64 + 1;
    let mut switches = facts.switches(None);
    switches.push(Switch { at: now, transition, before: Arc::clone(&current) });
    let question = Question { policy: Arc::clone(draft), decisions: state.decisions_at(now), at: None };
    // Whoever counts everything anew looks at nothing before.
    let switches = if transition == Transition::Recount { Vec::new() } else { switches };
    let drafted = Findings::evaluate_after(facts, question, switches);
    progress(1, total);
    let mut told: Vec<Month> = Vec::new();
    for (done, at) in (2..).zip(instants) {
        let question = Question { policy: Arc::clone(draft), decisions: state.decisions_at(at), at: Some(at) };
        let [current, draft] = Findings::overdue_by(facts, [&current, draft], (&question, at));
        told.push(Month { at, current, draft });
        progress(done, total);
    }
    let overdue = |findings: &Findings| findings.counts(now).overdue;
    told.push(Month { at: now, current: overdue(view.findings), draft: overdue(&drafted) });
    Simulation {
        moves: view.findings.moves_to(&drafted, now),
        teams: teams(view, &drafted),
        current: side(view, view.findings),
        draft: side(view, &drafted),
        months: told,
    }
}

/// The same day and time of the months before, as far back as anything is known.
fn instants(view: &View<'_>, months: u32) -> Vec<Timestamp> {
    let began = view.record.facts.began_at();
    let now = view.now.to_zoned(TimeZone::UTC);
    let before = |back: u32| Some(now.checked_sub(Span::new().try_months(back).ok()?).ok()?.timestamp());
    let all = (1..=months).rev().filter_map(before);
    all.filter(|at| began.is_some_and(|began| began <= *at)).collect()
}

fn side(view: &View<'_>, findings: &Findings) -> Side {
    let (facts, now) = (&view.record.facts, view.now);
    let summary = findings.summary(facts, now);
    let until = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    let due = |by: GroupBy| {
        let groups = findings.groups(facts, (&Filter::default(), by), now);
        groups.iter().filter(|group| group.due.is_some_and(|due| due <= until)).count() as u64
    };
    Side {
        policy: findings.policy().name.clone(),
        all: summary.all,
        classes: summary.classes,
        patches: due(GroupBy::Package),
        assets: due(GroupBy::Asset),
        uncovered: findings.coverage(facts, &AssetFilter::default()).uncovered,
        openings: openings(findings.policy(), (now, until)),
    }
}

fn openings(policy: &Policy, (from, until): (Timestamp, Timestamp)) -> Option<u64> {
    let zone = policy.calendar.zone_name();
    let windows = &policy.promises.windows;
    if windows.is_empty() {
        return None;
    }
    // Where one cannot be read, the others are not all.
    windows.iter().map(|window| Some(window.openings_between(zone, (from, until))? as u64)).sum()
}

fn teams(view: &View<'_>, drafted: &Findings) -> Vec<(String, u64, u64)> {
    let (facts, now) = (&view.record.facts, view.now);
    let words = view.findings.words(facts, &AssetFilter::default());
    let owners = words.into_iter().find(|(facet, _)| *facet == Facet::Owner).map(|(_, words)| words);
    let named = owners.into_iter().flat_map(|words| words.into_iter().map(|(word, _)| word));
    let filter = |owner: Option<String>| match owner {
        Some(owner) => AssetFilter { owner: Some(owner), ..AssetFilter::default() },
        None => AssetFilter { unknown: vec![Facet::Owner], ..AssetFilter::default() },
    };
    let overdue = |findings: &Findings, filter: &AssetFilter| findings.summary_of(facts, filter, now).all.overdue;
    let row = |owner: Option<String>| {
        let (name, filter) = (owner.clone().unwrap_or_default(), filter(owner));
        (name, overdue(view.findings, &filter), overdue(drafted, &filter))
    };
    let named = named.filter(|word| !word.is_empty());
    let all = named.map(Some).chain([None]).map(row);
    all.filter(|(name, current, draft)| !name.is_empty() || current + draft > 0).collect()
}
