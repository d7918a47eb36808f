//! Arguments of `plimsoll ledger`, `backup`, `restore` and `demo`.

use super::{ListFormat, RecordArguments};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct LedgerArguments {
    #[command(flatten)]
    pub(crate) record: RecordArguments,
    #[command(subcommand)]
    pub(crate) command: LedgerCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum LedgerCommand {
    /// Verify the whole ledger: signatures, hashes, entries, and checkpoints that somebody kept
    Verify {
        /// The public key that the ledger began with: a file, or the key itself; keys/ledger.pub in the data directory if left out
        #[arg(long, value_name = "FILE|KEY")]
        key: Option<String>,
        /// A checkpoint that was kept elsewhere: the ledger must still contain it; can be given several times
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// The certificates of the authority whose timestamps lie beside these checkpoints (FILE.tsr), in PEM or DER
        #[arg(long, value_name = "FILE", requires = "checkpoint")]
        authority: Option<PathBuf>,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Prove that an entry is in the ledger, as JSON that anybody can check with the ledger's public key
    Prove {
        /// The entry's number, from 0
        number: u64,
    },
    /// Check a proof without the ledger
    Check {
        /// The proof's file
        proof: PathBuf,
        /// The public key that the ledger began with, or one that signed it later: a file, or the key itself
        #[arg(long, value_name = "FILE|KEY")]
        key: String,
    },
    /// Make every table anew from the ledger, compare it with what is there, and hold every entry against the rules
    Replay {
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Print the newest checkpoint, to be kept elsewhere
    Checkpoint,
    /// Write the newest checkpoint and a request for a timestamp of it (RFC 3161), to be sent to an authority
    Timestamp {
        /// The checkpoint's file; the request is FILE.tsq, and the answer belongs into FILE.tsr
        file: PathBuf,
    },
    /// Print entries with their numbers, one JSON document a line
    Show {
        /// The first one's number
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// How many
        #[arg(long, default_value_t = 100)]
        count: u64,
    },
    /// Say what is kept of each kind of record that the policy promises to keep, since when, and whether every document is there
    Records {
        #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Print the public key that the ledger began with
    Key,
    /// Sign with a new key from now on; the one before vouches for it
    RotateKey,
}

#[derive(Args, Debug)]
pub(crate) struct BackupArguments {
    #[command(flatten)]
    pub(crate) record: RecordArguments,
    /// The file to write; it must not be there yet
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct RestoreArguments {
    #[command(flatten)]
    pub(crate) record: RecordArguments,
    /// The backup
    pub(crate) file: PathBuf,
    /// The public key that the ledger began with: a file, or the key itself; keys/ledger.pub in the data directory if left out
    #[arg(long, value_name = "FILE|KEY")]
    pub(crate) key: Option<String>,
    /// Put it in place although what it holds does not follow from its ledger, or the ledger was tampered with
    #[arg(long)]
    pub(crate) even_if_damaged: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DemoArguments {
    #[command(flatten)]
    pub(crate) record: RecordArguments,
    /// How many assets the organisation has at its end
    #[arg(long, default_value_t = 300)]
    pub(crate) assets: u32,
    /// How many months are played
    #[arg(long, default_value_t = 12)]
    pub(crate) months: u32,
    /// The same seed plays the same organisation
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The day on which it ends; yesterday if left out
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
}
