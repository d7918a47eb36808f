//! Findings: one vulnerability on one asset, with the packages that carry it, its signals and its deadline.

mod changelogs;
mod unmatched;

pub(crate) use changelogs::from_changelogs;
pub(crate) use unmatched::{from_lifecycle, from_pending};

use crate::assess::Input;
use crate::coverage::AHEAD_DAYS;
use crate::facts;
use advisories::index::Index;
use advisories::severity::decisive_of_scored;
use ecow::EcoString;
use inventory::{PackageType, purl};
use jiff::Timestamp;
use matching::{Fix, Match, Statements, Verdict};
use policy::Deadline;
use rayon::prelude::*;
use std::cmp::Ordering;

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A known vulnerability.
    Vulnerability,
    /// A release or package out of support.
    EndOfLife,
    /// A pending security update whose vulnerabilities are not known here.
    SecurityUpdate,
    /// Programs that still run replaced files.
    Restart,
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Its id: a CVE where one exists.
    pub id: String,
    /// What kind of thing it is.
    pub kind: Kind,
    /// Other ids.
    pub aliases: Vec<String>,
    /// One line of text.
    pub title: String,
    /// The packages that carry it.
    pub carriers: Vec<Carrier>,
    /// Whether it counts, and how.
    pub verdict: Verdict,
    /// What is known about its danger.
    pub signals: Signals,
    /// The advisories that say so.
    pub sources: Vec<Source>,
    /// By when it must be fixed, and why.
    pub deadline: Deadline,
    /// Whether that is past.
    pub is_overdue: bool,
}

/// A package that carries a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// Its place in the inventory; none for things that are no package.
    pub package: Option<usize>,
    /// Its name.
    pub name: EcoString,
    /// Its version.
    pub version: EcoString,
    /// Its source package's name, where it has one.
    pub source: EcoString,
    /// What is known about a fix.
    pub fix: Fix,
    /// Its package URL.
    pub purl: String,
    /// Why it was matched, in words.
    pub because: String,
    /// Whether it is a kernel that is installed but does not run.
    pub is_idle_kernel: bool,
    /// What has to be restarted, where its patch is on disk and the old code still runs.
    pub restart: Option<String>,
    /// By when it must be fixed in this package: its own patch may be younger than another package's.
    pub due: Option<Timestamp>,
}

/// What is known about a finding's danger.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Signals {
    /// The CVSS base score that decides, with its vector or word.
    pub cvss: Option<(f64, String)>,
    /// EPSS score and percentile.
    pub epss: Option<(f64, f64)>,
    /// When a catalogue listed it as exploited.
    pub listed: Option<Timestamp>,
    /// Whether ransomware campaigns use it.
    pub is_used_by_ransomware: bool,
    /// CISA's decision points, in words.
    pub ssvc: Option<String>,
    /// Weaknesses.
    pub weaknesses: Vec<String>,
    /// When the vulnerability was published.
    pub published: Option<Timestamp>,
    /// When its patch became available.
    pub patch_available: Option<Timestamp>,
}

/// An advisory behind a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The publisher's id.
    pub id: String,
    /// The feed it came from.
    pub feed: String,
    /// Where people read more; may be empty.
    pub url: String,
}

/// What the changelog of a pending update says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changelog {
    /// The source package.
    pub source: String,
    /// The version that names it.
    pub version: String,
    /// When the oldest version after the installed one was made.
    pub at: Option<Timestamp>,
    /// The vulnerabilities named there, each with the day of the first version that names it.
    pub vulnerabilities: Vec<(String, Option<Timestamp>)>,
}

impl Finding {
    /// Overdue first, then by due date; what has none last; then by class and id.
    pub(crate) fn by_urgency(a: &Self, b: &Self) -> Ordering {
        let due = |finding: &Self| finding.deadline.due.unwrap_or(Timestamp::MAX);
        due(a).cmp(&due(b)).then(a.deadline.rank.cmp(&b.deadline.rank)).then_with(|| natural(&b.id, &a.id))
    }

    /// Sets it aside where statements do so for all that carry it.
    pub(crate) fn apply(&mut self, statements: &mut Statements<'_>) {
        let ids = || std::iter::once(self.id.as_str()).chain(self.aliases.iter().map(String::as_str));
        let places: Vec<Option<usize>> = match self.carriers.is_empty() {
            true => vec![None],
            false => self.carriers.iter().map(|carrier| carrier.package).collect(),
        };
        let found: Vec<_> = places.into_iter().map(|place| statements.on(ids(), place)).collect();
        if let Some(suppressions) = found.into_iter().collect::<Option<Vec<_>>>()
            && let Some(first) = suppressions.into_iter().next()
            && !matches!(self.verdict, Verdict::Suppressed(_))
        {
            self.verdict = Verdict::Suppressed(first);
        }
    }

