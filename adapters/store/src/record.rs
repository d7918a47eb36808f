//! The record in memory: what follows from the ledger, and the rows that it is kept in.

use crate::blobs::Blobs;
use crate::database;
use crate::document;
use crate::error::Error;
use crate::log;
use crate::put;
use crate::rollouts;
use crate::snapshot;
use crate::tables::{
    ASSETS, CAMPAIGNS, CHANGE_STEPS, CHANGES, Cell, DECISIONS, DOCUMENTS, EXCUSED, FEEDS, GROUPS, IN_FORCE, MISSED,
    PEOPLE, REGISTER, Row, TOKENS, Table, VERSIONS, VIOLATIONS,
};
use fleet::{Facts, Findings, Question, Scans};
use jiff::Timestamp;
use ledger::{Entry, KeyChange, Verifier};
use lifecycle::{ChangeId, DocumentId, Event, PersonId, Rolled, State};
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
    /// The rollouts of changes that are not over, or can be taken back still.
    pub rollouts: BTreeMap<ChangeId, Rolled>,
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
        if let Event::Change { change, what } = event {
            self.roll((change, what), entry, document)?;
            put_row(projected, &CHANGE_STEPS, rollouts::row((change, what), entry, number)?);
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
            | Event::AssetAttested { asset, .. }
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
            Event::PolicyAdopted { .. } => {
                noun(projected, &IN_FORCE, (POLICY, number), state.policy.as_ref())?;
                noun(projected, &IN_FORCE, (COURSES, number), Some(&state.asked_since))?;
                self.project_document(&DocumentId::policy(), number, projected)
            }
            Event::DecisionRequested { decision, .. }
            | Event::DecisionApproved { decision, .. }
            | Event::DecisionDeclined { decision }
            | Event::DecisionReviewed { decision, .. }
            | Event::DecisionRevoked { decision } => {
                noun(projected, &DECISIONS, (decision.as_str(), number), state.decisions.get(decision))
            }
            Event::Change { change, .. } => {
                noun(projected, &CHANGES, (change.as_str(), number), state.changes.get(change))
            }
            governing => self.project_governing(governing, number, projected),
        }
    }

    fn project_document(&self, document: &DocumentId, number: u64, projected: &mut Projected) -> Result<(), Error> {
        noun(projected, &REGISTER, (document.as_str(), number), self.state.documents.get(document))
    }

    fn project_governing(&self, event: &Event, number: u64, projected: &mut Projected) -> Result<(), Error> {
        let state = &self.state;
        let person = |projected: &mut Projected, person: &PersonId| {
            noun(projected, &PEOPLE, (person.as_str(), number), state.people.get(person))
        };
        match event {
            Event::DocumentDescribed { document, .. }
            | Event::DocumentRetired { document, .. }
            | Event::DocumentReviewed { document, .. }
            | Event::ReviewCalled { document, .. } => self.project_document(document, number, projected),
            Event::VersionDrafted { version, .. }
            | Event::VersionRevised { version, .. }
            | Event::VersionSubmitted { version, .. }
            | Event::VersionNoted { version, .. }
            | Event::VersionWithdrawn { version }
            | Event::VersionPublished { version, .. } => {
                let known = state.versions.get(version);
                noun(projected, &VERSIONS, (version.as_str(), number), known)?;
                let is_put = matches!(event, Event::VersionPublished { .. } | Event::VersionWithdrawn { .. });
                let document = known.map(|known| &known.draft.document).filter(|_| is_put);
                document.map_or(Ok(()), |document| self.project_document(document, number, projected))
            }
            Event::GroupChanged { group, .. } | Event::GroupRemoved { group } => {
                noun(projected, &GROUPS, (group.as_str(), number), state.groups.get(group))
            }
            Event::CampaignOpened { campaign, .. } | Event::CampaignClosed { campaign } => {
                noun(projected, &CAMPAIGNS, (campaign.as_str(), number), state.campaigns.get(campaign))
            }
            Event::Acknowledged { person: who, .. } => person(projected, who),
            Event::TrainingCompleted(completion) => person(projected, &completion.person),
            Event::DutyMissed { duty, .. } => noun(projected, &MISSED, (duty, number), state.missed.get(duty)),
            Event::DutyExcused { duty, .. } => noun(projected, &EXCUSED, (duty, number), state.excused.get(duty)),
            Event::ViolationOpened(opened) => {
                noun(projected, &VIOLATIONS, (&opened.id, number), state.violations.get(&opened.id))
            }
            Event::ViolationAnswered { violation, .. } => {
                noun(projected, &VIOLATIONS, (violation, number), state.violations.get(violation))
            }
            Event::ViolationsTold { .. } => noun(projected, &IN_FORCE, (TOLD, number), state.told_until.as_ref()),
            // INVARIANT: every other event was projected before.
            _ => Ok(()),
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
        let mut state = State {
            entries,
            assets: ids(nouns(on, &ASSETS).await?)?,
            people: ids(nouns(on, &PEOPLE).await?)?,
            tokens: ids(nouns(on, &TOKENS).await?)?,
            feeds: ids(nouns(on, &FEEDS).await?)?,
            decisions: ids(nouns(on, &DECISIONS).await?)?,
            policy: serde_json::from_value(take(POLICY))?,
            index: serde_json::from_value(take(INDEX))?,
            asked_since: serde_json::from_value::<Option<_>>(take(COURSES))?.unwrap_or_default(),
            documents: ids(nouns(on, &REGISTER).await?)?,
            versions: ids(nouns(on, &VERSIONS).await?)?,
            groups: ids(nouns(on, &GROUPS).await?)?,
            campaigns: ids(nouns(on, &CAMPAIGNS).await?)?,
            missed: nouns(on, &MISSED).await?,
            excused: nouns(on, &EXCUSED).await?,
            violations: nouns(on, &VIOLATIONS).await?.into_iter().collect(),
            told_until: serde_json::from_value(take(TOLD))?,
            key_changes: serde_json::from_value::<Option<Vec<u64>>>(take(KEYS))?.unwrap_or_default(),
            changes: ids(nouns(on, &CHANGES).await?)?,
            came: BTreeMap::new(),
        };
        let rollouts = rollouts::load((on, blobs), &mut state).await?;
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
        Ok((Self { state, facts, rollouts, ..Self::default() }, followed))
    }
}

