//! Ignore files of other scanners, each entry with its reason and its expiry.

use super::{Statement, Statements, Status};
use crate::feeds::text::instant;
use crate::model::Problem;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

fn accepted(
    name: &str,
    id: &str,
    products: Vec<String>,
    reason: String,
    until: Option<&str>,
) -> Result<Statement, Problem> {
    let until = match until {
        None => None,
        // A date that does not exist must not become "for ever".
        Some(text) => Some(instant(text).ok_or_else(|| {
            Problem::bad_record(format!("{name}: {id}"), format!("`{text}` is no date; the entry is not used"))
        })?),
    };
    let products = if products.is_empty() { vec!["*".to_owned()] } else { products };
    Ok(Statement {
        vulnerability: id.to_owned(),
        products,
        within: None,
        status: Status::Accepted,
        justification: None,
        reason,
        by: name.to_owned(),
        at: None,
        until,
    })
}

/// Refuses an entry that says more than is understood: what was meant to limit it would be lost.
fn limited(name: &str, id: &str, rest: &BTreeMap<String, IgnoredAny>) -> Result<(), Problem> {
    let Some(key) = rest.keys().next() else { return Ok(()) };
    let what = format!("it says `{key}`, which cannot be taken over; the entry is not used");
    Err(Problem::bad_record(format!("{name}: {id}"), what))
}

fn gather(name: &str, entries: impl Iterator<Item = Result<Statement, Problem>>) -> Statements {
    let mut found = Statements::default();
    for entry in entries {
        match entry {
            Ok(statement) if statement.vulnerability.is_empty() => {
                found.problems.push(Problem::bad_record(name, "an entry without a vulnerability's id is not used"));
            }
            Ok(statement) => found.statements.push(statement),
            Err(problem) => found.problems.push(problem),
        }
    }
    found
}

fn unreadable(name: &str, error: impl std::fmt::Display) -> Statements {
    Statements { statements: Vec::new(), problems: vec![Problem::bad_record(name, error)] }
}

#[derive(Deserialize)]
struct TrivyFile {
    #[serde(default)]
    vulnerabilities: Vec<TrivyEntry>,
}

