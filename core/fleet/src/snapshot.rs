//! All facts as bytes, so that a record opens without its documents being read and followed again.
//!
//! The form is a version, and parts with their lengths in front (both little-endian), each of them
//! [postcard](https://postcard.jamesmunns.com/wire-format); what has optional fields is JSON inside. Numbers follow from
//! places, so that what is looked up by name is made anew. It holds nothing that does not follow from the ledger.

use crate::error::Error;
use crate::fact::{Adopted, AssetFacts, Detail, Instant, ThingFacts, VulnerabilityFacts};
use crate::facts::Facts;
use lifecycle::Transition;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The version of the form that is written. Another one is not read: the facts are followed from the ledger instead.
const VERSION: u32 = 2;
/// How many things, vulnerabilities or assets are in one part: enough parts for all cores.
const PART: usize = 4096;

/// Parts as they are written, from slices, and as they are read, into lists.
#[derive(Serialize, Deserialize)]
enum Part<C, D, T, V, A> {
    Common(C),
    Details(D),
    Things(T),
    Vulnerabilities(V),
    Assets(A),
}

type Written<'f> = Part<Common, &'f [Detail], &'f [ThingFacts], &'f [VulnerabilityFacts], &'f [AssetFacts]>;
type Read = Part<Common, Vec<Detail>, Vec<ThingFacts>, Vec<VulnerabilityFacts>, Vec<AssetFacts>>;

/// What there is little of.
#[derive(Serialize, Deserialize)]
struct Common {
    /// The texts of policies, since when they are in force, and what held for findings that were open then.
    policies: Vec<(Instant, String, Transition)>,
    catalogue: Vec<(Instant, bool)>,
}

impl Facts {
    /// All facts as bytes, in pieces that follow one another. Facts that were made of the same entries give the same bytes.
    ///
    /// # Errors
    /// If a number in them is none that JSON can hold.
    pub fn write_snapshot(&self) -> Result<Vec<Vec<u8>>, Error> {
        let policies = self.policies.iter();
        let policies = policies.map(|adopted| (adopted.since, adopted.text.clone(), adopted.transition)).collect();
        let mut parts = vec![Written::Common(Common { policies, catalogue: self.catalogue.clone() })];
        parts.extend(self.details.chunks(PART).map(Part::Details));
        parts.extend(self.things.chunks(PART).map(Part::Things));
        parts.extend(self.vulnerabilities.chunks(PART).map(Part::Vulnerabilities));
        parts.extend(self.assets.chunks(PART).map(Part::Assets));
        let write = |part: &Written| {
            let mut bytes = postcard::to_extend(part, vec![0; size_of::<u64>()]).map_err(damaged)?;
            let length = (bytes.len() - size_of::<u64>()) as u64;
            bytes[..size_of::<u64>()].copy_from_slice(&length.to_le_bytes());
            Ok(bytes)
        };
        let mut written = vec![VERSION.to_le_bytes().to_vec()];
        written.extend(parts.par_iter().map(write).collect::<Result<Vec<_>, Error>>()?);
        Ok(written)
    }

