//! Purpose and scope, definitions, and where vulnerabilities are looked for.

use crate::facts::Exposure;
use crate::length::Length;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// Which assets the policy covers: an ordered list of rules, of which the first that fits decides. What no rule fits is
/// covered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scope {
    /// The rules, in their order.
    pub rule: Vec<Spanned<ScopeRule>>,
}

/// A rule of the scope: conditions that must all hold, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScopeRule {
    /// What follows.
    pub covered: Covered,
    /// Why.
    pub reason: String,
    /// Environments, of which one must be the asset's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
    /// Tags, of which the asset must have one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<String>,
    /// Owners, of which one must be the asset's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owner: Vec<String>,
    /// Classes of data, of which one must be on the asset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_class: Vec<String>,
    /// The exposure that the asset must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
}

/// How an asset is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Covered {
    /// It is patched as the policy says.
    Patched,
    /// Its vendor patches it, and attests that.
    Attested,
    /// The policy does not speak of it.
    Excluded,
}

/// How an asset is covered, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// How.
    pub covered: Covered,
    /// Why.
    pub reason: String,
}

/// What a scope looks at of an asset.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    /// `production`, `test` …
    pub environment: Option<&'a str>,
    /// Words to find it by.
    pub tags: &'a [String],
    /// The team that owns it.
    pub owner: Option<&'a str>,
    /// Classes of data on it.
    pub data_classes: Option<&'a [String]>,
    /// Reachable from the internet or not.
    pub exposure: Option<Exposure>,
}

/// Judges an asset by what is said about it: the first rule that fits decides, and what none fits is covered.
#[must_use]
pub fn coverage(rules: &[ScopeRule], subject: Subject<'_>) -> Coverage {
    match rules.iter().find(|rule| rule.fits(subject)) {
        Some(rule) => Coverage { covered: rule.covered, reason: rule.reason.clone() },
        None => Coverage { covered: Covered::Patched, reason: "no rule leaves it out".to_owned() },
    }
}

impl Coverage {
    /// Whether it is the organisation itself that patches the asset.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        self.covered == Covered::Patched
    }
}

impl ScopeRule {
    /// Whether it asks for anything: a rule that does not would leave everything out, or in.
    #[must_use]
    pub fn has_condition(&self) -> bool {
        self.exposure.is_some() || self.lists().iter().any(|list| !list.is_empty())
    }

    /// The words that it asks for: environments, tags, owners, classes of data.
    pub(crate) fn lists(&self) -> [&[String]; 4] {
        [&self.environment, &self.tag, &self.owner, &self.data_class]
    }

    /// Whether it fits. What nobody says fits a rule that has the asset patched, and none that leaves it out.
    fn fits(&self, subject: Subject<'_>) -> bool {
        let unknown = self.covered == Covered::Patched;
        let among = |wanted: &[String], own: &str| wanted.iter().any(|one| one.eq_ignore_ascii_case(own));
        let is_one =
            |wanted: &[String], own: Option<&str>| wanted.is_empty() || own.map_or(unknown, |own| among(wanted, own));
        let has_one = |wanted: &[String], own: &[String]| wanted.is_empty() || own.iter().any(|own| among(wanted, own));
        let data =
            subject.data_classes.map_or(self.data_class.is_empty() || unknown, |own| has_one(&self.data_class, own));
        self.has_condition()
            && is_one(&self.environment, subject.environment)
            && is_one(&self.owner, subject.owner)
            && has_one(&self.tag, subject.tags)
            && data
            && self.exposure.is_none_or(|wanted| subject.exposure.map_or(unknown, |own| own == wanted))
    }
}

/// What a word of the policy means.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Definition {
    /// The word.
    pub term: Spanned<String>,
    /// What it means.
    pub meaning: String,
}

/// Where vulnerabilities are looked for, and how often.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scanning {
    /// The feeds that are read, by their ids.
    #[serde(default)]
    pub sources: Vec<Spanned<String>>,
    /// The longest time between looks at what can be reached from the internet, or of which nobody says that it cannot.
    pub exposed: Spanned<Length>,
    /// The same for the rest.
    pub internal: Spanned<Length>,
}
