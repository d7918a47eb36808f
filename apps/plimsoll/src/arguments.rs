//! Arguments, options and their help.

mod change;
mod fleet;
mod governing;
mod ledger;
mod patch;
mod reach;
mod serve;

pub(crate) use change::{
    AudienceArgument, CHANGE_CODES, ChangeArguments, ChangeCommand, ChangeScopeArguments, ResultArgument,
    WebhookArguments,
};
pub(crate) use fleet::*;
pub(crate) use governing::{DutyCommand, TransitionArgument, VersionCommand, ViolationCommand};
pub(crate) use ledger::*;
pub(crate) use patch::*;
pub(crate) use reach::*;
pub(crate) use serve::*;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Patch management as a policy that runs: what is missing, by when it must be fixed, and why.
#[derive(Parser, Debug)]
#[command(name = "plimsoll", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// The data directory with feeds and index
    #[arg(long, global = true, env = "PLIMSOLL_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Say nothing but the result and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// When to use colour; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const PAGER: &str =
    "What is longer than the terminal is shown by PLIMSOLL_PAGER, PAGER or less; `cat` switches that off.";

const EXIT_CODES: &str =
    "Exit codes: 0 within the policy, 1 policy not met, 2 could not finish, 3 not enough data to say, 64 wrong usage.";

const PATCH_CODES: &str = "Exit codes: 0 nothing is missing, or everything is as ordered; 1 something is missing, failed and was taken back, or waits for a restart; 2 could not finish; 3 not enough data to say; 64 wrong usage.";
const WHY_CODES: &str = "Exit codes: 0 not affected, or within the policy; 1 overdue; 2 could not finish; 3 not enough data to say; 64 wrong usage.";

/// When to use colour.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    /// On terminals only.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Show what is missing on a system, and by when it must be fixed
    #[command(after_help = format!("{EXIT_CODES}\n\n{PAGER}"))]
    Scan(Box<ScanArguments>),
    /// Explain one finding: inputs, rule, instants, sources
    #[command(after_help = format!("{WHY_CODES}\n\n{PAGER}"))]
    Why(Box<WhyArguments>),
    /// Patch one host without a service: plan, apply, verify, and back
    #[command(subcommand, after_help = PATCH_CODES)]
    Patch(PatchCommand),
    /// Carry patches to many assets: plan, test, approve, roll out ring by ring, verify, and back
    #[command(after_help = CHANGE_CODES)]
    Change(Box<ChangeArguments>),
    /// Download, import and check the feeds of advisories
    #[command(subcommand)]
    Feeds(FeedsCommand),
    /// Begin a policy, prove it, write its documents, say what a draft changes
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// The assets of an organisation: register them, take inventories in, see what is owed, now or on any past day
    #[command(after_help = format!("{EXIT_CODES}\n\n{PAGER}"))]
    Fleet(FleetArguments),
    /// The ledger of all that happened: verify it, prove entries, make the tables anew
    #[command(after_help = "Exit codes: 0 all is as it was written; 1 it is not; 2 could not finish; 64 wrong usage.")]
    Ledger(LedgerArguments),
    /// Run the service: agents report, people work in web pages, programs use the API
    Serve(Box<ServeArguments>),
    /// Let agents in, list them, turn them away
    Agent(AgentArguments),
    /// Write the whole record into one file, while others go on to use it
    Backup(BackupArguments),
    /// Put a backup into an empty data directory, and verify it
    Restore(RestoreArguments),
    /// Play an invented organisation into an empty data directory, to see the product full
    Demo(DemoArguments),
    /// Write shell completions or man pages
    #[command(subcommand)]
    Generate(GenerateCommand),
}

