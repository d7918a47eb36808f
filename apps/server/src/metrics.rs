//! Metrics in Prometheus' text form (version 0.0.4).

use crate::app::App;
use fleet::AssetFilter;
use jiff::SignedDuration;
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

/// All metrics as text.
pub(crate) async fn text(app: &App) -> Result<String, operations::Error> {
    let metrics = &app.metrics;
    let mut text = String::new();
    let mut one = |name: &str, (kind, help): (&str, &str), rows: &[(String, f64)]| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP plimsoll_{name} {help}\n# TYPE plimsoll_{name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(text, "plimsoll_{name}{labels} {value}");
        }
    };
    let plain = |value: u64| vec![(String::new(), value as f64)];
    one("requests_total", ("counter", "HTTP requests"), &plain(metrics.requests.value()));
    one("request_failures_total", ("counter", "HTTP requests that failed here"), &plain(metrics.failures.value()));
    one("check_ins_total", ("counter", "check-ins of agents"), &plain(metrics.check_ins.value()));
    one("inventories_total", ("counter", "inventories of agents"), &plain(metrics.inventories.value()));
    one(
        "sign_ins_refused_total",
        ("counter", "attempts to sign in that failed"),
        &plain(metrics.refused_sign_ins.value()),
    );
    let now = app.now();
    let recent = now.checked_sub(SignedDuration::from_hours(24)).unwrap_or(now);
    one(
        "agents_seen",
        ("gauge", "agents that have spoken to this process in a day"),
        &plain(app.contacts.since(recent) as u64),
    );
    let view = app.view(None, |view| {
        let (filter, facts) = (AssetFilter::default(), &view.record.facts);
        let summary = view.findings.summary(facts, now);
        let feeds: Vec<_> = view.record.state.feeds.iter().map(|(id, feed)| (id.clone(), feed.newest)).collect();
        (summary, view.gaps(&filter), feeds, view.record.state.entries)
    });
    let (summary, gaps, feeds, entries) = view.await?;
    let by_class = |pick: fn(&fleet::Counts) -> u64| -> Vec<(String, f64)> {
        let label = |class: &str| format!("{{class=\"{}\"}}", class.replace(['"', '\\', '\n'], "_"));
        summary.classes.iter().map(|(class, counts)| (label(class), pick(counts) as f64)).collect()
    };
    one("findings", ("gauge", "findings by class"), &by_class(|counts| counts.findings));
    one("findings_overdue", ("gauge", "findings that are overdue, by class"), &by_class(|counts| counts.overdue));
    one("assets", ("gauge", "assets"), &plain(summary.assets));
    one("assets_never_scanned", ("gauge", "assets that nobody has looked at"), &plain(gaps.coverage.never_scanned));
    one("assets_partly_read", ("gauge", "assets of which not all could be read"), &plain(gaps.coverage.partly_read));
    one("unjudged", ("gauge", "1 where nothing was ever held against advisories"), &plain(u64::from(gaps.is_unjudged)));
    one(
        "catalogue_missing",
        ("gauge", "1 where the catalogue of exploited vulnerabilities is missing"),
        &plain(u64::from(gaps.lacks_catalogue)),
    );
    one("feeds_stale", ("gauge", "feeds that are too old, or whose age is not known"), &plain(gaps.feeds.len() as u64));
    one("scans_overdue", ("gauge", "assets whose scan is overdue"), &plain(gaps.scans_overdue));
    one(
        "undetermined",
        ("gauge", "packages and releases that could not be judged"),
        &plain(gaps.coverage.undetermined),
    );
    let ages: Vec<(String, f64)> = feeds
        .iter()
        .filter_map(|(id, newest)| Some((format!("{{feed=\"{id}\"}}"), now.duration_since((*newest)?).as_secs_f64())))
        .collect();
    one("feed_age_seconds", ("gauge", "age of the newest record of a feed"), &ages);
    one("ledger_entries", ("gauge", "entries of the ledger"), &plain(entries));
    Ok(text)
}
