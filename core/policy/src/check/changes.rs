//! Testing, gates, rings and emergencies: a change can pass what it must in the time that it has.

use super::{Checking, in_words, unique};
use crate::length::Length;
use crate::promises::{ChangeType, Emergency, Gate, Need};

pub(super) fn check(checking: &mut Checking<'_>) {
    let promises = &checking.policy.promises;
    if promises.is_empty() {
        return;
    }
    let before = checking.problems.found.len();
    gates(checking);
    rings(checking);
    in_time(checking);
    if let Some(emergency) = &promises.emergency {
        self::emergency(checking, emergency);
    }
    let has_all = promises.testing.is_some() && promises.deployment.is_some() && !promises.gates.is_empty();
    // Where no class has a length of its own there is nothing that this could leave room in.
    let has_all = has_all && checking.shortest_regular().is_some();
    if has_all && checking.problems.found.len() == before {
        let hours = waiting(checking);
        let words = format!(
            "a normal change waits {} for testing and rings, and no deadline with a length is shorter, emergencies aside",
            in_words(hours)
        );
        checking.proven.push(words);
    }
}

fn gates(checking: &mut Checking<'_>) {
    let promises = &checking.policy.promises;
    if promises.gates.is_empty() {
        return;
    }
    for kind in ChangeType::ALL {
        let of_kind: Vec<&Gate> = promises.gates.iter().filter(|gate| gate.change.as_ref() == kind).collect();
        match of_kind[..] {
            [] => {
                let what = format!("no `[[gate]]` says what {kind} changes must pass");
                checking.problems.missing("policy/no-gate", what);
            }
            [_, second, ..] => {
                let what = format!("two gates say what {kind} changes must pass");
                checking.problems.error("policy/twice", second.change.span().start, what);
            }
            [gate] => one_gate(checking, gate),
        }
    }
}

/// What is patched without anybody's word waits for nobody's.
fn without_words(checking: &mut Checking<'_>, gate: &Gate) {
    let deployment = checking.policy.promises.deployment.as_ref();
    if deployment.is_some_and(|deployment| deployment.automatic.is_some()) && gate.needs.contains(&Need::Tests) {
        let what =
            "what is patched without anybody's word waits for tests, and somebody has to say that they have passed";
        let hint = "leave `tests` away: what runs in the test environments for the soak is well there all the time";
        let at = gate.change.span().start;
        checking.problems.warning("policy/contradiction", at, what.to_owned()).hint(hint);
    }
}

/// What soaks does so in a ring of test environments alone.
fn soaks_somewhere(checking: &mut Checking<'_>, gate: &Gate) {
    let promises = &checking.policy.promises;
    let testing = promises.testing.as_ref().filter(|testing| !testing.environments.is_empty());
    let Some(testing) = testing.filter(|_| gate.needs.contains(&Need::Soak) && !promises.rings.is_empty()) else {
        return;
    };
    if !promises.rings.iter().any(|ring| testing.has_ring(ring)) {
        let tested: Vec<&str> = testing.environments.iter().map(|one| one.as_ref().as_str()).collect();
        let what =
            format!("a normal change soaks in {}, and no ring is of those environments alone", tested.join(", "));
        let hint = "`environment` of the first `[[ring]]` names environments of `[testing]`";
        checking.problems.warning("policy/empty-need", gate.change.span().start, what).hint(hint);
    }
}

