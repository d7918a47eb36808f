//! Retention: what is kept of what the policy promises to keep, since when, and whether everything that entries name is there.

use crate::error::Error;
use crate::organisation::Organisation;
use jiff::Timestamp;
use lifecycle::{Event, after};
use policy::Length;
use policy::promises::RecordKind;
use std::collections::BTreeMap;

/// So many entries are read at once.
const AT_ONCE: u64 = 4096;
/// So many documents that are not as they were are named.
const MOST_NAMED: usize = 20;

/// What is kept of a kind of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which kind.
    pub kind: RecordKind,
    /// How long the policy in force promises to keep it, at the least.
    pub keep: Length,
    /// How many entries of the ledger are of that kind.
    pub entries: u64,
    /// The first and the last of them.
    pub span: Option<(Timestamp, Timestamp)>,
    /// How many of them are older than the policy promises to keep.
    pub older: u64,
    /// How many documents they name.
    pub documents: u64,
    /// Those that are not there, or not as they were, and that have to be kept still: some of them in words, and how many.
    pub lost: (Vec<String>, u64),
}

/// The kind of record that an entry is part of; none of what no policy speaks of.
fn kind_of(entry: &str) -> Option<RecordKind> {
    Some(match entry {
        "advisories/judged" => RecordKind::Findings,
        "inventory/taken" => RecordKind::Inventories,
        "asset/scanned" | "scan/missed" => RecordKind::Scans,
        "document/acknowledged" => RecordKind::Acknowledgements,
        "training/completed" => RecordKind::Training,
        "asset/attested" | "asset/vendor-notified" => RecordKind::Attestations,
        "policy/adopted" => RecordKind::Policy,
        other => match other.split_once('/')?.0 {
            "change" => RecordKind::Changes,
            "decision" => RecordKind::Exceptions,
            "violation" | "violations" => RecordKind::Violations,
            "version" => RecordKind::Policy,
            _ => return None,
        },
    })
}

fn damaged(number: u64, error: &dyn std::error::Error) -> store::Error {
    store::Error::Damaged { place: format!("entry {number}"), what: error.to_string() }
}

impl Organisation {
    /// What is kept of each kind of record that the policy in force promises to keep, in its order: the whole ledger is read, and every
    /// document that its entries name. Says how far it is, in entries.
    ///
    /// # Errors
    /// If there is no policy, or the ledger cannot be read.
    pub async fn records_kept(&self, now: Timestamp, mut progress: impl FnMut(u64, u64)) -> Result<Vec<Kept>, Error> {
        let (mut kept, size) = {
            let record = self.store.record().await?;
            let policy = record.facts.policy().ok_or(Error::NoPolicy { at: None })?;
            let promised = policy.promises.records.iter();
            let one = |record: &policy::promises::Record| Kept {
                kind: *record.kind.as_ref(),
                keep: *record.keep.as_ref(),
                entries: 0,
                span: None,
                older: 0,
                documents: 0,
                lost: (Vec::new(), 0),
            };
            (promised.map(one).collect::<Vec<_>>(), record.state.entries)
        };
        let places: BTreeMap<RecordKind, usize> =
            kept.iter().enumerate().map(|(place, one)| (one.kind, place)).collect();
        let mut from = 0;
        while from < size {
            let until = (from + AT_ONCE).min(size);
            for (number, bytes) in (from..).zip(self.store.entries(from, until).await?) {
                let entry = ledger::Entry::parse(&bytes).map_err(|error| damaged(number, &error))?;
                let place = kind_of(&entry.kind).and_then(|kind| places.get(&kind));
                let Some(kept) = place.and_then(|place| kept.get_mut(*place)) else { continue };
                self.note(kept, (number, &entry), now).await?;
                progress(number + 1, size);
            }
            from = until;
        }
        Ok(kept)
    }

    async fn note(&self, kept: &mut Kept, (number, entry): (u64, &ledger::Entry), now: Timestamp) -> Result<(), Error> {
        kept.entries += 1;
        kept.span =
            Some(kept.span.map_or((entry.at, entry.at), |(first, last)| (first.min(entry.at), last.max(entry.at))));
        let is_older = after(entry.at, kept.keep) < now;
        kept.older += u64::from(is_older);
        let event = Event::from_entry(number, entry).map_err(|error| damaged(number, &error))?;
        let Some(digest) = event.document() else { return Ok(()) };
        kept.documents += 1;
        if let Err(error) = self.store.document(digest).await
            && !is_older
        {
            kept.lost.1 += 1;
            if kept.lost.0.len() < MOST_NAMED {
                kept.lost.0.push(format!("entry {number}: {}", store::in_words(&error)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::kind_of;
    use policy::promises::RecordKind;

    #[test]
    fn every_kind_of_record_has_entries() {
        let entries = [
            "advisories/judged",
            "inventory/taken",
            "asset/scanned",
            "change/planned",
            "decision/requested",
            "violation/opened",
            "document/acknowledged",
            "training/completed",
            "asset/attested",
            "policy/adopted",
        ];
        let kinds: Vec<RecordKind> = entries.iter().filter_map(|entry| kind_of(entry)).collect();
        assert_eq!(kinds, RecordKind::ALL);
        assert_eq!(kind_of("person/roles-given"), None);
    }
}
