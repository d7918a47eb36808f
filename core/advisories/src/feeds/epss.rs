//! EPSS scores of FIRST.org: `cve,epss,percentile`, after a comment line that names model and day.

use super::text::{begins_with_all, instant};
use super::{Document, Feed, Reading, Revision};
use crate::model::{Record, Vulnerability};

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "epss",
    title: "EPSS: probability of exploitation",
    addresses: &["https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"],
    stale_after_days: 3,
    by_line: false,
    revision: Revision::Whole(|_| Some("scores".to_owned())),
    detect: |document| begins_with_all(document, &["cve,epss"]),
    read,
};

fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    for (at, line) in document.bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.starts_with(b"#") {
            let text = String::from_utf8_lossy(line);
            out.made = text.split("score_date:").nth(1).and_then(|date| instant(date.trim()));
        }
        if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"cve,") {
            continue;
        }
        match row(line) {
            Some(vulnerability) => out.record(Record::Vulnerability(Box::new(vulnerability))),
            None => out.problem(format!("{} line {}", document.name, at + 1), "not a row of `cve,epss,percentile`"),
        }
    }
}

fn row(line: &[u8]) -> Option<Vulnerability> {
    let line = std::str::from_utf8(line).ok()?.trim_end();
    let mut cells = line.split(',');
    let (id, score) = (cells.next()?, cells.next()?.parse::<f32>().ok()?);
    // The first model had no percentile.
    let percentile = cells.next().map_or(Some(0.0), |cell| cell.parse::<f32>().ok())?;
    let in_range = |value: f32| (0.0..=1.0).contains(&value);
    (super::text::is_cve(id) && in_range(score) && in_range(percentile)).then(|| Vulnerability {
        id: id.to_owned(),
        epss: Some((score, percentile)),
        ..Vulnerability::default()
    })
}