    /// Takes in the same vulnerability in another source package, whose patch has a day of its own.
    fn join(&mut self, other: Self) {
        self.carriers.extend(other.carriers);
        self.sources.extend(other.sources);
        if other.deadline.due.unwrap_or(Timestamp::MAX) < self.deadline.due.unwrap_or(Timestamp::MAX) {
            (self.deadline, self.is_overdue) = (other.deadline, other.is_overdue);
            self.signals.patch_available = other.signals.patch_available;
        }
    }

    /// Whether a patch, or a restart into one, exists for any that carry it.
    #[must_use]
    pub fn is_fixable(&self) -> bool {
        matches!(self.kind, Kind::Restart | Kind::SecurityUpdate)
            || self.carriers.iter().any(|carrier| matches!(carrier.fix, Fix::Available(_)))
    }

    /// Those that carry it and for which no patch exists; what has no carriers and no patch stands for itself.
    pub fn unfixed(&self) -> impl Iterator<Item = &Carrier> {
        self.carriers.iter().filter(|carrier| !matches!(carrier.fix, Fix::Available(_)))
    }

    /// Whether no patch exists for some that carry it, so that something else is owed there.
    #[must_use]
    pub fn is_partly_unfixed(&self) -> bool {
        !matches!(self.kind, Kind::Restart | Kind::SecurityUpdate)
            && (self.carriers.is_empty() || self.unfixed().next().is_some())
    }

    /// Whether a patch exists, and no known instant starts its clock: it would never be overdue.
    #[must_use]
    pub fn is_undated(&self) -> bool {
        matches!(self.kind, Kind::Vulnerability | Kind::Restart)
            && self.deadline.inputs.iter().any(|input| input.is_assumed && input.name == policy::UNKNOWN_CLOCK)
    }
}

/// Orders ids with numbers by their value: CVE-2024-9999 before CVE-2024-10000.
fn natural(a: &str, b: &str) -> Ordering {
    let key = |id: &str| id.split('-').map(|part| part.parse::<u64>().unwrap_or(0)).collect::<Vec<_>>();
    key(a).cmp(&key(b)).then_with(|| a.cmp(b))
}

/// Makes one finding of all matches on one vulnerability.
pub(crate) fn from_matches(
    input: Input<'_>,
    index: &Index<'_>,
    matches: &[Match],
) -> Result<Vec<Finding>, advisories::Error> {
    let feeds: Vec<String> = index.meta()?.feeds.into_iter().map(|state| state.feed).collect();
    let groups: Vec<&[Match]> = matches.chunk_by(|a, b| a.vulnerability == b.vulnerability).collect();
    let of_groups = |groups: &[&[Match]]| -> Result<Vec<Finding>, advisories::Error> {
        let mut findings = Vec::with_capacity(groups.len());
        for group in groups {
            // What counts and what is suppressed on some packages only are two findings.
            let (suppressed, counting): (Vec<&Match>, Vec<&Match>) =
                group.iter().partition(|found| matches!(found.verdict, Verdict::Suppressed(_)));
            for part in [counting, suppressed] {
                if let Some(first) = part.first() {
                    findings.push(from_group(input, index, &feeds, &part, first.vulnerability)?);
                }
            }
        }
        Ok(findings)
    };
    if groups.len() <= PART {
        return of_groups(&groups);
    }
    let parts: Vec<Vec<Finding>> = groups.par_chunks(PART).map(of_groups).collect::<Result<_, _>>()?;
    Ok(parts.into_iter().flatten().collect())
}

/// How many findings are made in one go; more are worth a second core.
const PART: usize = 128;

