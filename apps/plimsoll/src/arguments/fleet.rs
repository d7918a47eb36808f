//! Arguments of `plimsoll fleet`.

use super::{DutyCommand, ExposureArgument, FacetArgument, VersionCommand, ViolationCommand, WhyFormat};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Where the record is, and who acts.
#[derive(Args, Debug, Clone)]
pub(crate) struct RecordArguments {
    /// The record: a SQLite file, or the address of a PostgreSQL database (postgres://…); record.sqlite in the data directory if left out
    #[arg(long, global = true, env = "PLIMSOLL_STORE", value_name = "FILE|URL", hide_env_values = true)]
    pub(crate) store: Option<String>,
    /// Where documents are kept that are too large for the database: a folder, or s3://BUCKET/PREFIX; the folder `blobs` beside a SQLite file if left out
    #[arg(long, global = true, env = "PLIMSOLL_BLOBS", value_name = "DIR|URL", hide_env_values = true)]
    pub(crate) blobs: Option<String>,
    /// In whose name; your user's name if left out
    #[arg(long = "as", global = true, env = "PLIMSOLL_PERSON", value_name = "PERSON")]
    pub(crate) acting: Option<String>,
}

/// What the organisation says about an asset.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct AttributeArguments {
    /// Its name for people
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Whether it can be reached from the internet; not stated counts as exposed
    #[arg(long, value_enum)]
    pub(crate) exposure: Option<ExposureArgument>,
    /// `production`, `test` …
    #[arg(long)]
    pub(crate) environment: Option<String>,
    /// `critical`, `high` …
    #[arg(long)]
    pub(crate) criticality: Option<String>,
    /// A class of data on it; can be given several times, and `none` says that there is none
    #[arg(long = "data-class", value_name = "CLASS")]
    pub(crate) data_classes: Vec<String>,
    /// The potential impact of its loss
    #[arg(long)]
    pub(crate) impact: Option<String>,
    /// The team that owns it
    #[arg(long)]
    pub(crate) owner: Option<String>,
    /// A word to find it by; can be given several times
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
}

/// Which assets.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct AssetFilterArguments {
    /// Only this asset
    #[arg(long, value_name = "ID")]
    pub(crate) asset: Option<String>,
    /// Only assets with this in their id or name
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Only assets of this environment
    #[arg(long)]
    pub(crate) environment: Option<String>,
    /// Only assets of this team
    #[arg(long)]
    pub(crate) owner: Option<String>,
    /// Only assets of this criticality
    #[arg(long)]
    pub(crate) criticality: Option<String>,
    /// Only assets that are said to be exposed, or internal
    #[arg(long, value_enum)]
    pub(crate) exposure: Option<ExposureArgument>,
    /// Only assets with this tag
    #[arg(long)]
    pub(crate) tag: Option<String>,
    /// Only assets with this in their operating system's name
    #[arg(long, value_name = "TEXT")]
    pub(crate) platform: Option<String>,
    /// Only assets of which this is not known; can be given several times
    #[arg(long, value_name = "WHAT")]
    pub(crate) unknown: Vec<FacetArgument>,
}

/// Which findings.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct FilterArguments {
    #[command(flatten)]
    pub(crate) assets: AssetFilterArguments,
    /// Only findings of this class of the policy; can be given several times
    #[arg(long)]
    pub(crate) class: Vec<String>,
    /// Only findings in this state; can be given several times. Without it, all but suppressed ones
    #[arg(long, value_enum)]
    pub(crate) state: Vec<StateArgument>,
    /// Only findings with this in the vulnerability's id, alias or title
    #[arg(long, value_name = "TEXT")]
    pub(crate) vulnerability: Option<String>,
    /// Only findings in packages with this in their name or their source's
    #[arg(long, value_name = "TEXT")]
    pub(crate) package: Option<String>,
    /// Only what is overdue
    #[arg(long)]
    pub(crate) overdue: bool,
    /// Only what is due before this date
    #[arg(long, value_name = "DATE")]
    pub(crate) due_before: Option<String>,
}

/// States of findings.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub(crate) enum StateArgument {
    Open,
    RestartPending,
    Undetermined,
    Suppressed,
}

/// By what a list is sorted.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub(crate) enum SortArgument {
    Due,
    Class,
    Cvss,
    Epss,
    Vulnerability,
    Asset,
}

/// By what findings are grouped.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub(crate) enum GroupArgument {
    Vulnerability,
    Package,
    Asset,
    Class,
    State,
    Environment,
    Owner,
    Platform,
}

