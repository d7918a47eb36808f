//! `plimsoll scan`.

use super::changelogs;
use crate::arguments::{ExposureArgument, Format, ScanArguments, Subject};
use crate::exit::{self, Usage};
use crate::formats::{self, Report};
use crate::{files, pager, progress, target};
use ::feeds::{MappedIndex, Store};
use ::policy::{Asset, Exposure, Policy};
use advisories::Problem;
use advisories::index::Index;
use advisories::vex::{self, Statements};
use anyhow::{Context, Result};
use assessment::{Assessment, Changelog, Input};
use inventory::{Directory, Inventory};
use jiff::Timestamp;
use std::mem::ManuallyDrop;
use std::path::Path;

/// Everything that a scan is made from, read from the world once.
pub(super) struct Prepared {
    pub(super) inventory: Inventory,
    pub(super) policy: Policy,
    pub(super) asset: Asset,
    pub(super) statements: Statements,
    pub(super) changelogs: Vec<Changelog>,
    pub(super) index: Option<MappedIndex>,
    pub(super) now: Timestamp,
    today: Timestamp,
    fetched: Vec<(String, Timestamp)>,
}

/// Scans, writes the report and answers with the exit code.
pub(super) fn run(arguments: &ScanArguments, data: &Path, is_quiet: bool) -> Result<u8> {
    let prepared = ManuallyDrop::new(prepare(&arguments.subject, data, is_quiet)?);
    let gate = Gate::parse(&arguments.fail_on, &prepared.policy)?;
    let index = prepared.index.as_ref().map(MappedIndex::index).transpose()?;
    // Taking everything apart piece by piece at the end would cost as much as writing the report.
    let assessment = ManuallyDrop::new(prepared.assess(index.as_ref())?);
    let report = Report {
        inventory: &prepared.inventory,
        assessment: &assessment,
        policy: &prepared.policy,
        problems: &prepared.statements.problems,
        now: prepared.now,
        is_verbose: arguments.verbose,
        only_fixed: arguments.only_fixed,
        width: if arguments.output.is_none() { terminal_width() } else { None },
    };
    match &arguments.output {
        Some(path) => {
            let mut text = Vec::new();
            formats::write(arguments.format, &report, &mut text)?;
            if arguments.format == Format::Table {
                // A file is no terminal.
                text = anstream::adapter::strip_bytes(&text).into_vec();
            }
            std::fs::write(path, &text).with_context(|| format!("failed to write `{}`", path.display()))?;
        }
        None => {
            let mut text = Vec::new();
            formats::write(arguments.format, &report, &mut text)?;
            let written = match arguments.format {
                Format::Table | Format::Markdown => pager::show(&text),
                _ => pager::print(&text),
            };
            written.context("failed to write the report")?;
        }
    }
    if gate.is_closed(&assessment, arguments.only_fixed) {
        return Ok(exit::POLICY_NOT_MET);
    }
    let mut coverage = assessment.coverage.clone();
    if arguments.allow_undetermined {
        (coverage.uncovered, coverage.undecided) = (0, 0);
    }
    let gaps = coverage.gaps();
    if gaps.is_empty() {
        return Ok(exit::WITHIN_POLICY);
    }
    if !is_quiet {
        let words = formats::gaps_in_words(&gaps);
        progress::say(&format!("There is not enough data to call this system clean: {words}."));
    }
    Ok(exit::NOT_ENOUGH_DATA)
}

/// How wide the terminal is, if standard output is one.
fn terminal_width() -> Option<usize> {
    let (terminal_size::Width(width), _) = terminal_size::terminal_size_of(std::io::stdout())?;
    Some(usize::from(width).max(60))
}

/// What closes the gate.
enum Gate {
    Never,
    Overdue,
    /// This class or a stricter one.
    Class(usize),
}

impl Gate {
    fn parse(text: &str, policy: &Policy) -> Result<Self> {
        match text {
            "none" => Ok(Self::Never),
            "overdue" => Ok(Self::Overdue),
            class => {
                policy.rank(class).or_else(|| policy.rank(&class.to_ascii_lowercase())).map(Self::Class).ok_or_else(
                    || {
                        let known: Vec<&str> = policy.classes.iter().map(|class| class.id.as_str()).collect();
                        Usage(format!(
                            "`{class}` is no gate: use overdue, none, or a class of the policy ({})",
                            known.join(", ")
                        ))
                        .into()
                    },
                )
            }
        }
    }