fn from_group(
    input: Input<'_>,
    index: &Index<'_>,
    feeds: &[String],
    group: &[&Match],
    number: u32,
) -> Result<Finding, advisories::Error> {
    let vulnerability = index.vulnerability(number)?;
    let (mut sources, mut bundle): (Vec<Source>, String) = (Vec::new(), String::new());
    let (mut severities, mut published, mut title) =
        (vulnerability.severities.clone(), vulnerability.published, vulnerability.summary.to_owned());
    for reason in group.iter().flat_map(|found| &found.reasons) {
        let advisory = index.advisory(reason.advisory)?;
        if sources.iter().any(|known| known.id == advisory.id) {
            continue;
        }
        let feed = feeds.get(usize::from(advisory.feed)).cloned().unwrap_or_default();
        severities.extend(advisory.severities.iter().copied());
        // A bundle's date and title speak of the bundle, not of one vulnerability in it.
        if advisory.vulnerabilities.len() == 1 {
            published = published.or(advisory.published);
            if title.is_empty() {
                advisory.summary.clone_into(&mut title);
            }
        }
        if bundle.is_empty() {
            advisory.summary.clone_into(&mut bundle);
        }
        sources.push(Source { id: advisory.id.to_owned(), feed, url: advisory.url() });
    }
    // Where nothing speaks of the vulnerability alone, the bundle's title says at least what it is in.
    let title = if title.is_empty() { bundle } else { title };
    let mut carriers: Vec<Carrier> = group.iter().map(|found| carrier(input, found)).collect();
    let listed = vulnerability.exploited.iter().map(|entry| entry.listed).min();
    // What can be installed or read now was not published later: such a date says nothing.
    let is_date = |at: &Timestamp| at.duration_since(input.now).as_hours() < 24 * AHEAD_DAYS;
    let published = published.filter(is_date);
    let patch_of = |found: &&Match| found.patch_available.filter(is_date);
    let patch_available = group.iter().filter_map(patch_of).min();
    let signals = Signals {
        cvss: decisive_of_scored(severities).map(|(score, value)| (score, value.to_owned())),
        epss: vulnerability.epss,
        listed,
        is_used_by_ransomware: vulnerability.exploited.iter().any(|entry| entry.ransomware),
        ssvc: vulnerability.ssvc.as_ref().map(facts::ssvc_in_words),
        weaknesses: vulnerability.weaknesses.iter().map(|text| (*text).to_owned()).collect(),
        published,
        patch_available,
    };
    let facts = facts::of_vulnerability(input, &vulnerability, &signals, &carriers);
    let own: Vec<(Option<Timestamp>, Option<&str>)> =
        group.iter().map(|found| (patch_of(found), found.urgency.as_deref())).collect();
    let deadline = earliest_deadline(input, &facts, &mut carriers, &own);
    let is_overdue = deadline.due.is_some_and(|due| due < input.now);
    Ok(Finding {
        id: vulnerability.id.to_owned(),
        kind: Kind::Vulnerability,
        aliases: facts::aliases(&vulnerability),
        title,
        verdict: strongest(group),
        carriers,
        signals,
        sources,
        deadline,
        is_overdue,
    })
}

/// What a carrier has of its own: the day of its patch, its publisher's word, whether there is a patch.
type Own<'a> = (Option<Timestamp>, Option<&'a str>, bool);

/// Derives the deadline of each carrier from the day of its own patch and its publisher's own word, and answers with the
/// earliest date and the strictest class.
fn earliest_deadline(
    input: Input<'_>,
    facts: &policy::Facts,
    carriers: &mut [Carrier],
    own: &[(Option<Timestamp>, Option<&str>)],
) -> Deadline {
    let mut derived: Vec<(Own<'_>, Deadline)> = Vec::new();
    for (carrier, (patch, urgency)) in carriers.iter_mut().zip(own) {
        let key = (*patch, *urgency, matches!(carrier.fix, Fix::Available(_)));
        if !derived.iter().any(|(known, _)| *known == key) {
            let own = policy::Facts {
                patch_available: key.0,
                vendor_urgency: key.1.map(str::to_owned),
                is_fix_available: key.2,
                ..facts.clone()
            };
            derived.push((key, policy::derive(input.policy, &own)));
        }
        carrier.due = derived.iter().find(|(known, _)| *known == key).and_then(|(_, deadline)| deadline.due);
    }
    let strictest = derived.iter().min_by_key(|(_, deadline)| deadline.rank);
    let strictest = strictest.map(|(_, deadline)| (deadline.rank, deadline.class.clone(), deadline.also.clone()));
    // Of two due at once, what can be patched says more.
    let earliest = derived
        .into_iter()
        .min_by_key(|((.., has_fix), deadline)| (deadline.due.unwrap_or(Timestamp::MAX), !has_fix))
        .map_or_else(|| policy::derive(input.policy, facts), |(_, deadline)| deadline);
    match strictest {
        Some((rank, class, also)) => Deadline { rank, class, also, ..earliest },
        None => earliest,
    }
}

/// Affected outweighs restart pending, which outweighs undetermined.
fn strongest(group: &[&Match]) -> Verdict {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Affected => 0,
        Verdict::RestartPending { .. } => 1,
        Verdict::Undetermined { .. } => 2,
        Verdict::Suppressed(_) => 3,
    };
    group.iter().map(|found| &found.verdict).min_by_key(|verdict| rank(verdict)).cloned().unwrap_or(Verdict::Affected)
}

fn carrier(input: Input<'_>, found: &Match) -> Carrier {
    let package = &input.inventory.packages[found.package];
    Carrier {
        package: Some(found.package),
        name: package.name.clone(),
        version: package.version.clone(),
        source: package.source.as_ref().map_or_else(|| package.name.clone(), |source| source.name.clone()),
        fix: found.fix.clone(),
        purl: purl::write(package),
        because: found
            .reasons
            .first()
            .map(|reason| format!("{} {}: {}", reason.ecosystem, reason.name, reason.because))
            .unwrap_or_default(),
        is_idle_kernel: found.is_idle_kernel,
        restart: match &found.verdict {
            Verdict::RestartPending { what } => Some(what.clone()),
            _ => None,
        },
        due: None,
    }
}

/// Whether a package's name for people is its source's (distributions) or its own.
pub(crate) fn is_distribution(kind: PackageType) -> bool {
    kind.language_ecosystem().is_none()
}
