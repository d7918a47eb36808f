//! The organisation: its record, opened, and what can be done with it.

use crate::advisories::Advisories;
use crate::error::Error;
use crate::governing::refuse_errors;
use fleet::{Facts, JudgedDocument, Judgement, Signals, Thing};
use jiff::Timestamp;
use lifecycle::{AssetId, Command, Event, PersonId, PolicyRule, Pushed, Role, decide};
use policy::Policy;
use protocol::Observed;
use std::collections::{BTreeMap, BTreeSet};
use store::{Committed, Plan, Record, Store, Submitted, digest};

/// The record of one organisation, and what can be done with it.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// The record.
    pub store: Store,
}

/// What became of an inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It differs from the one before: so many things came and went.
    Changed {
        /// How many came.
        added: usize,
        /// How many went.
        removed: usize,
    },
    /// Nothing had changed since the one before; that it was looked at is noted.
    Unchanged,
    /// It was taken before the newest one, and is kept as history.
    Late,
    /// It was taken in before.
    Known,
}

/// What holding everything against the advisories came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// How many distinct things were held against them.
    pub things: u64,
    /// Of how many something else is said now.
    pub changed: u64,
    /// Of how many vulnerabilities something else is known now.
    pub vulnerabilities: u64,
}

/// How many things are judged in one go.
const PART: usize = 4096;

