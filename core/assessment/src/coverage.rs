//! What an assessment rests on, and what it could not see.

use crate::assess::Input;
use crate::findings::Finding;
use advisories::index::{FeedState, Index, Meta};
use advisories::vex::Statement;
use ecow::EcoString;
use inventory::{Inventory, Offered, PackageType};
use jiff::Timestamp;
use matching::Undetermined;
use std::collections::HashSet;

/// Dates that lie more days ahead than this are mistakes; clocks and time zones differ by less.
pub(crate) const AHEAD_DAYS: i64 = 2;

/// After how many days a host's own lists of packages are too old: security updates come every week.
const STALE_METADATA_DAYS: i64 = 7;

/// The denominators: what was judged, what could not be, and how old the data is.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// Installed packages.
    pub packages: usize,
    /// Those that were compared with data that covers them.
    pub judged: usize,
    /// Those that could not be judged: name, version and why.
    pub undetermined: Vec<(EcoString, EcoString, String)>,
    /// The feeds in the index.
    pub feeds: Vec<FeedState>,
    /// The index's digest.
    pub index_digest: Option<String>,
    /// Whether the host's own repositories were looked at.
    pub has_repository_metadata: bool,
    /// Security updates of which it is not known what they fix, nor since when they have been there.
    pub unexplained_updates: usize,
    /// Files, documents or entries of the inventory that could not be read.
    pub unread: usize,
    /// Packages of which neither the advisories nor the host's own repositories say anything.
    pub uncovered: usize,
    /// Findings of which nobody can say whether they are there.
    pub undecided: usize,
    /// Findings with a patch whose clock no known instant starts: they would never be overdue.
    pub undated: usize,
    /// What of the data is too old or too damaged to rely on, in words.
    pub unreliable: Vec<String>,
    /// Things that are not known, in words.
    pub unknown: Vec<String>,
    /// Statements that met nothing, in words.
    pub idle_statements: Vec<String>,
}

impl Coverage {
    /// Why there is not enough data to call the asset clean, in words; empty if there is.
    #[must_use]
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        let mut gap = |count: usize, one: &str, many: &str| match count {
            0 => {}
            1 => gaps.push(format!("1 {one}")),
            count => gaps.push(format!("{count} {many}")),
        };
        gap(self.uncovered, "package could not be judged", "packages could not be judged");
        gap(
            self.unexplained_updates,
            "pending security update is not explained",
            "pending security updates are not explained",
        );
        gap(self.undecided, "finding could not be decided", "findings could not be decided");
        gap(self.undated, "finding has no date that starts its clock", "findings have no date that starts their clock");
        gap(self.unread, "file or entry could not be read", "files or entries could not be read");
        if self.packages == 0 {
            gaps.push("no package was found".to_owned());
        }
        gaps.extend(self.unreliable.iter().cloned());
        gaps
    }

    /// Names the statements without effect.
    pub(crate) fn note_idle(&mut self, idle: &[&Statement], now: Timestamp) {
        let describe = |statement: &&Statement| {
            let over = statement.until.filter(|until| *until <= now);
            let over = over.map(|until| format!(", whose time ended on {}", until.strftime("%F"))).unwrap_or_default();
            format!("{}: {}{over}", statement.by, statement.vulnerability)
        };
        self.idle_statements = idle.iter().map(describe).collect();
    }

    /// Whether there is enough data to call the asset clean.
    #[must_use]
    pub fn is_sufficient(&self) -> bool {
        self.gaps().is_empty()
    }
}

/// Describes what the assessment rests on.
pub(crate) fn describe(coverage: &mut Coverage, input: Input<'_>, meta: Option<Meta>) {
    coverage.feeds = meta.map(|meta| meta.feeds).unwrap_or_default();
    coverage.index_digest = input.index.map(Index::digest);
    describe_host(coverage, input);
    if coverage.packages > 0 && !input.has_catalogue {
        coverage.unknown.push("which vulnerabilities are exploited: no catalogue (feed kev) is loaded".to_owned());
    }
    let feeds = std::mem::take(&mut coverage.feeds);
    for state in feeds.iter().filter(|state| concerns(&state.feed, input.inventory)) {
        describe_feed(coverage, input, state);
    }
    coverage.feeds = feeds;
    describe_repositories(coverage, input);
    coverage.unknown.extend(coverage.unreliable.iter().cloned());
}

