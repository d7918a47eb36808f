//! Arguments of `plimsoll change`.

use super::{AssetFilterArguments, ListFormat, ReachArguments, RecordArguments};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct ChangeArguments {
    #[command(flatten)]
    pub(crate) record: RecordArguments,
    #[command(subcommand)]
    pub(crate) command: ChangeCommand,
}

/// What kind of change.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KindArgument {
    /// Approved beforehand by the policy for the assets it names
    Standard,
    /// Passes every gate
    Normal,
    /// Skips what the policy lets it skip, and owes it afterwards
    Emergency,
}

impl From<KindArgument> for policy::promises::ChangeType {
    fn from(argument: KindArgument) -> Self {
        match argument {
            KindArgument::Standard => Self::Standard,
            KindArgument::Normal => Self::Normal,
            KindArgument::Emergency => Self::Emergency,
        }
    }
}

/// Whether a test has passed.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResultArgument {
    Passed,
    Failed,
}

/// Who was told.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AudienceArgument {
    Customers,
    Business,
}

/// What is to be changed.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct ChangeScopeArguments {
    #[command(flatten)]
    pub(crate) assets: AssetFilterArguments,
    /// Only this package, or all that are built of this source; can be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) package: Vec<String>,
    /// Only assets on which something falls due by this date
    #[arg(long, value_name = "DATE")]
    pub(crate) due_by: Option<String>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ChangeCommand {
    /// Say which changes would serve what falls due
    Propose {
        #[command(flatten)]
        scope: ChangeScopeArguments,
        #[arg(long, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Plan and start a standard change of what the policy has patched without anybody's word; the service does so by itself
    Automatic,
    /// Plan a change: which assets get what, in which rings, in which windows
    Plan {
        /// The change's id
        change: String,
        /// What kind of change
        #[arg(long, value_enum, default_value_t = KindArgument::Normal)]
        kind: KindArgument,
        /// What it is for
        #[arg(long)]
        title: String,
        /// Until when it may be carried out
        #[arg(long, value_name = "DATE")]
        until: String,
        /// How it is taken back
        #[arg(long, value_name = "TEXT", default_value = "")]
        way_back: String,
        /// An asset that is left out, and why; can be given several times
        #[arg(long, value_name = "ASSET=REASON")]
        leave_out: Vec<String>,
        /// A group of assets that has to be through before another one begins; can be given several times
        #[arg(long, value_name = "GROUP<GROUP")]
        order: Vec<String>,
        /// What holds on each asset before it begins and after: `unit:nginx.service`, or a port of its own (`port:443`); can be given
        /// several times
        #[arg(long, value_name = "WHAT:NAME")]
        health: Vec<String>,
        /// What makes it an emergency, where no class of findings does: one of the policy's own `triggers`
        #[arg(long, value_name = "TEXT")]
        trigger: Option<String>,
        #[command(flatten)]
        scope: ChangeScopeArguments,
    },
    /// List changes, the newest first
    List {
        #[arg(long, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Show a change: its rings, what it waits for, what has happened
    Show {
        /// The change's id
        change: String,
        /// Every asset, with what it waits for
        #[arg(long)]
        assets: bool,
        #[arg(long, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Say what came of a test
    Test {
        /// The change's id
        change: String,
        /// Which test, by its name in the policy
        test: String,
        /// Whether it has passed
        #[arg(value_enum)]
        result: ResultArgument,
        /// In words
        #[arg(long, default_value = "")]
        words: String,
        /// A file with the result
        #[arg(long, value_name = "FILE")]
        evidence: Option<PathBuf>,
    },
    /// Say that those it concerns were told
    Notice {
        /// The change's id
        change: String,
        /// Who
        #[arg(value_enum)]
        audience: AudienceArgument,
        /// What they were told
        words: String,
    },
    /// Approve a change
    Approve {
        /// The change's id
        change: String,
    },
    /// Turn a change down
    Decline {
        /// The change's id
        change: String,
        /// Why
        #[arg(long)]
        why: String,
    },
    /// Begin: in the test environments first, in the others once the gate is passed
    Start {
        /// The change's id
        change: String,
    },
    /// Carry a change out on hosts without an agent, from this machine, until nothing of it may begin any more
    Drive {
        /// The change's id
        change: String,
        /// Go on first with what has begun and was cut short
        #[arg(long)]
        take_up: bool,
        #[command(flatten)]
        reach: ReachArguments,
    },
    /// Print the plan of a change, byte for byte: what is signed elsewhere
    Document {
        /// The change's id
        change: String,
    },
    /// Show what happened on an asset, with what its package manager said
    Log {
        /// The change's id
        change: String,
        /// The asset
        asset: String,
    },
    /// Make a key that signs plans, to be kept away from every server; its public half is printed
    Key {
        /// Its name, as in `example.com/plans`
        name: String,
        /// Where it is written
        file: PathBuf,
    },
    /// Sign a plan with such a key: it takes no record, and no network
    Sign {
        /// The change's id
        change: String,
        /// The plan, as `plimsoll change document` prints it
        plan: PathBuf,
        /// The key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Hand a signed plan in: agents whose hosts name its key carry out no other
    Signed {
        /// The change's id
        change: String,
        /// What `plimsoll change sign` printed
        note: PathBuf,
    },
    /// Hand out what may begin now, or go back, to carry it out by other means; an inventory shows what came of it
    HandOut {
        /// The change's id
        change: String,
        /// So many assets at the most
        #[arg(long, default_value_t = 100)]
        most: usize,
        #[command(flatten)]
        webhook: WebhookArguments,
        #[arg(long, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Say what came of an asset by hand: that it failed and is as it was before, or is not
    Failed {
        /// The change's id
        change: String,
        /// The asset
        asset: String,
        /// Whether it is not as it was before
        #[arg(long)]
        broken: bool,
        /// What went wrong
        #[arg(long)]
        why: String,
    },
    /// Leave an asset out: its deadlines run on
    LeaveOut {
        /// The change's id
        change: String,
        /// The asset
        asset: String,
        /// Why
        #[arg(long)]
        why: String,
    },
    /// Hold a change: nothing more begins from now on
    Pause {
        /// The change's id
        change: String,
        /// Why
        #[arg(long)]
        why: String,
    },
    /// Let a change go on: what has failed until now is known
    Resume {
        /// The change's id
        change: String,
        /// Why
        #[arg(long)]
        why: String,
    },
    /// End a change where it is: nothing more begins
    Abort {
        /// The change's id
        change: String,
        /// Why
        #[arg(long)]
        why: String,
    },
    /// Take back what a change has done
    Rollback {
        /// The change's id
        change: String,
        /// Why
        #[arg(long)]
        why: String,
    },
    /// Say that something owed after an emergency was done
    Settle {
        /// The change's id
        change: String,
        /// Which, by its number in `change show`
        owed: usize,
        /// What was done
        words: String,
    },
    /// Say what follows from time and inventories: verified, silent, stopped, over
    Follow,
    /// Show when assets may be changed
    Calendar {
        /// For how many days
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(i64).range(1..=366))]
        days: i64,
        /// As an iCalendar file (RFC 5545)
        #[arg(long)]
        ics: bool,
    },
}

/// The exit codes of changes.
pub(crate) const CHANGE_CODES: &str = "Exit codes: 0 done, or nothing waits; 1 something stopped, failed or is owed; 2 could not finish; 3 not enough data to say; 64 wrong usage";

/// What receives what is handed out.
#[derive(Args, Debug)]
pub(crate) struct WebhookArguments {
    /// Hand each asset over to this address as well, signed as Standard Webhooks say; one that is not taken has failed, and no other
    /// one begins
    #[arg(long, value_name = "URL", requires = "secret_file")]
    pub(crate) webhook: Option<String>,
    /// The secret that is shared with it: `whsec_` and Base64
    #[arg(long, value_name = "FILE", requires = "webhook")]
    pub(crate) secret_file: Option<PathBuf>,
    /// An authority whose certificates are trusted beside the public ones (PEM)
    #[arg(long, value_name = "FILE", requires = "webhook")]
    pub(crate) webhook_ca: Option<PathBuf>,
}
