//! Conditions: structured comparisons over the facts. Whatever they look at is noted.

use crate::facts::{Exposure, Facts, Input};
use crate::file::Missing;
use serde::Deserialize;

/// A condition of a class. All that it names must hold; what it does not name does not matter.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Condition {
    exploited: Option<bool>,
    ransomware: Option<bool>,
    cvss_at_least: Option<f64>,
    epss_at_least: Option<f64>,
    epss_percentile_at_least: Option<f64>,
    exploitation: Option<Vec<String>>,
    automatable: Option<bool>,
    total_impact: Option<bool>,
    likely_exploitable: Option<bool>,
    exposure: Option<Exposure>,
    environment: Option<Vec<String>>,
    criticality: Option<Vec<String>>,
    data_class: Option<Vec<String>>,
    impact: Option<Vec<String>>,
    fix_available: Option<bool>,
    end_of_life: Option<bool>,
    any: Option<Vec<Condition>>,
}

/// SSVC's words for exploitation.
pub(crate) const EXPLOITATION: &[&str] = &["none", "poc", "active"];

/// The words that a policy's classes name for attributes that are scales.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scales {
    criticality: Vec<String>,
    impact: Vec<String>,
}

impl Scales {
    /// Takes in the words of a condition.
    pub(crate) fn add(&mut self, condition: &Condition) {
        self.criticality.extend(condition.criticality.iter().flatten().cloned());
        self.impact.extend(condition.impact.iter().flatten().cloned());
        condition.any.iter().flatten().for_each(|inner| self.add(inner));
    }
}

/// Notes what was looked at.
pub(crate) struct Looked<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) missing: &'a Missing,
    pub(crate) scales: &'a Scales,
    pub(crate) inputs: Vec<Input>,
}

impl Condition {
    /// Whether nothing is asked, so that everything fits.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What in it can never be meant, if anything.
    pub(crate) fn fault(&self) -> Option<String> {
        let outside = |name: &str, value: Option<f64>, most: f64| {
            let value = value.filter(|value| !(0.0..=most).contains(value))?;
            Some(format!("`{name} = {value}` is not between 0 and {most}"))
        };
        let words = self.exploitation.iter().flatten();
        let unknown = words.into_iter().find(|word| !EXPLOITATION.contains(&word.as_str()));
        outside("cvss-at-least", self.cvss_at_least, 10.0)
            .or_else(|| outside("epss-at-least", self.epss_at_least, 1.0))
            .or_else(|| outside("epss-percentile-at-least", self.epss_percentile_at_least, 1.0))
            .or_else(|| unknown.map(|word| format!("`{word}` is no exploitation; there are none, poc and active")))
            .or_else(|| {
                let is_empty = self.any.as_ref().is_some_and(Vec::is_empty);
                is_empty.then(|| "`any` is empty, so it never holds".to_owned())
            })
            .or_else(|| self.any.iter().flatten().find_map(Self::fault))
    }

    /// Whether the facts fit.
    pub(crate) fn holds(&self, looked: &mut Looked<'_>) -> bool {
        // Every part is looked at, so that the derivation does not depend on an order of evaluation.
        let parts = [
            self.exploited.is_none_or(|wanted| looked.exploited() == wanted),
            self.ransomware.is_none_or(|wanted| looked.facts.is_used_by_ransomware == wanted),
            self.cvss_at_least.is_none_or(|least| looked.cvss() >= least),
            self.epss_at_least.is_none_or(|least| looked.epss(false) >= least),
            self.epss_percentile_at_least.is_none_or(|least| looked.epss(true) >= least),
            self.exploitation.as_ref().is_none_or(|words| words.contains(&looked.exploitation())),
            self.automatable.is_none_or(|wanted| looked.automatable() == wanted),
            self.total_impact.is_none_or(|wanted| looked.total_impact() == wanted),
            self.likely_exploitable.is_none_or(|wanted| looked.likely_exploitable() == wanted),
            self.exposure.is_none_or(|wanted| looked.exposure() == wanted),
            self.environment.as_ref().is_none_or(|words| looked.word("environment", words)),
            self.criticality.as_ref().is_none_or(|words| looked.word("criticality", words)),
            self.impact.as_ref().is_none_or(|words| looked.word("impact", words)),
            self.data_class.as_ref().is_none_or(|words| looked.data_class(words)),
            self.fix_available.is_none_or(|wanted| looked.facts.is_fix_available == wanted),
            self.end_of_life.is_none_or(|wanted| looked.facts.is_end_of_life == wanted),
        ];
        let any = self.any.as_ref().is_none_or(|all| all.iter().filter(|one| one.holds(looked)).count() > 0);
        any && parts.iter().all(|part| *part)
    }
}