fn describe_host(coverage: &mut Coverage, input: Input<'_>) {
    if input.inventory.unread > 0 {
        let count = input.inventory.unread;
        coverage.unknown.push(format!("what {count} files or entries hold that could not be read (see the problems)"));
    }
    if !input.inventory.folders.is_empty() {
        let folders = input.inventory.folders.join(", ");
        coverage.unknown.push(format!("packages of languages outside of {folders}: other folders were not looked through (scan them by themselves)"));
    }
    if input.inventory.host.is_some() && !input.inventory.has_repository_metadata {
        coverage
            .unknown
            .push("no repository metadata was found on the host, so its pending updates are not known".to_owned());
    }
    let host = input.inventory.host.as_ref();
    if let Some(host) = host.filter(|host| host.has_kernels && host.running_kernel_version.is_none()) {
        let running = host.running_kernel.as_deref().unwrap_or("the running kernel");
        coverage
            .unknown
            .push(format!("whether the kernel that runs has its patches: {running} is none of the installed ones"));
    }
    if let Some(host) = host.filter(|host| host.unreadable_processes > 0) {
        let count = match host.unreadable_processes {
            1 => "1 process runs".to_owned(),
            count => format!("{count} processes run"),
        };
        coverage.unknown.push(format!("whether {count} replaced files: it could not be looked at for want of rights"));
    }
}

/// Whether a feed could speak of what is installed: the others may be as old as they like.
fn concerns(feed: &str, inventory: &Inventory) -> bool {
    feed_concerns(feed, || inventory.packages.iter().map(|package| (package.kind, package.ecosystem.as_str())))
}

/// Whether a feed could speak of packages of these kinds and ecosystems.
pub(crate) fn feed_concerns<'p, I: Iterator<Item = (PackageType, &'p str)>>(
    feed: &str,
    packages: impl Fn() -> I,
) -> bool {
    let has = |family: &str| {
        packages().any(|(kind, ecosystem)| {
            // Where the release is not known, any of its kind may be meant.
            let is_of_kind = match kind {
                PackageType::Deb => matches!(family, "Debian" | "Ubuntu"),
                PackageType::Apk => family == "Alpine",
                _ => false,
            };
            is_of_kind && (ecosystem.is_empty() || advisories::split_ecosystem(ecosystem).0 == family)
        })
    };
    match feed {
        "debian_tracker" | "debian_lists" | "debian_support" => has("Debian"),
        "ubuntu_vex" => has("Ubuntu"),
        "distro_info" => has("Debian") || has("Ubuntu"),
        "alpine" => has("Alpine"),
        "csaf" | "updateinfo" => packages().any(|(kind, _)| kind == PackageType::Rpm),
        _ => true,
    }
}

/// How old a feed is, and what of it could not be read.
fn describe_feed(coverage: &mut Coverage, input: Input<'_>, state: &FeedState) {
    if state.problems > 0 {
        let (feed, count) = (&state.feed, state.problems);
        coverage.unreliable.push(format!("{count} records or documents of the feed {feed} could not be read"));
    }
    let Some(feed) = advisories::feeds::find(&state.feed) else { return };
    // What does not date itself is as old as its last fetch.
    let of_fetch = || input.fetched.iter().find(|(feed, _)| *feed == state.feed).map(|(_, at)| *at);
    let Some(newest) = state.newest.or_else(of_fetch) else {
        coverage.unreliable.push(format!("the age of the feed {} is not known", state.feed));
        return;
    };
    if newest > latest_plausible(input) {
        let day = newest.strftime("%F");
        coverage
            .unreliable
            .push(format!("the feed {} has a record of {day}: how old the rest is cannot be said", state.feed));
    }
    coverage.unreliable.extend(staleness(feed, (newest, state.newest.is_some()), input.now));
}

/// That a feed is stale, where it is: by its newest record (`true`) or, where it has no dates, by its last fetch.
pub(crate) fn staleness(
    feed: &advisories::feeds::Feed,
    (newest, is_dated): (Timestamp, bool),
    now: Timestamp,
) -> Option<String> {
    let days = now.duration_since(newest).as_hours() / 24;
    let (what, ago) = if is_dated { ("its newest record is", "old") } else { ("it was fetched", "ago") };
    (days > i64::from(feed.stale_after_days))
        .then(|| format!("the feed {} is stale: {what} {days} days {ago}", feed.id))
}

