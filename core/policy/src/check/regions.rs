//! The decision table taken apart: boxes of facts, each of which falls into exactly one class.
//!
//! Conditions are evaluated over boxes with three values (holds, does not, depends); where it depends the box is cut in two.
//! Which values a condition fits is asked of the condition itself, so that nothing here says again what it means.

use super::dimension::{Dimension, Looks, MOST_POINTS};
use crate::condition::{Condition, Looked, Scales};
use crate::facts::Facts;
use crate::file::{Missing, Policy};

/// More boxes than this are not looked at: the table is called too large to prove.
const MOST_REGIONS: usize = 4_000;

/// For each dimension the values that a box has.
type Masks = Box<[u64]>;

/// A decision table taken apart.
#[derive(Debug)]
pub(super) struct Regions {
    pub(super) dimensions: Vec<Dimension>,
    pub(super) all: Vec<Region>,
}

/// A box of facts: for each dimension the values that it has.
#[derive(Debug, Clone)]
pub(super) struct Region {
    pub(super) masks: Masks,
    pub(super) class: usize,
}

/// A condition over boxes.
#[derive(Debug)]
enum Formula {
    /// One dimension has one of these values.
    Among(usize, u64),
    All(Vec<Formula>),
    Any(Vec<Formula>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Holds,
    Fails,
    Depends,
}

impl Regions {
    /// Takes a policy's table apart, so that more conditions can be asked as well; `None` if it is too large.
    pub(super) fn of(policy: &Policy, more: &[&Condition]) -> Option<Self> {
        let mut looks = Looks::default();
        policy.classes.iter().map(|class| &class.when).chain(more.iter().copied()).for_each(|one| looks.add(one));
        let dimensions = looks.dimensions();
        if dimensions.iter().any(|dimension| dimension.points.len() > MOST_POINTS) {
            return None;
        }
        let compiler = Compiler { dimensions: &dimensions, missing: &policy.missing, scales: &policy.scales };
        let formulas: Vec<Formula> = policy.classes.iter().map(|class| compiler.formula(&class.when)).collect();
        let whole: Masks = dimensions.iter().map(Dimension::all).collect();
        let all = grow(&formulas, whole)?;
        Some(Self { dimensions, all })
    }

    /// The boxes of two tables laid over each other: the class by each, and the box in words.
    pub(super) fn pairs(one: &Policy, other: &Policy) -> Option<Vec<(usize, usize, String)>> {
        let more: Vec<&Condition> = other.classes.iter().map(|class| &class.when).collect();
        let own = Self::of(one, &more)?;
        let compiler = Compiler { dimensions: &own.dimensions, missing: &other.missing, scales: &other.scales };
        let formulas: Vec<Formula> = other.classes.iter().map(|class| compiler.formula(&class.when)).collect();
        let mut found = Vec::new();
        for region in &own.all {
            for part in grow(&formulas, region.masks.clone())? {
                let words = own.words(&Self::first(&part), &part);
                found.push((region.class, part.class, words));
            }
            if found.len() > MOST_REGIONS {
                return None;
            }
        }
        Some(found)
    }

    /// The boxes that a condition reaches into, cut to it.
    pub(super) fn within(&self, policy: &Policy, condition: &Condition) -> Option<Vec<Region>> {
        let compiler = Compiler { dimensions: &self.dimensions, missing: &policy.missing, scales: &policy.scales };
        let formula = [compiler.formula(condition)];
        let mut found = Vec::new();
        for region in &self.all {
            for (is_in, masks) in cut(&formula[0], region.masks.clone())? {
                if is_in {
                    found.push(Region { masks, class: region.class });
                }
            }
            if found.len() > MOST_REGIONS {
                return None;
            }
        }
        Some(found)
    }

    /// Facts of a box: of each dimension one value.
    pub(super) fn facts(&self, places: &[usize]) -> Facts {
        let mut facts = Facts { is_fix_available: true, ..Facts::default() };
        for (dimension, place) in self.dimensions.iter().zip(places) {
            dimension.set(&dimension.points[*place], &mut facts);
        }
        facts
    }

