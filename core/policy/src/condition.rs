//! Conditions: structured comparisons over the facts. Whatever they look at is noted.

use crate::facts::{Asset, Exposure, Facts, Input};
use crate::file::Missing;
use serde::Deserialize;

/// A condition of a class. All that it names must hold; what it does not name does not matter.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Condition {
    pub(crate) exploited: Option<bool>,
    pub(crate) ransomware: Option<bool>,
    pub(crate) cvss_at_least: Option<f64>,
    pub(crate) epss_at_least: Option<f64>,
    pub(crate) epss_percentile_at_least: Option<f64>,
    pub(crate) exploitation: Option<Vec<String>>,
    pub(crate) automatable: Option<bool>,
    pub(crate) total_impact: Option<bool>,
    pub(crate) likely_exploitable: Option<bool>,
    pub(crate) exposure: Option<Exposure>,
    pub(crate) environment: Option<Vec<String>>,
    pub(crate) criticality: Option<Vec<String>>,
    pub(crate) data_class: Option<Vec<String>>,
    pub(crate) impact: Option<Vec<String>>,
    pub(crate) fix_available: Option<bool>,
    pub(crate) end_of_life: Option<bool>,
    pub(crate) any: Option<Vec<Condition>>,
}

/// The name under which it is noted whether a catalogue lists it.
pub const EXPLOITED: &str = "exploited";
/// SSVC's words for exploitation.
pub const EXPLOITATION: &[&str] = &["none", "poc", "active"];

/// The words that a policy's classes name for attributes that are scales.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scales {
    environment: Vec<String>,
    criticality: Vec<String>,
    impact: Vec<String>,
}

impl Scales {
    /// Takes in the words of a condition.
    pub(crate) fn add(&mut self, condition: &Condition) {
        self.environment.extend(condition.environment.iter().flatten().cloned());
        self.criticality.extend(condition.criticality.iter().flatten().cloned());
        self.impact.extend(condition.impact.iter().flatten().cloned());
        condition.any.iter().flatten().for_each(|inner| self.add(inner));
    }
}

/// Looks at facts, and notes what it has looked at where that is asked for.
pub(crate) struct Looked<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) missing: &'a Missing,
    pub(crate) scales: &'a Scales,
    /// What was looked at; none where nobody asks for it.
    pub(crate) inputs: Option<Vec<Input>>,
}