/// The latest instant at which something can have been published.
fn latest_plausible(input: Input<'_>) -> Timestamp {
    let latest = input.now.max(input.today);
    latest.saturating_add(jiff::SignedDuration::from_hours(24 * AHEAD_DAYS)).unwrap_or(latest)
}

/// How old the metadata of the host's own repositories is.
fn describe_repositories(coverage: &mut Coverage, input: Input<'_>) {
    for (suite, until) in &input.inventory.repository_valid_until {
        if let Some(until) = Timestamp::from_second(*until).ok().filter(|until| *until < input.now) {
            let day = until.strftime("%F");
            coverage.unreliable.push(format!("the metadata of {suite} was valid until {day} only (apt-get update)"));
        }
    }
    let renewed = input.inventory.repository_metadata_at.and_then(|at| Timestamp::from_second(at).ok());
    let days = renewed.map_or(0, |at| input.now.duration_since(at).as_hours() / 24);
    if renewed.is_some_and(|at| at > latest_plausible(input)) {
        coverage
            .unreliable
            .push("the repositories' metadata is dated in the future: its age cannot be said".to_owned());
    }
    if days > STALE_METADATA_DAYS {
        coverage
            .unreliable
            .push(format!("the repositories' metadata is stale: its newest part is {days} days old (apt-get update)"));
    }
}

/// Says how many classes rest on the policy's value for what is missing, instead of a fact.
pub(crate) fn note_assumptions(coverage: &mut Coverage, findings: &[Finding]) {
    let mut missing: Vec<(&str, usize)> = Vec::new();
    for input in findings.iter().flat_map(|finding| &finding.deadline.inputs).filter(|input| input.is_assumed) {
        match missing.iter_mut().find(|(name, _)| *name == input.name) {
            Some((_, count)) => *count += 1,
            None => missing.push((input.name, 1)),
        }
    }
    let all = findings.len();
    for (name, count) in missing {
        let without_record = "a look by itself keeps no record of when it saw them first";
        coverage.unknown.push(match name {
            policy::MITIGATION_CLOCK => {
                format!("since when {count} of {all} findings have waited for a mitigation: {without_record}, so their clock starts now")
            }
            policy::UNKNOWN_CLOCK => {
                format!("what starts the clock of {count} of {all} findings: no feed dates them, so it starts now")
            }
            // That no catalogue is loaded is said by itself.
            policy::EXPLOITED => continue,
            name => format!("{name}, for {count} of {all} findings: the policy's value for what is missing was taken"),
        });
    }
    if coverage.unexplained_updates > 0 {
        let count = coverage.unexplained_updates;
        coverage.unknown.push(format!("what {count} pending security updates fix, and since when they have been there: import feeds, or scan with --changelogs"));
    }
}

pub(crate) fn undetermined(inventory: &Inventory, all: &[Undetermined]) -> Vec<(EcoString, EcoString, String)> {
    let all = all.iter().map(|entry| (&inventory.packages[entry.package], entry));
    all.map(|(package, entry)| (package.name.clone(), package.version.clone(), entry.why.clone())).collect()
}

/// How many packages nothing is known about. Where no advisory speaks of a package, the repository that offers it still
/// may: it has no newer version, or says of each newer one whether it is of security.
pub(crate) fn uncovered(inventory: &Inventory, undetermined: &[Undetermined]) -> usize {
    let pending: HashSet<(&str, &str)> =
        inventory.pending.iter().map(|update| (update.name.as_str(), update.architecture.as_str())).collect();
    let is_covered = |entry: &&Undetermined| {
        let package = &inventory.packages[entry.package];
        let has_update = pending.contains(&(package.name.as_str(), package.architecture.as_str()));
        match package.offered {
            Offered::No => false,
            // Only the distribution keeps its fixes in a place of their own.
            Offered::Elsewhere => entry.is_foreign && !has_update,
            Offered::Unmarked => !has_update,
            // The distribution's marks say nothing of an update that comes from outside of it.
            Offered::Marked => !(entry.is_foreign && has_update),
        }
    };
    undetermined.iter().filter(|entry| !is_covered(entry)).count()
}
