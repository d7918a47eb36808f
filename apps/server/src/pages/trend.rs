//! The trend: how much was owed and overdue at the end of each month, and how fast patches came. It is computed beside the requests,
//! one month at a time, so that nobody waits for it.

use crate::app::App;
use fleet::{Kept, Pace};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// How many months are shown.
pub(crate) const MONTHS: usize = 12;
/// How often the present month is computed anew.
const EVERY: Duration = Duration::from_secs(15 * 60);

/// How old the figures of a month that is past may be.
const A_DAY: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// A month, at its end or now.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Point {
    pub(crate) findings: u64,
    pub(crate) overdue: u64,
    pub(crate) pace: Pace,
    /// When it was computed.
    computed: Timestamp,
}

/// The months, by their ends; and the deadlines of this quarter.
#[derive(Default)]
pub(crate) struct Trend(Mutex<BTreeMap<Timestamp, Point>>, Mutex<Option<Quarter>>);

/// The deadlines of a quarter, by class, the strictest first; and how long patches took.
#[derive(Debug, Clone)]
pub(crate) struct Quarter {
    /// When it began.
    pub(crate) since: Timestamp,
    pub(crate) classes: Vec<(String, Kept)>,
}

impl Trend {
    /// The deadlines of this quarter, where they are computed already.
    pub(crate) fn quarter(&self) -> Option<Quarter> {
        self.1.lock().ok()?.clone()
    }

    /// What is computed so far.
    pub(crate) fn points(&self) -> Vec<(Timestamp, Point)> {
        self.0.lock().map(|points| points.iter().map(|(at, point)| (*at, *point)).collect()).unwrap_or_default()
    }
}

/// When the quarter of an instant began, in UTC.
fn quarter(now: Timestamp) -> Timestamp {
    let today = now.to_zoned(TimeZone::UTC).date();
    let first = jiff::civil::Date::new(today.year(), (today.month() - 1) / 3 * 3 + 1, 1);
    let begins = first.ok().and_then(|first| first.to_zoned(TimeZone::UTC).ok());
    begins.map_or(now, |begins| begins.timestamp())
}

/// The instants between which months lie: the first days of the last months, and now.
fn bounds(now: Timestamp) -> Vec<Timestamp> {
    let first = now.to_zoned(TimeZone::UTC).first_of_month().and_then(|day| day.start_of_day());
    let Ok(first) = first else { return vec![now] };
    let months = (0..MONTHS as i64).rev().filter_map(|back| first.checked_sub(back.months()).ok());
    let mut bounds: Vec<Timestamp> = months.map(|month| month.timestamp()).collect();
    bounds.push(now);
    bounds
}

/// Keeps the trend up to date.
pub(crate) async fn follow(app: &App) {
    loop {
        if let Err(error) = compute(app).await {
            tracing::warn!(error = %store::in_words(&error), "the trend could not be computed");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Works out which deadlines of this quarter were kept.
async fn compute_quarter(app: &App) -> Result<(), operations::Error> {
    let since = quarter(app.now());
    let classes = app.view(None, |view| view.findings.kept(&view.record.facts, (since, view.now))).await?;
    if let Ok(mut known) = app.trend.1.lock() {
        *known = Some(Quarter { since, classes });
    }
    Ok(())
}

async fn compute(app: &App) -> Result<(), operations::Error> {
    match compute_quarter(app).await {
        // Before the first policy nothing fell due.
        Err(operations::Error::NoPolicy { .. }) => {}
        computed => computed?,
    }
    let bounds = bounds(app.now());
    let paces = {
        let record = app.organisation.store.record().await?;
        tokio::task::block_in_place(|| record.facts.pace(&bounds))
    };
    let began = {
        let record = app.organisation.store.record().await?;
        record.facts.began_at()
    };
    let (mut points, mut failed) = (BTreeMap::new(), Ok(()));
    let known = app.trend.points();
    for (place, end) in bounds.iter().enumerate().skip(1) {
        let pace = paces.get(place - 1).copied().unwrap_or_default();
        // Before the first entry nothing was known: that is no month without findings.
        if began.is_none_or(|began| *end <= began) {
            continue;
        }
        let is_now = place + 1 == bounds.len();
        // What was owed at the end of a month that is past stays what it was, but for what was told late.
        let is_new = |point: &Point| app.now().duration_since(point.computed) < A_DAY;
        if let Some((_, point)) = known.iter().find(|(at, point)| at == end && !is_now && is_new(point)) {
            points.insert(*end, Point { pace, ..*point });
            continue;
        }
        match app.view((!is_now).then_some(*end), |view| view.findings.counts(view.now)).await {
            Ok(counts) => {
                points.insert(
                    *end,
                    Point { findings: counts.findings, overdue: counts.overdue, pace, computed: app.now() },
                );
            }
            // No policy was in force then: nothing was owed.
            Err(operations::Error::NoPolicy { .. }) => {}
            Err(error) => {
                // What was worked out before stays, what was not is worked out the next time.
                failed = Err(error);
                let rest = known.iter().filter(|(at, _)| at >= end);
                points.extend(rest.copied());
                break;
            }
        }
        tokio::task::yield_now().await;
    }
    if let Ok(mut known) = app.trend.0.lock() {
        *known = points;
    }
    failed
}
