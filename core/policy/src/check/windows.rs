//! Windows and freezes: what must be patched by a deadline gets through every ring before it, whatever hour it begins.

use super::changes::{soaks, testing};
use super::{Checking, TOO_LARGE, in_words, unique};
use crate::openness::{Openness, Span};
use crate::promises::{ChangeType, Freeze, Spanned, Window};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// What windows, and rings, are for that name no environment.
const OTHERS: &str = "assets of any other environment";
/// So many years from now, or from the end of the last freeze, are looked at.
const YEARS: i32 = 2;
/// No freeze may end later than so many years from now.
const MOST_YEARS: i32 = 5;
/// More windows than these are not looked at.
const MOST_WINDOWS: usize = 64;
/// Clocks that are set back make a day longer by less than this.
const CLOCKS: SignedDuration = SignedDuration::from_hours(2);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn check(checking: &mut Checking<'_>) {
    let promises = &checking.policy.promises;
    let before = checking.problems.found.len();
    unique(&mut checking.problems, "windows", promises.windows.iter().map(|window| &window.id));
    let freezes = freezes(checking);
    let Some((from, until)) = horizon(checking, &freezes) else { return };
    if promises.windows.len() > MOST_WINDOWS {
        let at = promises.windows[0].id.span().start;
        let what = format!("{} windows are more than can be looked at", promises.windows.len());
        checking.problems.error(TOO_LARGE, at, what).hint(format!("write {MOST_WINDOWS} at most"));
        return;
    }
    let mut read = Vec::new();
    for window in &promises.windows {
        match window.openings(checking.policy.calendar.zone_name(), (from, until)) {
            Ok(openings) if openings.len() < 2 => {
                let what = format!("the window `{}` does not open again", window.id.as_ref());
                checking.problems.error("policy/window", window.rule.span().start, what);
            }
            Ok(openings) => {
                overlaps(checking, window, &openings);
                read.push((window, openings));
            }
            Err(wrong) => {
                checking.problems.error("policy/window", wrong.at, wrong.what).hint(wrong.hint);
            }
        }
    }
    // Nothing is said of windows that could not all be read.
    if checking.problems.found.len() > before {
        return;
    }
    let environments: BTreeSet<String> = promises
        .windows
        .iter()
        .flat_map(|window| window.environment.iter().map(|name| name.to_ascii_lowercase()))
        .collect();
    for environment in environments.iter().map(String::as_str).chain([OTHERS]) {
        let own: Vec<&(&Window, Vec<Span>)> =
            read.iter().filter(|(window, _)| window.is_for(Some(environment))).collect();
        let mut openings: Vec<Span> = own.iter().flat_map(|(_, openings)| openings).copied().collect();
        openings.sort_unstable();
        let openness = Openness { windows: (!own.is_empty()).then_some(openings), freezes: freezes.clone() };
        let place = own.first().map(|(window, _)| window.rule.span().start);
        in_time(checking, (environment, place), &openness, (from, until));
    }
    if checking.problems.found.len() == before && checking.shortest_regular().is_some() {
        checking.proven.push(
            "testing, rings, windows and freezes leave room within every deadline that has a length, emergencies aside"
                .to_owned(),
        );
    }
}

/// From now until some years after the last freeze that is written; none if there is neither window nor freeze.
fn horizon(checking: &mut Checking<'_>, freezes: &[Span]) -> Option<Span> {
    if checking.policy.promises.windows.is_empty() && freezes.is_empty() {
        return None;
    }
    let now = checking.known.now;
    let year = |count: i32| SignedDuration::from_hours(366 * 24) * count;
    let last = freezes.iter().map(|(_, ends)| *ends).max().unwrap_or(now).max(now);
    if last.duration_since(now) > year(MOST_YEARS) {
        let at = checking.policy.promises.freezes.first().map_or(0, |freeze| freeze.until.span().start);
        let what = format!("a freeze ends more than {MOST_YEARS} years from now");
        checking.problems.error("policy/freeze", at, what).hint("write what is decided, and the rest when it is");
        return None;
    }
    // Each way is followed for twice the deadline.
    let followed = SignedDuration::from_hours(checking.shortest_regular().map_or(0, |(_, hours)| hours)) * 2;
    Some((now, last.checked_add(year(YEARS) + followed).unwrap_or(Timestamp::MAX)))
}

fn overlaps(checking: &mut Checking<'_>, window: &Window, openings: &[Span]) {
    if let Some(pair) = openings.windows(2).find(|pair| pair[0].1.duration_since(pair[1].0) > CLOCKS) {
        let what = format!("the window `{}` lasts {}, and opens again before that", window.id.as_ref(), window.lasts);
        let example = format!("opens at {} and at {}", pair[0].0, pair[1].0);
        checking.problems.error("policy/window", window.rule.span().start, what).example(example);
    }
}

