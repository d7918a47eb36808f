//! Windows open often enough: what must be patched by a deadline finds one open before it, whatever day it begins.

use super::changes::waiting;
use super::{Checking, in_words, unique};
use crate::promises::{ChangeType, Freeze, Window};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// When a window opens and closes.
type Opening = (Timestamp, Timestamp);
/// What windows are called that are for every environment.
const OTHERS: &str = "any other environment";

pub(super) fn check(checking: &mut Checking<'_>) {
    let promises = &checking.policy.promises;
    unique(&mut checking.problems, "windows", promises.windows.iter().map(|window| &window.id));
    let freezes = freezes(checking);
    let zone = checking.policy.calendar.zone_name().to_owned();
    let mut openings: BTreeMap<&str, Vec<Opening>> = BTreeMap::new();
    let environments: BTreeSet<&str> =
        promises.windows.iter().flat_map(|window| window.environment.iter().map(String::as_str)).collect();
    for window in &promises.windows {
        let found = match window.openings(&zone) {
            Ok(found) => found,
            Err(wrong) => {
                checking.problems.error("policy/window", wrong.at, wrong.what).hint(wrong.hint);
                continue;
            }
        };
        if found.len() < 2 {
            let what = format!("the window `{}` does not open again", window.id.as_ref());
            checking.problems.error("policy/window", window.rule.span().start, what).hint("leave COUNT and UNTIL away");
            continue;
        }
        overlaps(checking, window, &found);
        for environment in
            environments.iter().copied().chain([OTHERS]).filter(|environment| is_for(window, environment))
        {
            openings.entry(environment).or_default().extend(&found);
        }
    }
    let before = checking.problems.found.len();
    for (environment, mut openings) in openings {
        openings.sort_unstable();
        often_enough(checking, environment, &openings, &freezes);
    }
    if !promises.windows.is_empty() && checking.problems.found.len() == before {
        let words = match promises.windows.len() {
            1 => "the window opens often enough for the shortest deadline that waits for it".to_owned(),
            many => format!("{many} windows open often enough for the shortest deadline that waits for them"),
        };
        checking.proven.push(words);
    }
}

fn is_for(window: &Window, environment: &str) -> bool {
    window.environment.is_empty() || window.environment.iter().any(|own| own == environment)
}

fn overlaps(checking: &mut Checking<'_>, window: &Window, openings: &[Opening]) {
    let pair = openings.windows(2).find(|pair| pair[0].1 > pair[1].0);
    if let Some(pair) = pair {
        let what = format!("the window `{}` lasts {}, and opens again before that", window.id.as_ref(), window.lasts);
        let example = format!("opens at {} and at {}", pair[0].0, pair[1].0);
        checking.problems.error("policy/window", window.rule.span().start, what).example(example);
    }
}

/// The freezes that can be read, from the first second to the last; those that let normal changes go on are none.
fn freezes(checking: &mut Checking<'_>) -> Vec<(Opening, String)> {
    let zone = checking.policy.calendar.zone().clone();
    let mut found = Vec::new();
    for freeze in &checking.policy.promises.freezes {
        let mut day = |text: &crate::promises::Spanned<String>| {
            let day = text.as_ref().parse::<Date>().ok();
            if day.is_none() {
                let what = format!("`{}` is no day", text.as_ref().escape_debug());
                checking.problems.error("policy/day", text.span().start, what).hint("write `2026-12-20`");
            }
            day
        };
        let (Some(from), Some(until)) = (day(&freeze.from), day(&freeze.until)) else { continue };
        if from > until {
            let what = format!("a freeze ends on {until}, before it begins on {from}");
            checking.problems.error("policy/day", freeze.until.span().start, what);
            continue;
        }
        let span = instant(from, &zone).zip(until.tomorrow().ok().and_then(|next| instant(next, &zone)));
        let Some(span) = span else { continue };
        stops_emergencies(checking, freeze, span);
        if !freeze.except.contains(&ChangeType::Normal) {
            found.push((span, freeze.reason.clone()));
        }
    }
    found.sort();
    found
}

fn instant(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

fn stops_emergencies(checking: &mut Checking<'_>, freeze: &Freeze, span: Opening) {
    let Some(emergency) = &checking.policy.promises.emergency else { return };
    let within = SignedDuration::from_hours(emergency.within.as_ref().longest_hours());
    if !freeze.except.contains(&ChangeType::Emergency) && span.1.duration_since(span.0) > within {
        let what = format!(
            "a freeze of {} stops emergency changes too, which must be over within {}",
            days(span.1.duration_since(span.0)),
            emergency.within.as_ref()
        );
        checking.problems.error("policy/freeze", freeze.from.span().start, what).hint("except = [\"emergency\"]");
    }
}

/// What is ready just after a window opened waits for the next one; what must be tested first is ready that much later.
fn often_enough(checking: &mut Checking<'_>, environment: &str, openings: &[Opening], freezes: &[(Opening, String)]) {
    let Some((class, hours)) = checking.shortest_regular() else { return };
    let (class, waiting) = ((class.id.clone(), class.due, class.place), waiting(checking));
    let is_frozen = |opening: &Opening| freezes.iter().any(|(freeze, _)| freeze.0 < opening.1 && opening.0 < freeze.1);
    let open: Vec<&Opening> = openings.iter().filter(|opening| !is_frozen(opening)).collect();
    let longest = open.windows(2).max_by_key(|pair| pair[1].0.duration_since(pair[0].0));
    let Some([before, next]) = longest else {
        let what = format!("no window of {environment} opens twice");
        checking.problems.error("policy/window", class.2, what);
        return;
    };
    let gap = next.0.duration_since(before.0);
    if gap + SignedDuration::from_hours(waiting) <= SignedDuration::from_hours(hours) {
        return;
    }
    let zone = checking.policy.calendar.zone();
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let freeze = freezes.iter().find(|(freeze, _)| before.0 < freeze.1 && freeze.0 < next.0);
    let freeze = freeze.map_or(String::new(), |(_, reason)| format!(", for everything is frozen meanwhile ({reason})"));
    let tested =
        if waiting == 0 { String::new() } else { format!(" after {} of testing and rings", in_words(waiting)) };
    let what = format!(
        "windows of {environment} leave up to {} between them, and class `{}` gives {}{tested}",
        days(gap),
        class.0,
        class.1
    );
    let example = format!("no window opens between {} and {}{freeze}", day(before.0), day(next.0));
    checking
        .problems
        .error("policy/windows-too-rare", class.2, what)
        .example(example)
        .hint("open windows more often, shorten the freeze, or leave the class more time");
}

fn days(time: SignedDuration) -> String {
    in_words(time.as_hours())
}