    /// The first values of a box.
    pub(super) fn first(region: &Region) -> Vec<usize> {
        region.masks.iter().map(|mask| mask.trailing_zeros() as usize).collect()
    }

    /// Values in words, as far as the box leaves any out.
    pub(super) fn words(&self, places: &[usize], region: &Region) -> String {
        let all = self.dimensions.iter().zip(places).zip(&region.masks);
        let words: Vec<&str> = all
            .filter(|((dimension, _), mask)| **mask != dimension.all())
            .map(|((dimension, place), _)| dimension.points[*place].words.as_str())
            .collect();
        if words.is_empty() { "any finding".to_owned() } else { words.join(", ") }
    }

    /// Values of two boxes of which the second's are at least as dangerous, as alike as can be; `None` if there are none.
    pub(super) fn rising(&self, lower: &Region, upper: &Region) -> Option<(Vec<usize>, Vec<usize>)> {
        let mut found = (Vec::new(), Vec::new());
        for ((dimension, low), high) in self.dimensions.iter().zip(&lower.masks).zip(&upper.masks) {
            let pair = match low & high {
                0 => (0..dimension.points.len()).find_map(|place| {
                    let above = dimension.above[place] & high;
                    (low >> place & 1 == 1 && above != 0).then(|| (place, above.trailing_zeros() as usize))
                })?,
                both => (both.trailing_zeros() as usize, both.trailing_zeros() as usize),
            };
            found.0.push(pair.0);
            found.1.push(pair.1);
        }
        Some(found)
    }
}

/// Cuts the whole into boxes, each with its class.
fn grow(formulas: &[Formula], whole: Masks) -> Option<Vec<Region>> {
    let mut found = Vec::new();
    let mut open = vec![(0, whole)];
    while let Some((from, masks)) = open.pop() {
        if found.len() + open.len() > MOST_REGIONS {
            return None;
        }
        let undecided = (from..formulas.len()).map(|class| (class, formulas[class].truth(&masks)));
        match undecided.into_iter().find(|(_, truth)| *truth != Truth::Fails) {
            Some((class, Truth::Holds)) => found.push(Region { masks, class }),
            Some((class, _)) => {
                let (inside, outside) = formulas[class].split(&masks)?;
                open.push((class, outside));
                open.push((class, inside));
            }
            // INVARIANT: the last class asks for nothing (checked when the policy was read).
            None => return None,
        }
    }
    Some(found)
}

/// Cuts a box into parts in which a condition holds or does not.
fn cut(formula: &Formula, whole: Masks) -> Option<Vec<(bool, Masks)>> {
    let mut found = Vec::new();
    let mut open = vec![whole];
    while let Some(masks) = open.pop() {
        match formula.truth(&masks) {
            Truth::Holds => found.push((true, masks)),
            Truth::Fails => found.push((false, masks)),
            Truth::Depends => {
                let (inside, outside) = formula.split(&masks)?;
                open.extend([outside, inside]);
            }
        }
        if found.len() + open.len() > MOST_REGIONS {
            return None;
        }
    }
    Some(found)
}

impl Formula {
    fn truth(&self, masks: &[u64]) -> Truth {
        match self {
            Self::Among(dimension, allowed) => match (masks[*dimension] & allowed, masks[*dimension] & !allowed) {
                (_, 0) => Truth::Holds,
                (0, _) => Truth::Fails,
                _ => Truth::Depends,
            },
            Self::All(parts) => Self::fold(parts, masks, (Truth::Holds, Truth::Fails)),
            Self::Any(parts) => Self::fold(parts, masks, (Truth::Fails, Truth::Holds)),
        }
    }

    /// The truth of many: the one that decides alone, else the other if all have it.
    fn fold(parts: &[Self], masks: &[u64], (all, alone): (Truth, Truth)) -> Truth {
        let mut found = all;
        for part in parts {
            match part.truth(masks) {
                truth if truth == alone => return alone,
                Truth::Depends => found = Truth::Depends,
                _ => {}
            }
        }
        found
    }

