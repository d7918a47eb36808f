//! Statements that vulnerabilities do not count: VEX documents and other scanners' ignore files, read into one form.

mod csaf;
mod cyclonedx;
mod ignore_files;
mod justification;
mod openvex;

pub use ignore_files::{audit_toml, grype, osv_scanner, trivy, trivy_plain};
pub use justification::Justification;

use crate::model::Problem;
use jiff::Timestamp;

/// What a statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The product is affected.
    Affected,
    /// It is not affected.
    NotAffected,
    /// This version is fixed.
    Fixed,
    /// Nobody knows yet.
    UnderInvestigation,
    /// A person decided to accept it (ignore files).
    Accepted,
}

/// One statement on one vulnerability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The vulnerability, under any of its ids.
    pub vulnerability: String,
    /// The products: package URLs, names, or `*` for all.
    pub products: Vec<String>,
    /// The product whose part they are, if the statement speaks of a part only.
    pub within: Option<String>,
    /// What is said.
    pub status: Status,
    /// Why it is not affected, where the document says so in a word that machines know.
    pub justification: Option<Justification>,
    /// Justification and notes, in the document's words.
    pub reason: String,
    /// Who says it: the document.
    pub by: String,
    /// When it was said.
    pub at: Option<Timestamp>,
    /// Until when it holds.
    pub until: Option<Timestamp>,
}

/// What a document gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statements {
    /// Its statements.
    pub statements: Vec<Statement>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Reads an OpenVEX, CSAF or CycloneDX document.
#[must_use]
pub fn read(name: &str, bytes: &[u8]) -> Statements {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let value: serde_json::Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => return Statements { statements: Vec::new(), problems: vec![Problem::bad_record(name, error)] },
    };
    let found = if value["@context"].as_str().is_some_and(|context| context.contains("openvex")) {
        openvex::read(name, &value)
    } else if value["document"]["csaf_version"].is_string() {
        csaf::read(name, &value)
    } else if value["bomFormat"].as_str() == Some("CycloneDX") {
        cyclonedx::read(name, &value)
    } else {
        let problem = Problem::bad_record(name, "it is neither OpenVEX nor CSAF nor CycloneDX");
        Statements { statements: Vec::new(), problems: vec![problem] }
    };
    if found == Statements::default() {
        let problem = Problem::bad_record(name, "it makes no statement on any vulnerability");
        return Statements { statements: Vec::new(), problems: vec![problem] };
    }
    found
}
