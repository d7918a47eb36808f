//! What follows from a policy's text beside its deadlines. It is in the entry that puts the policy in force, and must be that of the text.

use crate::changes::ChangeRule;
use crate::governance::Governance;
use crate::oversight::Oversight;
use policy::promises::{Coverage, ScopeRule, Subject, coverage};
use policy::{Length, Policy, Unit};
use serde::{Deserialize, Serialize};

/// What a policy asks beside its deadlines: which assets are looked at and how often, and what people owe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicyRule {
    /// The longest time between looks at what can be reached from the internet, or of which nobody says that it cannot.
    pub exposed: Length,
    /// The same for the rest.
    pub internal: Length,
    /// Which assets the policy covers, by the first rule that fits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<ScopeRule>,
    /// What it asks of people.
    #[serde(skip_serializing_if = "Governance::is_empty")]
    pub governance: Governance,
}

/// Weekly and monthly, for all: what holds where a policy says nothing.
impl Default for PolicyRule {
    fn default() -> Self {
        let (exposed, internal) = (Length { count: 7, unit: Unit::Days }, Length { count: 1, unit: Unit::Months });
        Self { exposed, internal, scope: Vec::new(), governance: Governance::default() }
    }
}

impl PolicyRule {
    /// What a policy asks.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let Self { exposed, internal, .. } = Self::default();
        let said = policy.promises.scanning.as_ref();
        let rules = policy.promises.scope.iter().flat_map(|scope| &scope.rule);
        Self {
            exposed: said.map_or(exposed, |said| *said.exposed.as_ref()),
            internal: said.map_or(internal, |said| *said.internal.as_ref()),
            scope: rules.map(|rule| rule.as_ref().clone()).collect(),
            governance: Governance::of(policy),
        }
    }

    /// Whether it is what holds where a policy says nothing.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The same as older programs wrote it into entries, the newest first: without who patches their own and by when vendors tell,
    /// without what is asked of changes, without what is asked where a promise is not kept, and without what is asked of people at all.
    #[must_use]
    pub fn earlier_forms(&self) -> [Self; 4] {
        let without = |governance| Self { governance, ..self.clone() };
        let mut first = self.governance.clone();
        first.oversight.notify = None;
        first.oversight.roles.iter_mut().for_each(|role| role.patches_own = false);
        let changes = ChangeRule::default();
        let unchanged = Governance { changes, ..first.clone() };
        let unseen = Governance { oversight: Oversight::default(), ..unchanged.clone() };
        [without(first), without(unchanged), without(unseen), without(Governance::default())]
    }

    /// Whether the policy covers an asset, and why.
    #[must_use]
    pub fn coverage(&self, asset: Subject<'_>) -> Coverage {
        coverage(&self.scope, asset)
    }

    /// Whether it is the organisation itself that must look at an asset and patch it.
    #[must_use]
    pub fn covers(&self, asset: Subject<'_>) -> bool {
        self.scope.is_empty() || self.coverage(asset).is_covered()
    }
}
