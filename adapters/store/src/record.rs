//! The record in memory: what follows from the ledger, and the rows that it is kept in.

use crate::blobs::Blobs;
use crate::database;
use crate::document;
use crate::error::Error;
use crate::log;
use crate::snapshot;
use crate::tables::{ASSETS, Cell, DECISIONS, DOCUMENTS, FEEDS, IN_FORCE, PEOPLE, Row, TOKENS, Table};
use fleet::{Facts, Findings, Question, Scans};
use jiff::Timestamp;
use ledger::{Entry, KeyChange, Verifier};
use lifecycle::{Event, State};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, ExprTrait};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// All that follows from the ledger.
#[derive(Debug, Default)]
pub struct Record {
    /// The nouns with a life.
    pub state: State,
    /// The facts of the fleet.
    pub facts: Facts,
    /// The findings of now, where they are kept up to date with every entry; none before a policy is in force.
    pub findings: Option<Findings>,
    /// When the assets have to be looked at next, where that is kept up to date with every entry.
    pub scans: Option<Scans>,
    is_live: bool,
    /// Whether it holds what may not have been kept.
    pub(crate) is_doubtful: bool,
}

/// Rows that follow from entries, by table and key; a later one stands for the earlier.
pub(crate) type Projected = BTreeMap<&'static str, BTreeMap<Cell, Row>>;

impl Record {
    /// Takes the next entry in, with the event that it tells and its document, and says which rows follow from it. A change of
    /// the ledger's key is no event.
    pub(crate) fn apply(
        &mut self,
        (entry, event): (&Entry, Option<&Event>),
        document: Option<&[u8]>,
        projected: &mut Projected,
    ) -> Result<(), Error> {
        let number = self.state.entries;
        self.state.follow(event, entry)?;
        let Some(event) = event else {
            return noun(projected, &IN_FORCE, (KEYS, number), Some(&self.state.key_changes));
        };
        if concerns_facts(event) {
            let wrap = |source| Error::Facts { number, source };
            let touched = self.facts.apply(event, entry.at, document).map_err(wrap)?;
            if matches!(event, Event::PolicyAdopted { .. }) && self.scans.is_some() {
                // Another policy asks for other scans.
                self.scans = Some(Scans::of(&self.facts, &self.state, entry.at));
            }
            match &mut self.findings {
                Some(findings) => findings.follow(&self.facts, &touched),
                None => self.evaluate(entry.at),
            }
        }
        if concerns_decisions(event) {
            self.decide(entry.at);
        }
        let known = event.asset().and_then(|id| self.state.assets.get_key_value(id));
        if let (Some(scans), Some(known)) = (&mut self.scans, known) {
            scans.note(&self.facts, known, entry.at);
        }
        self.project(event, number, projected)
    }

    /// Keeps findings from now on, up to date with every entry.
    pub(crate) fn go_live(&mut self, now: Timestamp) {
        self.is_live = true;
        self.scans = Some(Scans::of(&self.facts, &self.state, now));
        self.evaluate(now);
    }

    /// Whether findings are kept.
    pub(crate) fn is_live(&self) -> bool {
        self.is_live
    }

    fn evaluate(&mut self, now: Timestamp) {
        if let Some(policy) = self.facts.policy().filter(|_| self.is_live) {
            let question = Question { policy, decisions: self.state.decisions_at(now), at: None };
            self.findings = Some(Findings::evaluate(&self.facts, question));
        }
    }

    /// Whether the decisions that hold at an instant are the ones that the findings were made with.
    pub(crate) fn is_decided(&self, now: Timestamp) -> bool {
        self.findings.as_ref().is_none_or(|findings| findings.decisions() == self.state.decisions_at(now))
    }

    /// Puts the decisions in force that hold at an instant.
    pub(crate) fn decide(&mut self, now: Timestamp) {
        if let Some(findings) = &mut self.findings {
            findings.decide(&self.facts, self.state.decisions_at(now));
        }
    }

