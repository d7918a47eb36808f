//! Facets: which assets there are, and which of them bear which word, ready for filters and sorted lists.

use crate::evaluate::Findings;
use crate::fact::{Instant, OPEN};
use crate::facts::Facts;
use crate::query::AssetFilter;
use lifecycle::{Attributes, Exposure};
use memchr::memmem::Finder;
use roaring::RoaringBitmap;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// What a word about an asset is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Facet {
    /// Where it runs.
    Environment,
    /// The team that owns it.
    Owner,
    /// How much depends on it.
    Criticality,
    /// Whether it can be reached from the internet.
    Exposure,
    /// A word to find it by.
    Tag,
    /// Its operating system.
    Platform,
}

impl Facet {
    /// All of them, in the order in which people look.
    pub const ALL: [Self; 6] =
        [Self::Owner, Self::Environment, Self::Criticality, Self::Exposure, Self::Platform, Self::Tag];

    /// Its name, as filters spell it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Owner => "owner",
            Self::Criticality => "criticality",
            Self::Exposure => "exposure",
            Self::Tag => "tag",
            Self::Platform => "platform",
        }
    }

    /// The facet that a filter spells so.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|facet| facet.word() == word)
    }
}

/// The facets of all assets as of an instant.
#[derive(Debug, Default)]
pub(crate) struct Facets {
    /// The assets that are registered.
    pub(crate) there: RoaringBitmap,
    /// The assets that somebody has looked at in the life that they have.
    pub(crate) seen: RoaringBitmap,
    /// The assets that could not be read in full when somebody did.
    pub(crate) partly_read: RoaringBitmap,
    /// The assets' numbers in the order of their ids.
    pub(crate) order: Vec<u32>,
    words: HashMap<Facet, HashMap<String, RoaringBitmap>>,
    /// By asset: what was noted of it, and its id and name in small letters.
    noted: Vec<Noted>,
    /// What filters let through that were asked for last: one page asks for the same several times.
    found: Mutex<VecDeque<(AssetFilter, Arc<RoaringBitmap>)>>,
}

/// So many filters are remembered.
const REMEMBERED: usize = 16;

#[derive(Debug, Clone, Default)]
struct Noted {
    said: Option<Arc<Attributes>>,
    platform: String,
    text: Box<str>,
}

fn words(said: &Attributes, platform: &str) -> Vec<(Facet, String)> {
    let mut words = Vec::new();
    let mut word = |facet, text: &str| words.push((facet, text.to_lowercase()));
    let texts =
        [(Facet::Environment, &said.environment), (Facet::Owner, &said.owner), (Facet::Criticality, &said.criticality)];
    texts.iter().for_each(|(facet, text)| text.iter().for_each(|text| word(*facet, text)));
    said.tags.iter().for_each(|tag| word(Facet::Tag, tag));
    said.exposure.iter().for_each(|exposure| word(Facet::Exposure, exposure_word(*exposure)));
    word(Facet::Platform, platform);
    words
}

fn exposure_word(exposure: Exposure) -> &'static str {
    match exposure {
        Exposure::Exposed => "exposed",
        Exposure::Internal => "internal",
    }
}

fn set(assets: &mut RoaringBitmap, asset: u32, is_in: bool) {
    match is_in {
        true => assets.insert(asset),
        false => assets.remove(asset),
    };
}

impl Facets {
    pub(crate) fn as_of(facts: &Facts, at: Option<Instant>) -> Self {
        let mut facets = Self::default();
        (0..facts.assets.len() as u32).for_each(|asset| facets.note(facts, asset, at));
        facets.sort(facts);
        facets
    }

    /// Notes an asset that is new or of which something else is said; [`Facets::sort`] comes after the last new one.
    pub(crate) fn note(&mut self, facts: &Facts, asset: u32, at: Option<Instant>) {
        let known = &facts.assets[asset as usize];
        let as_of = at.unwrap_or(OPEN - 1);
        let was_there = self.there.contains(asset);
        set(&mut self.there, asset, known.is_there(as_of));
        if was_there != self.there.contains(asset) {
            self.forget();
        }
        set(&mut self.seen, asset, known.is_seen(as_of));
        set(&mut self.partly_read, asset, known.unread_at(as_of) > 0);
        let (said, platform) = (known.attributes_at(as_of), known.platform_at(as_of));
        let place = asset as usize;
        if self.noted.len() <= place {
            self.noted.resize(place + 1, Noted::default());
        }
        let before = std::mem::take(&mut self.noted[place]);
        let is_same = before.platform == platform
            && matches!((&before.said, &said), (Some(one), Some(other)) if Arc::ptr_eq(one, other));
        if is_same {
            self.noted[place] = before;
            return;
        }
        self.forget();
        for (facet, word) in before.said.iter().flat_map(|said| words(said, &before.platform)) {
            if let Some(assets) = self.words.get_mut(&facet).and_then(|words| words.get_mut(&word)) {
                assets.remove(asset);
            }
        }
        for (facet, word) in said.iter().flat_map(|said| words(said, platform)) {
            self.words.entry(facet).or_default().entry(word).or_default().insert(asset);
        }
        let name = said.as_ref().and_then(|said| said.name.as_deref()).unwrap_or_default();
        let text = format!("{}\n{name}", known.id).to_lowercase().into_boxed_str();
        self.noted[place] = Noted { said, platform: platform.to_owned(), text };
    }

