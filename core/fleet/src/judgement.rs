//! Judgements: what the advisories say of a thing, and what is known of a vulnerability's danger.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is said of one thing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Judgement {
    /// The vulnerabilities in it, in the order of their ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<Statement>,
    /// Why nothing can be said of it, where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undetermined: Option<String>,
}

/// One vulnerability in one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Statement {
    /// The vulnerability's id.
    pub vulnerability: String,
    /// Whether the thing is affected.
    pub standing: Standing,
    /// What has to be restarted, what is missing to judge, or who says why that it does not count; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remark: String,
    /// What is known about a fix.
    pub fix: Fix,
    /// When the patch became available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_available: Option<Timestamp>,
    /// The publisher's word on its weight in this package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<String>,
    /// The CVSS base score of the advisories behind it, where it outranks the vulnerability's own or that has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvss: Option<f64>,
    /// When that advisory was published, where the vulnerability itself has no date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// Which range, version or state decided, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub because: String,
}

/// Whether a thing is affected; the first outweighs the ones after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is.
    Affected,
    /// The patch is on disk, and the old code still runs.
    RestartPending,
    /// It cannot be said.
    Undetermined,
    /// Somebody says that it does not count.
    Suppressed,
}

/// What is known about a fix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fix {
    /// This version brings it.
    Available(String),
    /// None exists yet.
    NotYet,
    /// The publisher will not fix it.
    WontFix,
    /// The publisher puts it off.
    Deferred,
    /// Out of support.
    EndOfLife,
    /// Nobody says anything about one.
    Unknown,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A known vulnerability.
    #[default]
    Vulnerability,
    /// A release or package out of support.
    EndOfLife,
    /// A pending security update whose vulnerabilities are not known here.
    SecurityUpdate,
    /// Programs that still run replaced files.
    Restart,
}

/// What is known of a vulnerability, whoever has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Signals {
    /// Its id: a CVE where one exists.
    pub id: String,
    /// What it is.
    pub subject: Subject,
    /// Its other ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// One line of text; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The CVSS base score that decides, with its vector or word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cvss: Option<(f64, String)>,
    /// EPSS score and percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epss: Option<(f64, f64)>,
    /// When a catalogue listed it as exploited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listed: Option<Timestamp>,
    /// The due date that the catalogue names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalogue_due: Option<Timestamp>,
    /// Whether ransomware campaigns use it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_used_by_ransomware: bool,
    /// SSVC exploitation: `none`, `poc`, `active`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exploitation: Option<String>,
    /// SSVC: whether an attack can be automated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automatable: Option<bool>,
    /// SSVC: whether the technical impact is total.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_impact: Option<bool>,
    /// When it was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
}

impl Fix {
    /// What is known of a fix, in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Available(version) => format!("fixed in {version}"),
            Self::NotYet => "no fix yet".to_owned(),
            Self::WontFix => "its publisher will not fix it".to_owned(),
            Self::Deferred => "its publisher puts the fix off".to_owned(),
            Self::EndOfLife => "out of support".to_owned(),
            Self::Unknown => "nothing is known of a fix".to_owned(),
        }
    }
}