impl Condition {
    /// What of an asset's attributes it looks at; the others are left out.
    pub(crate) fn relevant(&self, asset: &Asset, to: &mut Asset) {
        if self.exposure.is_some() {
            to.exposure = asset.exposure;
        }
        if self.environment.is_some() {
            to.environment.clone_from(&asset.environment);
        }
        if self.criticality.is_some() {
            to.criticality.clone_from(&asset.criticality);
        }
        if self.data_class.is_some() {
            to.data_classes.clone_from(&asset.data_classes);
        }
        if self.impact.is_some() {
            to.impact.clone_from(&asset.impact);
        }
        self.any.iter().flatten().for_each(|inner| inner.relevant(asset, to));
    }

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
                let lists = [
                    ("exploitation", &self.exploitation),
                    ("environment", &self.environment),
                    ("criticality", &self.criticality),
                    ("data-class", &self.data_class),
                    ("impact", &self.impact),
                ];
                let empty = lists.iter().find(|(_, list)| list.as_ref().is_some_and(Vec::is_empty));
                let empty = empty.map(|(name, _)| *name);
                let empty = empty.or_else(|| self.any.as_ref().is_some_and(Vec::is_empty).then_some("any"));
                empty.map(|name| format!("`{name}` is empty, so it never holds"))
            })
            .or_else(|| {
                let holds_always = self.any.iter().flatten().any(Self::is_empty);
                holds_always.then(|| "a condition in `any` asks for nothing, so it always holds".to_owned())
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
            self.exploitation.as_ref().is_none_or(|words| looked.exploitation(words)),
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
    /// Notes a value. Its words cost more than all else here, so that they are made only where somebody reads them.
    fn note(&mut self, name: &'static str, value: impl FnOnce() -> String, is_assumed: bool) {
        let Some(inputs) = &mut self.inputs else { return };
        let input = Input { name, value: value(), is_assumed };
        if !inputs.contains(&input) {
            inputs.push(input);
        }
    }

    fn exploited(&mut self) -> bool {
        let (value, is_assumed) = match (self.facts.is_exploited, self.facts.lacks_catalogue) {
            (true, _) => ("yes", false),
            (false, false) => ("not listed", false),
            (false, true) => ("not known, for no catalogue is loaded: taken as not listed", true),
        };
        self.note(EXPLOITED, || value.to_owned(), is_assumed);
        self.facts.is_exploited
    }

    fn cvss(&mut self) -> f64 {
        // The distribution's own word that something carries no weight in its build outranks a general score.
        let facts = self.facts;
        if let Some(word @ ("unimportant" | "informational")) = facts.vendor_urgency.as_deref() {
            self.note("severity", || format!("{word} (the publisher's word for this package)"), false);
            return 0.1;
        }
        let score = facts.cvss.unwrap_or(self.missing.cvss);
        self.note("cvss", || format!("{score:.1}"), facts.cvss.is_none());
        score
    }

    fn epss(&mut self, is_percentile: bool) -> f64 {
        let (score, percentile) = self.facts.epss.unwrap_or((self.missing.epss, self.missing.epss));
        let value = if is_percentile { percentile } else { score };
        let name = if is_percentile { "epss percentile" } else { "epss" };
        self.note(name, || format!("{value:.5}"), self.facts.epss.is_none());
        value
    }

    fn exploitation(&mut self, wanted: &[String]) -> bool {
        let known = self.facts.exploitation.as_ref();
        let value = known.unwrap_or(&self.missing.exploitation);
        self.note("exploitation", || value.clone(), known.is_none());
        wanted.contains(value)
    }

    fn automatable(&mut self) -> bool {
        let of_exploited = self.missing.automatable_if_exploited.filter(|_| self.facts.is_exploited);
        let value = self.facts.automatable.or(of_exploited).unwrap_or(self.missing.automatable);
        self.note("automatable", || yes_or_no(value), self.facts.automatable.is_none());
        value
    }

    fn total_impact(&mut self) -> bool {
        let value = self.facts.total_impact.unwrap_or(self.missing.total_impact);
        let words = || if value { "total" } else { "partial" }.to_owned();
        self.note("technical impact", words, self.facts.total_impact.is_none());
        value
    }

    /// Listed, seen with public code, or automatable. That it is not takes both decision points to say.
    fn likely_exploitable(&mut self) -> bool {
        let has_code = self.facts.exploitation.as_deref().map(|word| word == "active" || word == "poc");
        let is_likely = self.facts.is_exploited || has_code == Some(true) || self.facts.automatable == Some(true);
        let (value, is_assumed) = match (is_likely, has_code, self.facts.automatable) {
            (true, ..) => (true, false),
            (false, Some(_), Some(_)) => (false, false),
            _ => (self.missing.likely_exploitable, true),
        };
        self.note("likely exploitable", || yes_or_no(value), is_assumed);
        value
    }

    fn exposure(&mut self) -> Exposure {
        let value = self.facts.asset.exposure.unwrap_or(self.missing.exposure);
        let words = if value == Exposure::Exposed { "exposed" } else { "internal" };
        self.note("exposure", || words.to_owned(), self.facts.asset.exposure.is_none());
        value
    }

    fn data_class(&mut self, wanted: &[String]) -> bool {
        let known = self.facts.asset.data_classes.as_ref();
        let words = || known.map_or_else(|| "not stated".to_owned(), |known| known.join(", "));
        self.note("data class", words, known.is_none());
        known.is_none_or(|known| wanted.iter().any(|word| known.iter().any(|own| own.eq_ignore_ascii_case(word))))
    }

    /// An attribute that is missing fits whatever is asked for: the stricter class comes first in the table. So does a
    /// word of a scale that no class names: it may be a slip of the pen, and must not make anything milder.
    fn word(&mut self, name: &'static str, wanted: &[String]) -> bool {
        let (value, scale) = match name {
            "environment" => (&self.facts.asset.environment, Some(&self.scales.environment)),
            "criticality" => (&self.facts.asset.criticality, Some(&self.scales.criticality)),
            _ => (&self.facts.asset.impact, Some(&self.scales.impact)),
        };
        let has = |words: &[String], value: &str| words.iter().any(|word| word.eq_ignore_ascii_case(value));
        let Some(value) = value.as_ref().filter(|value| !value.trim().is_empty()) else {
            self.note(name, || "not stated".to_owned(), true);
            return true;
        };
        if scale.is_some_and(|scale| !has(scale, value)) {
            self.note(name, || format!("{value}, which no class of the policy names"), true);
            return true;
        }
        self.note(name, || value.clone(), false);
        has(wanted, value)
    }
}

fn yes_or_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}
