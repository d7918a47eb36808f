//! What was observed on an asset, as it travels.

use crate::error::Error;
use assessment::Changelog;
use fleet::Thing;
use inventory::Inventory;
use serde::{Deserialize, Serialize};

/// What was observed on an asset at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Observed {
    /// What it has, in order and each once.
    #[serde(deserialize_with = "bounded")]
    pub things: Vec<Thing>,
    /// Its operating system, in words; may be empty.
    pub platform: String,
    /// What could not be read, in words.
    pub problems: Vec<String>,
    /// How many files or entries could not be read.
    pub unread: u64,
    /// The digest of all that.
    pub digest: String,
}

/// More problems are counted, not listed.
const MOST_PROBLEMS: usize = 100;
/// More things than any asset has.
const MOST_THINGS: usize = 300_000;
/// More bytes than any name, version or sentence in it has.
const MOST_TEXT_BYTES: usize = 4096;
/// More texts than any one thing names.
const MOST_TEXTS: usize = 4096;

impl Observed {
    /// What an inventory says, with what the changelogs of its pending updates say. A problem's sentence that is too long to be read
    /// again is cut, and the last line says how many more there are: one long path keeps no host from reporting.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn of(inventory: &Inventory, changelogs: &[Changelog]) -> Result<Self, Error> {
        let things = assessment::things_of(inventory, changelogs);
        let all = &inventory.problems;
        let shown = if all.len() > MOST_PROBLEMS { MOST_PROBLEMS - 1 } else { all.len() };
        let in_words = all.iter().take(shown).map(|problem| shortened(format!("{}: {}", problem.place, problem.what)));
        let more = (all.len() > shown).then(|| format!("{} more problems are not listed", all.len() - shown));
        let problems = in_words.chain(more).collect();
        Self::new(things, shortened(assessment::platform_of(inventory)), problems, inventory.unread as u64)
    }

    /// What an asset has, by itself.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn new(mut things: Vec<Thing>, platform: String, problems: Vec<String>, unread: u64) -> Result<Self, Error> {
        things.sort_unstable();
        things.dedup();
        let digest = ledger::digest(&serde_json::to_vec(&(&things, &platform, &problems, unread))?);
        Ok(Self { things, platform, problems, unread, digest })
    }

    /// Reads what somebody sent, who need not mean well: its digest is made anew, its order too, and what is larger than anything
    /// that was ever observed is refused.
    ///
    /// # Errors
    /// If it is no such document, too large in some place, or not what its digest says.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let sent: Self = serde_json::from_slice(bytes)?;
        sent.check()?;
        let read = Self::new(sent.things, sent.platform, sent.problems, sent.unread)?;
        match read.digest == sent.digest {
            true => Ok(read),
            false => Err(Error::Digest { said: sent.digest, found: read.digest }),
        }
    }

    fn check(&self) -> Result<(), Error> {
        within("things", self.things.len(), MOST_THINGS)?;
        within("problems", self.problems.len(), MOST_PROBLEMS)?;
        self.problems.iter().chain([&self.platform]).try_for_each(|text| is_short(text))?;
        self.things.iter().try_for_each(check_thing)
    }

    /// How many installed packages there are.
    #[must_use]
    pub fn packages(&self) -> u64 {
        self.things.iter().filter(|thing| thing.is_package()).count() as u64
    }
}

/// Reads things one by one, and stops where there are more than there ever are: few bytes can stand for many empty things.
fn bounded<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Thing>, D::Error> {
    struct Things;
    impl<'de> serde::de::Visitor<'de> for Things {
        type Value = Vec<Thing>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("things")
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
            use serde::de::Error;
            let mut things: Vec<Thing> = Vec::new();
            while let Some(thing) = sequence.next_element::<Thing>()? {
                if thing.kind.is_empty() || thing.name.is_empty() && thing.kind != Thing::RESTART {
                    return Err(A::Error::custom("a thing without a kind or a name"));
                }
                if things.len() == MOST_THINGS {
                    return Err(A::Error::custom(format_args!("more than {MOST_THINGS} things")));
                }
                things.push(thing);
            }
            Ok(things)
        }
    }
    deserializer.deserialize_seq(Things)
}

fn within(what: &'static str, found: usize, most: usize) -> Result<(), Error> {
    if found <= most { Ok(()) } else { Err(Error::TooMany { what, found, most }) }
}

/// A sentence that is cut where it is longer than any may be.
fn shortened(mut text: String) -> String {
    const CUT: &str = " …";
    if text.len() > MOST_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MOST_TEXT_BYTES - CUT.len()));
        text.push_str(CUT);
    }
    text
}

fn is_short(text: &str) -> Result<(), Error> {
    within("bytes in one text", text.len(), MOST_TEXT_BYTES)
}

fn check_thing(thing: &Thing) -> Result<(), Error> {
    let own = [&thing.kind, &thing.ecosystem, &thing.name, &thing.version, &thing.architecture, &thing.restart];
    own.into_iter().try_for_each(|text| is_short(text))?;
    let optional = [&thing.module, &thing.vendor, &thing.still_runs];
    optional.into_iter().flatten().try_for_each(|text| is_short(text))?;
    let pair = |(name, version): &(String, String)| is_short(name).and_then(|()| is_short(version));
    thing.source.iter().try_for_each(pair)?;
    if let Some(kernel) = &thing.kernel {
        [&kernel.running, &kernel.newest]
            .into_iter()
            .chain(&kernel.running_version)
            .try_for_each(|text| is_short(text))?;
        if let Some((name, version, source)) = &kernel.newest_package {
            is_short(name).and_then(|()| is_short(version))?;
            source.iter().try_for_each(pair)?;
        }
    }
    if let Some(offer) = &thing.offer {
        [&offer.version, &offer.suite].into_iter().chain(&offer.advisories).try_for_each(|text| is_short(text))?;
        pair(&offer.source)?;
        within("advisories of an offer", offer.advisories.len(), MOST_TEXTS)?;
        within("fixes of an offer", offer.fixes.len(), MOST_TEXTS)?;
        offer.fixes.iter().try_for_each(|(text, _)| is_short(text))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_written_can_always_be_read() {
        for count in [0, 1, MOST_PROBLEMS, MOST_PROBLEMS + 1, 3 * MOST_PROBLEMS] {
            let mut inventory = Inventory { unread: count, ..Inventory::default() };
            for number in 0..count {
                let place = format!("/srv/{number}/{}", "ä/".repeat(3000));
                inventory.problem(place.clone(), format_args!("failed to read `{place}`"));
            }
            let observed = Observed::of(&inventory, &[]).expect("written");
            let read = Observed::read(&serde_json::to_vec(&observed).expect("written")).expect("read");
            assert_eq!(read, observed);
            assert_eq!(read.problems.len(), count.min(MOST_PROBLEMS));
            let says_more = read.problems.last().is_some_and(|last| last.ends_with("more problems are not listed"));
            assert_eq!(says_more, count > MOST_PROBLEMS, "{count}");
        }
    }
}
