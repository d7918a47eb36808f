//! Records, measures, alerts and responses: every promise is one that can be measured.

use super::{Checking, in_words};
use crate::promises::{Measure, MeasureKind, Promises, Response};

pub(super) fn check(checking: &mut Checking<'_>) {
    let promises = &checking.policy.promises;
    let before = checking.problems.found.len();
    records(checking, promises);
    promises.measures.iter().for_each(|measure| self::measure(checking, promises, measure));
    if let Some(alerts) = &promises.alerts {
        let within = alerts.due_within.as_ref().longest_hours();
        if let Some((class, hours)) = checking.shortest_regular()
            && within >= hours
        {
            let what = format!(
                "owners are told {} before a deadline, and class `{}` gives {}: they are told at once",
                in_words(within),
                class.id,
                class.due
            );
            checking.problems.warning("policy/alarms", alerts.due_within.span().start, what);
        }
        if alerts.to.is_empty() {
            let what = "`[alerts]` names nobody who is told".to_owned();
            checking.problems.error("policy/nobody", alerts.due_within.span().start, what);
        }
    }
    responses(checking, &promises.responses);
    if !promises.measures.is_empty() && checking.problems.found.len() == before {
        checking.proven.push(format!("{} measures, each with a target that can be measured", promises.measures.len()));
    }
}

fn records(checking: &mut Checking<'_>, promises: &Promises) {
    let mut seen = std::collections::BTreeSet::new();
    for record in &promises.records {
        if !seen.insert(*record.kind.as_ref()) {
            let what = "the same record is kept twice, for different times or alike".to_owned();
            checking.problems.error("policy/twice", record.kind.span().start, what);
        }
    }
}

fn measure(checking: &mut Checking<'_>, promises: &Promises, measure: &Measure) {
    let (kind, at) = (*measure.of.as_ref(), measure.of.span().start);
    match (kind.is_time(), &measure.at_least, &measure.at_most) {
        (true, None, Some(_)) => {}
        (false, Some(share), None) => {
            if !(0.0..=100.0).contains(share.as_ref()) {
                let what = format!("{} is no share between 0 and 100 percent", share.as_ref());
                checking.problems.error("policy/share", share.span().start, what);
            }
        }
        (true, ..) => {
            let what = "a mean time is at most a length of time".to_owned();
            checking.problems.error("policy/no-target", at, what).hint("at-most = \"20 days\"");
        }
        (false, ..) => {
            let what = "a share is at least a number of percent".to_owned();
            checking.problems.error("policy/no-target", at, what).hint("at-least = 95");
        }
    }
    if let Some(class) = &measure.class {
        checking.class_exists(class);
        if !kind.is_of_class() {
            let what = "this figure is not one of a class of findings".to_owned();
            checking.problems.error("policy/not-measured", class.span().start, what).hint("leave `class` away");
        }
        let found = checking.policy.classes.iter().find(|known| known.id == *class.as_ref());
        if let Some(found) = found
            && found.due.longest_hours().is_none()
        {
            let what = format!("class `{}` has no date, so that nothing of it is late or in time", found.id);
            checking.problems.error("policy/not-measured", class.span().start, what);
        }
    }
    let lacks = match kind {
        MeasureKind::Acknowledged => promises.acknowledgement.is_none().then_some("[acknowledgement]"),
        MeasureKind::Trained => promises.training.is_empty().then_some("[[training]]"),
        MeasureKind::ScanCoverage => promises.scanning.is_none().then_some("[scanning]"),
        MeasureKind::ChangesKept => promises.gates.is_empty().then_some("[[gate]]"),
        MeasureKind::DeadlinesKept | MeasureKind::TimeToPatch | MeasureKind::AssetsCurrent => None,
    };
    if let Some(section) = lacks {
        let what = format!("nothing is promised that this could measure: `{section}` is missing");
        checking.problems.error("policy/not-measured", at, what);
    }
}

fn responses(checking: &mut Checking<'_>, responses: &[Response]) {
    for pair in responses.windows(2) {
        let [first, second] = pair else { continue };
        let at = second.from.span().start;
        if second.from.as_ref() <= first.from.as_ref() {
            let what = format!(
                "the response from violation {} on comes after the one from {} on",
                second.from.as_ref(),
                first.from.as_ref()
            );
            checking.problems.error("policy/order", at, what).hint("write them in the order of `from`");
        }
        if second.step < first.step {
            let what = format!("the response from violation {} on is milder than the one before", second.from.as_ref());
            checking
                .problems
                .error("policy/loosens", at, what)
                .hint("training, process-review, escalation, access-restriction is their order");
        }
        if first.within.as_ref().is_longer_than(*second.within.as_ref()) {
            let what = format!(
                "violations count together for {}, and those before for {}: the milder response would be the last",
                second.within.as_ref(),
                first.within.as_ref()
            );
            checking.problems.error("policy/contradiction", second.within.span().start, what);
        }
    }
    if let Some(first) = responses.first().filter(|first| *first.from.as_ref() != 1) {
        let what = format!("nothing follows from violations before the one numbered {}", first.from.as_ref());
        checking.problems.error("policy/left-out", first.from.span().start, what).hint("begin with `from = 1`");
    }
}