/// Forms of lists.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListFormat {
    /// A table for people.
    Table,
    /// JSON, with all there is.
    Json,
    /// One row a line, comma-separated.
    Csv,
}

/// Which part of a list, as of when, in which form.
#[derive(Args, Debug, Clone)]
pub(crate) struct ListArguments {
    /// How many at the most; 50 in a table, and all of them for programs, if left out
    #[arg(long)]
    limit: Option<usize>,
    /// How many to pass over
    #[arg(long, default_value_t = 0)]
    pub(crate) offset: usize,
    /// As of this date or instant instead of now
    #[arg(long, value_name = "DATE")]
    pub(crate) at: Option<String>,
    /// The form of the output
    #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
    pub(crate) format: ListFormat,
}

impl ListArguments {
    /// How many at the most: a table ends where people stop reading, what programs read is whole.
    pub(crate) fn limit(&self) -> usize {
        self.limit.unwrap_or(if self.format == ListFormat::Table { 50 } else { usize::MAX })
    }
}

/// What an inventory is taken from.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct PushArguments {
    /// The asset; this host's name if it is this host that is read
    pub(crate) asset: Option<String>,
    /// A bill of materials, a lock file, a package database, an archive, or a directory; this host if left out
    pub(crate) target: Option<PathBuf>,
    /// Read a mounted image or chroot as a system of its own
    #[arg(long, value_name = "DIR", conflicts_with = "target")]
    pub(crate) root: Option<PathBuf>,
    /// The distribution release of a package database without one, as os-release would say it (debian-12)
    #[arg(long, value_name = "ID-VERSION")]
    pub(crate) release: Option<String>,
    /// Read the changelogs of pending updates with apt, and which vulnerabilities they fix (Debian family)
    #[arg(long)]
    pub(crate) changelogs: bool,
    /// When it was looked at, if not now
    #[arg(long, value_name = "DATE")]
    pub(crate) taken_at: Option<String>,
    /// Register the asset if it is not there; this host is registered by itself
    #[arg(long)]
    pub(crate) register: bool,
}

