//! The roles of the product: what people are trusted with.

use serde::{Deserialize, Serialize};

/// What somebody is trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees everything, changes nothing.
    Auditor,
    /// Works here: sees how things stand, and nothing of single assets.
    Employee,
    /// Owns packages and asks for exceptions; sees and reports the assets of their own teams alone.
    Developer,
    /// Registers assets and patches them.
    Operator,
    /// Owns the policy and decides on findings.
    SecurityLead,
    /// Approves exceptions. Ledgers of schema 1 call it `executive`.
    #[serde(alias = "executive")]
    Approver,
    /// Gives roles and tokens.
    Administrator,
}

impl Role {
    /// Who may change assets and what is known of them.
    pub const OPERATES: &[Self] = &[Self::Operator, Self::SecurityLead, Self::Administrator];
    /// Who sees every asset.
    pub const SEES_ALL: &[Self] =
        &[Self::Auditor, Self::Operator, Self::SecurityLead, Self::Approver, Self::Administrator];
    /// Who sees assets, if only those of their teams.
    pub const SEES_ASSETS: &[Self] =
        &[Self::Auditor, Self::Developer, Self::Operator, Self::SecurityLead, Self::Approver, Self::Administrator];
    /// Who may hand in inventories, beside an asset's own agent.
    pub const REPORTS: &[Self] = &[Self::Developer, Self::Operator, Self::SecurityLead, Self::Administrator];
    /// Who may ask for decisions.
    pub const ASKS: &[Self] = &[Self::Developer, Self::Operator, Self::SecurityLead];
    /// Who may decide on some of what is asked for, and take a decision back.
    pub const DECIDES: &[Self] = &[Self::Approver, Self::SecurityLead];
    /// Who may excuse people from duties, and excuse violations.
    pub const EXCUSES: &[Self] = &[Self::Approver, Self::SecurityLead];
    /// Who sees what everybody owes.
    pub const SEES_DUTIES: &[Self] = &[Self::Auditor, Self::SecurityLead, Self::Approver, Self::Administrator];
    /// Every role there is.
    pub const ALL: &[Self] = &[
        Self::Auditor,
        Self::Employee,
        Self::Developer,
        Self::Operator,
        Self::SecurityLead,
        Self::Approver,
        Self::Administrator,
    ];

    /// The role as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Employee => "employee",
            Self::Developer => "developer",
            Self::Operator => "operator",
            Self::SecurityLead => "security-lead",
            Self::Approver => "approver",
            Self::Administrator => "administrator",
        }
    }
}