    /// What is not printed never fails the run.
    fn is_closed(&self, assessment: &Assessment, only_fixed: bool) -> bool {
        let mut shown = assessment.findings.iter().filter(|finding| !only_fixed || finding.is_fixable());
        match self {
            Self::Never => false,
            Self::Overdue => shown.any(|finding| finding.is_overdue),
            Self::Class(rank) => shown.any(|finding| finding.deadline.rank <= *rank),
        }
    }
}

impl Prepared {
    /// Assesses what was read.
    pub(super) fn assess<'a>(&'a self, index: Option<&'a Index<'a>>) -> Result<Assessment> {
        let input = Input {
            inventory: &self.inventory,
            index,
            policy: &self.policy,
            asset: &self.asset,
            statements: &self.statements.statements,
            changelogs: &self.changelogs,
            now: self.now,
            today: self.today,
            fetched: &self.fetched,
            has_catalogue: false,
        };
        Ok(assessment::assess(input)?)
    }
}

/// Reads everything that the arguments name.
pub(super) fn prepare(subject: &Subject, data: &Path, is_quiet: bool) -> Result<Prepared> {
    let now = instant(subject.at.as_deref())?;
    let policy = policy(&subject.policy)?;
    let asset = asset(subject)?;
    let mut inventory = target::read(subject, is_quiet)?;
    let statements = statements(subject)?;
    let changelogs = if subject.changelogs { changelogs::collect(&mut inventory, is_quiet)? } else { Vec::new() };
    let index = match &subject.index {
        Some(path) => Some(MappedIndex::open(path)?),
        None => MappedIndex::current(&Store::new(data))?,
    };
    let fetched = fetched(index.as_ref(), subject.index.as_deref(), &Store::new(data))?;
    let today = Timestamp::now();
    Ok(Prepared { inventory, policy, asset, statements, changelogs, index, now, today, fetched })
}

/// When the feeds that do not date themselves were last fetched; for an index from elsewhere, when it was written.
fn fetched(index: Option<&MappedIndex>, path: Option<&Path>, store: &Store) -> Result<Vec<(String, Timestamp)>> {
    let Some(index) = index else { return Ok(Vec::new()) };
    let written = path.and_then(|path| path.metadata().ok()?.modified().ok()?.try_into().ok());
    let mut found = Vec::new();
    for state in index.index()?.meta()?.feeds.into_iter().filter(|state| state.newest.is_none()) {
        let of_store =
            || Ok::<_, anyhow::Error>(store.documents(&state.feed)?.values().filter_map(|d| d.fetched_at).max());
        let at = if path.is_some() { written } else { of_store()? };
        found.extend(at.map(|at| (state.feed, at)));
    }
    Ok(found)
}

pub(super) fn instant(text: Option<&str>) -> Result<Timestamp> {
    let Some(text) = text.map(str::trim) else { return Ok(Timestamp::now()) };
    let in_utc = |civil: jiff::civil::DateTime| civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp());
    // A day means its end, however it is written; a time without a zone is UTC's.
    let is_day = !text.contains(['T', 't', ' ', ':']);
    let civil = || match is_day {
        true => Some(text.parse::<jiff::civil::Date>().ok()?.at(23, 59, 59, 0)),
        false => text.parse::<jiff::civil::DateTime>().ok(),
    };
    text.parse()
        .ok()
        .or_else(|| civil().and_then(in_utc))
        .ok_or_else(|| Usage(format!("`{text}` is no date and no instant")).into())
}

/// The policy of a preset's name or of a file.
pub(super) fn policy(name: &str) -> Result<Policy> {
    let (text, _) = super::policy::text(name)?;
    Policy::parse(&text).with_context(|| format!("the policy `{name}` cannot be used"))
}