    /// Puts the assets in the order of their ids.
    pub(crate) fn sort(&mut self, facts: &Facts) {
        let id = |asset: u32| facts.assets[asset as usize].id.as_str();
        let (known, all) = (self.order.len() as u32, facts.assets.len() as u32);
        // One that comes in by itself is put in its place; so many at once are sorted.
        if all - known <= 64 {
            for asset in known..all {
                let place = self.order.partition_point(|other| id(*other) < id(asset));
                self.order.insert(place, asset);
            }
            return;
        }
        self.order = (0..all).collect();
        self.order.sort_unstable_by_key(|asset| id(*asset));
    }

    fn forget(&mut self) {
        self.found.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The assets that a filter lets through.
    pub(crate) fn find(&self, facts: &Facts, filter: &AssetFilter) -> Arc<RoaringBitmap> {
        let known = || self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = known().iter().find(|(known, _)| known == filter) {
            return Arc::clone(found);
        }
        let found = Arc::new(self.look_for(facts, filter));
        let mut known = known();
        known.truncate(REMEMBERED - 1);
        known.push_front((filter.clone(), Arc::clone(&found)));
        found
    }

    fn look_for(&self, facts: &Facts, filter: &AssetFilter) -> RoaringBitmap {
        let mut found = self.there.clone();
        if let Some(id) = &filter.id {
            found &= facts.asset_number(id).into_iter().collect::<RoaringBitmap>();
        }
        if let Some(ids) = &filter.among {
            found &= ids.iter().filter_map(|id| facts.asset_number(id)).collect::<RoaringBitmap>();
        }
        let exposure = filter.exposure.map(|exposure| exposure_word(exposure).to_owned());
        let exact = [
            (Facet::Environment, &filter.environment),
            (Facet::Owner, &filter.owner),
            (Facet::Criticality, &filter.criticality),
            (Facet::Tag, &filter.tag),
            (Facet::Exposure, &exposure),
        ];
        for (facet, word) in exact.iter().filter_map(|(facet, word)| Some((facet, word.as_ref()?.to_lowercase()))) {
            match self.words.get(facet).and_then(|words| words.get(&word)) {
                Some(assets) => found &= assets,
                None => found.clear(),
            }
        }
        if let Some(owners) = &filter.owners {
            let words = self.words.get(&Facet::Owner);
            let owned = owners.iter().filter_map(|owner| words?.get(&owner.to_lowercase()));
            found &= owned.fold(RoaringBitmap::new(), |all, assets| all | assets);
            // What is somebody's own is told by the name as it is written: two teams may differ in case alone.
            let owner = |asset: u32| self.noted[asset as usize].said.as_ref()?.owner.as_ref();
            found =
                found.into_iter().filter(|asset| owner(*asset).is_some_and(|owner| owners.contains(owner))).collect();
        }
        filter.unknown.iter().for_each(|facet| found -= self.known(*facet));
        if let Some(part) = &filter.platform {
            let part = part.to_lowercase();
            let mut all = RoaringBitmap::new();
            let named = self.words.get(&Facet::Platform).into_iter().flatten().filter(|(word, _)| word.contains(&part));
            named.for_each(|(_, assets)| all |= assets);
            found &= all;
        }
        if let Some(part) = &filter.name {
            let part = part.to_lowercase();
            let finder = Finder::new(&part);
            let holds = |asset: &u32| finder.find(self.noted[*asset as usize].text.as_bytes()).is_some();
            return found.into_iter().filter(holds).collect();
        }
        found
    }

    /// The assets of which something is known about a facet.
    fn known(&self, facet: Facet) -> RoaringBitmap {
        let words = self.words.get(&facet).into_iter().flatten().filter(|(word, _)| !word.is_empty());
        words.fold(RoaringBitmap::new(), |all, (_, assets)| all | assets)
    }
}

/// The words of one facet, each with how many assets bear it.
pub type Words = Vec<(String, u64)>;

impl Findings {
    /// The facets of the assets that are asked for: each with its words, those that most assets bear first, and an empty one for
    /// those of which nothing is known.
    #[must_use]
    pub fn words(&self, facts: &Facts, filter: &AssetFilter) -> Vec<(Facet, Words)> {
        let found = self.facets.find(facts, filter);
        let of = |facet: Facet| {
            let all = self.facets.words.get(&facet).into_iter().flatten().filter(|(word, _)| !word.is_empty());
            let counted = all.map(|(word, assets)| (word.clone(), assets.intersection_len(&found)));
            let unknown = found.len() - found.intersection_len(&self.facets.known(facet));
            let mut words: Words = counted.chain([(String::new(), unknown)]).filter(|(_, count)| *count > 0).collect();
            words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            words
        };
        Facet::ALL.into_iter().map(|facet| (facet, of(facet))).filter(|(_, words)| !words.is_empty()).collect()
    }
}
