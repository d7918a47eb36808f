//! `plimsoll scan`.

use super::changelogs;
use crate::arguments::{ExposureArgument, Format, ScanArguments, Subject};
use crate::exit::{self, Usage};
use crate::formats::{self, Report};
use crate::{progress, target};
use ::feeds::{MappedIndex, Store};
use ::policy::{Asset, Exposure, Policy};
use advisories::index::Index;
use advisories::vex::{self, Statements};
use anyhow::{Context, Result};
use assessment::{Assessment, Changelog, Input};
use inventory::Inventory;
use jiff::Timestamp;
use std::io::Write;
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
}

/// Scans, writes the report and answers with the exit code.
pub(super) fn run(arguments: &ScanArguments, data: &Path, is_quiet: bool) -> Result<u8> {
    let prepared = prepare(&arguments.subject, data, is_quiet)?;
    let gate = Gate::parse(&arguments.fail_on, &prepared.policy)?;
    let index = prepared.index.as_ref().map(MappedIndex::index).transpose()?;
    let assessment = prepared.assess(index.as_ref())?;
    let report = Report {
        inventory: &prepared.inventory,
        assessment: &assessment,
        policy: &prepared.policy,
        problems: &prepared.statements.problems,
        now: prepared.now,
        is_verbose: arguments.verbose,
        only_fixed: arguments.only_fixed,
    };
    match &arguments.output {
        Some(path) => {
            let mut text = Vec::new();
            formats::write(arguments.format, &report, &mut text)?;
            std::fs::write(path, &text).with_context(|| format!("failed to write `{}`", path.display()))?;
        }
        None => {
            let mut text = Vec::new();
            formats::write(arguments.format, &report, &mut text)?;
            // Only the table has colours to take out where nobody could see them.
            let stdout = std::io::stdout().lock();
            let mut out: Box<dyn Write> = match arguments.format {
                Format::Table => Box::new(anstream::AutoStream::auto(stdout)),
                _ => Box::new(stdout),
            };
            out.write_all(&text).context("failed to write the report")?;
            out.flush().context("failed to write the report")?;
        }
    }
    let code = gate.judge(&assessment, arguments.only_fixed);
    if code == exit::NOT_ENOUGH_DATA && !is_quiet {
        progress::say(
            "There is not enough data to call this system clean: import or sync feeds first (plimsoll feeds --help).",
        );
    }
    Ok(code)
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
            class => policy.rank(class).map(Self::Class).ok_or_else(|| {
                let known: Vec<&str> = policy.classes.iter().map(|class| class.id.as_str()).collect();
                Usage(format!(
                    "`{class}` is no gate: use overdue, none, or a class of the policy ({})",
                    known.join(", ")
                ))
                .into()
            }),
        }
    }

    /// What is not printed never fails the run.
    fn judge(&self, assessment: &Assessment, only_fixed: bool) -> u8 {
        let mut shown = assessment.findings.iter().filter(|finding| !only_fixed || finding.is_fixable());
        let is_closed = match self {
            Self::Never => false,
            Self::Overdue => shown.any(|finding| finding.is_overdue),
            Self::Class(rank) => shown.any(|finding| finding.deadline.rank <= *rank),
        };
        if is_closed {
            exit::POLICY_NOT_MET
        } else if assessment.coverage.is_sufficient() {
            exit::WITHIN_POLICY
        } else {
            exit::NOT_ENOUGH_DATA
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
        };
        Ok(assessment::assess(input)?)
    }
}

/// Reads everything that the arguments name.
pub(super) fn prepare(subject: &Subject, data: &Path, is_quiet: bool) -> Result<Prepared> {
    let now = instant(subject.at.as_deref())?;
    let policy = policy(&subject.policy)?;
    let asset = asset(subject)?;
    let mut inventory = target::read(subject)?;
    let statements = statements(subject)?;
    let changelogs = if subject.changelogs { changelogs::collect(&mut inventory, is_quiet)? } else { Vec::new() };
    let index = match (&subject.index, Store::new(data).current_index()) {
        (Some(path), _) => Some(MappedIndex::open(path)?),
        (None, Ok(path)) => Some(MappedIndex::open(&path)?),
        (None, Err(::feeds::Error::NoIndex { .. })) => None,
        (None, Err(error)) => return Err(error.into()),
    };
    Ok(Prepared { inventory, policy, asset, statements, changelogs, index, now })
}

fn instant(text: Option<&str>) -> Result<Timestamp> {
    let Some(text) = text else { return Ok(Timestamp::now()) };
    let end_of_day = || {
        let date: jiff::civil::Date = text.parse().ok()?;
        date.at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    text.parse().ok().or_else(end_of_day).ok_or_else(|| Usage(format!("`{text}` is no date and no instant")).into())
}

/// The policy of a preset's name or of a file.
pub(super) fn policy(name: &str) -> Result<Policy> {
    if let Some(policy) = ::policy::preset(name) {
        return Ok(policy?);
    }
    let text = read_small(Path::new(name))
        .with_context(|| format!("`{name}` is no preset, and failed to be read as a file"))?;
    Policy::parse(&text).with_context(|| format!("the policy `{name}` cannot be used"))
}

fn asset(subject: &Subject) -> Result<Asset> {
    let mut asset = match &subject.asset {
        Some(path) => {
            let text = read_small(path).with_context(|| format!("failed to read `{}`", path.display()))?;
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
    ".trivyignore.yaml",
    ".trivyignore.yml",
    "osv-scanner.toml",
    ".grype.yaml",
    ".grype.yml",
    "audit.toml",
    ".cargo/audit.toml",
];

/// VEX documents and ignore files: those that were named, and those beside the target.
fn statements(subject: &Subject) -> Result<Statements> {
    let mut all = Statements::default();
    let mut take = |found: Statements| {
        all.statements.extend(found.statements);
        all.problems.extend(found.problems);
    };
    for path in &subject.vex {
        let bytes = std::fs::read(path).with_context(|| format!("failed to read `{}`", path.display()))?;
        take(vex::read(&path.display().to_string(), &bytes));
    }
    let beside = subject.target.iter().flat_map(|target| {
        let folder =
            if target.is_dir() { target.clone() } else { target.parent().map(Path::to_owned).unwrap_or_default() };
        IGNORE_FILES.iter().map(move |name| folder.join(name)).filter(|path| path.is_file())
    });
    for path in subject.ignore_file.iter().cloned().chain(beside) {
        take(ignore_file(&path)?);
    }
    Ok(all)
}

/// The most bytes of a policy, an asset's description or an ignore file.
const MOST_BYTES: u64 = 16 << 20;

/// Reads a text of moderate size.
fn read_small(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(std::io::Error::other(format!("it is larger than {MOST_BYTES} bytes")));
    }
    Ok(text)
}

fn ignore_file(path: &Path) -> Result<Statements> {
    let text = read_small(path).with_context(|| format!("failed to read `{}`", path.display()))?;
    let (place, name) =
        (path.display().to_string(), path.file_name().unwrap_or_default().to_string_lossy().into_owned());
    match name.as_str() {
        name if name.contains("trivyignore") => Ok(vex::trivy(&place, &text)),
        name if name.contains("osv-scanner") => Ok(vex::osv_scanner(&place, &text)),
        name if name.contains("grype") => Ok(vex::grype(&place, &text)),
        name if name.contains("audit") => Ok(vex::audit_toml(&place, &text)),
        _ => {
            Err(Usage(format!("`{place}` is no ignore file that is known: its name says which scanner it is for"))
                .into())
        }
    }
}