    fn project(&self, event: &Event, number: u64, projected: &mut Projected) -> Result<(), Error> {
        let state = &self.state;
        match event {
            Event::AssetRegistered { asset, .. }
            | Event::AssetChanged { asset, .. }
            | Event::AssetRetired { asset, .. }
            | Event::InventoryTaken { asset, .. }
            | Event::AssetScanned { asset, .. }
            | Event::ScanMissed { asset, .. }
            | Event::AgentRevoked { asset, .. } => {
                noun(projected, &ASSETS, (asset.as_str(), number), state.assets.get(asset))
            }
            Event::AgentEnrolled { asset, token, .. } => {
                noun(projected, &TOKENS, (token.as_str(), number), state.tokens.get(token))?;
                noun(projected, &ASSETS, (asset.as_str(), number), state.assets.get(asset))
            }
            // Whether somebody signs in this way is no affair of what follows from the ledger.
            Event::CredentialChanged { .. } => Ok(()),
            Event::RolesGiven { person, .. } | Event::PersonErased { person } => {
                noun(projected, &PEOPLE, (person.as_str(), number), state.people.get(person))
            }
            Event::TokenIssued { token, .. } | Event::TokenRevoked { token } => {
                noun(projected, &TOKENS, (token.as_str(), number), state.tokens.get(token))
            }
            Event::FeedUpdated { feed, .. } => noun(projected, &FEEDS, (feed.as_str(), number), state.feeds.get(feed)),
            Event::AdvisoriesJudged { .. } => noun(projected, &IN_FORCE, (INDEX, number), state.index.as_ref()),
            Event::PolicyAdopted { .. } => noun(projected, &IN_FORCE, (POLICY, number), state.policy.as_ref()),
            Event::DecisionRequested { decision, .. }
            | Event::DecisionApproved { decision, .. }
            | Event::DecisionDeclined { decision }
            | Event::DecisionRevoked { decision } => {
                noun(projected, &DECISIONS, (decision.as_str(), number), state.decisions.get(decision))
            }
        }
    }

    /// Reads what the tables hold, and the facts from the ledger, from where a snapshot ends if there is one; and says how many
    /// entries were read for them.
    pub(crate) async fn load(
        (on, blobs): (&impl ConnectionTrait, &Blobs),
        entries: u64,
        snapshot: Option<(&Path, &[Verifier])>,
        mut progress: impl FnMut(u64),
    ) -> Result<(Self, u64), Error> {
        let reading = snapshot.map(|(path, trusted)| {
            let (path, trusted) = (path.to_owned(), trusted.to_vec());
            tokio::task::spawn_blocking(move || snapshot::read(&path, &trusted))
        });
        let mut in_force = nouns::<serde_json::Value>(on, &IN_FORCE).await?;
        let mut take = |id: &str| in_force.remove(id).unwrap_or(serde_json::Value::Null);
        let state = State {
            entries,
            assets: ids(nouns(on, &ASSETS).await?)?,
            people: ids(nouns(on, &PEOPLE).await?)?,
            tokens: ids(nouns(on, &TOKENS).await?)?,
            feeds: ids(nouns(on, &FEEDS).await?)?,
            decisions: ids(nouns(on, &DECISIONS).await?)?,
            policy: serde_json::from_value(take(POLICY))?,
            index: serde_json::from_value(take(INDEX))?,
            key_changes: serde_json::from_value::<Option<Vec<u64>>>(take(KEYS))?.unwrap_or_default(),
        };
        let kept = match reading {
            Some(reading) => reading.await.ok().flatten(),
            None => None,
        };
        let (mut facts, mut from) = (Facts::default(), 0);
        if let Some(kept) = kept
            && kept.mark.is_of(on, entries).await?
        {
            (facts, from) = (kept.facts, kept.mark.entries);
        }
        let followed = entries - from;
        while from < entries {
            let until = Ord::min(entries, from + PART);
            follow_facts((on, blobs), (from, until), &mut facts).await?;
            progress(until);
            from = until;
        }
        Ok((Self { state, facts, ..Self::default() }, followed))
    }
}

