//! Inventory × index → matches, each with its reason. What cannot be judged is undetermined, never clean.
//!
//! Distribution packages are matched by source package and source version against the distribution's own data;
//! packages of languages by name and version against OSV's.

mod find;
mod foreign;
mod lifecycle;
mod mentions;
mod restart;
mod statements;
mod suppress;

pub use find::{Error, Matching, find, without_index};
pub use lifecycle::{EndOfLife, end_of_life, end_of_packages, end_of_release};
pub use mentions::{Mention, mentions};
pub use suppress::{Statements, Suppression};

use ecow::EcoString;
use jiff::Timestamp;

/// One vulnerability in one installed package.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The package's place in the inventory.
    pub package: usize,
    /// The vulnerability's number in the index.
    pub vulnerability: u32,
    /// Whether it is affected, and if not, why it is shown all the same.
    pub verdict: Verdict,
    /// What is known about a fix.
    pub fix: Fix,
    /// The statements that say so, the decisive one first.
    pub reasons: Vec<Reason>,
    /// When the patch became available: the publication of the vendor's advisory that brings the fix.
    pub patch_available: Option<Timestamp>,
    /// A remark of the vendor on the vulnerability's weight in this package (`unimportant`).
    pub urgency: Option<String>,
    /// Whether it is a kernel that is installed but does not run.
    pub is_idle_kernel: bool,
}

/// What a match comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The package is affected.
    Affected,
    /// The fix is on disk, but what runs is still the old code.
    RestartPending {
        /// What has to be restarted, in words.
        what: String,
    },
    /// It cannot be said whether the package is affected.
    Undetermined {
        /// What is missing, in words.
        why: String,
    },
    /// Somebody says that it does not count.
    Suppressed(Suppression),
}

/// What is known about a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// This version (of the name that was matched) fixes it.
    Available(EcoString),
    /// None exists yet.
    NotYet,
    /// The publisher will not fix it.
    WontFix,
    /// The publisher puts it off to a later update.
    Deferred,
    /// Out of support.
    EndOfLife,
    /// Nobody says anything about a fix.
    Unknown,
}

/// Why a match is one: which statement, and which versions were compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The advisory's number in the index.
    pub advisory: u32,
    /// The ecosystem in which the statement stands.
    pub ecosystem: EcoString,
    /// The name that was matched: the source package's for distributions.
    pub name: EcoString,
    /// The version that was compared.
    pub version: EcoString,
    /// The range, version or state that decided, in words.
    pub because: String,
}

/// A package about which nothing can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undetermined {
    /// Its place in the inventory.
    pub package: usize,
    /// Why, in words.
    pub why: String,
    /// Whether it comes from outside of its distribution.
    pub is_foreign: bool,
}