fn one_gate(checking: &mut Checking<'_>, gate: &Gate) {
    let promises = &checking.policy.promises;
    let (kind, at) = (*gate.change.as_ref(), gate.change.span().start);
    match kind {
        ChangeType::Standard => without_words(checking, gate),
        ChangeType::Normal => soaks_somewhere(checking, gate),
        ChangeType::Emergency => {}
    }
    if kind != ChangeType::Standard && gate.approved_by.is_empty() {
        let what = format!("nobody approves {kind} changes");
        checking.problems.error("policy/no-approver", at, what).hint("approved-by = [\"…\"]");
    }
    if !gate.approved_by.is_empty() && gate.requested_by.is_empty() {
        let what = format!("{kind} changes are approved, and nobody is said to ask for them");
        checking.problems.error("policy/nobody", at, what).hint("requested-by = [\"…\"]");
    }
    let lacks = |need: Need| match need {
        Need::Tests => promises.testing.as_ref().is_none_or(|testing| testing.tests.is_empty()),
        Need::Soak => promises.testing.as_ref().is_none_or(|testing| testing.environments.is_empty()),
        Need::RollbackPlan => promises.testing.as_ref().is_none_or(|testing| !testing.rollback_plan),
        Need::Notice => {
            let notice = promises.deployment.as_ref().and_then(|deployment| deployment.notice.as_ref());
            notice.is_none_or(|notice| notice.customers.is_none() && notice.business.is_none())
        }
    };
    for need in gate.needs.iter().copied().filter(|need| lacks(*need)) {
        let place = match need {
            Need::Tests => "`tests` in `[testing]` names none",
            Need::Soak => "`environments` in `[testing]` names none in which it could run",
            Need::RollbackPlan => "`rollback-plan` in `[testing]` is not asked for",
            Need::Notice => "`[deployment.notice]` says nobody who is told",
        };
        let what = format!("{kind} changes need `{need}`, and {place}");
        checking.problems.error("policy/empty-need", at, what);
    }
    if kind == ChangeType::Normal {
        let left_out = [Need::Tests, Need::RollbackPlan].into_iter().find(|need| !gate.needs.contains(need));
        if let Some(need) = left_out.filter(|_| promises.testing.is_some()) {
            let what = format!("a normal change passes every gate, and `{need}` is not among its needs");
            checking.problems.error("policy/skipped", at, what);
        }
    }
}

fn rings(checking: &mut Checking<'_>) {
    let promises = &checking.policy.promises;
    unique(&mut checking.problems, "rings", promises.rings.iter().map(|ring| &ring.id));
    for ring in &promises.rings {
        let Some(share) = &ring.share else { continue };
        if !(1..=100).contains(share.as_ref()) {
            let what =
                format!("the share {} of ring `{}` is not between 1 and 100 percent", share.as_ref(), ring.id.as_ref());
            checking.problems.error("policy/share", share.span().start, what);
        }
    }
    if let Some(last) = promises.rings.last()
        && (last.share.as_ref().is_some_and(|share| *share.as_ref() < 100) || !last.environment.is_empty())
    {
        let what = format!("the last ring `{}` does not take in every asset that is left", last.id.as_ref());
        let example = match (&last.share, last.environment.first()) {
            (Some(share), _) => format!("{} percent of the assets are in no ring", 100 - share.as_ref().min(&100)),
            (None, Some(_)) => {
                format!("an asset whose environment is not among {} is in no ring", last.environment.join(", "))
            }
            (None, None) => String::new(),
        };
        checking
            .problems
            .error("policy/left-out", last.id.span().start, what)
            .example(example)
            .hint("name neither `share` nor `environment` in the last ring");
    }
    if let Some(deployment) = &promises.deployment {
        let threshold = &deployment.failure_threshold;
        if *threshold.as_ref() > 100 {
            let what = format!("a failure threshold of {} percent is never passed", threshold.as_ref());
            checking.problems.error("policy/share", threshold.span().start, what);
        }
        if let Some(none) = deployment.at_once.as_ref().filter(|at_once| *at_once.as_ref() == 0) {
            let what = "no asset may be changed at once, so that none ever is".to_owned();
            checking.problems.error("policy/share", none.span().start, what);
        }
        if let Some(share) = deployment.blast_radius.as_ref().filter(|share| *share.as_ref() > 100) {
            let what = format!("a blast radius of {} percent bounds nothing", share.as_ref());
            checking.problems.error("policy/share", share.span().start, what);
        }
        let has_gate = promises.gates.iter().any(|gate| *gate.change.as_ref() == ChangeType::Standard);
        if deployment.automatic.is_some() && !promises.gates.is_empty() && !has_gate {
            let what = "what is patched by itself is a standard change, for which there is no gate".to_owned();
            checking.problems.error("policy/no-gate", threshold.span().start, what);
        }
    }
}