impl Looked<'_> {
    fn note(&mut self, name: &'static str, value: String, is_assumed: bool) {
        let input = Input { name, value, is_assumed };
        if !self.inputs.contains(&input) {
            self.inputs.push(input);
        }
    }

    fn exploited(&mut self) -> bool {
        self.note("exploited", if self.facts.is_exploited { "yes" } else { "not listed" }.to_owned(), false);
        self.facts.is_exploited
    }

    fn cvss(&mut self) -> f64 {
        // The distribution's own word that something carries no weight in its build outranks a general score.
        if let Some(word @ ("unimportant" | "informational")) = self.facts.vendor_urgency.as_deref() {
            self.note("severity", format!("{word} (the publisher's word for this package)"), false);
            return 0.1;
        }
        let score = self.facts.cvss.unwrap_or(self.missing.cvss);
        self.note("cvss", format!("{score:.1}"), self.facts.cvss.is_none());
        score
    }

    fn epss(&mut self, is_percentile: bool) -> f64 {
        let (score, percentile) = self.facts.epss.unwrap_or((self.missing.epss, self.missing.epss));
        let value = if is_percentile { percentile } else { score };
        self.note(
            if is_percentile { "epss percentile" } else { "epss" },
            format!("{value:.5}"),
            self.facts.epss.is_none(),
        );
        value
    }

    fn exploitation(&mut self) -> String {
        let value = self.facts.exploitation.clone().unwrap_or_else(|| self.missing.exploitation.clone());
        self.note("exploitation", value.clone(), self.facts.exploitation.is_none());
        value
    }

    fn automatable(&mut self) -> bool {
        let value = self.facts.automatable.unwrap_or(self.missing.automatable);
        self.note("automatable", if value { "yes" } else { "no" }.to_owned(), self.facts.automatable.is_none());
        value
    }

    fn total_impact(&mut self) -> bool {
        let value = self.facts.total_impact.unwrap_or(self.missing.total_impact);
        self.note(
            "technical impact",
            if value { "total" } else { "partial" }.to_owned(),
            self.facts.total_impact.is_none(),
        );
        value
    }

    /// Listed, seen with public code, or automatable; missing decision points count as likely.
    fn likely_exploitable(&mut self) -> bool {
        let known = self.facts.exploitation.is_some() || self.facts.automatable.is_some();
        let has_code = self.facts.exploitation.as_deref().is_some_and(|word| word == "active" || word == "poc");
        let value = self.facts.is_exploited
            || has_code
            || self.facts.automatable == Some(true)
            || (!known && self.missing.likely_exploitable);
        self.note(
            "likely exploitable",
            if value { "yes" } else { "no" }.to_owned(),
            !known && !self.facts.is_exploited,
        );
        value
    }

    fn exposure(&mut self) -> Exposure {
        let value = self.facts.asset.exposure.unwrap_or(self.missing.exposure);
        let words = if value == Exposure::Exposed { "exposed" } else { "internal" };
        self.note("exposure", words.to_owned(), self.facts.asset.exposure.is_none());
        value
    }

    fn data_class(&mut self, wanted: &[String]) -> bool {
        let known = self.facts.asset.data_classes.as_ref();
        let value = known.map_or_else(|| "not stated".to_owned(), |known| known.join(", "));
        self.note("data class", value, known.is_none());
        known.is_none_or(|known| wanted.iter().any(|word| known.iter().any(|own| own.eq_ignore_ascii_case(word))))
    }

    /// An attribute that is missing fits whatever is asked for: the stricter class comes first in the table. So does a
    /// word of a scale that no class names: it may be a slip of the pen, and must not make anything milder.
    fn word(&mut self, name: &'static str, wanted: &[String]) -> bool {
        let (value, scale) = match name {
            "environment" => (&self.facts.asset.environment, None),
            "criticality" => (&self.facts.asset.criticality, Some(&self.scales.criticality)),
            _ => (&self.facts.asset.impact, Some(&self.scales.impact)),
        };
        let has = |words: &[String], value: &str| words.iter().any(|word| word.eq_ignore_ascii_case(value));
        let (fits, words, is_assumed) = match value {
            None => (true, "not stated".to_owned(), true),
            Some(value) if scale.is_some_and(|scale| !has(scale, value)) => {
                (true, format!("{value}, which no class of the policy names"), true)
            }
            Some(value) => (has(wanted, value), value.clone(), false),
        };
        self.note(name, words, is_assumed);
        fits
    }
}