    /// Facts from the bytes that [`Facts::write_snapshot`] made. Whoever reads them vouches that they are as they were written:
    /// what they say is not held against the ledger here.
    ///
    /// # Errors
    /// If they are none such, or of another version.
    pub fn read_snapshot(bytes: &[u8]) -> Result<Self, Error> {
        let (version, mut rest) = bytes.split_first_chunk().ok_or_else(|| damaged("it ends too early"))?;
        match u32::from_le_bytes(*version) {
            VERSION => {}
            version => return Err(Error::Version { version }),
        }
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let (length, behind) = rest.split_first_chunk().ok_or_else(|| damaged("it ends too early"))?;
            let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let (part, behind) = behind.split_at_checked(length).ok_or_else(|| damaged("it ends too early"))?;
            parts.push(part);
            rest = behind;
        }
        let read = |part: &&[u8]| postcard::from_bytes::<Read>(part).map_err(damaged);
        let parts: Vec<Read> = parts.par_iter().map(read).collect::<Result<_, _>>()?;
        let mut facts = Self::default();
        for part in parts {
            match part {
                Part::Common(Common { policies, catalogue }) => {
                    facts.catalogue = catalogue;
                    let adopted =
                        policies.into_iter().map(|(since, text, transition)| Adopted::new(since, text, transition));
                    facts.policies = adopted.collect::<Result<_, _>>()?;
                }
                Part::Details(details) => facts.details.extend(details),
                Part::Things(things) => facts.things.extend(things),
                Part::Vulnerabilities(vulnerabilities) => facts.vulnerabilities.extend(vulnerabilities),
                Part::Assets(assets) => facts.assets.extend(assets),
            }
        }
        facts.check_numbers()?;
        facts.number_all();
        Ok(facts)
    }

    /// Says no to numbers of what is not there.
    fn check_numbers(&self) -> Result<(), Error> {
        let (things, details) = (self.things.len(), self.details.len());
        let (vulnerabilities, assets) = (self.vulnerabilities.len(), self.assets.len());
        let is_below = |number: &u32, end: usize| (*number as usize) < end;
        let of_things = self.things.par_iter().all(|thing| {
            let has = |set: &roaring::RoaringBitmap| set.max().is_none_or(|last| is_below(&last, assets));
            let is_claimed = |(number, place): &(u32, u32)| {
                self.vulnerabilities.get(*number as usize).is_some_and(|known| is_below(place, known.claims.len()))
            };
            has(&thing.holders)
                && has(&thing.past)
                && thing.spans.iter().all(|span| is_below(&span.asset, assets))
                && thing.claims.iter().all(is_claimed)
        });
        let of_vulnerabilities = self.vulnerabilities.iter().all(|known| {
            let is_claim =
                |claim: &crate::fact::Claim| is_below(&claim.thing, things) && is_below(&claim.detail, details);
            known.claims.iter().all(is_claim) && known.formerly.iter().all(|number| is_below(number, vulnerabilities))
        });
        let of_assets = self.assets.par_iter().all(|asset| {
            // They rise, so that the last is the largest; a list that was made up may not.
            asset.things.iter().all(|thing| is_below(&thing, things))
                && asset.spanned.iter().all(|thing| is_below(thing, things))
        });
        match of_things && of_vulnerabilities && of_assets {
            true => Ok(()),
            false => Err(damaged("it has a number of what is not there")),
        }
    }

    /// Makes all of it findable by name.
    fn number_all(&mut self) {
        let things: Vec<Arc<crate::thing::Thing>> = self.things.iter().map(|facts| Arc::clone(&facts.thing)).collect();
        (0..).zip(things).for_each(|(number, thing)| self.note_thing(number, thing));
        self.detail_numbers = self.details.iter().cloned().zip(0..).collect();
        self.vulnerability_numbers = self.vulnerabilities.iter().map(|facts| facts.id.clone()).zip(0..).collect();
        self.asset_numbers = self.assets.iter().map(|facts| facts.id.clone()).zip(0..).collect();
    }
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::Snapshot { what: what.to_string() }
}

/// What leaves fields out, as JSON in a string: postcard knows fields by their place alone.
pub(crate) mod json {
    use serde::de::{DeserializeOwned, Error as _};
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &impl Shared, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.write().map_err(S::Error::custom)?)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Shared>(deserializer: D) -> Result<T, D::Error> {
        T::read(<&str>::deserialize(deserializer)?).map_err(D::Error::custom)
    }

    /// What is kept behind pointers that others share.
    pub(crate) trait Shared: Sized {
        fn write(&self) -> serde_json::Result<String>;
        fn read(text: &str) -> serde_json::Result<Self>;
    }

    impl<T: Serialize + DeserializeOwned> Shared for std::sync::Arc<T> {
        fn write(&self) -> serde_json::Result<String> {
            serde_json::to_string(&**self)
        }

        fn read(text: &str) -> serde_json::Result<Self> {
            serde_json::from_str(text).map(Self::new)
        }
    }

    impl<T: Serialize + DeserializeOwned> Shared for Vec<(super::Instant, std::sync::Arc<T>)> {
        fn write(&self) -> serde_json::Result<String> {
            let pairs: Vec<(super::Instant, &T)> = self.iter().map(|(since, value)| (*since, &**value)).collect();
            serde_json::to_string(&pairs)
        }

        fn read(text: &str) -> serde_json::Result<Self> {
            let pairs: Vec<(super::Instant, T)> = serde_json::from_str(text)?;
            Ok(pairs.into_iter().map(|(since, value)| (since, std::sync::Arc::new(value))).collect())
        }
    }
}