/// What is scanned, and what is known about it.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct Subject {
    /// A bill of materials, a lock file, a package database, an archive, or a directory; this host if left out
    pub(crate) target: Option<PathBuf>,
    /// Read a mounted image or chroot as a system of its own
    #[arg(long, value_name = "DIR", conflicts_with = "target")]
    pub(crate) root: Option<PathBuf>,
    /// The policy file, or the name of a preset (see `plimsoll policy list`)
    #[arg(long, value_name = "FILE|PRESET", default_value = "baseline")]
    pub(crate) policy: String,
    /// Judge as of this date or instant instead of now (2026-11-23, 2026-11-23T10:00:00Z)
    #[arg(long, value_name = "DATE")]
    pub(crate) at: Option<String>,
    /// The distribution release of a package database without one, as os-release would say it (debian-12)
    #[arg(long, value_name = "ID-VERSION")]
    pub(crate) release: Option<String>,
    /// What is known about the asset: a TOML file with exposure, environment, criticality, data-classes, impact
    #[arg(long, value_name = "FILE")]
    pub(crate) asset: Option<PathBuf>,
    /// Whether the asset can be reached from the internet; not stated counts as exposed
    #[arg(long, value_enum)]
    pub(crate) exposure: Option<ExposureArgument>,
    /// VEX documents (OpenVEX, CSAF, CycloneDX) whose statements apply
    #[arg(long, value_name = "FILE")]
    pub(crate) vex: Vec<PathBuf>,
    /// Ignore files of other scanners (.trivyignore.yaml, osv-scanner.toml, .grype.yaml, audit.toml); those beside the target are found by themselves
    #[arg(long, value_name = "FILE")]
    pub(crate) ignore_file: Vec<PathBuf>,
    /// Use this index file instead of the data directory's
    #[arg(long, value_name = "FILE")]
    pub(crate) index: Option<PathBuf>,
    /// Read the changelogs of pending updates with apt, and which vulnerabilities they fix (Debian family)
    #[arg(long)]
    pub(crate) changelogs: bool,
}

/// Exposure, as an argument.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub(crate) enum ExposureArgument {
    /// Reachable from the internet.
    Exposed,
    /// Not reachable.
    Internal,
}

/// What may be known of an asset, as an argument.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub(crate) enum FacetArgument {
    /// The team that owns it.
    Owner,
    /// Where it runs.
    Environment,
    /// How much depends on it.
    Criticality,
    /// Whether it can be reached from the internet.
    Exposure,
    /// Its operating system.
    Platform,
    /// Words to find it by.
    Tag,
}

#[derive(Args, Debug)]
pub(crate) struct ScanArguments {
    #[command(flatten)]
    pub(crate) subject: Subject,
    /// The form of the output
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Write the output to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Exit with 1 if something is overdue, of this class or a stricter one, or never: overdue, CLASS, none
    #[arg(long, value_name = "GATE", default_value = "overdue")]
    pub(crate) fail_on: String,
    /// List every vulnerability under its patch
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Do not exit with 3 because of packages that could not be judged; they are listed all the same
    #[arg(long)]
    pub(crate) allow_undetermined: bool,
    /// Leave out what has no fix yet
    #[arg(long)]
    pub(crate) only_fixed: bool,
}

#[derive(Args, Debug)]
pub(crate) struct WhyArguments {
    /// The vulnerability, under any of its ids
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) subject: Subject,
    /// The form of the output
    #[arg(long, short, value_enum, default_value_t = WhyFormat::Text)]
    pub(crate) format: WhyFormat,
}

/// Forms of an explanation.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhyFormat {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
}

/// Forms of a scan's output.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A table for people, grouped by the patch to apply.
    Table,
    /// JSON, with all there is.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// CycloneDX 1.6 with vulnerabilities.
    Cyclonedx,
    /// OpenVEX 0.2.0.
    Openvex,
    /// One row a finding and package.
    Csv,
    /// A report in Markdown.
    Markdown,
    /// A self-contained page.
    Html,
}

