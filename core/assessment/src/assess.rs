//! The one function that assesses an inventory.

use crate::coverage::{self, Coverage};
use crate::findings::{self, Changelog, Finding, Kind};
use crate::patches::{self, Patch};
use advisories::index::{FeedState, Index};
use advisories::vex::Statement;
use inventory::{Inventory, PendingUpdate};
use jiff::Timestamp;
use matching::{Statements, Verdict};
use policy::{Asset, Policy};

/// Why an assessment could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Matching failed.
    #[error("failed to match the inventory")]
    Matching(#[from] matching::Error),
    /// The index could not be read.
    #[error("failed to read the index")]
    Index(#[from] advisories::Error),
}

/// Everything that an assessment is made from.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// What is installed.
    pub inventory: &'a Inventory,
    /// The advisories, if there are any.
    pub index: Option<&'a Index<'a>>,
    /// The policy.
    pub policy: &'a Policy,
    /// What is known about the asset.
    pub asset: &'a Asset,
    /// VEX statements and ignore files.
    pub statements: &'a [Statement],
    /// What the changelogs of pending updates say.
    pub changelogs: &'a [Changelog],
    /// The instant of the assessment.
    pub now: Timestamp,
    /// What the clock says; later than `now` where the assessment is of the past. Only what is dated after both is wrong.
    pub today: Timestamp,
    /// When the documents of each feed were last fetched or imported: the age of those that do not date themselves.
    pub fetched: &'a [(String, Timestamp)],
    /// Whether a catalogue of what is exploited is loaded; [`assess`] finds that out by itself.
    pub has_catalogue: bool,
}

/// What is missing on an asset, and by when it must be fixed.
#[derive(Debug, Clone, Default)]
pub struct Assessment {
    /// Findings that count, the most urgent first.
    pub findings: Vec<Finding>,
    /// Findings that somebody says do not count, with the reason.
    pub suppressed: Vec<Finding>,
    /// Patches to apply, the most urgent first; each names its findings by their place.
    pub patches: Vec<Patch>,
    /// Pending updates that no finding and no security suite calls for.
    pub other_updates: Vec<PendingUpdate>,
    /// What the assessment rests on, and what it could not see.
    pub coverage: Coverage,
}

/// Assesses an inventory.
///
/// # Errors
/// If the index is damaged.
pub fn assess(mut input: Input<'_>) -> Result<Assessment, Error> {
    let mut coverage = Coverage {
        packages: input.inventory.packages.iter().filter(|package| package.still_runs.is_none()).count(),
        has_repository_metadata: input.inventory.has_repository_metadata,
        unread: input.inventory.unread,
        ..Coverage::default()
    };
    let meta = input.index.map(Index::meta).transpose()?;
    let has_records = |state: &FeedState| state.feed == "kev" && state.records > 0;
    input.has_catalogue = meta.as_ref().is_some_and(|meta| meta.feeds.iter().any(has_records));
    let mut statements = Statements::new(input.statements, input.inventory, input.now);
    let mut all = Vec::new();
    if let Some(index) = input.index {
        let mut matching = matching::find(input.inventory, index)?;
        statements.apply(&mut matching.matches, index)?;
        coverage.judged = matching.judged;
        coverage.undetermined = coverage::undetermined(input.inventory, &matching.undetermined);
        coverage.uncovered = coverage::uncovered(input.inventory, &matching.undetermined);
        all = findings::from_matches(input, index, &matching.matches)?;
    } else {
        coverage
            .unknown
            .push("there is no index of advisories, so installed packages were not compared with any".to_owned());
        let undetermined = matching::without_index(input.inventory);
        coverage.undetermined = coverage::undetermined(input.inventory, &undetermined);
        coverage.uncovered = coverage::uncovered(input.inventory, &undetermined);
    }
    let mut apply = |mut found: Vec<Finding>| {
        found.iter_mut().for_each(|finding| finding.apply(&mut statements));
        found
    };
    all.extend(apply(findings::from_changelogs(input, &all)?));
    all.extend(apply(findings::from_lifecycle(input, meta.as_ref(), &mut coverage.unreliable)));
    all.extend(apply(findings::from_pending(input, &all)));
    coverage.note_idle(&statements.idle(), input.now);
    coverage::describe(&mut coverage, input, meta);
    let (mut suppressed, mut findings): (Vec<Finding>, Vec<Finding>) =
        all.into_iter().partition(|finding| matches!(finding.verdict, Verdict::Suppressed(_)));
    // What does not count is not overdue either.
    suppressed.iter_mut().for_each(|finding| finding.is_overdue = false);
    findings.sort_by(Finding::by_urgency);
    suppressed.sort_by(Finding::by_urgency);
    let is_unexplained =
        |finding: &&Finding| finding.kind == Kind::SecurityUpdate && finding.signals.patch_available.is_none();
    coverage.unexplained_updates = findings.iter().filter(is_unexplained).count();
    coverage.undecided =
        findings.iter().filter(|finding| matches!(finding.verdict, Verdict::Undetermined { .. })).count();
    coverage.undated = findings.iter().filter(|finding| finding.is_undated()).count();
    coverage::note_assumptions(&mut coverage, &findings);
    let (patches, other_updates) = patches::group(input.inventory, &findings, input.now);
    Ok(Assessment { findings, suppressed, patches, other_updates, coverage })
}
