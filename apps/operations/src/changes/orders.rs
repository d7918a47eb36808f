//! Orders to agents: who may begin now, what has begun, and what came of it.

use crate::error::Error;
use crate::organisation::Organisation;
use change::{Came, Happening, Place, RolloutEvent, Stage};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{AssetId, ChangeId, Command, PersonId, Refusal};
use protocol::{AssetOrder, Errand, OrderReport, PlanTree, Slip, SlipProof};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use store::{Record, digest};

/// An order that was not begun by then never is: whoever asks for one waits for it.
const EXPIRES_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// So many signed plans are kept as trees.
const MOST_TREES: usize = 16;

/// Something that an asset may begin, or has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errant {
    /// The change.
    pub change: ChangeId,
    /// The asset.
    pub asset: AssetId,
    /// What it is to do.
    pub errand: Errand,
}

/// What may be begun now by those that are asked for, by change and asset: as many of them as may at once, none of them twice.
#[must_use]
pub fn may_begin(record: &Record, is_asked: &dyn Fn(&ChangeId, &str) -> bool, now: Timestamp) -> Vec<Errant> {
    let (mut found, mut taken) = (Vec::new(), BTreeSet::new());
    for (id, rolled) in &record.rollouts {
        let errand = match record.state.changes.get(id).map(|known| known.stage) {
            Some(Stage::RollingOut) => Errand::Upgrade,
            Some(Stage::RollingBack) => Errand::RollBack,
            _ => continue,
        };
        // What one begins another one may no more: that is seen ahead.
        let mut ahead = None;
        for (number, (_, member)) in rolled.rollout.plan().members().enumerate() {
            if !is_asked(id, &member.asset) || taken.contains(&member.asset) {
                continue;
            }
            let rollout = ahead.as_ref().unwrap_or(&rolled.rollout);
            let is_let = match errand {
                Errand::Upgrade => rollout.may_begin(number, now).is_ok(),
                Errand::RollBack => rollout.may_go_back(number).is_ok(),
            };
            if !is_let {
                continue;
            }
            let Ok(asset) = AssetId::new(member.asset.as_str()) else { continue };
            if !record.state.may_be_changed(&asset, id) {
                continue;
            }
            let event = match errand {
                Errand::Upgrade => RolloutEvent::Begun(number),
                Errand::RollBack => RolloutEvent::RollingBack(number),
            };
            ahead.get_or_insert_with(|| rolled.rollout.clone()).apply(&event, now);
            taken.insert(member.asset.clone());
            found.push(Errant { change: id.clone(), asset, errand });
        }
    }
    found
}

/// What an asset has begun and is not through with.
#[must_use]
pub fn begun(record: &Record, asset: &AssetId) -> Option<Errant> {
    record.rollouts.iter().find_map(|(id, rolled)| {
        let stage = record.state.changes.get(id)?.stage;
        let errand = match (rolled.rollout.place(rolled.number(asset)?)?, stage) {
            (Place::Begun, Stage::RollingOut) => Errand::Upgrade,
            (Place::RollingBack, Stage::RollingBack) => Errand::RollBack,
            // What was begun and is held, ended or to be taken back is given to nobody who has not got it.
            _ => return None,
        };
        Some(Errant { change: id.clone(), asset: asset.clone(), errand })
    })
}

/// Makes orders of what assets have begun; what a signed plan takes for that is kept.
#[derive(Default)]
pub struct OrderBook(Mutex<HashMap<ChangeId, Arc<Mutex<PlanTree>>>>);

impl OrderBook {
    /// The order for what an asset has begun, with the proof that it is part of a signed plan where that was signed.
    ///
    /// # Errors
    /// If it has begun nothing of the kind.
    pub fn order_of(&self, record: &Record, errant: &Errant) -> Result<AssetOrder, Error> {
        let Errant { change, asset, errand } = errant;
        let unknown = || Refusal::Unknown { what: "asset in this change", id: asset.to_string() };
        let rolled = record.rollouts.get(change).ok_or_else(unknown)?;
        let number = rolled.number(asset).ok_or_else(unknown)?;
        let begun_at = rolled.rollout.began_at(number).ok_or_else(unknown)?;
        let known = record.state.changes.get(change).ok_or_else(unknown)?;
        let plan = rolled.rollout.plan();
        let (_, member) = plan.members().nth(number).ok_or_else(unknown)?;
        let made = || {
            let slip = Slip::of(change, (plan, &known.planned.plan), member)?;
            let signed = known.signed.as_ref();
            let proof = signed.map(|note| self.prove((plan, number), &slip, note)).transpose()?;
            let expires_at = begun_at.checked_add(EXPIRES_AFTER).unwrap_or(Timestamp::MAX);
            Ok(AssetOrder { errand: *errand, slip, begun_at, expires_at, proof })
        };
        made().map_err(|source| Error::Order { source })
    }