/// How long a normal change waits for its tests: who is told is told meanwhile. In hours.
pub(super) fn testing(checking: &Checking<'_>) -> i64 {
    let promises = &checking.policy.promises;
    let soak = promises.testing.as_ref().map_or(0, |testing| testing.soak.longest_hours());
    let notice = promises.deployment.as_ref().and_then(|deployment| deployment.notice.as_ref());
    let told = notice.into_iter().flat_map(|notice| [notice.customers, notice.business]).flatten();
    told.map(Length::longest_hours).fold(soak, i64::max)
}

/// How long each ring but the last is watched: all is deployed when the last one's watching begins. In hours.
pub(super) fn soaks(checking: &Checking<'_>) -> Vec<i64> {
    let rings = &checking.policy.promises.rings;
    let earlier = rings.split_last().map_or(&[][..], |(_, earlier)| earlier);
    earlier.iter().map(|ring| ring.soak.longest_hours()).collect()
}

/// How long it waits for testing and its rings. In hours.
fn waiting(checking: &Checking<'_>) -> i64 {
    soaks(checking).into_iter().fold(testing(checking), i64::saturating_add)
}

fn in_time(checking: &mut Checking<'_>) {
    let Some((class, hours)) = checking.shortest_regular() else { return };
    let waiting = waiting(checking);
    if waiting > hours {
        let what = format!(
            "testing, notice and rings take {}, and class `{}` gives {}",
            in_words(waiting),
            class.id,
            class.due
        );
        checking
            .problems
            .error("policy/no-time", class.place, what)
            .hint(format!("shorten them, or name `{}` in the `classes` of `[emergency]`", class.id));
    }
}

fn emergency(checking: &mut Checking<'_>, emergency: &Emergency) {
    let promises = &checking.policy.promises;
    let at = emergency.within.span().start;
    let within = *emergency.within.as_ref();
    emergency.classes.iter().for_each(|class| checking.class_exists(class));
    for class in &emergency.classes {
        let found = checking.policy.classes.iter().find(|known| known.id == *class.as_ref());
        let Some(found) = found else { continue };
        if found.due.longest_hours().is_some_and(|hours| within.longest_hours() > hours) {
            let what =
                format!("an emergency is over within {within}, and its class `{}` gives {}", found.id, found.due);
            checking.problems.error("policy/contradiction", at, what);
        }
    }
    if !emergency.skips.is_empty() && emergency.owes.is_empty() {
        let what = "an emergency skips something, and nothing is owed afterwards".to_owned();
        checking.problems.error("policy/nothing-owed", at, what).hint("add an `[[emergency.owes]]`");
    }
    let gate = promises.gates.iter().find(|gate| *gate.change.as_ref() == ChangeType::Emergency);
    if let Some(gate) = gate
        && let Some(need) = emergency.skips.iter().find(|skipped| gate.needs.contains(skipped))
    {
        let what = format!("`{need}` may be skipped in an emergency, and its gate needs it");
        checking.problems.error("policy/contradiction", gate.change.span().start, what);
    }
    let soaks = !emergency.skips.contains(&Need::Soak) && gate.is_some_and(|gate| gate.needs.contains(&Need::Soak));
    let soak = promises.testing.as_ref().map(|testing| testing.soak).filter(|_| soaks);
    if let Some(soak) = soak.filter(|soak| soak.longest_hours() >= within.longest_hours()) {
        let what = format!("an emergency is over within {within}, and its patch is watched for {soak} first");
        checking.problems.error("policy/no-time", at, what).hint("skips = [\"soak\"]");
    }
}