/// How many entries are read at once.
const PART: u64 = 2048;
/// The kind of the commonest entries, which tell no facts: they are not read any further.
const SCANNED: &str = "asset/scanned";
/// The ids of what there is one of.
const POLICY: &str = "policy";
const INDEX: &str = "index";
const KEYS: &str = "keys";

/// Takes the facts in that entries of the ledger tell.
async fn follow_facts(
    (on, blobs): (&impl ConnectionTrait, &Blobs),
    (from, until): (u64, u64),
    facts: &mut Facts,
) -> Result<(), Error> {
    let mut events = Vec::new();
    for (number, bytes) in (from..).zip(log::entries(on, (from, until)).await?) {
        let entry = Entry::parse(&bytes)?;
        if entry.kind != KeyChange::KIND && entry.kind != SCANNED {
            events.push((number, entry.at, Event::from_entry(number, &entry)?));
        }
    }
    let digests: Vec<&str> = events.iter().filter_map(|(_, _, event)| event.document()).collect();
    let documents = documents((on, blobs), &digests).await?;
    for (number, at, event) in events.iter().filter(|(.., event)| concerns_facts(event)) {
        let document = event.document().and_then(|digest| documents.get(digest)).map(Vec::as_slice);
        facts.apply(event, *at, document).map_err(|source| Error::Facts { number: *number, source })?;
    }
    Ok(())
}

/// Documents by their digests; those that are not there are left out.
pub(crate) async fn documents(
    (on, blobs): (&impl ConnectionTrait, &Blobs),
    digests: &[&str],
) -> Result<HashMap<String, Vec<u8>>, Error> {
    let mut found = HashMap::new();
    for part in digests.chunks(500) {
        let mut statement = database::select(&DOCUMENTS);
        statement.and_where(Expr::col(Alias::new("digest")).is_in(part.iter().copied()));
        for row in database::rows(on, &DOCUMENTS, &statement).await? {
            let row = document::fetched(row, blobs).await?;
            found.insert(row[0].text().to_owned(), document::unpack(&row)?);
        }
    }
    Ok(found)
}

/// Whether the fleet's facts follow from an event.
fn concerns_facts(event: &Event) -> bool {
    matches!(
        event,
        Event::AssetRegistered { .. }
            | Event::AssetChanged { .. }
            | Event::AssetRetired { .. }
            | Event::InventoryTaken { .. }
            | Event::AdvisoriesJudged { .. }
            | Event::PolicyAdopted { .. }
    )
}

/// Whether other decisions may hold after an event.
fn concerns_decisions(event: &Event) -> bool {
    matches!(event, Event::DecisionApproved { .. } | Event::DecisionRevoked { .. })
}

fn put(projected: &mut Projected, table: &Table, row: Row) {
    projected.entry(table.name).or_default().insert(row[0].clone(), row);
}

fn noun(
    projected: &mut Projected,
    table: &Table,
    (id, number): (&str, u64),
    body: Option<&impl Serialize>,
) -> Result<(), Error> {
    // INVARIANT: an event was applied before, so that what it speaks of is there.
    if let Some(body) = body {
        put(projected, table, vec![Cell::from(id), number.into(), Cell::Text(serde_json::to_string(body)?)]);
    }
    Ok(())
}

async fn nouns<T: DeserializeOwned>(on: &impl ConnectionTrait, table: &Table) -> Result<BTreeMap<String, T>, Error> {
    let mut found = BTreeMap::new();
    database::each_row(on, table, |row| {
        let damaged = |error: serde_json::Error| Error::Damaged {
            place: format!("table `{}`, row `{}`", table.name, row[0].text()),
            what: error.to_string(),
        };
        found.insert(row[0].text().to_owned(), serde_json::from_str(row[2].text()).map_err(damaged)?);
        Ok(())
    })
    .await?;
    Ok(found)
}

fn ids<I: Ord + TryFrom<String, Error = lifecycle::Refusal>, T>(
    found: BTreeMap<String, T>,
) -> Result<BTreeMap<I, T>, Error> {
    let typed = found.into_iter().map(|(id, body)| Ok((I::try_from(id)?, body)));
    typed.collect::<Result<_, lifecycle::Refusal>>().map_err(Error::Refused)
}