impl Organisation {
    /// Wraps a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Whether everything was held against this index already.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub async fn is_judged_by(&self, advisories: &Advisories) -> Result<bool, Error> {
        Ok(self.store.record().await?.state.index.as_ref() == Some(&advisories.digest))
    }

    /// Founds an organisation where nobody is known yet: the first person administrates, leads and operates, and a policy is in
    /// force. Nothing happens where somebody is known.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub async fn found(&self, by: &PersonId, policy: (&str, &str), now: Timestamp) -> Result<bool, Error> {
        let roles = BTreeSet::from([Role::Administrator, Role::SecurityLead, Role::Operator]);
        let mut is_first = self.store.record().await?.state.people.is_empty();
        if is_first {
            let founder = by.clone();
            let plan = move |record: &Record| {
                // Somebody else may have been faster.
                let is_first = record.state.people.is_empty();
                let commands =
                    is_first.then_some(Command::SetRoles(founder, roles, BTreeSet::new())).into_iter().collect();
                Ok(Plan { commands, ..Plan::default() })
            };
            is_first = !self.store.commit(by, now, plan).await?.events.is_empty();
        }
        // The policy is missing too where somebody went away between the two.
        let is_owed = {
            let state = &self.store.record().await?.state;
            state.policy.is_none() && state.may(by, &[Role::SecurityLead]).is_ok()
        };
        if is_owed {
            self.adopt(by, policy, now).await?;
        }
        Ok(is_first)
    }

    /// Puts a policy in force: its name and its text.
    ///
    /// # Errors
    /// If it has errors ([`crate::check_policy`]), the person may not, or it cannot be kept.
    pub async fn adopt(&self, by: &PersonId, (name, text): (&str, &str), now: Timestamp) -> Result<Committed, Error> {
        let bytes = text.as_bytes().to_vec();
        refuse_errors(text, now)?;
        let rule = Policy::parse(text).as_ref().map(PolicyRule::of).unwrap_or_default();
        let command = Command::AdoptPolicy { name: name.to_owned(), document: digest(&bytes), rule };
        let plan = Plan { commands: vec![command], documents: vec![bytes], ..Plan::default() };
        Ok(self.store.commit(by, now, move |_| Ok(plan)).await?)
    }

    /// Does one thing in somebody's name.
    ///
    /// # Errors
    /// If the rules refuse it, or it cannot be kept.
    pub async fn act(&self, by: &PersonId, now: Timestamp, command: Command) -> Result<Committed, Error> {
        Ok(self.store.commit(by, now, move |_| Ok(Plan { commands: vec![command], ..Plan::default() })).await?)
    }

    /// The same, unless the rules refuse it by now: others may have come before. None if they do.
    pub(crate) async fn unless_refused(
        &self,
        by: &PersonId,
        now: Timestamp,
        command: Command,
    ) -> Result<Option<Committed>, Error> {
        match self.act(by, now, command).await {
            Ok(done) => Ok(Some(done)),
            Err(Error::Store(store::Error::Refused(_))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes that an asset was looked at and nothing had changed: what was found has the digest of its newest inventory. `false` if
    /// it has not, if there is no such asset, or if that was known.
    ///
    /// # Errors
    /// If the instant lies ahead, the asset is out of service or none of theirs, or it cannot be kept.
    pub async fn look(
        &self,
        by: &PersonId,
        asset: AssetId,
        (digest, taken_at): (String, Timestamp),
        now: Timestamp,
    ) -> Result<bool, Error> {
        let plan = move |record: &Record| {
            let known = record.state.assets.get(&asset).and_then(|known| known.inventory.as_ref());
            let command = known.filter(|known| known.digest == digest).map(|known| {
                let (packages, unread) = (known.packages, known.unread);
                Command::PushInventory(Pushed { asset, digest, document: String::new(), taken_at, packages, unread })
            });
            Ok(Plan { commands: command.into_iter().collect(), ..Plan::default() })
        };
        Ok(!self.store.commit(by, now, plan).await?.events.is_empty())
    }

    /// Takes in what was observed on an asset. What no asset had before is held against the advisories at once.
    ///
    /// # Errors
    /// If the asset is not registered, the instant lies ahead, or it cannot be kept.
    pub async fn push(
        &self,
        by: &PersonId,
        asset: AssetId,
        (observed, taken_at): (Observed, Timestamp),
        (advisories, now): (Option<&Advisories>, Timestamp),
    ) -> Result<Taken, Error> {
        let submitted = self.submit(by, asset, (observed, taken_at), (advisories, now)).await?;
        self.taken(submitted).await
    }

    /// Hands in what was observed on an asset, and does not wait for it: what is handed in first is taken in first.
    ///
    /// # Errors
    /// If the store is closed.
    pub async fn submit(
        &self,
        by: &PersonId,
        asset: AssetId,
        (observed, taken_at): (Observed, Timestamp),
        (advisories, now): (Option<&Advisories>, Timestamp),
    ) -> Result<Submitted, Error> {
        let (advisories, person) = (advisories.cloned(), by.clone());
        let plan = move |record: &Record| {
            plan_push(record, asset, (observed, taken_at), (&person, advisories.as_ref(), now)).map_err(planned)
        };
        Ok(self.store.submit(by, now, plan).await?)
    }

    /// Waits for what was handed in, and says what became of it.
    ///
    /// # Errors
    /// If the asset is not registered, the instant lies ahead, or it cannot be kept.
    pub async fn taken(&self, submitted: Submitted) -> Result<Taken, Error> {
        let committed = submitted.wait().await?;
        Ok(match committed.events.first() {
            None => Taken::Known,
            Some(Event::AssetScanned { .. }) => Taken::Unchanged,
            Some(Event::InventoryTaken { is_late: true, .. }) => Taken::Late,
            Some(Event::InventoryTaken { document, .. }) => {
                let bytes = self.store.document(document).await?;
                let read = fleet::InventoryDocument::read(&bytes).unwrap_or_default();
                Taken::Changed { added: read.added.len(), removed: read.removed.len() }
            }
            Some(_) => Taken::Known,
        })
    }

    /// Holds everything that assets have against the advisories, and notes what is said otherwise than before.
    ///
    /// `progress` is told how many of how many things were judged.
    ///
    /// # Errors
    /// If the index is damaged, or what changed cannot be kept.
    pub async fn judge(
        &self,
        by: &PersonId,
        advisories: &Advisories,
        now: Timestamp,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Judged, Error> {
        let mut found = Found::default();
        let part = PART * rayon::current_num_threads().max(1);
        let mut judged = 0;
        let index = self.store.record().await?.state.index.clone();
        loop {
            // Whoever writes meanwhile waits for a part of it, and not for all.
            let record = self.store.record().await?;
            let things: Vec<&Thing> = record.facts.things().skip(judged).take(part).collect();
            if things.is_empty() {
                break;
            }
            found.join(judge_all(&record.facts, (judged, &things), advisories, now)?);
            judged += things.len();
            progress(judged, record.facts.things().count());
        }
        let advisories = advisories.clone();
        let plan = move |record: &Record| {
            if record.state.index != index {
                return Err(store::Error::Plan(
                    "somebody else has judged everything meanwhile: do it again".to_owned(),
                ));
            }
            found.plan(record, judged, &advisories, now).map_err(planned)
        };
        let committed = self.store.commit(by, now, plan).await?;
        let mut judged = Judged { things: judged as u64, ..Judged::default() };
        if let Some(Event::AdvisoriesJudged { packages, vulnerabilities, .. }) = committed.events.last() {
            (judged.changed, judged.vulnerabilities) = (*packages, *vulnerabilities);
        }
        Ok(judged)
    }

    /// Notes which feeds are in force, by what the index says of them.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub async fn note_feeds(&self, by: &PersonId, advisories: &Advisories, now: Timestamp) -> Result<Committed, Error> {
        let mut commands = Vec::new();
        for state in &advisories.feeds {
            let Ok(feed) = lifecycle::FeedId::new(state.feed.as_str()) else { continue };
            let text = format!("{} {} {:?}", advisories.digest, state.records, state.newest);
            let digest = digest(text.as_bytes());
            commands.push(Command::UpdateFeed { feed, digest, records: state.records, newest: state.newest });
        }
        Ok(self.store.commit(by, now, move |_| Ok(Plan { commands, ..Plan::default() })).await?)
    }
}

/// Why a plan could not be made: what the store or the rules say stays what it is.
fn planned(error: Error) -> store::Error {
    match error {
        Error::Store(error) => error,
        other => store::Error::Plan(store::in_words(&other)),
    }
}

fn plan_push(
    record: &Record,
    asset: AssetId,
    (observed, taken_at): (Observed, Timestamp),
    (by, advisories, now): (&PersonId, Option<&Advisories>, Timestamp),
) -> Result<Plan, Error> {
    let packages = observed.packages();
    let Observed { things, platform, problems, unread, digest: found } = observed;
    let mut pushed = Pushed { asset, digest: found, document: String::new(), taken_at, packages, unread };
    let says = |pushed: &Pushed| decide(&record.state, &Command::PushInventory(pushed.clone()), by, now);
    // What is refused or passed over brings nothing: neither a document, nor a judgement of what came with it.
    if !says(&pushed)?.iter().any(|event| matches!(event, Event::InventoryTaken { .. })) {
        return Ok(Plan { commands: vec![Command::PushInventory(pushed)], ..Plan::default() });
    }
    let mut changed = record.facts.plan_inventory(&pushed.asset, &things);
    (changed.platform, changed.problems) = (platform, problems);
    let bytes = changed.write().map_err(|error| store::Error::Plan(error.to_string()))?;
    pushed.document = digest(&bytes);
    let (mut commands, mut documents) = (vec![Command::PushInventory(pushed)], vec![bytes]);
    let is_current = |advisories: &&Advisories| record.state.index.as_deref() == Some(advisories.digest.as_str());
    if let Some(advisories) = advisories.filter(is_current).filter(|_| !changed.new.is_empty()) {
        let first = record.facts.things().count();
        let new: Vec<&Thing> = changed.new.iter().collect();
        let (command, bytes) = judge_all(&record.facts, (first, &new), advisories, now)?.command(record, advisories)?;
        commands.push(command);
        documents.push(bytes);
    }
    Ok(Plan { commands, documents, ..Plan::default() })
}

/// What was found to differ from what is known.
#[derive(Debug, Default)]
struct Found {
    judgements: Vec<(u32, Judgement)>,
    signals: BTreeMap<String, Signals>,
}

/// Judges things that are numbered from `first` on, on all cores, and keeps what differs from the facts.
fn judge_all(
    facts: &Facts,
    (first, things): (usize, &[&Thing]),
    advisories: &Advisories,
    now: Timestamp,
) -> Result<Found, Error> {
    use rayon::prelude::*;
    let index = advisories.index()?;
    let one = |(at, part): (usize, &[&Thing])| -> Result<Found, Error> {
        let (judgements, signals) = assessment::judge(part, &index, now)?;
        let numbered = judgements.into_iter().enumerate().map(|(place, judgement)| {
            let number = first + at * PART + place;
            (u32::try_from(number).unwrap_or(u32::MAX), judgement)
        });
        let document = facts.plan_judged(numbered, signals, false);
        let signals = document.signals.into_iter().map(|signals| (signals.id.clone(), signals)).collect();
        Ok(Found { judgements: document.judgements, signals })
    };
    if things.len() <= PART {
        return one((0, things));
    }
    let parts: Vec<Found> = things.par_chunks(PART).enumerate().map(one).collect::<Result<_, _>>()?;
    let mut found = Found::default();
    parts.into_iter().for_each(|part| found.join(part));
    Ok(found)
}

impl Found {
    fn join(&mut self, other: Self) {
        self.judgements.extend(other.judgements);
        for (id, signals) in other.signals {
            self.signals.entry(id).or_insert(signals);
        }
    }

    /// What is to be noted, against the record as it is now: things may have come in since.
    fn plan(mut self, record: &Record, judged: usize, advisories: &Advisories, now: Timestamp) -> Result<Plan, Error> {
        let new: Vec<&Thing> = record.facts.things().skip(judged).collect();
        self.join(judge_all(&record.facts, (judged, &new), advisories, now)?);
        let (command, bytes) = self.command(record, advisories)?;
        Ok(Plan { commands: vec![command], documents: vec![bytes], ..Plan::default() })
    }

    fn command(self, record: &Record, advisories: &Advisories) -> Result<(Command, Vec<u8>), Error> {
        let has_catalogue = advisories.has_catalogue();
        let document: JudgedDocument =
            record.facts.plan_judged(self.judgements, self.signals.into_values(), has_catalogue);
        let (packages, vulnerabilities) = (document.judgements.len() as u64, document.signals.len() as u64);
        let bytes = document.write().map_err(|error| store::Error::Plan(error.to_string()))?;
        let index = advisories.digest.clone();
        let command = Command::JudgeAdvisories { index, document: digest(&bytes), packages, vulnerabilities };
        Ok((command, bytes))
    }
}