fn asset(subject: &Subject) -> Result<Asset> {
    let mut asset = match &subject.asset {
        Some(path) => {
            let text = files::read_text(path).with_context(|| format!("failed to read `{}`", path.display()))?;
            toml::from_str(&text).with_context(|| format!("`{}` does not describe an asset", path.display()))?
        }
        None => Asset::default(),
    };
    match subject.exposure {
        Some(ExposureArgument::Exposed) => asset.exposure = Some(Exposure::Exposed),
        Some(ExposureArgument::Internal) => asset.exposure = Some(Exposure::Internal),
        None => {}
    }
    Ok(asset)
}

const IGNORE_FILES: &[&str] = &[
    ".trivyignore",
    ".trivyignore.yaml",
    ".trivyignore.yml",
    "osv-scanner.toml",
    ".grype.yaml",
    ".grype.yml",
    "audit.toml",
    ".cargo/audit.toml",
];

/// VEX documents and ignore files: those that were named, and the ignore files of the folder that people work in.
///
/// What lies beside another target came with it and does not decide about it: such files are named, not applied.
fn statements(subject: &Subject) -> Result<Statements> {
    let mut all = Statements::default();
    let mut take = |found: Statements| {
        all.statements.extend(found.statements);
        all.problems.extend(found.problems);
    };
    for path in &subject.vex {
        let bytes = files::read(path, files::MOST_TEXT_BYTES)
            .with_context(|| format!("failed to read `{}`", path.display()))?;
        take(named(path, vex::read(&path.display().to_string(), &bytes))?);
    }
    for path in &subject.ignore_file {
        let text = files::read_text(path).with_context(|| format!("failed to read `{}`", path.display()))?;
        take(named(path, ignore_file(path, &text)?)?);
    }
    let Some(target) = &subject.target else { return Ok(all) };
    let folder = if target.is_dir() { target.clone() } else { target.parent().map(Path::to_owned).unwrap_or_default() };
    let folder = if folder.as_os_str().is_empty() { Path::new(".").to_owned() } else { folder };
    let is_own = matches!((folder.canonicalize(), Path::new(".").canonicalize()), (Ok(a), Ok(b)) if a == b);
    let Ok(handle) = std::fs::File::open(&folder) else { return Ok(all) };
    let directory = Directory::new(handle.into());
    for name in IGNORE_FILES.iter().filter(|name| directory.exists(name)) {
        let path = folder.join(name);
        if subject.ignore_file.contains(&path) {
            continue;
        }
        let place = path.display().to_string();
        if !is_own {
            all.problems.push(Problem::not_applied(
                place,
                "an ignore file beside the target is applied only in the folder you are in; name it with --ignore-file to apply it",
            ));
            continue;
        }
        let text = directory.read(name, files::MOST_TEXT_BYTES).map(|bytes| bytes.map(String::from_utf8));
        match text {
            Ok(Some(Ok(text))) => {
                let found = ignore_file(&path, &text)?;
                all.statements.extend(found.statements);
                all.problems.extend(found.problems);
            }
            Ok(Some(Err(_))) => all.problems.push(Problem::not_applied(place, "it is not UTF-8")),
            Ok(None) => all.problems.push(Problem::not_applied(place, "it is a link that leads out of the folder")),
            Err(error) => all.problems.push(Problem::not_applied(place, error)),
        }
    }
    Ok(all)
}

/// What a person named must say something: a document that gives problems only is an error.
fn named(path: &Path, found: Statements) -> Result<Statements> {
    match found.problems.first() {
        Some(problem) if found.statements.is_empty() => {
            anyhow::bail!("`{}` cannot be used: {}", path.display(), problem.what)
        }
        _ => Ok(found),
    }
}

fn ignore_file(path: &Path, text: &str) -> Result<Statements> {
    let (place, name) =
        (path.display().to_string(), path.file_name().unwrap_or_default().to_string_lossy().into_owned());
    match name.as_str() {
        name if name.contains("trivyignore.y") => Ok(vex::trivy(&place, text)),
        name if name.contains("trivyignore") => Ok(vex::trivy_plain(&place, text)),
        name if name.contains("osv-scanner") => Ok(vex::osv_scanner(&place, text)),
        name if name.contains("grype") => Ok(vex::grype(&place, text)),
        name if name.contains("audit") => Ok(vex::audit_toml(&place, text)),
        _ => {
            Err(Usage(format!("`{place}` is no ignore file that is known: its name says which scanner it is for"))
                .into())
        }
    }
}
