//! `plimsoll change drive`: a change is carried out on hosts without an agent, from this machine.

use super::{change_id, unknown};
use crate::arguments::ReachArguments;
use crate::commands::reach::Reach;
use crate::exit;
use crate::formats::count;
use crate::printable::printable;
use crate::progress::say;
use crate::record::Opened;
use anyhow::{Context, Result, bail};
use change::Stage;
use jiff::{SignedDuration, Timestamp};
use ledger::Signer;
use lifecycle::{ChangeId, PersonId};
use operations::{Advisories, Errant, OrderBook, Organisation, may_begin};
use protocol::{MOST_LOG_BYTES, OrderReport, Outcome};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinSet;

/// So long an order holds that is taken up again.
const TAKE_UP: SignedDuration = SignedDuration::from_mins(10);

/// What every host is driven with.
struct Driver {
    organisation: Organisation,
    person: PersonId,
    advisories: Option<Advisories>,
    signer: Signer,
    book: OrderBook,
    reach: Reach,
    is_quiet: bool,
}

/// Carries out what may begin, ring by ring, until nothing may any more.
pub(super) async fn drive(
    opened: &Opened,
    (change, takes_up): (&str, bool),
    arguments: &ReachArguments,
    (data, is_quiet): (&Path, bool),
) -> Result<u8> {
    let id = change_id(change)?;
    let driver = Arc::new(Driver {
        organisation: opened.organisation.clone(),
        person: opened.person.clone(),
        advisories: Advisories::current(data)?,
        signer: server::orders_signer(data)?,
        book: OrderBook::default(),
        reach: Reach::new(arguments)?,
        is_quiet,
    });
    let mut begun = if takes_up { driver.begun(&id).await? } else { Vec::new() };
    let (mut is_well, mut done) = (true, 0);
    // Each is asked once: who is not there does not hold the others up.
    let mut seen = BTreeSet::new();
    let mut working = JoinSet::new();
    loop {
        driver.organisation.follow_changes(Timestamp::now()).await?;
        begun.extend(driver.may_begin(&id).await?.into_iter().map(|errant| (errant, false)));
        for (errant, is_begun) in begun.drain(..) {
            if working.len() < arguments.at_once.into() && seen.insert(errant.asset.to_string()) {
                let driver = Arc::clone(&driver);
                working.spawn(async move {
                    let came = driver.one(&errant, is_begun).await;
                    (errant, came)
                });
            }
        }
        let Some(ended) = working.join_next().await else { break };
        let (errant, came) = ended?;
        match came {
            Ok(is_good) => {
                done += 1;
                is_well &= is_good;
            }
            Err(error) => {
                say(&format!("{}: {}", errant.asset, printable(&format!("{error:#}"))));
                is_well = false;
            }
        }
    }
    let stage = driver.organisation.store.record().await?.state.changes.get(&id).ok_or_else(|| unknown(&id))?.stage;
    if !matches!(stage, Stage::RollingOut | Stage::RollingBack) {
        say(&format!("Change `{id}` is {}: nothing of it begins.", stage.word()));
    }
    if !is_quiet {
        say(&format!("{} done. What waits is told by `plimsoll change show {id} --assets`.", count(done, "asset")));
    }
    Ok(if is_well { exit::WITHIN_POLICY } else { exit::POLICY_NOT_MET })
}

impl Driver {
    async fn may_begin(&self, id: &ChangeId) -> Result<Vec<Errant>> {
        let record = self.organisation.store.record().await?;
        let stage = record.state.changes.get(id).ok_or_else(|| unknown(id))?.stage;
        if !matches!(stage, Stage::RollingOut | Stage::RollingBack) {
            return Ok(Vec::new());
        }
        Ok(may_begin(&record, &|change, _| change == id, Timestamp::now()))
    }

    /// What has begun already, by whomever: it is gone on with where it was cut short.
    async fn begun(&self, id: &ChangeId) -> Result<Vec<(Errant, bool)>> {
        let record = self.organisation.store.record().await?;
        let Some(rolled) = record.rollouts.get(id) else { return Ok(Vec::new()) };
        let members = rolled.rollout.plan().members();
        let assets = members.filter_map(|(_, member)| lifecycle::AssetId::new(member.asset.as_str()).ok());
        let begun = assets.filter_map(|asset| operations::begun(&record, &asset));
        Ok(begun.filter(|errant| errant.change == *id).map(|errant| (errant, true)).collect())
    }

    /// One asset from its beginning to what an inventory shows; whether that is good.
    async fn one(&self, errant: &Errant, is_begun: bool) -> Result<bool> {
        let Errant { asset, errand, .. } = errant;
        self.reach.put(asset).await.context("not reached, and not begun")?;
        if !is_begun && !self.organisation.begin(&self.person, errant, Timestamp::now()).await? {
            return Ok(true);
        }
        self.note(&format!("{asset}: {}.", errand.words()));
        let mut order = self.book.order_of(&*self.organisation.store.record().await?, errant)?;
        if is_begun {
            // Whoever takes it up says that it is time for it still.
            order.expires_at = order.expires_at.max(Timestamp::now() + TAKE_UP);
        }
        let note = order.sign(&self.signer)?;
        let key = self.signer.verifier().to_string();
        let words = ["carry-out", "--key", &key, "--else-allow", "upgrade", "--else-allow", "roll-back"];
        let words = words.map(str::to_owned).to_vec();
        let said = self.reach.run(asset, words, Some(note)).await.context("it is not known what came of it")?;
        let outcome: Outcome = serde_json::from_str(&said).context("what came of it cannot be understood")?;
        if outcome.came.is_some_and(|came| !came.is_of_agents()) {
            bail!("it says what only an inventory can: that is not believed");
        }
        let came = outcome.came.map_or("rolled back", change::Came::word);
        let is_good = matches!(outcome.came, None | Some(change::Came::Installed));
        if is_good {
            let words = outcome.words.as_str();
            self.note(&format!("{asset}: {came}{}{}", if words.is_empty() { "" } else { ": " }, printable(words)));
        } else {
            say(&format!("{asset}: {came}: {}", printable(&outcome.words)));
        }
        let Outcome { came, words, mut log, .. } = outcome;
        log.truncate(log.floor_char_boundary(MOST_LOG_BYTES));
        let report = OrderReport { change: errant.change.clone(), begun_at: order.begun_at, came, words, log };
        self.organisation.reported(&self.person, asset, report, Timestamp::now()).await?;
        let (observed, taken_at) = self.reach.look(asset).await?;
        let now = (self.advisories.as_ref(), Timestamp::now());
        self.organisation.push(&self.person, asset.clone(), (observed, taken_at), now).await?;
        Ok(is_good)
    }

    fn note(&self, words: &str) {
        if !self.is_quiet {
            say(words);
        }
    }
}
