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
    let base = parsed.base_score().value();
    let factor: f64 = vector.split('/').map(temporal_factor).product();
    // Rounding to a millionth first keeps float noise from adding a tenth (v3.1 specification, appendix A).
    let temporal = (((base * factor) * 1e6).round() / 1e5).ceil() / 10.0;
    Some(Scores { base, temporal: Some(temporal), environmental: Some(parsed.environmental_score().value()) })
}

/// The multiplier of one temporal metric (v3.1 specification, section 7.4); 1 for all others.
fn temporal_factor(metric: &str) -> f64 {
    match metric {
        "E:U" => 0.91,
        "E:P" => 0.94,
        "E:F" => 0.97,
        "RL:O" => 0.95,
        "RL:T" => 0.96,
        "RL:W" => 0.97,
        "RC:U" => 0.92,
        "RC:R" => 0.96,
        _ => 1.0,
    }
}

/// The base score that decides for a finding, and the severity it comes from.
///
/// The newest CVSS version wins; within one version the highest score, so that nobody's lower opinion hides a higher
/// one. A published word counts only where no vector exists, at the top of its band.
#[must_use]
pub fn decisive<'a>(severities: impl IntoIterator<Item = &'a Severity>) -> Option<(f64, &'a Severity)> {
    let rank = |severity: &Severity| match severity.value.get(..7) {
        Some("CVSS:4.") => 4,
        Some("CVSS:3.") => 3,
        _ if severity.value.contains('/') => 2,
        _ => 1,
    };
    severities
        .into_iter()
        .filter_map(|severity| {
            let score = scores(&severity.value).map(|scores| scores.base).or_else(|| word_score(&severity.value))?;
            Some((rank(severity), score, severity))
        })
        .max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
        .map(|(_, score, severity)| (score, severity))
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