    /// Cuts a box in two at the first part that depends.
    fn split(&self, masks: &[u64]) -> Option<(Masks, Masks)> {
        match self {
            Self::Among(dimension, allowed) => {
                let (mut inside, mut outside): (Masks, Masks) = (masks.into(), masks.into());
                inside[*dimension] &= allowed;
                outside[*dimension] &= !allowed;
                (inside[*dimension] != 0 && outside[*dimension] != 0).then_some((inside, outside))
            }
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().find(|part| part.truth(masks) == Truth::Depends)?.split(masks)
            }
        }
    }
}

/// Makes formulas of conditions.
struct Compiler<'a> {
    dimensions: &'a [Dimension],
    missing: &'a Missing,
    scales: &'a Scales,
}

impl Compiler<'_> {
    fn formula(&self, condition: &Condition) -> Formula {
        let mut all: Vec<Formula> = condition.alone().iter().map(|one| self.alone(one)).collect();
        if let Some(any) = &condition.any {
            all.push(Formula::Any(any.iter().map(|inner| self.formula(inner)).collect()));
        }
        Formula::All(all)
    }

    /// A condition that asks for one thing.
    fn alone(&self, condition: &Condition) -> Formula {
        // Of several classes of data each is a dimension of its own.
        if let Some(classes) = condition.data_class.as_ref().filter(|classes| classes.len() > 1) {
            let one = |class: &String| Condition { data_class: Some(vec![class.clone()]), ..Condition::default() };
            return Formula::Any(classes.iter().map(|class| self.alone(&one(class))).collect());
        }
        let holds = |facts: &Facts| {
            condition.holds(&mut Looked { facts, missing: self.missing, scales: self.scales, inputs: None })
        };
        let place = self.dimensions.iter().position(|dimension| condition.looks_at(&dimension.kind));
        // INVARIANT: the dimensions were made of the same conditions.
        place.map_or(Formula::Any(Vec::new()), |place| Formula::Among(place, self.dimensions[place].mask(holds)))
    }
}

impl Condition {
    /// What it asks for besides `any`, one by one.
    fn alone(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut rest = Self { any: None, ..self.clone() };
        macro_rules! take {
            ($($field:ident),*) => {
                $(if rest.$field.is_some() {
                    all.push(Self { $field: rest.$field.take(), ..Self::default() });
                })*
            };
        }
        take!(exploited, ransomware, cvss_at_least, epss_at_least, epss_percentile_at_least, exploitation);
        take!(automatable, total_impact, likely_exploitable, exposure, environment, criticality);
        take!(data_class, impact, fix_available, end_of_life);
        debug_assert!(rest.is_empty(), "a part of a condition is not looked at");
        all
    }

    /// Whether a condition that asks for one thing looks at a dimension.
    fn looks_at(&self, kind: &super::dimension::Kind) -> bool {
        use super::dimension::Kind;
        match kind {
            Kind::Evidence => {
                self.exploited.is_some()
                    || self.exploitation.is_some()
                    || self.automatable.is_some()
                    || self.likely_exploitable.is_some()
            }
            Kind::Ransomware => self.ransomware.is_some(),
            Kind::Cvss => self.cvss_at_least.is_some(),
            Kind::Epss => self.epss_at_least.is_some(),
            Kind::EpssPercentile => self.epss_percentile_at_least.is_some(),
            Kind::TotalImpact => self.total_impact.is_some(),
            Kind::Exposure => self.exposure.is_some(),
            Kind::Environment => self.environment.is_some(),
            Kind::Criticality => self.criticality.is_some(),
            Kind::Impact => self.impact.is_some(),
            Kind::Data(class) => self.data_class.iter().flatten().any(|own| own.eq_ignore_ascii_case(class)),
            Kind::FixAvailable => self.fix_available.is_some(),
            Kind::EndOfLife => self.end_of_life.is_some(),
        }
    }
}
