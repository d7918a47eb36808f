//! Arguments of `plimsoll patch`.

use super::ListFormat;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What is done to one host.
#[derive(Subcommand, Debug)]
pub(crate) enum PatchCommand {
    /// Say what the host would be patched with; nothing is changed
    Plan {
        #[command(flatten)]
        wanted: Wanted,
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Patch it: fetch, keep what is needed to go back, install, and look whether it is so
    Apply {
        #[command(flatten)]
        wanted: Wanted,
        /// Leave what failed as it is, instead of bringing back what was there before
        #[arg(long)]
        keep_failed: bool,
        /// Make a snapshot before packages change: `btrfs:/`, `lvm:GROUP/VOLUME`, `snapper:root`, `zfs:POOL/DATASET`, or `program:/PATH` of
        /// your own; the two newest stay
        #[arg(long, value_name = "WAY:WHAT")]
        snapshot: Option<host::SnapshotOf>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Go on with an order that was cut short, or take it back where that cannot be; and look whether it is so
    Resume {
        /// The order's id; the newest if left out
        id: Option<String>,
        /// Patch the system below this directory instead of this host
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
    },
    /// Bring back exactly what was there before an order: versions and configuration
    Rollback {
        /// The order's id; the newest if left out
        id: Option<String>,
        /// Patch the system below this directory instead of this host
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// List the orders of the host, and how far each has come
    List {
        /// Look at the system below this directory instead of this host
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
}

/// What is wanted, and where.
#[derive(Args, Debug)]
pub(crate) struct Wanted {
    /// These packages alone (`openssl`, `libssl3:amd64`); every update of security if left out
    #[arg(value_name = "PACKAGE")]
    pub(crate) packages: Vec<String>,
    /// Every update that is offered, not those of security alone
    #[arg(long, conflicts_with = "packages")]
    pub(crate) everything: bool,
    /// Patch the system below this directory instead of this host
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
}
