//! CVSS v2 to v4.0: scores computed anew from the vector, never taken on trust.
//!
//! Scores are those of the first.org specifications (v2 section 3.2, v3.0 and v3.1 section 7, v4.0 section 8).

use crate::model::Severity;
use std::str::FromStr;

/// Scores of one CVSS vector, each from 0.0 to 10.0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// The base score (v4.0: the score over all given metrics).
    pub base: f64,
    /// The temporal score, for v2 and v3.
    pub temporal: Option<f64>,
    /// The environmental score, for v2 and v3.
    pub environmental: Option<f64>,
}

/// Computes the scores of a vector of any version, or `None` if it is no valid vector.
#[must_use]
pub fn scores(vector: &str) -> Option<Scores> {
    let vector = vector.trim();
    let vector = vector.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(vector);
    if vector.starts_with("CVSS:4.") {
        let parsed = cvss::v4::Vector::from_str(vector).ok()?;
        return Some(Scores { base: parsed.score().value(), temporal: None, environmental: None });
    }
    if vector.starts_with("CVSS:3.") {
        return v3_scores(vector);
    }
    let parsed = cvss::v2::Vector::from_str(vector).ok()?;
    Some(Scores {
        base: parsed.score().value(),
        temporal: Some(parsed.temporal_score().value()),
        environmental: Some(parsed.environmental_score().value()),
    })
}

fn v3_scores(vector: &str) -> Option<Scores> {
    let parsed = cvss::v3::Vector::from_str(vector).ok()?;
    let metrics = Metrics { vector };
    // A vector without one of the base metrics is no vector (specification, section 6).
    if ["AV", "AC", "PR", "UI", "S", "C", "I", "A"].iter().any(|name| metrics.get(name).is_none()) {
        return None;
    }
    let base = parsed.base_score().value();
    let temporal = round_up(base * metrics.temporal());
    Some(Scores { base, temporal: Some(temporal), environmental: Some(metrics.environmental()) })
}

/// Rounds up to one decimal; to a millionth first, so that float noise does not add a tenth (v3.1, appendix A).
fn round_up(score: f64) -> f64 {
    ((score * 1e6).round() / 1e5).ceil() / 10.0
}

/// The metrics of a v3 vector, by name.
struct Metrics<'a> {
    vector: &'a str,
}

impl<'a> Metrics<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.vector
            .split('/')
            .find_map(|metric| metric.split_once(':').filter(|(key, _)| *key == name).map(|(_, value)| value))
    }

    /// A modified metric, or the base metric where it is not defined.
    fn modified(&self, name: &str) -> &'a str {
        self.get(&format!("M{name}")).filter(|value| *value != "X").or_else(|| self.get(name)).unwrap_or_default()
    }

    /// Exploit code maturity × remediation level × report confidence (section 7.4).
    fn temporal(&self) -> f64 {
        let factor = |name: &str| match (name, self.get(name).unwrap_or("X")) {
            ("E", "U") => 0.91,
            ("E", "P") => 0.94,
            ("E", "F") => 0.97,
            ("RL", "O") => 0.95,
            ("RL", "T") => 0.96,
            ("RL", "W") => 0.97,
            ("RC", "U") => 0.92,
            ("RC", "R") => 0.96,
            _ => 1.0,
        };
        factor("E") * factor("RL") * factor("RC")
    }

    /// The environmental score (section 7.3; the equations of v3.0 and v3.1 differ where the scope changes).
    fn environmental(&self) -> f64 {
        let requirement = |name: &str| match self.get(name) {
            Some("L") => 0.5,
            Some("H") => 1.5,
            _ => 1.0,
        };
        let impact = |name: &str| match self.modified(name) {
            "H" => 0.56,
            "L" => 0.22,
            _ => 0.0,
        };
        let kept: f64 = (1.0 - requirement("CR") * impact("C"))
            * (1.0 - requirement("IR") * impact("I"))
            * (1.0 - requirement("AR") * impact("A"));
        let missing = (1.0 - kept).min(0.915);
        let is_changed = self.modified("S") == "C";
        let is_first = self.vector.starts_with("CVSS:3.0");
        let total = match (is_changed, is_first) {
            (false, _) => 6.42 * missing,
            (true, true) => 7.52 * (missing - 0.029) - 3.25 * (missing - 0.02_f64).powi(15),
            (true, false) => 7.52 * (missing - 0.029) - 3.25 * (missing * 0.9731 - 0.02_f64).powi(13),
        };
        if total <= 0.0 {
            return 0.0;
        }
        let sum = total + self.exploitability(is_changed);
        round_up(round_up((if is_changed { 1.08 * sum } else { sum }).min(10.0)) * self.temporal())
    }

    fn exploitability(&self, is_changed: bool) -> f64 {
        let vector = match self.modified("AV") {
            "N" => 0.85,
            "A" => 0.62,
            "L" => 0.55,
            _ => 0.2,
        };
        let complexity = if self.modified("AC") == "L" { 0.77 } else { 0.44 };
        let privileges = match (self.modified("PR"), is_changed) {
            ("N", _) => 0.85,
            ("L", false) => 0.62,
            ("L", true) => 0.68,
            (_, false) => 0.27,
            (_, true) => 0.5,
        };
        let interaction = if self.modified("UI") == "N" { 0.85 } else { 0.62 };
        8.22 * vector * complexity * privileges * interaction
    }
}

