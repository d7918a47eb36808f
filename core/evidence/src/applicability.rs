//! Statement of applicability: every clause that concerns patching, whether the policy serves it, and where (ISO/IEC 27001:2022 6.1.3 d).

use crate::frameworks::{Clause, FRAMEWORKS, Framework, Section, framework};
use policy::Policy;

/// A clause, and what a policy does for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The clause's identifier.
    pub clause: String,
    /// What it asks, in our own words.
    pub says: String,
    /// The sections that serve it, and that the policy has.
    pub served_by: Vec<Section>,
    /// Those that it lacks.
    pub missing: Vec<Section>,
    /// Whether the policy promises less than the clause asks for.
    pub is_below: bool,
}

/// A framework, clause by clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applicability {
    /// The framework's id.
    pub id: &'static str,
    /// Its name, with its edition.
    pub name: String,
    /// Whether the policy names it, so that it is held to it.
    pub is_named: bool,
    /// Its clauses.
    pub clauses: Vec<Applied>,
}

/// What a policy does for every framework that is known; those that it names first.
///
/// # Errors
/// If a framework's file cannot be read, which the tests of this crate rule out.
pub fn applicability(policy: &Policy) -> Result<Vec<Applicability>, toml::de::Error> {
    let mut all = Vec::new();
    for (id, _) in FRAMEWORKS {
        let Some(framework) = framework(id) else { continue };
        let framework = framework?;
        let is_below = |clause: &Clause| clause.demand.iter().any(|demand| !demand.is_met(policy));
        let is_named = policy.promises.frameworks.iter().any(|named| named.as_ref() == id);
        let clauses = framework.clause.iter().map(|clause| applied(policy, clause, is_below(clause))).collect();
        all.push(Applicability { id, name: framework.name.clone(), is_named, clauses });
    }
    all.sort_by_key(|one| !one.is_named);
    Ok(all)
}

fn applied(policy: &Policy, clause: &Clause, is_below: bool) -> Applied {
    let (served_by, missing) = clause.served_by.iter().copied().partition(|section| section.is_written(policy));
    Applied { clause: clause.id.clone(), says: clause.says.clone(), served_by, missing, is_below }
}

/// The clauses of a framework that a section of the policy serves: what stands beside the section as cross-references.
#[must_use]
pub fn served(framework: &Framework, section: Section) -> Vec<&str> {
    framework
        .clause
        .iter()
        .filter(|clause| clause.served_by.contains(&section))
        .map(|clause| clause.id.as_str())
        .collect()
}

impl Section {
    /// Every section.
    pub const ALL: &[Self] = &[
        Self::Scope,
        Self::Roles,
        Self::Scanning,
        Self::Classes,
        Self::Testing,
        Self::Gates,
        Self::Deployment,
        Self::Emergency,
        Self::Records,
        Self::Monitoring,
        Self::Responses,
        Self::Review,
        Self::Exceptions,
        Self::Vendors,
        Self::Training,
        Self::Acknowledgement,
    ];

    /// What it is called in documents.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Scope => "Purpose and scope",
            Self::Roles => "Roles and responsibilities",
            Self::Scanning => "The vulnerability process: sources and cadence",
            Self::Classes => "The vulnerability process: classes and deadlines",
            Self::Testing => "Testing",
            Self::Gates => "Approval of changes",
            Self::Deployment => "Deployment",
            Self::Emergency => "Emergency response",
            Self::Records => "Documentation",
            Self::Monitoring => "Compliance and monitoring",
            Self::Responses => "Responses to violations",
            Self::Review => "Review and updates",
            Self::Exceptions => "Exceptions",
            Self::Vendors => "Vendors",
            Self::Training => "Training",
            Self::Acknowledgement => "Acknowledgement",
        }
    }
}
