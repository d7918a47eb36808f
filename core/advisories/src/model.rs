//! The model that every feed is translated to.

use jiff::Timestamp;

/// One thing that a feed says.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// Which package versions are affected and fixed.
    Advisory(Box<Advisory>),
    /// What is known about one vulnerability's danger.
    Vulnerability(Box<Vulnerability>),
    /// Until when a release is supported.
    Release(Release),
    /// A source package whose support ended early or is limited.
    SupportNote(SupportNote),
}

/// A published statement of which package versions are affected and fixed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Advisory {
    /// The publisher's id.
    pub id: String,
    /// Other ids of the same vulnerability.
    pub aliases: Vec<String>,
    /// Vulnerabilities that the advisory resolves, where it is a bundle (DSA, RHSA, USN).
    pub resolves: Vec<String>,
    /// One line of text.
    pub summary: String,
    /// When it was published: for a vendor's advisory, when its patch became available.
    pub published: Option<Timestamp>,
    /// When it last changed.
    pub modified: Option<Timestamp>,
    /// When it was taken back.
    pub withdrawn: Option<Timestamp>,
    /// Published severities.
    pub severities: Vec<Severity>,
    /// Where people read more.
    pub url: Option<String>,
    /// The packages it speaks of.
    pub affected: Vec<Affected>,
}

/// A severity as somebody published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Severity {
    /// Who says so.
    pub source: String,
    /// A CVSS vector, or a word such as `important`.
    pub value: String,
}

/// Which name of a package a statement speaks of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Subject {
    /// The installed (binary) package.
    #[default]
    Binary = 0,
    /// The source package it was built from.
    Source = 1,
    /// Either: the publisher mixes both.
    Either = 2,
}

/// What the publisher says about a fix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum FixState {
    /// Decided by the ranges alone.
    #[default]
    ByRange = 0,
    /// Affected, and no fix exists yet.
    NotFixedYet = 1,
    /// Affected, and no fix will come.
    WontFix = 2,
    /// Affected, fix put off to a later update.
    Deferred = 3,
    /// The release or package is out of support.
    EndOfLife = 4,
    /// Not affected, whatever the version.
    NotAffected = 5,
    /// The publisher does not know.
    Undetermined = 6,
}

/// One package in an advisory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// The ecosystem with its release, as OSV writes it: `Debian:12`, `PyPI`. Without a release it speaks of all.
    pub ecosystem: String,
    /// The package's name there.
    pub name: String,
    /// Whether `name` is a source or a binary package.
    pub subject: Subject,
    /// What is said about a fix.
    pub state: FixState,
    /// Affected ranges.
    pub ranges: Vec<Range>,
    /// Versions listed one by one.
    pub versions: Vec<String>,
    /// The module stream it belongs to (`nodejs:18`).
    pub module: Option<String>,
    /// Architectures it is limited to; empty means all.
    pub architectures: Vec<String>,
    /// A word of severity for this package (`unimportant`, `low`).
    pub urgency: Option<String>,
}

/// How a range is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RangeKind {
    /// The ecosystem's own order.
    Ecosystem = 0,
    /// Semantic Versioning.
    SemVer = 1,
    /// Commits: cannot be ordered without the repository.
    Git = 2,
}

/// A range as OSV describes it: events along the order of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// Its order.
    pub kind: RangeKind,
    /// Its events, as published.
    pub events: Vec<Event>,
}

/// An event of a range (OSV schema, `affected[].ranges[].events`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Affected from this version on; `0` is before all versions.
    Introduced(String),
    /// Not affected from this version on.
    Fixed(String),
    /// Affected up to and including this version.
    LastAffected(String),
    /// The range says nothing from this version on.
    Limit(String),
}

/// CISA's decision points (SSVC), as published in a CVE record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssvc {
    /// `none`, `poc` or `active`.
    pub exploitation: String,
    /// Whether an attack can be automated.
    pub automatable: Option<bool>,
    /// Whether the impact is total (else partial).
    pub total_impact: Option<bool>,
}

/// An entry of a known-exploited catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exploited {
    /// Who lists it (`cisa`).
    pub asserter: String,
    /// When it was listed.
    pub listed: Timestamp,
    /// The due date for federal agencies.
    pub due: Option<Timestamp>,
    /// Known use in ransomware campaigns.
    pub ransomware: bool,
    /// Whether the entry asks for forensic triage (field since 2026-09).
    pub forensic_triage: bool,
}

/// What is known about one vulnerability; facts of several feeds are merged by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vulnerability {
    /// Its id, a CVE where one exists.
    pub id: String,
    /// One line of text.
    pub summary: String,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When the record last changed, where it is the record of the vulnerability itself.
    pub modified: Option<Timestamp>,
    /// When it was rejected, if it was; the record's last change stands in for a missing date.
    pub rejected: Option<Timestamp>,
    /// Published severities.
    pub severities: Vec<Severity>,
    /// Weaknesses (`CWE-79`).
    pub weaknesses: Vec<String>,
    /// EPSS score and percentile, both from 0 to 1.
    pub epss: Option<(f32, f32)>,
    /// SSVC decision points.
    pub ssvc: Option<Ssvc>,
    /// Catalogue entries.
    pub exploited: Vec<Exploited>,
}

/// Until when a release is supported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The ecosystem with its release: `Debian:12`.
    pub ecosystem: String,
    /// Its code name.
    pub codename: String,
    /// End of the maker's regular support.
    pub end_of_support: Option<Timestamp>,
    /// End of the support that is free to use (LTS).
    pub end_of_long_support: Option<Timestamp>,
    /// End of the support that is bought (ELTS, ESM).
    pub end_of_extended_support: Option<Timestamp>,
}

/// A source package whose security support ended early or is limited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportNote {
    /// The ecosystem with its release, or without one for all.
    pub ecosystem: String,
    /// The source package's name; a trailing `*` stands for any ending.
    pub package: String,
    /// When support ended; `None` where it is only limited.
    pub ended: Option<Timestamp>,
    /// The last version that was supported, where one is named.
    pub last_version: Option<String>,
    /// The publisher's words.
    pub reason: String,
}

/// A record that could not be read, or only in part: counted and shown, never lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable code, such as `feed/bad-record`.
    pub code: &'static str,
    /// The place: file, line or record.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl Problem {
    /// A record that does not follow its format.
    pub fn bad_record(place: impl Into<String>, what: impl std::fmt::Display) -> Self {
        Self { code: "feed/bad-record", place: place.into(), what: what.to_string() }
    }

    /// A file of exceptions that has no effect.
    pub fn not_applied(place: impl Into<String>, what: impl std::fmt::Display) -> Self {
        Self { code: "exception/not-applied", place: place.into(), what: what.to_string() }
    }
}

impl Affected {
    /// A package of a distribution that is fixed in `version`, with nothing said about where it began.
    #[must_use]
    pub fn fixed_in(ecosystem: &str, name: &str, subject: Subject, version: &str) -> Self {
        let events = vec![Event::Introduced("0".to_owned()), Event::Fixed(version.to_owned())];
        Self {
            ecosystem: ecosystem.to_owned(),
            name: name.to_owned(),
            subject,
            ranges: vec![Range { kind: RangeKind::Ecosystem, events }],
            ..Self::default()
        }
    }

    /// A package of a distribution with a statement that no version decides.
    #[must_use]
    pub fn with_state(ecosystem: &str, name: &str, subject: Subject, state: FixState) -> Self {
        Self { ecosystem: ecosystem.to_owned(), name: name.to_owned(), subject, state, ..Self::default() }
    }
}
