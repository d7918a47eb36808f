//! Plans: the documents that tell how what was found, or what the advisories say now, differs from what is known.

use crate::document::{InventoryDocument, JudgedDocument};
use crate::facts::Facts;
use crate::judgement::{Judgement, Signals};
use crate::thing::Thing;
use lifecycle::AssetId;
use std::collections::BTreeSet;

impl Facts {
    /// What changed on an asset that has these things now, each of them once.
    #[must_use]
    pub fn plan_inventory(&self, asset: &AssetId, things: &[Thing]) -> InventoryDocument {
        let mut document = InventoryDocument::default();
        let mut next = self.things.len() as u32;
        let mut has = BTreeSet::new();
        for thing in things {
            has.insert(self.number_of(thing).unwrap_or_else(|| {
                document.new.push(thing.clone());
                next += 1;
                next - 1
            }));
        }
        let had: BTreeSet<u32> = self.things_of(asset).collect();
        document.added = has.difference(&had).copied().collect();
        document.removed = had.difference(&has).copied().collect();
        document
    }

    /// What changed in what is said of things, by their numbers, and in what is known of vulnerabilities.
    ///
    /// A thing that is not numbered yet counts as never judged: it may come in with the same transaction.
    #[must_use]
    pub fn plan_judged(
        &self,
        judged: impl IntoIterator<Item = (u32, Judgement)>,
        signals: impl IntoIterator<Item = Signals>,
        has_catalogue: bool,
    ) -> JudgedDocument {
        let is_new = |(number, judgement): &(u32, Judgement)| self.judgement_of(*number).as_ref() != Some(judgement);
        let is_known =
            |signals: &Signals| self.signals_of(&signals.id).is_some_and(|known| known.says_the_same(signals));
        let mut judgements: Vec<(u32, Judgement)> =
            judged.into_iter().map(|(number, judgement)| (number, judgement.normal())).filter(is_new).collect();
        judgements.sort_by_key(|(number, _)| *number);
        let signals = signals.into_iter().filter(|signals| !is_known(signals)).collect();
        JudgedDocument { has_catalogue, judgements, signals, ..JudgedDocument::default() }
    }
}

impl JudgedDocument {
    /// Whether nothing has changed against these facts.
    #[must_use]
    pub fn is_empty(&self, facts: &Facts) -> bool {
        self.judgements.is_empty()
            && self.signals.is_empty()
            && facts.has_catalogue_at(None) == Some(self.has_catalogue)
    }
}

impl Judgement {
    /// As it is kept: statements in the order of their vulnerabilities, scores in tenths, no reason that says nothing.
    fn normal(mut self) -> Self {
        self.statements.sort_by(|a, b| a.vulnerability.cmp(&b.vulnerability));
        for statement in &mut self.statements {
            statement.cvss = statement.cvss.map(|score| (score * 10.0).round() / 10.0);
        }
        self.undetermined = self.undetermined.filter(|why| !why.is_empty());
        self
    }
}

impl Signals {
    /// Whether nothing differs that would be worth a note. EPSS moves every day for almost every vulnerability: only what
    /// crosses a whole hundredth, as policies' thresholds are, is a change. A title may be that of the advisory at hand, which
    /// is another one for another package: where one is known, another one alone is no change.
    fn says_the_same(&self, other: &Self) -> bool {
        let hundredths = |epss: Option<(f64, f64)>| {
            epss.map(|(score, percentile)| ((score * 100.0).floor() as i64, (percentile * 100.0).floor() as i64))
        };
        let title = if self.title.is_empty() { &self.title } else { &other.title };
        hundredths(self.epss) == hundredths(other.epss)
            && Self { epss: other.epss, title: title.clone(), ..self.clone() } == *other
    }
}