/// How many entries are read at once.
const PART: u64 = 2048;
/// The kind of the commonest entries, which tell no facts: they are not read any further.
const SCANNED: &str = "asset/scanned";
/// The ids of what there is one of.
const POLICY: &str = "policy";
const INDEX: &str = "index";
const COURSES: &str = "courses";
const KEYS: &str = "keys";
const TOLD: &str = "told";

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
            let event = Event::from_entry(number, &entry)?;
            // Documents of others are not fetched: a log or a report that is lost is found by whoever asks for it.
            if concerns_facts(&event) {
                events.push((number, entry.at, event));
            }
        }
    }
    let digests: Vec<&str> = events.iter().filter_map(|(_, _, event)| event.document()).collect();
    let documents = documents((on, blobs), &digests).await?;
    for (number, at, event) in &events {
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

/// Makes the rows of documents and people anew from the ledger of a record that knew none of what follows for them.
pub(crate) async fn project_governance(on: &impl ConnectionTrait) -> Result<(), Error> {
    let kinds = ["person/roles-given", "person/erased", "policy/adopted"];
    project_anew(on, |kind| kinds.contains(&kind), &[PEOPLE, REGISTER, IN_FORCE]).await
}

/// The same of assets, people and groups, where more is known of them than was.
pub(crate) async fn project_more(on: &impl ConnectionTrait) -> Result<(), Error> {
    project_anew(on, |kind| kind != ledger::KeyChange::KIND, &[ASSETS, PEOPLE, GROUPS]).await
}

async fn project_anew(on: &impl ConnectionTrait, is_of: impl Fn(&str) -> bool, tables: &[Table]) -> Result<(), Error> {
    let (size, _) = log::head(on).await?;
    let (mut record, mut projected) = (Record::default(), Projected::new());
    let mut from = 0;
    while from < size {
        let until = Ord::min(size, from + PART);
        for (number, bytes) in (from..).zip(log::entries(on, (from, until)).await?) {
            let entry = Entry::parse(&bytes)?;
            if is_of(&entry.kind) {
                let event = Event::from_entry(number, &entry)?;
                record.state.follow(Some(&event), &entry)?;
                record.project(&event, number, &mut projected)?;
            }
        }
        from = until;
    }
    for (table, rows) in tables.iter().filter_map(|table| Some((table, projected.remove(table.name)?))) {
        let rows: Vec<Row> = rows.into_values().collect();
        put::upsert(on, table, rows).await?;
    }
    Ok(())
}

fn put_row(projected: &mut Projected, table: &Table, row: Row) {
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
        put_row(projected, table, vec![Cell::from(id), number.into(), Cell::Text(serde_json::to_string(body)?)]);
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

fn ids<I: Ord + TryFrom<String, Error = lifecycle::NoId>, T>(
    found: BTreeMap<String, T>,
) -> Result<BTreeMap<I, T>, Error> {
    let typed = found.into_iter().map(|(id, body)| Ok((I::try_from(id)?, body)));
    Ok(typed.collect::<Result<_, lifecycle::NoId>>()?)
}
