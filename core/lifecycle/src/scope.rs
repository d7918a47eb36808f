//! Scope: which assets the policy covers, and why.

use crate::asset::{Attributes, Exposure};
use serde::{Deserialize, Serialize};

/// An ordered list of rules; the first that fits decides. What no rule fits is covered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scope {
    /// The rules, in their order.
    pub rules: Vec<Rule>,
}

/// A rule: conditions that must all hold, and what then follows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// Environments, of which one must be the asset's.
    pub environment: Vec<String>,
    /// Tags, of which the asset must have one.
    pub tag: Vec<String>,
    /// Owners, of which one must be the asset's.
    pub owner: Vec<String>,
    /// The exposure that the asset must have.
    pub exposure: Option<Exposure>,
    /// Whether the policy covers what fits.
    pub is_covered: bool,
    /// Why.
    pub reason: String,
}

/// Whether the policy covers an asset, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Whether it does.
    pub is_covered: bool,
    /// Why.
    pub reason: String,
}

impl Scope {
    /// Judges an asset by what is said about it. What is not said fits no rule, so that it leaves nothing out.
    #[must_use]
    pub fn covers(&self, attributes: &Attributes) -> Coverage {
        match self.rules.iter().find(|rule| rule.fits(attributes)) {
            Some(rule) => Coverage { is_covered: rule.is_covered, reason: rule.reason.clone() },
            None => Coverage { is_covered: true, reason: "no rule leaves it out".to_owned() },
        }
    }
}

impl Rule {
    fn fits(&self, attributes: &Attributes) -> bool {
        let is_one = |wanted: &[String], own: Option<&String>| {
            wanted.is_empty() || own.is_some_and(|own| wanted.iter().any(|one| one.eq_ignore_ascii_case(own)))
        };
        let has_tag = |wanted: &String| attributes.tags.iter().any(|own| own.eq_ignore_ascii_case(wanted));
        let has_condition =
            !(self.environment.is_empty() && self.tag.is_empty() && self.owner.is_empty()) || self.exposure.is_some();
        // A rule without conditions would leave everything out, or in: it is none.
        has_condition
            && is_one(&self.environment, attributes.environment.as_ref())
            && is_one(&self.owner, attributes.owner.as_ref())
            && (self.tag.is_empty() || self.tag.iter().any(has_tag))
            && (self.exposure.is_none() || self.exposure == attributes.exposure)
    }
}
