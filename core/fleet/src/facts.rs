//! Facts with their intervals of time: which asset has which thing, what is said of each, what is known of vulnerabilities.
//!
//! They are made of the ledger's events and documents alone, in their order. Nothing here is a finding.

use crate::document::{InventoryDocument, JudgedDocument};
use crate::error::Error;
use crate::fact::{Adopted, AssetFacts, Claim, Detail, Instant, OPEN, ThingFacts, VulnerabilityFacts};
use crate::follow::Touched;
use crate::judgement::{Judgement, Signals, Statement};
use crate::packed::Packed;
use crate::thing::Thing;
use jiff::Timestamp;
use lifecycle::{AssetId, Attributes, Event};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// All facts.
#[derive(Debug, Default)]
pub struct Facts {
    pub(crate) things: Vec<ThingFacts>,
    pub(crate) numbers: HashMap<Arc<Thing>, u32>,
    /// Things by their own names and their sources', in small letters.
    pub(crate) names: HashMap<String, Vec<u32>>,
    /// Kinds and ecosystems of things.
    pub(crate) kinds: BTreeSet<(String, String)>,
    /// Things of which nothing can be said now.
    pub(crate) open: RoaringBitmap,
    /// How many inventories have come in, and when the last of them were taken, the newest last.
    pub(crate) inventories: (u64, VecDeque<Instant>),
    pub(crate) details: Vec<Detail>,
    pub(crate) detail_numbers: HashMap<Detail, u32>,
    pub(crate) vulnerabilities: Vec<VulnerabilityFacts>,
    pub(crate) vulnerability_numbers: HashMap<String, u32>,
    pub(crate) assets: Vec<AssetFacts>,
    pub(crate) asset_numbers: BTreeMap<AssetId, u32>,
    pub(crate) policies: Vec<Adopted>,
    /// Since when there is a catalogue of what is exploited, or is none.
    pub(crate) catalogue: Vec<(Instant, bool)>,
}

impl Facts {
    /// The number of a thing, if any asset ever had it.
    #[must_use]
    pub fn number_of(&self, thing: &Thing) -> Option<u32> {
        self.numbers.get(thing).copied()
    }

    /// All things in the order of their numbers.
    pub fn things(&self) -> impl Iterator<Item = &Thing> {
        self.things.iter().map(|facts| facts.thing.as_ref())
    }