    fn prove(
        &self,
        (plan, number): (&change::Plan, usize),
        slip: &Slip,
        note: &str,
    ) -> Result<SlipProof, protocol::Error> {
        let known = self.0.lock().ok().and_then(|trees| trees.get(&slip.change).cloned());
        let tree = match known {
            Some(tree) => tree,
            None => {
                let tree = Arc::new(Mutex::new(PlanTree::new(&slip.change, plan, &slip.plan)?));
                if let Ok(mut trees) = self.0.lock() {
                    // Those of changes that are over are made again if ever they are asked for.
                    if trees.len() >= MOST_TREES {
                        trees.clear();
                    }
                    trees.insert(slip.change.clone(), Arc::clone(&tree));
                }
                tree
            }
        };
        let poisoned = protocol::Error::Order { what: "its proof was not made to its end" };
        let mut tree = tree.lock().map_err(|_| poisoned)?;
        tree.prove(number as u64, note)
    }
}

impl Organisation {
    /// Says that an asset begins; `false` if it may not any more.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub async fn begin(&self, by: &PersonId, errant: &Errant, now: Timestamp) -> Result<bool, Error> {
        let came = match errant.errand {
            Errand::Upgrade => Came::Begun,
            Errand::RollBack => Came::RollingBack,
        };
        let what = Happening::Asset { asset: errant.asset.clone(), came, words: String::new(), log: None };
        let command = Command::Change(errant.change.clone(), what);
        Ok(self.unless_refused(by, now, command).await?.is_some())
    }

    /// Takes in what came of an order, with its log; `false` if that is of another order than the last, or known.
    ///
    /// # Errors
    /// If the rules refuse it, or it cannot be kept.
    pub async fn reported(
        &self,
        by: &PersonId,
        asset: &AssetId,
        report: OrderReport,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let Some(came) = report.came else { return Ok(false) };
        {
            let record = self.store.record().await?;
            let Some(rolled) = record.rollouts.get(&report.change) else { return Ok(false) };
            let Some(number) = rolled.number(asset) else { return Ok(false) };
            let is_last = rolled.rollout.began_at(number) == Some(report.begun_at);
            // Only what is open can come further by what an agent says; that it failed counts whatever was seen meanwhile.
            let is_open = match rolled.rollout.place(number) {
                Some(Place::Begun | Place::Silent | Place::RollingBack) => true,
                Some(Place::Installed | Place::RestartPending | Place::Verified) => {
                    matches!(came, Came::Failed | Came::Broken)
                }
                _ => false,
            };
            if !is_last || !is_open {
                return Ok(false);
            }
        }
        // It is shown to people, and on terminals.
        let is_plain = |sign: &char| !sign.is_control() || matches!(sign, '\n' | '\t');
        let log: String = report.log.chars().filter(is_plain).collect();
        let documents: Vec<Vec<u8>> = Some(log.into_bytes()).filter(|log| !log.is_empty()).into_iter().collect();
        let log = documents.first().map(|log| digest(log));
        let what = Happening::Asset { asset: asset.clone(), came, words: report.words, log };
        let commands = vec![Command::Change(report.change, what)];
        let plan = store::Plan { commands, documents, ..store::Plan::default() };
        self.store.commit(by, now, move |_| Ok(plan)).await?;
        Ok(true)
    }

    /// Takes in that a plan was signed by a key that is kept away from the server: which one is for those to judge who carry it out.
    ///
    /// # Errors
    /// If what was signed is another plan, or it cannot be kept.
    pub async fn sign_change(&self, by: &PersonId, id: &ChangeId, note: String, now: Timestamp) -> Result<(), Error> {
        {
            let record = self.store.record().await?;
            let known = record.state.changes.get(id);
            let known = known.ok_or_else(|| Refusal::Unknown { what: "change", id: id.to_string() })?;
            let rolled = record.rollouts.get(id);
            let rolled = rolled.ok_or(Refusal::State { found: known.stage.word(), wanted: "not over" })?;
            let tree = PlanTree::new(id, rolled.rollout.plan(), &known.planned.plan);
            tree.and_then(|tree| tree.check(&note)).map_err(|source| Error::Order { source })?;
        }
        self.act(by, now, Command::Change(id.clone(), Happening::Signed { note })).await.map(|_| ())
    }
}