/// The base score that decides for a finding, and the severity it comes from.
///
/// The newest CVSS version wins; within one version the highest score, so that nobody's lower opinion hides a higher
/// one. A published word counts only where no vector exists, at the top of its band.
#[must_use]
pub fn decisive<'a>(severities: impl IntoIterator<Item = &'a Severity>) -> Option<(f64, &'a Severity)> {
    severities
        .into_iter()
        .filter_map(|severity| Some((rank(&severity.value), score(&severity.value)?, severity)))
        .max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
        .map(|(_, score, severity)| (score, severity))
}

/// A published severity with its score, computed once when the index was compiled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored<'a> {
    /// The vector or word.
    pub value: &'a str,
    /// Its base score, from 0 to 10; none for words without a band and for what is no vector.
    pub score: Option<f64>,
}

/// [`decisive`], over severities that are scored already.
#[must_use]
pub fn decisive_of_scored<'a>(severities: impl IntoIterator<Item = Scored<'a>>) -> Option<(f64, &'a str)> {
    severities
        .into_iter()
        .filter_map(|severity| Some((rank(severity.value), severity.score?, severity.value)))
        .max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
        .map(|(_, score, value)| (score, value))
}

/// The base score of a vector, or of a word.
pub(crate) fn score(value: &str) -> Option<f64> {
    scores(value).map(|scores| scores.base).or_else(|| word_score(value))
}

/// Newer versions of CVSS outrank older ones, and any vector a word.
fn rank(value: &str) -> u8 {
    match value.get(..7) {
        Some("CVSS:4.") => 4,
        Some("CVSS:3.") => 3,
        _ if value.contains('/') => 2,
        _ => 1,
    }
}

/// The top of the band that a published word names, `None` for words without a band.
#[must_use]
pub fn word_score(word: &str) -> Option<f64> {
    match word.to_ascii_lowercase().as_str() {
        "critical" => Some(10.0),
        "high" | "important" => Some(8.9),
        "medium" | "moderate" => Some(6.9),
        "low" => Some(3.9),
        "negligible" | "unimportant" | "minor" => Some(0.1),
        _ => None,
    }
}

/// The word for a score (CVSS v3.1 specification, section 5).
#[must_use]
pub fn word(score: f64) -> &'static str {
    match score {
        score if score >= 9.0 => "critical",
        score if score >= 7.0 => "high",
        score if score >= 4.0 => "medium",
        score if score > 0.0 => "low",
        _ => "none",
    }
}