    /// How many inventories have come in since these facts were read: a mark for [`Facts::is_other_since`].
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.inventories.0
    }

    /// Whether an inventory has come in since a mark that was taken by an instant: then something else is known of that day. Where that
    /// cannot be said any more, it is so.
    #[must_use]
    pub fn is_other_since(&self, mark: u64, at: Timestamp) -> bool {
        let (count, last) = &self.inventories;
        let new = usize::try_from(count.saturating_sub(mark)).unwrap_or(usize::MAX);
        new > last.len() || last.iter().rev().take(new).any(|taken| *taken <= at.as_millisecond())
    }

    fn note_inventory(&mut self, taken: Instant) {
        const MOST: usize = 8192;
        let (count, last) = &mut self.inventories;
        *count += 1;
        if last.len() == MOST {
            last.pop_front();
        }
        last.push_back(taken);
    }

    /// The kinds of all things, each with an ecosystem, in order.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &str)> {
        self.kinds.iter().map(|(kind, ecosystem)| (kind.as_str(), ecosystem.as_str()))
    }

    /// What came to an asset and what went from it, by when that was seen. What it had when it was looked at first in one of its lives
    /// did not come, and what it had when it was retired did not go.
    #[must_use]
    pub fn changes_of(
        &self,
        asset: &AssetId,
    ) -> std::collections::BTreeMap<jiff::Timestamp, (Vec<String>, Vec<String>)> {
        let mut changes: std::collections::BTreeMap<_, (Vec<String>, Vec<String>)> = std::collections::BTreeMap::new();
        let Some(number) = self.asset_numbers.get(asset).copied() else { return changes };
        let asset = &self.assets[number as usize];
        let had = |known: &&ThingFacts| {
            known.thing.is_package() && (known.past.contains(number) || known.holders.contains(number))
        };
        for known in self.things.iter().filter(had) {
            for span in known.spans_of(number) {
                let at = |at| jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::MAX);
                let is_first =
                    asset.first == Some(span.from) || asset.firsts.iter().any(|(_, told)| *told == span.from);
                if !is_first {
                    changes.entry(at(span.from)).or_default().0.push(known.thing.label());
                }
                if span.until != OPEN && !asset.goes_at(span.until) {
                    changes.entry(at(span.until)).or_default().1.push(known.thing.label());
                }
            }
        }
        changes
    }

    /// Whether an asset has something that was never held against advisories.
    #[must_use]
    pub fn has_unjudged(&self) -> bool {
        self.things.iter().any(|facts| facts.judged.is_none() && !facts.holders.is_empty())
    }

    /// When the first asset was registered; none before that.
    #[must_use]
    pub fn began_at(&self) -> Option<jiff::Timestamp> {
        let first = self.assets.iter().filter_map(|asset| asset.lives.first()).map(|(from, _)| *from).min();
        first.and_then(|first| jiff::Timestamp::from_millisecond(first).ok())
    }

    /// A thing by its number.
    #[must_use]
    pub fn thing(&self, number: u32) -> Option<&Thing> {
        self.things.get(number as usize).map(|facts| facts.thing.as_ref())
    }

    /// The numbers of what an asset has now, in rising order; nothing of one that is not known.
    pub fn things_of(&self, asset: &AssetId) -> impl Iterator<Item = u32> + '_ {
        let number = self.asset_numbers.get(asset);
        number.into_iter().flat_map(|number| self.assets[*number as usize].things.iter())
    }

    /// What is said of a thing now, statements in the order of their vulnerabilities; `None` if it was never judged.
    #[must_use]
    pub fn judgement_of(&self, number: u32) -> Option<Judgement> {
        let facts = self.things.get(number as usize).filter(|facts| facts.judged.is_some())?;
        let undetermined = facts.undetermined.last().map(|(_, why)| why.clone()).filter(|why| !why.is_empty());
        let mut statements: Vec<Statement> = Vec::new();
        for (vulnerability, place) in &facts.claims {
            let vulnerability = &self.vulnerabilities[*vulnerability as usize];
            let claim = vulnerability.claims[*place as usize];
            if claim.until == OPEN {
                statements.push(self.details[claim.detail as usize].statement(&vulnerability.id));
            }
        }
        statements.sort_by(|a, b| a.vulnerability.cmp(&b.vulnerability));
        Some(Judgement { statements, undetermined })
    }

    /// What is known of a vulnerability now.
    #[must_use]
    pub fn signals_of(&self, vulnerability: &str) -> Option<&Signals> {
        let number = self.vulnerability_numbers.get(vulnerability)?;
        self.vulnerabilities[*number as usize].signals.last().map(|(_, signals)| signals.as_ref())
    }

    /// Whether a catalogue of what is exploited was there when the advisories were asked last, as of an instant or of now; none
    /// if they never were.
    #[must_use]
    pub fn has_catalogue_at(&self, at: Option<Timestamp>) -> Option<bool> {
        let at = at.map_or(OPEN, Timestamp::as_millisecond);
        let end = self.catalogue.partition_point(|(since, _)| *since <= at);
        self.catalogue[..end].last().map(|(_, is_there)| *is_there)
    }

    /// The number of a vulnerability under any of its ids.
    pub(crate) fn find_vulnerability(&self, id: &str) -> Option<u32> {
        let by_id = self.vulnerability_numbers.get(id).copied();
        by_id.or_else(|| {
            let is_it = |known: &VulnerabilityFacts| known.is_named(id);
            self.vulnerabilities.iter().position(is_it).map(|number| number as u32)
        })
    }

    /// The numbers of all vulnerabilities that have an id, as their own or as an alias.
    pub(crate) fn vulnerabilities_named(&self, id: &str) -> Vec<u32> {
        let is_it = |known: &VulnerabilityFacts| known.is_named(id);
        let all = self.vulnerabilities.iter().enumerate();
        all.filter(|(_, known)| is_it(known)).map(|(number, _)| number as u32).collect()
    }

    /// The number of an asset, if it is known.
    pub(crate) fn asset_number(&self, asset: &AssetId) -> Option<u32> {
        self.asset_numbers.get(asset).copied()
    }

    /// Takes an event of the ledger in, with the document that it names, and says which findings it touches.
    ///
    /// # Errors
    /// If the document is missing, cannot be read, or does not follow from what is known.
    pub fn apply(&mut self, event: &Event, at: Timestamp, document: Option<&[u8]>) -> Result<Touched, Error> {
        let now = at.as_millisecond();
        let mut touched = Touched::default();
        let bytes =
            || document.ok_or_else(|| Error::Missing { digest: event.document().unwrap_or_default().to_owned() });
        match event {
            Event::AssetRegistered { asset, attributes } => self.register(asset, attributes, now)?,
            Event::AssetChanged { asset, attributes } => {
                if let Some(number) = self.asset_number(asset) {
                    self.assets[number as usize].attributes.push((now, Arc::new(attributes.clone())));
                }
            }
            Event::AssetRetired { asset, .. } => self.retire(asset, now),
            Event::InventoryTaken { is_late: false, asset, at, unread, .. } => {
                let taken = (at.as_millisecond(), now, *unread);
                self.note_inventory(taken.0);
                self.take_inventory(asset, taken, InventoryDocument::read(bytes()?)?)?;
            }
            // What was taken late is kept beside the ledger, and its new things are numbered like any others.
            Event::InventoryTaken { is_late: true, .. } => {
                InventoryDocument::read(bytes()?)?.new.into_iter().try_for_each(|thing| self.number(thing))?;
            }
            Event::AdvisoriesJudged { .. } => touched = self.take_judged(now, JudgedDocument::read(bytes()?)?)?,
            Event::PolicyAdopted { change, .. } => {
                // What its entry says of scans, replay and pages must both be able to rest on.
                crate::document::check_document(event, bytes()?)?;
                let text = String::from_utf8_lossy(bytes()?).into_owned();
                let transition = change.as_ref().map(|change| change.transition).unwrap_or_default();
                self.policies.push(Adopted::new(now, text, transition)?);
                touched.is_all = true;
            }
            _ => {}
        }
        if let Event::AssetRegistered { asset, .. }
        | Event::AssetChanged { asset, .. }
        | Event::AssetRetired { asset, .. }
        | Event::InventoryTaken { is_late: false, asset, .. } = event
        {
            touched.assets.extend(self.asset_number(asset));
        }
        Ok(touched)
    }

    fn register(&mut self, asset: &AssetId, attributes: &Attributes, now: Instant) -> Result<(), Error> {
        let said = (now, Arc::new(attributes.clone()));
        match self.asset_numbers.get(asset) {
            Some(number) => {
                let known = &mut self.assets[*number as usize];
                known.attributes.push(said);
                known.lives.push((now, OPEN));
            }
            None => {
                let number = u32::try_from(self.assets.len()).map_err(|_| Error::TooMany { what: "assets" })?;
                self.asset_numbers.insert(asset.clone(), number);
                self.assets.push(AssetFacts {
                    id: asset.clone(),
                    attributes: vec![said],
                    first: None,
                    firsts: Vec::new(),
                    lives: vec![(now, OPEN)],
                    things: Packed::default(),
                    spanned: Vec::new(),
                    platforms: Vec::new(),
                    unread: Vec::new(),
                    problems: Vec::new(),
                });
            }
        }
        Ok(())
    }

    /// What a retired asset had, it had until then.
    fn retire(&mut self, asset: &AssetId, now: Instant) {
        let Some(number) = self.asset_number(asset) else { return };
        let known = &mut self.assets[number as usize];
        let things = std::mem::take(&mut known.things);
        let first = known.first.take().unwrap_or(now);
        if let Some(life) = known.lives.last_mut() {
            life.1 = now;
        }
        for thing in things.iter() {
            self.things[thing as usize].end(number, first, now);
            self.assets[number as usize].note_span(thing);
        }
    }

    fn number(&mut self, thing: Thing) -> Result<(), Error> {
        let number = u32::try_from(self.things.len()).map_err(|_| Error::TooMany { what: "packages" })?;
        let thing = Arc::new(thing);
        self.things.push(ThingFacts::new(Arc::clone(&thing)));
        self.note_thing(number, thing);
        Ok(())
    }

    /// Makes a thing findable.
    pub(crate) fn note_thing(&mut self, number: u32, thing: Arc<Thing>) {
        let (own, source) = (thing.name.to_lowercase(), thing.patched_as().to_lowercase());
        if own != source {
            self.names.entry(source).or_default().push(number);
        }
        self.names.entry(own).or_default().push(number);
        let kind = (thing.kind.clone(), thing.ecosystem.clone());
        if !self.kinds.contains(&kind) {
            self.kinds.insert(kind);
        }
        self.note_standing(number);
        self.numbers.insert(thing, number);
    }

    /// Notes whether anything can be said of a thing now.
    fn note_standing(&mut self, number: u32) {
        match self.things[number as usize].is_open(OPEN - 1) {
            true => self.open.insert(number),
            false => self.open.remove(number),
        };
    }

    fn take_inventory(
        &mut self,
        asset: &AssetId,
        (at, told, unread): (Instant, Instant, u64),
        document: InventoryDocument,
    ) -> Result<(), Error> {
        let Some(number) = self.asset_number(asset) else { return Ok(()) };
        document.new.into_iter().try_for_each(|thing| self.number(thing))?;
        let known = self.things.len();
        let all = document.added.iter().chain(&document.removed);
        if let Some(unknown) = all.copied().find(|thing| *thing as usize >= known) {
            return Err(Error::Thing { number: unknown, known });
        }
        let sequence = |thing: &u32| Error::Sequence { asset: asset.to_string(), number: *thing };
        let had = |thing: &&u32| self.things[**thing as usize].holders.contains(number);
        if let Some(wrong) = document.added.iter().find(had).or_else(|| document.removed.iter().find(|one| !had(one))) {
            return Err(sequence(wrong));
        }
        let first = self.assets[number as usize].first;
        for thing in &document.added {
            let facts = &mut self.things[*thing as usize];
            facts.holders.insert(number);
            if first.is_some() {
                facts.begin(number, at);
                self.assets[number as usize].note_span(*thing);
            }
        }
        for thing in &document.removed {
            self.things[*thing as usize].end(number, first.unwrap_or(at), at);
            self.assets[number as usize].note_span(*thing);
        }
        let asset = &mut self.assets[number as usize];
        let mut things: Vec<u32> =
            asset.things.iter().filter(|thing| document.removed.binary_search(thing).is_err()).collect();
        things.extend(&document.added);
        things.sort_unstable();
        asset.things = Packed::new(things);
        if first.is_none() {
            asset.first = Some(at);
            // What is told today of last month was not known last month.
            asset.firsts.push((asset.lives.len().max(1) as u32 - 1, told));
        }
        if asset.unread.last().map_or(0, |(_, last)| *last) != unread {
            asset.unread.push((told, unread));
        }
        if asset.platforms.last().is_none_or(|(_, last)| *last != document.platform) {
            asset.platforms.push((at, document.platform));
        }
        asset.problems = document.problems;
        Ok(())
    }

    fn take_judged(&mut self, now: Instant, document: JudgedDocument) -> Result<Touched, Error> {
        let mut touched = Touched::default();
        for signals in document.signals {
            let number = self.vulnerability(&signals.id)?;
            touched.vulnerabilities.push(number);
            self.vulnerabilities[number as usize].signals.push((now, Arc::new(signals)));
        }
        for (thing, judgement) in document.judgements {
            self.judge(thing, judgement, now, &mut touched.vulnerabilities)?;
        }
        touched.vulnerabilities.sort_unstable();
        touched.vulnerabilities.dedup();
        if self.catalogue.last().map(|(_, is_there)| *is_there) != Some(document.has_catalogue) {
            self.catalogue.push((now, document.has_catalogue));
            touched.is_all = true;
        }
        Ok(touched)
    }

    fn judge(&mut self, number: u32, judgement: Judgement, now: Instant, touched: &mut Vec<u32>) -> Result<(), Error> {
        let known = self.things.len();
        if number as usize >= known {
            return Err(Error::Thing { number, known });
        }
        let mut said: HashMap<u32, u32> = HashMap::new();
        for statement in judgement.statements {
            let vulnerability = self.vulnerability(&statement.vulnerability)?;
            let detail = self.detail(statement);
            said.insert(vulnerability, detail);
        }
        let facts = &mut self.things[number as usize];
        // What is said no longer ends; what is said in the same words goes on.
        for (vulnerability, place) in &facts.claims {
            let claim = &mut self.vulnerabilities[*vulnerability as usize].claims[*place as usize];
            if claim.until != OPEN {
                continue;
            }
            if said.get(vulnerability) == Some(&claim.detail) {
                said.remove(vulnerability);
            } else {
                claim.until = now;
                touched.push(*vulnerability);
            }
        }
        let mut said: Vec<(u32, u32)> = said.into_iter().collect();
        said.sort_unstable();
        for (vulnerability, detail) in said.iter().copied() {
            touched.push(vulnerability);
            let claims = &mut self.vulnerabilities[vulnerability as usize].claims;
            facts.claims.push((vulnerability, claims.len() as u32));
            claims.push(Claim { thing: number, detail, from: now, until: OPEN });
        }
        let why = judgement.undetermined.unwrap_or_default();
        if facts.undetermined.last().map_or("", |(_, last)| last.as_str()) != why {
            facts.undetermined.push((now, why));
        }
        facts.judged.get_or_insert(now);
        self.note_standing(number);
        for (vulnerability, _) in &said {
            self.note_former(number, *vulnerability, now);
        }
        Ok(())
    }

    /// What a thing was said to have until now under another id of the same vulnerability, was this one.
    fn note_former(&mut self, thing: u32, vulnerability: u32, now: Instant) {
        let mut former = Vec::new();
        for (other, place) in &self.things[thing as usize].claims {
            let (this, known) = (&self.vulnerabilities[vulnerability as usize], &self.vulnerabilities[*other as usize]);
            let is_over = known.claims[*place as usize].until == now;
            if *other != vulnerability && is_over && (this.is_named(&known.id) || known.is_named(&this.id)) {
                former.push(*other);
            }
        }
        let known = &mut self.vulnerabilities[vulnerability as usize].formerly;
        known.extend(former);
        known.sort_unstable();
        known.dedup();
    }

    fn vulnerability(&mut self, id: &str) -> Result<u32, Error> {
        if let Some(number) = self.vulnerability_numbers.get(id) {
            return Ok(*number);
        }
        let too_many = |_| Error::TooMany { what: "vulnerabilities" };
        let number = u32::try_from(self.vulnerabilities.len()).map_err(too_many)?;
        self.vulnerability_numbers.insert(id.to_owned(), number);
        let facts =
            VulnerabilityFacts { id: id.to_owned(), signals: Vec::new(), claims: Vec::new(), formerly: Vec::new() };
        self.vulnerabilities.push(facts);
        Ok(number)
    }

    fn detail(&mut self, statement: Statement) -> u32 {
        let Statement { standing, remark, fix, patch_available, urgency, cvss, published, because, .. } = statement;
        let cvss = cvss.map(|score| (score * 10.0).round() as u16);
        let detail = Detail { standing, remark, fix, patch_available, urgency, cvss, published, because };
        if let Some(number) = self.detail_numbers.get(&detail) {
            return *number;
        }
        let number = self.details.len() as u32;
        self.details.push(detail.clone());
        self.detail_numbers.insert(detail, number);
        number
    }
}