#[derive(Args, Debug)]
pub(crate) struct FleetArguments {
    #[command(flatten)]
    pub(crate) record: RecordArguments,
    #[command(subcommand)]
    pub(crate) command: FleetCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum FleetCommand {
    /// Register assets, with what is known about them
    Register {
        /// The asset's id
        #[arg(required_unless_present = "file")]
        asset: Option<String>,
        #[command(flatten)]
        attributes: AttributeArguments,
        /// Many assets: a CSV file with a header (asset, name, exposure, environment, criticality, data-classes, impact, owner, tags; lists separated by `;`) or a TOML file with a table for each asset. What it says replaces what was said before
        #[arg(long, value_name = "FILE", conflicts_with = "asset")]
        file: Option<PathBuf>,
    },
    /// Say something else about an asset; what is not named stays as it is
    Set {
        /// The asset's id
        asset: String,
        #[command(flatten)]
        attributes: AttributeArguments,
    },
    /// Take an asset out of service
    Retire {
        /// The asset's id
        asset: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Take in an inventory: of this host, a directory, a bill of materials …
    Push(Box<PushArguments>),
    /// Look at assets without an agent from this machine, and take in what they have
    Look {
        /// The assets
        #[arg(required = true)]
        assets: Vec<String>,
        #[command(flatten)]
        reach: Box<super::ReachArguments>,
    },
    /// Hold everything that assets have against the current index of advisories, and note what was missed
    Judge,
    /// List assets
    Assets {
        #[command(flatten)]
        filter: AssetFilterArguments,
        #[command(flatten)]
        list: ListArguments,
    },
    /// List findings, or groups of them
    Findings {
        #[command(flatten)]
        filter: Box<FilterArguments>,
        /// Groups of findings, and how many there are
        #[arg(long, value_enum, value_name = "BY")]
        group_by: Option<GroupArgument>,
        /// By what the list is sorted
        #[arg(long, value_enum, default_value_t = SortArgument::Due)]
        sort: SortArgument,
        #[command(flatten)]
        list: ListArguments,
    },
    /// List what could not be judged, and why
    Undetermined {
        #[command(flatten)]
        filter: AssetFilterArguments,
        #[command(flatten)]
        list: ListArguments,
    },
    /// The fleet in figures
    Summary {
        /// As of this date or instant instead of now
        #[arg(long, value_name = "DATE")]
        at: Option<String>,
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = WhyFormat::Text)]
        format: WhyFormat,
    },
    /// Explain one finding: what carried it from when until when, class, deadline and derivation
    Why {
        /// The vulnerability, under any of its ids
        id: String,
        /// The asset
        asset: String,
        /// As of this date or instant instead of now
        #[arg(long, value_name = "DATE")]
        at: Option<String>,
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = WhyFormat::Text)]
        format: WhyFormat,
    },
    /// Put a policy in force: a file, or the name of a preset; without one, print the text of the one that is
    Policy {
        /// The policy
        policy: Option<String>,
    },
    /// Give somebody roles, and no others
    Person {
        /// The person's id
        person: String,
        /// Their roles; can be given several times
        #[arg(long, value_enum, required_unless_present = "none")]
        role: Vec<RoleArgument>,
        /// A team whose assets are theirs: developers see those alone; can be given several times
        #[arg(long)]
        team: Vec<String>,
        /// None at all: whatever they had is taken away
        #[arg(long, conflicts_with = "role")]
        none: bool,
    },
    /// List people and their roles
    People {
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Versions of the policy and of other documents: draft, review, approve, publish
    #[command(subcommand)]
    Version(VersionCommand),
    /// What people owe: reading, training, reviews
    #[command(subcommand)]
    Duty(DutyCommand),
    /// Decide on findings: exceptions and false positives
    #[command(subcommand)]
    Decision(DecisionCommand),
    /// Promises that were broken, and what is done about them
    #[command(subcommand)]
    Violation(ViolationCommand),
    /// List what the policy has people told of: what is overdue and whom that has reached, what is due soon, what is silent
    Alerts {
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Note what the vendor of a managed service says of its patching
    Attest {
        /// The asset's id
        asset: String,
        /// Who says it
        #[arg(long)]
        vendor: String,
        /// What it says
        #[arg(long)]
        statement: String,
        /// A file that it has handed in, of a megabyte at the most
        #[arg(long, value_name = "FILE")]
        evidence: Option<PathBuf>,
    },
    /// Note what the vendor of a managed service tells of a vulnerability of its own
    VendorNotice {
        /// The asset's id
        asset: String,
        /// Who tells it
        #[arg(long)]
        vendor: String,
        /// Which: a CVE, or what the vendor calls it
        #[arg(long)]
        vulnerability: String,
        /// Since when the vendor knew of it, as it says itself
        #[arg(long, value_name = "DATE")]
        known_since: String,
        /// What it says of it
        #[arg(long)]
        statement: String,
        /// A file that it has handed in, of a megabyte at the most
        #[arg(long, value_name = "FILE")]
        evidence: Option<PathBuf>,
    },
}

/// Roles.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub(crate) enum RoleArgument {
    Auditor,
    Employee,
    Developer,
    Operator,
    SecurityLead,
    Approver,
    Administrator,
}

/// What is decided.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub(crate) enum DecisionKindArgument {
    /// The finding is there, and is accepted for a time.
    Exception,
    /// The finding is not there.
    FalsePositive,
}

#[derive(Subcommand, Debug)]
pub(crate) enum DecisionCommand {
    /// Ask for a decision
    Request {
        /// The decision's id
        id: String,
        /// What is to be decided
        #[arg(long, value_enum)]
        kind: DecisionKindArgument,
        /// The vulnerability, under any of its ids
        #[arg(long)]
        vulnerability: String,
        /// The package: its name or its package URL without a version; every package if left out
        #[arg(long)]
        package: Option<String>,
        /// An asset that it speaks of; can be given several times. All assets if left out
        #[arg(long)]
        asset: Vec<String>,
        /// Why
        #[arg(long)]
        reason: String,
        /// Until when it is to hold
        #[arg(long, value_name = "DATE")]
        until: String,
        /// The decision that it renews
        #[arg(long, value_name = "ID")]
        renews: Option<String>,
        /// What could happen meanwhile, and how likely it is; the policy says whether an exception needs it
        #[arg(long, default_value = "")]
        risk: String,
        /// What stands in for the patch; can be given several times
        #[arg(long = "control", value_name = "CONTROL")]
        controls: Vec<String>,
        /// When and how it ends
        #[arg(long, default_value = "")]
        plan: String,
    },
    /// Approve what somebody else has asked for
    Approve {
        /// The decision's id
        id: String,
    },
    /// Turn a request down
    Decline {
        /// The decision's id
        id: String,
    },
    /// Say that an exception was looked at and still holds
    Review {
        /// The decision's id
        id: String,
        /// What was found
        #[arg(long)]
        words: String,
    },
    /// Take a decision back before its end
    Revoke {
        /// The decision's id
        id: String,
    },
    /// List decisions
    List {
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
}
