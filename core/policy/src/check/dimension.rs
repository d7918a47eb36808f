//! What conditions look at, cut into the few values that any condition of the table tells apart.

use crate::condition::{Condition, EXPLOITATION};
use crate::facts::{Exposure, Facts};

/// One thing that conditions look at.
#[derive(Debug)]
pub(super) struct Dimension {
    pub(super) kind: Kind,
    pub(super) points: Vec<Point>,
    /// For each point, those that are at least as dangerous, itself included.
    pub(super) above: Vec<u64>,
}

/// Which thing it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Exploited, exploitation and automatable together: "likely exploitable" follows from all three.
    Evidence,
    Ransomware,
    Cvss,
    Epss,
    EpssPercentile,
    TotalImpact,
    Exposure,
    Environment,
    Criticality,
    Impact,
    /// Whether the asset has data of a class.
    Data(String),
    FixAvailable,
    EndOfLife,
}

/// A value, or all values that no condition tells apart.
#[derive(Debug, Clone)]
pub(super) struct Point {
    value: Value,
    pub(super) words: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Flag(bool),
    Number(f64),
    Word(Option<String>),
    Evidence { exploited: bool, exploitation: Option<&'static str>, automatable: Option<bool> },
}

/// The most points of a dimension: as many as a mask has bits.
pub(super) const MOST_POINTS: usize = 64;

/// Scales whose order everybody knows.
const LADDERS: &[&[&str]] = &[
    &["low", "medium", "moderate", "high", "critical"],
    &["n1", "n2", "n3", "n4", "n5"],
    &["tier-3", "tier-2", "tier-1"],
];

/// The parts of the evidence that any condition looks at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    pub(super) exploited: bool,
    pub(super) exploitation: bool,
    pub(super) automatable: bool,
}

impl Dimension {
    fn new(kind: Kind, points: Vec<Point>, is_above: impl Fn(&Value, &Value) -> bool) -> Self {
        let above = |point: &Point| {
            let masks = points.iter().take(MOST_POINTS).enumerate();
            masks.filter(|(_, other)| is_above(&other.value, &point.value)).fold(0, |mask, (at, _)| mask | 1 << at)
        };
        let above = points.iter().map(above).collect();
        Self { kind, points, above }
    }

    /// Yes or no; "yes" is worse where that is so.
    pub(super) fn flag(kind: Kind, words: (&str, &str), is_danger: bool) -> Self {
        let point = |value, words: &str| Point { value: Value::Flag(value), words: words.to_owned() };
        let points = vec![point(false, words.0), point(true, words.1)];
        Self::new(kind, points, |upper, lower| upper == lower || is_danger && *upper == Value::Flag(true))
    }

    /// A number, cut at the thresholds of all conditions.
    pub(super) fn number(kind: Kind, name: &str, mut cuts: Vec<f64>) -> Self {
        cuts.retain(|cut| *cut > 0.0);
        cuts.sort_by(f64::total_cmp);
        cuts.dedup();
        let below = cuts.first().map_or(String::new(), |first| format!(" below {first}"));
        let mut points = vec![Point { value: Value::Number(0.0), words: format!("{name}{below}") }];
        for (at, cut) in cuts.iter().enumerate() {
            let until = cuts.get(at + 1).map_or(String::new(), |next| format!(", below {next}"));
            points.push(Point { value: Value::Number(*cut), words: format!("{name} {cut}{until}") });
        }
        Self::new(kind, points, |upper, lower| match (upper, lower) {
            (Value::Number(upper), Value::Number(lower)) => upper >= lower,
            _ => false,
        })
    }

    /// Exposed or internal.
    pub(super) fn exposure() -> Self {
        Self::flag(Kind::Exposure, ("internal", "exposed"), true)
    }

    /// The words that conditions name, and that nothing is said.
    pub(super) fn words(kind: Kind, name: &str, named: &[String]) -> Self {
        let mut words: Vec<String> = named.iter().map(|word| word.to_ascii_lowercase()).collect();
        words.sort();
        words.dedup();
        // The ladder that has most of them: a word that is on none stands beside it.
        let on = |ladder: &&&[&str]| words.iter().filter(|word| ladder.contains(&word.as_str())).count();
        let ladder = LADDERS.iter().max_by_key(on).filter(|ladder| on(ladder) > 1);
        let mut points = vec![Point { value: Value::Word(None), words: format!("{name} not stated") }];
        points.extend(words.into_iter().map(|word| {
            let words = format!("{name} {word}");
            Point { value: Value::Word(Some(word)), words }
        }));
        Self::new(kind, points, |upper, lower| match (upper, lower, ladder) {
            (Value::Word(Some(upper)), Value::Word(Some(lower)), Some(ladder)) => {
                let place = |word: &String| ladder.iter().position(|step| step == word);
                upper == lower || place(lower).is_some_and(|lower| place(upper).is_some_and(|upper| upper >= lower))
            }
            _ => upper == lower,
        })
    }

