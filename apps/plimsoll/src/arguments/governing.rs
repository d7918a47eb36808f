//! Arguments of what concerns documents and people's duties.

use super::ListFormat;
use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

/// What holds for findings that are open when another policy comes into force.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransitionArgument {
    /// Where the new policy gives less time, that is counted from the switch on; nothing is due later than it was
    FromSwitch,
    /// They keep the dates that they have
    Keep,
    /// Their deadlines are counted anew, as if the new policy had always been there
    Recount,
}

impl From<TransitionArgument> for lifecycle::Transition {
    fn from(argument: TransitionArgument) -> Self {
        match argument {
            TransitionArgument::FromSwitch => Self::FromSwitch,
            TransitionArgument::Keep => Self::Keep,
            TransitionArgument::Recount => Self::Recount,
        }
    }
}

/// What somebody says of a version.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub(crate) enum VerdictArgument {
    /// A comment, which decides nothing
    Comment,
    /// Nothing against it, from whoever is asked
    Input,
    /// The security review finds it sound
    Sound,
    /// Something speaks against it
    Objection,
    /// It is approved
    Approved,
    /// It is turned down
    Declined,
}

impl From<VerdictArgument> for lifecycle::Verdict {
    fn from(argument: VerdictArgument) -> Self {
        match argument {
            VerdictArgument::Comment => Self::Comment,
            VerdictArgument::Input => Self::Input,
            VerdictArgument::Sound => Self::Sound,
            VerdictArgument::Objection => Self::Objection,
            VerdictArgument::Approved => Self::Approved,
            VerdictArgument::Declined => Self::Declined,
        }
    }
}

#[derive(Subcommand, Debug)]
pub(crate) enum VersionCommand {
    /// Draft a version of the policy or of another document, or revise one
    Draft {
        /// The version's id
        version: String,
        /// The text: of the policy a file or a folder that holds a `policy.toml`, of another document a Markdown file
        text: String,
        /// Of which document
        #[arg(long, default_value = "policy")]
        document: String,
        /// Why it is wanted
        #[arg(long)]
        why: String,
        /// From when on it is to hold: a date or an instant; from its publication on if left out
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
        /// What holds for findings that are open then
        #[arg(long, value_enum, default_value_t = TransitionArgument::FromSwitch)]
        transition: TransitionArgument,
    },
    /// Hand a draft in for review
    Submit {
        /// The version's id
        version: String,
        /// Whose input is wanted; can be given several times
        #[arg(long = "ask", value_name = "PERSON", requires = "until")]
        ask: Vec<String>,
        /// Until when it is waited for
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
    },
    /// Say something of a version as it is now: that it is sound, that you approve it …
    Say {
        /// The version's id
        version: String,
        /// What
        #[arg(value_enum)]
        verdict: VerdictArgument,
        /// In words
        #[arg(long, default_value = "")]
        words: String,
    },
    /// Publish a version that is approved
    Publish {
        /// The version's id
        version: String,
    },
    /// Print the text of a version
    Show {
        /// The version's id
        version: String,
    },
    /// Take a version back before it is in force
    Withdraw {
        /// The version's id
        version: String,
    },
    /// List versions, and what they lack
    List {
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum DutyCommand {
    /// List what people owe or have done: reading, training, reviews, input, attestations, answers to violations
    List {
        /// Only of this person
        #[arg(long)]
        person: Option<String>,
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Excuse somebody from a duty until a day; nobody excuses themselves
    Excuse {
        /// The duty's id
        duty: String,
        /// Until when
        #[arg(long, value_name = "DATE")]
        until: String,
        /// Why
        #[arg(long)]
        why: String,
    },
    /// Take in a file of people (CSV: person, name, email, roles, teams, groups)
    ImportPeople {
        /// The file
        file: PathBuf,
    },
    /// Take in what a learning management system tells (CSV: person or email, course, completed_at; or xAPI statements)
    ImportTraining {
        /// The file
        file: PathBuf,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum ViolationCommand {
    /// List promises that were broken, by day, kind and party
    List {
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Say what was done about a violation
    Answer {
        /// The violation's id
        violation: String,
        /// What was done
        #[arg(long)]
        words: String,
    },
    /// Excuse a violation: it does not count against its party
    Excuse {
        /// The violation's id
        violation: String,
        /// Why
        #[arg(long)]
        why: String,
    },
}
