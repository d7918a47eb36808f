//! When assets may be changed: within windows, outside freezes.

use crate::file::Policy;
use crate::promises::{ChangeType, Freeze, Window};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// An interval of time: from, until.
pub(crate) type Span = (Timestamp, Timestamp);

/// When assets may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Openness {
    /// When windows are open, in their order; none where no window says when, so that it is always.
    pub(crate) windows: Option<Vec<Span>>,
    /// When nothing goes on, in their order; none touches another.
    pub(crate) freezes: Vec<Span>,
}

impl Openness {
    /// The first instant from one on at which assets may be changed; none if there is none.
    #[must_use]
    pub fn next(&self, from: Timestamp) -> Option<Timestamp> {
        let mut at = from;
        loop {
            let place = self.freezes.partition_point(|(_, ends)| *ends <= at);
            let frozen = self.freezes.get(place).filter(|(begins, _)| *begins <= at);
            let thawed = frozen.map_or(at, |(_, ends)| *ends);
            let Some(windows) = &self.windows else { return Some(thawed) };
            let place = windows.partition_point(|(_, closes)| *closes <= thawed);
            let opened = windows.get(place)?.0.max(thawed);
            if opened == at {
                return Some(at);
            }
            at = opened;
        }
    }

    /// When they may be changed between two instants, in order, none touching another; always, where nothing says otherwise.
    #[must_use]
    pub fn spans(&self, (from, until): (Timestamp, Timestamp)) -> Option<Vec<(Timestamp, Timestamp)>> {
        if self.windows.is_none() && self.freezes.is_empty() {
            return None;
        }
        let always = [(from, until)];
        let windows = joined(self.windows.as_deref().unwrap_or(&always).to_vec());
        let mut spans = Vec::new();
        for (opens, closes) in windows {
            let (mut begins, closes) = (opens.max(from), closes.min(until));
            for (freezes, thaws) in self.freezes.iter().filter(|(freezes, thaws)| *freezes < closes && *thaws > opens) {
                spans.push((begins, *freezes));
                begins = begins.max(*thaws);
            }
            spans.push((begins, closes));
        }
        spans.retain(|(begins, closes)| begins < closes);
        Some(spans)
    }
}

impl Policy {
    /// When assets of an environment may be changed between two instants, in changes of a type: emergencies wait for no window.
    /// None if a window or a freeze cannot be read.
    #[must_use]
    pub fn openness(
        &self,
        environment: Option<&str>,
        kind: ChangeType,
        span: (Timestamp, Timestamp),
    ) -> Option<Openness> {
        let stops = self.promises.freezes.iter().filter(|freeze| !freeze.except.contains(&kind));
        let freezes: Option<Vec<Span>> = stops.map(|freeze| freeze.span(self.calendar.zone())).collect();
        let mut own = self.promises.windows.iter().filter(|window| window.is_for(environment)).peekable();
        let windows = if kind == ChangeType::Emergency || own.peek().is_none() {
            None
        } else {
            let mut openings = Vec::new();
            for window in own {
                openings.extend(window.openings(self.calendar.zone_name(), span).ok()?);
            }
            openings.sort_unstable();
            Some(openings)
        };
        Some(Openness { windows, freezes: joined(freezes?) })
    }
}

impl Window {
    /// Whether it is one of an environment's; of an asset of which none is known, only where it is one of all.
    pub(crate) fn is_for(&self, environment: Option<&str>) -> bool {
        let is_own = |own: &String| environment.is_some_and(|environment| own.eq_ignore_ascii_case(environment));
        self.environment.is_empty() || self.environment.iter().any(is_own)
    }
}

impl Freeze {
    /// From the beginning of its first day until the end of its last; none if they are no days, or not in their order.
    pub(crate) fn span(&self, zone: &TimeZone) -> Option<Span> {
        let (from, until) = (self.from.as_ref().parse().ok()?, self.until.as_ref().parse::<Date>().ok()?);
        if from > until {
            return None;
        }
        // The last day of all has no next one.
        let ends = until.tomorrow().ok().and_then(|next| instant(next, zone)).unwrap_or(Timestamp::MAX);
        Some((instant(from, zone)?, ends))
    }
}

fn instant(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

/// Intervals in their order, those that touch as one.
pub(crate) fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut joined: Vec<Span> = Vec::new();
    for (from, until) in spans {
        match joined.last_mut().filter(|last| last.1 >= from) {
            Some(last) => last.1 = last.1.max(until),
            None => joined.push((from, until)),
        }
    }
    joined
}