    /// What is known of its being exploited, as far as any condition looks.
    pub(super) fn evidence(parts: Evidence) -> Self {
        let known: &[Option<bool>] = if parts.automatable { &[None, Some(false), Some(true)] } else { &[None] };
        let words: Vec<Option<&'static str>> = match parts.exploitation {
            true => std::iter::once(None).chain(EXPLOITATION.iter().map(|word| Some(*word))).collect(),
            false => vec![None],
        };
        let mut points = Vec::new();
        for exploited in if parts.exploited { &[false, true][..] } else { &[false][..] } {
            for exploitation in &words {
                for automatable in known {
                    let value = Value::Evidence {
                        exploited: *exploited,
                        exploitation: *exploitation,
                        automatable: *automatable,
                    };
                    points.push(Point { words: value.evidence_words(parts), value });
                }
            }
        }
        Self::new(Kind::Evidence, points, |upper, lower| upper.is_more_evident_than(lower))
    }

    /// The points at which a condition holds that looks at nothing else.
    pub(super) fn mask(&self, holds: impl Fn(&Facts) -> bool) -> u64 {
        let fits = |point: &Point| {
            let mut facts = Facts { is_fix_available: true, ..Facts::default() };
            self.set(point, &mut facts);
            holds(&facts)
        };
        let points = self.points.iter().take(MOST_POINTS).enumerate();
        points.filter(|(_, point)| fits(point)).fold(0, |mask, (at, _)| mask | 1 << at)
    }

    /// The mask of all points.
    pub(super) fn all(&self) -> u64 {
        match self.points.len() {
            MOST_POINTS.. => u64::MAX,
            few => (1 << few) - 1,
        }
    }

    /// Puts a point's value into facts.
    pub(super) fn set(&self, point: &Point, facts: &mut Facts) {
        let flag = point.value == Value::Flag(true);
        let number = if let Value::Number(number) = point.value { number } else { 0.0 };
        let word = || if let Value::Word(word) = &point.value { word.clone() } else { None };
        match &self.kind {
            Kind::Evidence => {
                if let Value::Evidence { exploited, exploitation, automatable } = &point.value {
                    facts.is_exploited = *exploited;
                    facts.exploitation = exploitation.map(str::to_owned);
                    facts.automatable = *automatable;
                }
            }
            Kind::Ransomware => facts.is_used_by_ransomware = flag,
            Kind::Cvss => facts.cvss = Some(number),
            Kind::Epss => facts.epss = Some((number, facts.epss.map_or(0.0, |(_, percentile)| percentile))),
            Kind::EpssPercentile => facts.epss = Some((facts.epss.map_or(0.0, |(score, _)| score), number)),
            Kind::TotalImpact => facts.total_impact = Some(flag),
            Kind::Exposure => {
                facts.asset.exposure = Some(if flag { Exposure::Exposed } else { Exposure::Internal });
            }
            Kind::Environment => facts.asset.environment = word(),
            Kind::Criticality => facts.asset.criticality = word(),
            Kind::Impact => facts.asset.impact = word(),
            Kind::Data(class) => {
                let has = facts.asset.data_classes.get_or_insert_default();
                if flag {
                    has.push(class.clone());
                }
            }
            Kind::FixAvailable => facts.is_fix_available = flag,
            Kind::EndOfLife => facts.is_end_of_life = flag,
        }
    }
}

impl Value {
    fn evidence_words(&self, parts: Evidence) -> String {
        let Self::Evidence { exploited, exploitation, automatable } = self else { return String::new() };
        let mut words = Vec::new();
        if parts.exploited {
            words.push(if *exploited { "exploited" } else { "not listed as exploited" }.to_owned());
        }
        if parts.exploitation {
            words.push(format!("exploitation {}", exploitation.unwrap_or("not known")));
        }
        if parts.automatable {
            let word = automatable.map_or("not known", |yes| if yes { "yes" } else { "no" });
            words.push(format!("automatable {word}"));
        }
        words.join(", ")
    }