#[derive(Deserialize)]
struct TrivyEntry {
    id: String,
    #[serde(default)]
    purls: Vec<String>,
    #[serde(default)]
    statement: String,
    expired_at: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

/// `.trivyignore.yaml`.
#[must_use]
pub fn trivy(name: &str, text: &str) -> Statements {
    match serde_saphyr::from_str::<TrivyFile>(text) {
        Ok(file) => gather(
            name,
            file.vulnerabilities.into_iter().map(|entry| {
                limited(name, &entry.id, &entry.rest)?;
                accepted(name, &entry.id, entry.purls, entry.statement, entry.expired_at.as_deref())
            }),
        ),
        Err(error) => unreadable(name, error),
    }
}

/// `.trivyignore`: an id a line, comments after `#`, and `exp:2026-01-31` where an entry ends.
#[must_use]
pub fn trivy_plain(name: &str, text: &str) -> Statements {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    gather(
        name,
        lines.filter(|line| !line.is_empty()).map(|line| {
            let mut words = line.split_whitespace();
            let id = words.next().unwrap_or_default();
            let mut until = None;
            for word in words {
                match word.strip_prefix("exp:") {
                    Some(date) => until = Some(date),
                    None => {
                        let what = format!("`{word}` is not understood; the entry is not used");
                        return Err(Problem::bad_record(format!("{name}: {id}"), what));
                    }
                }
            }
            accepted(name, id, Vec::new(), String::new(), until)
        }),
    )
}

#[derive(Deserialize)]
struct OsvFile {
    #[serde(default, rename = "IgnoredVulns")]
    ignored: Vec<OsvEntry>,
    #[serde(default, rename = "PackageOverrides")]
    overrides: Vec<toml::Value>,
}

#[derive(Deserialize)]
struct OsvEntry {
    id: String,
    #[serde(default)]
    reason: String,
    #[serde(rename = "ignoreUntil")]
    until: Option<toml::value::Datetime>,
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

/// `osv-scanner.toml`. Overrides of whole packages are not taken over, and named.
#[must_use]
pub fn osv_scanner(name: &str, text: &str) -> Statements {
    match toml::from_str::<OsvFile>(text) {
        Ok(file) => {
            let entries = file.ignored.into_iter().map(|entry| {
                limited(name, &entry.id, &entry.rest)?;
                let until = entry.until.map(|until| until.to_string());
                accepted(name, &entry.id, Vec::new(), entry.reason, until.as_deref())
            });
            let mut found = gather(name, entries);
            if !file.overrides.is_empty() {
                let what = format!(
                    "{} overrides of whole packages are not used: they would hide vulnerabilities unnamed",
                    file.overrides.len()
                );
                found.problems.push(Problem::bad_record(name, what));
            }
            found
        }
        Err(error) => unreadable(name, error.message()),
    }
}

#[derive(Deserialize)]
struct GrypeFile {
    #[serde(default)]
    ignore: Vec<GrypeEntry>,
}

#[derive(Deserialize)]
struct GrypeEntry {
    #[serde(default)]
    vulnerability: String,
    #[serde(default)]
    reason: String,
    package: Option<GrypePackage>,
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct GrypePackage {
    #[serde(default)]
    name: String,
    version: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

/// `.grype.yaml`. Rules without a vulnerability's id are not taken over, and named.
#[must_use]
pub fn grype(name: &str, text: &str) -> Statements {
    match serde_saphyr::from_str::<GrypeFile>(text) {
        Ok(file) => gather(
            name,
            file.ignore.into_iter().map(|entry| {
                limited(name, &entry.vulnerability, &entry.rest)?;
                entry.package.as_ref().map_or(Ok(()), |package| limited(name, &entry.vulnerability, &package.rest))?;
                if let Some(version) = entry.package.as_ref().and_then(|package| package.version.as_ref()) {
                    let what =
                        format!("limited to version {version}, which cannot be taken over; the entry is not used");
                    return Err(Problem::bad_record(format!("{name}: {}", entry.vulnerability), what));
                }
                let products =
                    entry.package.map(|package| package.name).filter(|name| !name.is_empty()).into_iter().collect();
                accepted(name, &entry.vulnerability, products, entry.reason, None)
            }),
        ),
        Err(error) => unreadable(name, error),
    }
}

#[derive(Deserialize)]
struct AuditFile {
    #[serde(default)]
    advisories: AuditAdvisories,
}

#[derive(Deserialize, Default)]
struct AuditAdvisories {
    #[serde(default)]
    ignore: Vec<String>,
}

/// cargo-audit's `audit.toml`.
#[must_use]
pub fn audit_toml(name: &str, text: &str) -> Statements {
    match toml::from_str::<AuditFile>(text) {
        Ok(file) => gather(
            name,
            file.advisories.ignore.into_iter().map(|id| accepted(name, &id, Vec::new(), String::new(), None)),
        ),
        Err(error) => unreadable(name, error.message()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_reason_and_expiry() {
        let found = trivy(
            "x",
            "vulnerabilities:\n  - id: CVE-2024-1\n    expired_at: 2026-01-31\n    statement: not reachable\n  - id: CVE-2024-2\n    expired_at: 2026-02-31\n",
        );
        assert_eq!((found.statements.len(), found.problems.len()), (1, 1));
        assert_eq!(found.statements[0].reason, "not reachable");
        assert!(found.statements[0].until.is_some());
        let path = "vulnerabilities:\n  - id: CVE-2024-1\n    paths: [vendor]\n  - id: CVE-2024-2\n    expires_at: 2026-01-31\n";
        assert_eq!((trivy("x", path).statements.len(), trivy("x", path).problems.len()), (0, 2));
        let limited = "ignore:\n  - vulnerability: CVE-1\n    fix-state: fixed\n  - vulnerability: CVE-2\n    package:\n      name: a\n      type: deb\n";
        assert_eq!((grype("x", limited).statements.len(), grype("x", limited).problems.len()), (0, 2));
        let found = trivy_plain(
            "x",
            "# why\nCVE-2024-1 exp:2026-01-31\nCVE-2024-2 # note\n\nCVE-2024-3 exp:never\nCVE-2024-4 odd\n",
        );
        assert_eq!((found.statements.len(), found.problems.len()), (2, 2));
        let found = osv_scanner(
            "x",
            "[[IgnoredVulns]]\nid = \"GHSA-1\"\nignoreUntil = 2026-03-01\nreason = \"r\"\n[[PackageOverrides]]\nname = \"a\"\nignore = true\n",
        );
        assert_eq!((found.statements.len(), found.problems.len()), (1, 1));
        assert_eq!(grype("x", "ignore:\n  - vulnerability: CVE-1\n  - fix-state: unknown\n").problems.len(), 1);
        assert_eq!(audit_toml("x", "[advisories]\nignore = [\"RUSTSEC-2020-0001\"]\n").statements.len(), 1);
    }
}