#[derive(Subcommand, Debug)]
pub(crate) enum FeedsCommand {
    /// Download the feeds and compile the index
    Sync {
        /// Only these feeds (see `plimsoll feeds status`)
        feed: Vec<String>,
        /// A mirror that serves FEED/FILE instead of the publishers
        #[arg(long, value_name = "URL")]
        mirror: Option<String>,
        /// How many downloads run at once
        #[arg(long, default_value_t = 4)]
        jobs: usize,
    },
    /// Take in feeds from files, folders and archives (.gz, .zst, .xz, .bz2, .zip, .tar), and compile the index
    Import {
        /// Files or folders
        #[arg(required = true)]
        path: Vec<PathBuf>,
        /// The feed they belong to, instead of recognising it
        #[arg(long)]
        feed: Option<String>,
    },
    /// Take a stored document out of a feed, and compile the index
    Remove {
        /// The feed's id
        feed: String,
        /// The document's name, as the feed's folder has it
        document: String,
    },
    /// Compile the index anew from what is stored
    Compile,
    /// Show the feeds, their age and their problems
    Status {
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Check the index and the stored documents against their digests
    Verify,
}

/// The form of a document.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentFormat {
    /// Markdown (CommonMark with tables)
    Markdown,
    /// A page by itself
    Html,
    /// PDF, tagged (PDF/UA-1) and for the archive (PDF/A-2a)
    Pdf,
    /// Office Open XML
    Docx,
}

#[derive(Subcommand, Debug)]
pub(crate) enum PolicyCommand {
    /// List the presets
    List,
    /// Print a preset, to start a policy of your own from
    Show {
        /// The preset's name
        name: String,
    },
    /// Write a policy with every section, to start from: `policy.toml`
    Init {
        /// Where; this folder if left out
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// For whom: saas, healthcare, finance, defense or public-sector
        #[arg(long, default_value = "saas")]
        profile: String,
        /// Write over a `policy.toml` that is there
        #[arg(long)]
        force: bool,
    },
    /// Print the JSON Schema of policy files, for editors that complete from it
    Schema,
    /// Prove a policy, and point at every line that is wrong
    #[command(after_help = "Exit codes: 0 nothing is wrong; 1 something is; 2 could not finish; 64 wrong usage.")]
    Check {
        /// The file, the folder that holds a `policy.toml`, or the name of a preset
        #[arg(default_value = ".")]
        policy: String,
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = WhyFormat::Text)]
        format: WhyFormat,
    },
    /// Say in plain words what one policy changes in another
    Diff {
        /// The policy as it was
        old: String,
        /// The policy as it would be
        new: String,
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = WhyFormat::Text)]
        format: WhyFormat,
    },
    /// Write a document from a policy: the whole, or a page for those whom it concerns
    Render {
        /// The policy: a file, a folder that holds a `policy.toml`, or the name of a preset
        #[arg(default_value = ".")]
        policy: String,
        /// Which: whole, executive, technical, developer, employee or applicability
        #[arg(long, default_value = "whole")]
        document: String,
        /// The form of the document
        #[arg(long, short, value_enum, default_value_t = DocumentFormat::Markdown)]
        format: DocumentFormat,
        /// The file to write; standard output if left out
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
    /// Hold a draft against the fleet, now and month by month, beside the policy in force
    #[command(after_help = "Exit codes: 0 done; 2 could not finish; 64 wrong usage.")]
    Simulate {
        /// The draft: a file, a folder that holds a `policy.toml`, or the name of a preset
        policy: String,
        #[command(flatten)]
        record: RecordArguments,
        /// How many months of the past are played again
        #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(..=240))]
        months: u32,
        /// What holds for findings that are open now
        #[arg(long, value_enum, default_value_t = TransitionArgument::FromSwitch)]
        transition: TransitionArgument,
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = WhyFormat::Text)]
        format: WhyFormat,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum GenerateCommand {
    /// Completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// The description of the API (OpenAPI), or who may use which address, as a table
    Api {
        /// Who may use which address, as Markdown, instead of the description
        #[arg(long)]
        access: bool,
    },
    /// Man pages into a folder
    Man {
        /// The folder
        folder: PathBuf,
    },
}