/// The freezes that can be read and stop normal changes, those that touch as one.
fn freezes(checking: &mut Checking<'_>) -> Vec<Span> {
    let read: Vec<(Span, &Freeze)> =
        checking.policy.promises.freezes.iter().filter_map(|freeze| Some((span(checking, freeze)?, freeze))).collect();
    let stops = |kind: ChangeType| {
        let own = read.iter().filter(move |(_, freeze)| !freeze.except.contains(&kind));
        let mut own: Vec<(Span, usize)> = own.map(|(span, freeze)| (*span, freeze.from.span().start)).collect();
        own.sort_unstable();
        let mut joined: Vec<(Span, usize)> = Vec::new();
        for one in own {
            match joined.last_mut().filter(|last| last.0.1 >= one.0.0) {
                Some(last) => last.0.1 = last.0.1.max(one.0.1),
                None => joined.push(one),
            }
        }
        joined
    };
    let of_emergencies = stops(ChangeType::Emergency);
    let of_normal = stops(ChangeType::Normal).into_iter().map(|(span, _)| span).collect();
    if let Some(emergency) = &checking.policy.promises.emergency {
        let within = SignedDuration::from_hours(emergency.within.as_ref().shortest_hours());
        for ((from, until), at) in of_emergencies {
            if until.duration_since(from) <= within {
                continue;
            }
            let what = format!(
                "a freeze of {} stops emergency changes too, which must be over within {}",
                in_words(until.duration_since(from).as_hours()),
                emergency.within.as_ref()
            );
            checking.problems.error("policy/freeze", at, what).hint("except = [\"emergency\"]");
        }
    }
    of_normal
}

fn span(checking: &mut Checking<'_>, freeze: &Freeze) -> Option<Span> {
    let zone = checking.policy.calendar.zone().clone();
    let mut day = |text: &Spanned<String>| {
        let day = text.as_ref().parse::<Date>().ok();
        if day.is_none() {
            let what = format!("`{}` is no day", text.as_ref().escape_debug());
            checking.problems.error("policy/day", text.span().start, what).hint("write `2026-12-20`");
        }
        day
    };
    let (from, until) = (day(&freeze.from), day(&freeze.until));
    let (from, until) = (from?, until?);
    if from > until {
        let what = format!("a freeze ends on {until}, before it begins on {from}");
        checking.problems.error("policy/day", freeze.until.span().start, what);
        return None;
    }
    freeze.span(&zone)
}

/// Walks patches through testing and every ring, from every hour on, and holds the longest way against the shortest deadline.
fn in_time(
    checking: &mut Checking<'_>,
    (environment, place): (&str, Option<usize>),
    openness: &Openness,
    (from, until): Span,
) {
    let Some((class, hours)) = checking.shortest_regular() else { return };
    let deadline = SignedDuration::from_hours(hours);
    let soaks: Vec<SignedDuration> = soaks(checking).into_iter().map(SignedDuration::from_hours).collect();
    let tested = SignedDuration::from_hours(testing(checking));
    let way = |start: Timestamp| {
        let mut at = openness.next(start.checked_add(tested).ok()?)?;
        for soak in &soaks {
            at = openness.next(at.checked_add(*soak).ok()?)?;
        }
        Some(at)
    };
    let mut worst: Option<(SignedDuration, Timestamp, Timestamp)> = None;
    let mut start = from;
    // What begins near the end would have to look beyond it.
    while start.checked_add(deadline * 2).is_ok_and(|end| end < until) {
        let done = way(start);
        let took = done.map_or(deadline * 2, |done| done.duration_since(start));
        if worst.is_none_or(|(longest, ..)| took > longest) {
            worst = Some((took, start, done.unwrap_or(until)));
        }
        // INVARIANT: it goes on.
        let Ok(next) = start.checked_add(HOUR) else { break };
        start = next;
    }
    let Some((took, start, done)) = worst.filter(|(took, ..)| *took > deadline) else { return };
    let zone = checking.policy.calendar.zone();
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let what = format!(
        "windows and freezes let a patch for {environment} take up to {} through {} rings, and class `{}` gives {}",
        in_words((took.as_hours() / 24 + 1) * 24),
        soaks.len() + 1,
        class.id,
        class.due
    );
    let example = format!("a patch of {} is on the last asset on {}", day(start), day(done));
    let at = place.unwrap_or(class.place);
    checking
        .problems
        .error("policy/windows-too-rare", at, what)
        .example(example)
        .hint("open windows more often, have fewer rings, shorten freezes, or leave the class more time");
}