    fn is_more_evident_than(&self, lower: &Self) -> bool {
        let (
            Self::Evidence { exploited, exploitation, automatable },
            Self::Evidence { exploited: e, exploitation: x, automatable: a },
        ) = (self, lower)
        else {
            return false;
        };
        let rank = |word: &Option<&str>| EXPLOITATION.iter().position(|known| Some(*known) == *word);
        // What is not known is no more and no less than what is.
        let is_ranked = exploitation == x || rank(x).is_some_and(|lower| rank(exploitation) >= Some(lower));
        let is_automatable = automatable == a || (*automatable, *a) == (Some(true), Some(false));
        exploited >= e && is_ranked && is_automatable
    }
}

/// What a table's conditions look at, collected.
#[derive(Debug, Default)]
pub(super) struct Looks {
    pub(super) evidence: Evidence,
    pub(super) ransomware: bool,
    pub(super) cvss: Vec<f64>,
    pub(super) epss: Vec<f64>,
    pub(super) epss_percentile: Vec<f64>,
    pub(super) total_impact: bool,
    pub(super) exposure: bool,
    pub(super) environment: Vec<String>,
    pub(super) criticality: Vec<String>,
    pub(super) impact: Vec<String>,
    pub(super) data: Vec<String>,
    pub(super) fix_available: bool,
    pub(super) end_of_life: bool,
}

impl Looks {
    pub(super) fn add(&mut self, condition: &Condition) {
        let likely = condition.likely_exploitable.is_some();
        self.evidence.exploited |= condition.exploited.is_some() || likely;
        self.evidence.exploitation |= condition.exploitation.is_some() || likely;
        self.evidence.automatable |= condition.automatable.is_some() || likely;
        self.ransomware |= condition.ransomware.is_some();
        self.cvss.extend(condition.cvss_at_least);
        self.epss.extend(condition.epss_at_least);
        self.epss_percentile.extend(condition.epss_percentile_at_least);
        self.total_impact |= condition.total_impact.is_some();
        self.exposure |= condition.exposure.is_some();
        self.environment.extend(condition.environment.iter().flatten().cloned());
        self.criticality.extend(condition.criticality.iter().flatten().cloned());
        self.impact.extend(condition.impact.iter().flatten().cloned());
        self.data.extend(condition.data_class.iter().flatten().map(|word| word.to_ascii_lowercase()));
        self.fix_available |= condition.fix_available.is_some();
        self.end_of_life |= condition.end_of_life.is_some();
        condition.any.iter().flatten().for_each(|inner| self.add(inner));
    }

    /// The dimensions, in the order in which people think of them.
    pub(super) fn dimensions(mut self) -> Vec<Dimension> {
        let mut all = Vec::new();
        let Evidence { exploited, exploitation, automatable } = self.evidence;
        if exploited || exploitation || automatable {
            all.push(Dimension::evidence(self.evidence));
        }
        let flags = [
            (self.ransomware, Kind::Ransomware, ("no ransomware", "used by ransomware"), true),
            (self.total_impact, Kind::TotalImpact, ("partial impact", "total impact"), true),
            (self.fix_available, Kind::FixAvailable, ("without a patch", "with a patch"), false),
            (self.end_of_life, Kind::EndOfLife, ("supported", "end of life"), false),
        ];
        for (_, kind, words, is_danger) in flags.into_iter().filter(|(is_used, ..)| *is_used) {
            all.push(Dimension::flag(kind, words, is_danger));
        }
        if self.exposure {
            all.push(Dimension::exposure());
        }
        let numbers = [
            (Kind::Cvss, "CVSS", self.cvss),
            (Kind::Epss, "EPSS", self.epss),
            (Kind::EpssPercentile, "EPSS percentile", self.epss_percentile),
        ];
        for (kind, name, cuts) in numbers.into_iter().filter(|(.., cuts)| !cuts.is_empty()) {
            all.push(Dimension::number(kind, name, cuts));
        }
        let words = [
            (Kind::Environment, "environment", self.environment),
            (Kind::Criticality, "criticality", self.criticality),
            (Kind::Impact, "impact", self.impact),
        ];
        for (kind, name, named) in words.into_iter().filter(|(.., named)| !named.is_empty()) {
            all.push(Dimension::words(kind, name, &named));
        }
        self.data.sort();
        self.data.dedup();
        for class in self.data {
            let words = (format!("no {class} data"), format!("{class} data"));
            all.push(Dimension::flag(Kind::Data(class), (&words.0, &words.1), true));
        }
        all
    }
}
