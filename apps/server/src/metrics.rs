//! Metrics in Prometheus' text form (version 0.0.4).

use crate::app::App;
use fleet::AssetFilter;
use jiff::SignedDuration;
use operations::{Alert, AlertKind};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// Something that is counted.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted while the service runs.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) requests: Counter,
    pub(crate) failures: Counter,
    pub(crate) check_ins: Counter,
    pub(crate) inventories: Counter,
    pub(crate) refused_sign_ins: Counter,
}

/// Metrics as they are written down.
#[derive(Default)]
struct Text(String);

impl Text {
    /// One metric, `counter` or `gauge`, with its help and its rows: labels and value.
    fn rows(&mut self, name: &str, (kind, help): (&str, &str), rows: &[(String, f64)]) {
        let Self(text) = self;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP plimsoll_{name} {help}\n# TYPE plimsoll_{name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(text, "plimsoll_{name}{labels} {value}");
        }
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.rows(name, ("counter", help), &[(String::new(), value as f64)]);
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.rows(name, ("gauge", help), &[(String::new(), value as f64)]);
    }
}

/// All metrics as text.
pub(crate) async fn text(app: &App) -> Result<String, operations::Error> {
    let mut text = Text::default();
    of_process(app, &mut text);
    let now = app.now();
    let view = app.view(None, |view| {
        let (filter, facts) = (AssetFilter::default(), &view.record.facts);
        let summary = view.findings.summary(facts, now);
        let feeds: Vec<_> = view.record.state.feeds.iter().map(|(id, feed)| (id.clone(), feed.newest)).collect();
        let waiting = view.record.state.violations.values().filter(|known| known.waits()).count() as u64;
        (summary, view.gaps(&filter), feeds, (view.record.state.entries, waiting))
    });
    let (summary, gaps, feeds, (entries, waiting)) = view.await?;
    let by_class = |pick: fn(&fleet::Counts) -> u64| -> Vec<(String, f64)> {
        let label = |class: &str| format!("{{class=\"{}\"}}", class.replace(['"', '\\', '\n'], "_"));
        summary.classes.iter().map(|(class, counts)| (label(class), pick(counts) as f64)).collect()
    };
    text.rows("findings", ("gauge", "findings by class"), &by_class(|counts| counts.findings));
    text.rows("findings_overdue", ("gauge", "findings that are overdue, by class"), &by_class(|counts| counts.overdue));
    text.gauge("assets", "assets", summary.assets);
    text.gauge("assets_never_scanned", "assets that nobody has looked at", gaps.coverage.never_scanned);
    text.gauge("assets_partly_read", "assets of which not all could be read", gaps.coverage.partly_read);
    text.gauge("unjudged", "1 where nothing was ever held against advisories", u64::from(gaps.is_unjudged));
    let help = "1 where the catalogue of exploited vulnerabilities is missing";
    text.gauge("catalogue_missing", help, u64::from(gaps.lacks_catalogue));
    text.gauge("feeds_stale", "feeds that are too old, or whose age is not known", gaps.feeds.len() as u64);
    text.gauge("scans_overdue", "assets whose scan is overdue", gaps.scans_overdue);
    text.gauge("undetermined", "packages and releases that could not be judged", gaps.coverage.undetermined);
    let ages: Vec<(String, f64)> = feeds
        .iter()
        .filter_map(|(id, newest)| Some((format!("{{feed=\"{id}\"}}"), now.duration_since((*newest)?).as_secs_f64())))
        .collect();
    text.rows("feed_age_seconds", ("gauge", "age of the newest record of a feed"), &ages);
    let alerts = by_kind(&crate::api::alerts(app).await?);
    let help = "findings, assets and feeds that the policy has people told of, by kind";
    text.rows("alerts", ("gauge", help), &alerts);
    let letters: Vec<(String, f64)> = crate::mail::counts(app)
        .await?
        .into_iter()
        .map(|(state, count)| (format!("{{state=\"{state}\"}}"), count as f64))
        .collect();
    text.rows("letters", ("gauge", "letters to people, by how far they have come"), &letters);
    text.gauge("violations_open", "violations that wait for an answer", waiting);
    text.gauge("ledger_entries", "entries of the ledger", entries);
    Ok(text.0)
}

/// What this process has counted.
fn of_process(app: &App, text: &mut Text) {
    let metrics = &app.metrics;
    text.counter("requests_total", "HTTP requests", metrics.requests.value());
    text.counter("request_failures_total", "HTTP requests that failed here", metrics.failures.value());
    text.counter("check_ins_total", "check-ins of agents", metrics.check_ins.value());
    text.counter("inventories_total", "inventories of agents", metrics.inventories.value());
    text.counter("sign_ins_refused_total", "attempts to sign in that failed", metrics.refused_sign_ins.value());
    let recent = app.now().checked_sub(SignedDuration::from_hours(24)).unwrap_or_else(|_| app.now());
    let seen = app.contacts.since(recent) as u64;
    text.gauge("agents_seen", "agents that have spoken to this process in a day", seen);
}

/// How much is told, by the kind of alert: also where that is nothing.
fn by_kind(alerts: &[Alert]) -> Vec<(String, f64)> {
    let of = |kind: &AlertKind| alerts.iter().filter(|alert| alert.kind == *kind).map(|alert| alert.count).sum::<u64>();
    AlertKind::ALL.iter().map(|kind| (format!("{{kind=\"{}\"}}", kind.word()), of(kind) as f64)).collect()
}
