//! Lengths of time that nobody means: each has a bound, far beyond what people write.

use super::{Checking, in_words};
use crate::length::Length;
use crate::promises::Promises;

/// No plan is made, and no exception holds, for longer than a year.
const YEAR: i64 = 366;
const QUARTER: i64 = 92;
const YEARS_3: i64 = 3 * YEAR;
const YEARS_10: i64 = 10 * YEAR;
/// No deadline is later.
const MOST_DUE_DAYS: i64 = YEARS_10;

pub(super) fn check(checking: &mut Checking<'_>) {
    let policy = checking.policy;
    for class in &policy.classes {
        if let Some(hours) = class.due.longest_hours().filter(|hours| *hours > 24 * MOST_DUE_DAYS) {
            let what = format!(
                "class `{}` gives {}: that is no deadline, {} are",
                class.id,
                in_words(hours),
                in_words(24 * MOST_DUE_DAYS)
            );
            checking.problems.error("policy/absurd", class.place, what);
        }
    }
    for (name, at, length, most) in lengths(&policy.promises) {
        if length.longest_hours() > 24 * most {
            let what = format!("`{name}` is {length}, and means nothing beyond {}", in_words(24 * most));
            checking.problems.error("policy/absurd", at, what);
        }
    }
}

/// Every length with its name, the byte where it or its section stands, and the most days that it means anything for. What is kept may be
/// kept for ever.
fn lengths(promises: &Promises) -> Vec<(&'static str, usize, Length, i64)> {
    let mut all = Vec::new();
    let mut note = |name: &'static str, at: usize, length: Option<Length>, most: i64| {
        all.extend(length.map(|length| (name, at, length, most)));
    };
    if let Some(scanning) = &promises.scanning {
        note("scanning.exposed", scanning.exposed.span().start, Some(*scanning.exposed.as_ref()), YEARS_3);
        note("scanning.internal", scanning.internal.span().start, Some(*scanning.internal.as_ref()), YEARS_3);
    }
    if let Some(testing) = &promises.testing {
        let at = testing.environments.first().map_or(0, |environment| environment.span().start);
        note("testing.soak", at, Some(testing.soak), QUARTER);
    }
    for role in &promises.roles {
        note("role.escalates-after", role.id.span().start, role.escalates_after, YEAR);
    }
    if let Some(deployment) = &promises.deployment {
        let at = deployment.failure_threshold.span().start;
        if let Some(reboot) = &deployment.reboot {
            note("deployment.reboot.within", reboot.within.span().start, Some(*reboot.within.as_ref()), YEAR);
        }
        let notice = deployment.notice.clone().unwrap_or_default();
        note("deployment.notice.customers", at, notice.customers, QUARTER);
        note("deployment.notice.business", at, notice.business, QUARTER);
    }
    for ring in &promises.rings {
        note("ring.soak", ring.id.span().start, Some(ring.soak), QUARTER);
    }
    if let Some(emergency) = &promises.emergency {
        note("emergency.within", emergency.within.span().start, Some(*emergency.within.as_ref()), QUARTER);
        emergency
            .owes
            .iter()
            .for_each(|owed| note("emergency.owes.within", owed.by.span().start, Some(owed.within), YEAR));
    }
    if let Some(alerts) = &promises.alerts {
        note("alerts.due-within", alerts.due_within.span().start, Some(*alerts.due_within.as_ref()), YEAR);
        note("alerts.feed-stale", alerts.feed_stale.span().start, Some(*alerts.feed_stale.as_ref()), QUARTER);
        note("alerts.asset-silent", alerts.asset_silent.span().start, Some(*alerts.asset_silent.as_ref()), QUARTER);
    }
    for response in &promises.responses {
        note("response.within", response.within.span().start, Some(*response.within.as_ref()), YEARS_10);
    }
    people(promises, &mut note);
    all
}

fn people(promises: &Promises, note: &mut impl FnMut(&'static str, usize, Option<Length>, i64)) {
    if let Some(review) = &promises.review {
        note("review.every", review.every.span().start, Some(*review.every.as_ref()), YEARS_3);
    }
    if let Some(exceptions) = &promises.exceptions {
        note("exceptions.longest", exceptions.longest.span().start, Some(*exceptions.longest.as_ref()), YEAR);
        note("exceptions.review", exceptions.review.span().start, Some(*exceptions.review.as_ref()), YEAR);
    }
    if let Some(vendors) = &promises.vendors {
        note("vendors.attest", vendors.attest.span().start, Some(*vendors.attest.as_ref()), YEARS_3);
        note("vendors.notify", vendors.attest.span().start, vendors.notify, QUARTER);
    }
    for training in &promises.training {
        note("training.within", training.id.span().start, Some(training.within), YEAR);
        note("training.every", training.every.span().start, Some(*training.every.as_ref()), YEARS_10);
    }
    if let Some(acknowledgement) = &promises.acknowledgement {
        let within = &acknowledgement.within;
        note("acknowledgement.within", within.span().start, Some(*within.as_ref()), YEAR);
        let every = &acknowledgement.every;
        note("acknowledgement.every", every.span().start, Some(*every.as_ref()), YEARS_3);
    }
}
