//! Changes of 10,000 hosts: planning, and orders to as many agents with all that is recorded of them.

use super::Row;
use anyhow::{Context, Result, bail};
use change::{Came, Happening, Wanted};
use fleet::{Offer, Thing};
use jiff::{SignedDuration, Timestamp};
use ledger::{KeyKind, Signer};
use lifecycle::{AGENT, AssetId, Attributes, ChangeId, Command, PersonId};
use operations::{Errant, Observed, OrderBook, Organisation, Scope, may_begin};
use policy::promises::ChangeType;
use protocol::{AssetOrder, OrderReport};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;
use store::{Options, Plan, Store};
use tokio::task::JoinSet;

const HOSTS: usize = 10_000;
/// So many agents speak at the same time.
const AT_ONCE: usize = 256;

pub(super) fn thing(version: &str, offer: Option<&str>) -> Thing {
    Thing {
        kind: "deb".to_owned(),
        ecosystem: "Debian:12".to_owned(),
        name: "openssl".to_owned(),
        version: version.to_owned(),
        architecture: "amd64".to_owned(),
        offer: offer.map(|to| {
            Box::new(Offer { version: to.to_owned(), suite: "bookworm-security".to_owned(), ..Offer::default() })
        }),
        ..Thing::default()
    }
}

pub(super) fn observed(things: Vec<Thing>) -> Result<Observed> {
    Ok(Observed::new(things, "Debian 12".to_owned(), Vec::new(), 0)?)
}

/// Hosts that miss an update.
async fn prepare(organisation: &Organisation, person: &PersonId) -> Result<()> {
    let now = Timestamp::now() - SignedDuration::from_hours(24);
    let preset = policy::PRESETS.iter().find(|preset| preset.id == "baseline").context("a policy")?;
    organisation.found(person, (preset.id, preset.text), now).await?;
    let missing = observed(vec![thing("1", None), thing("1", Some("2"))])?;
    let ids: Vec<AssetId> = (0..HOSTS).map(|host| AssetId::new(format!("host-{host}"))).collect::<Result<_, _>>()?;
    for group in ids.chunks(500) {
        let commands = group.iter().map(|id| Command::RegisterAsset(id.clone(), Attributes::default())).collect();
        organisation.store.commit(person, now, move |_| Ok(Plan { commands, ..Plan::default() })).await?;
        let mut pushed = Vec::new();
        for id in group {
            pushed.push(organisation.submit(person, id.clone(), (missing.clone(), now), (None, now)).await?);
        }
        for one in pushed {
            organisation.taken(one).await?;
        }
    }
    Ok(())
}

/// What every agent is given and says.
pub(super) struct Fleet {
    organisation: Organisation,
    book: OrderBook,
    signer: Signer,
    after: Observed,
    /// How much later it is than by the clock, in hours: the canaries are watched for a day.
    ahead: AtomicI64,
}

impl Fleet {
    /// One that lives so many hours later than the clock says.
    pub(super) fn new(organisation: Organisation, ahead: i64) -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            organisation,
            book: OrderBook::default(),
            signer: Signer::from_seed("plimsoll/orders/bench", KeyKind::Note, &[4; 32])?,
            after: observed(vec![thing("2", None)])?,
            ahead: AtomicI64::new(ahead),
        }))
    }

    fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_hours(self.ahead.load(Ordering::Relaxed))
    }

    /// An agent: it has begun, gets its order, believes it, says that it is done, and shows it.
    async fn one(&self, errant: Errant) -> Result<()> {
        let by = PersonId::new(format!("{AGENT}{}", errant.asset))?;
        if !self.organisation.begin(&by, &errant, self.now()).await? {
            return Ok(());
        }
        let order = self.book.order_of(&*self.organisation.store.record().await?, &errant)?;
        let note = order.sign(&self.signer)?;
        let order = AssetOrder::open(&note, &[self.signer.verifier()], &[])?;
        let (change, begun_at) = (errant.change.clone(), order.begun_at);
        let report =
            OrderReport { change, begun_at, came: Some(Came::Installed), words: String::new(), log: "done".to_owned() };
        self.organisation.reported(&by, &errant.asset, report, self.now()).await?;
        let now = self.now();
        self.organisation.push(&by, errant.asset.clone(), (self.after.clone(), now), (None, now)).await?;
        self.organisation.follow_asset(&errant.asset, self.now()).await?;
        Ok(())
    }

    /// All that may begin, until nothing may any more.
    pub(super) async fn roll(self: &Arc<Self>) -> Result<()> {
        loop {
            let found = may_begin(&*self.organisation.store.record().await?, &|_, _| true, self.now());
            if found.is_empty() {
                return Ok(());
            }
            let mut speaking = JoinSet::new();
            for errant in found {
                if speaking.len() >= AT_ONCE
                    && let Some(done) = speaking.join_next().await
                {
                    done??;
                }
                let fleet = Arc::clone(self);
                speaking.spawn(async move { fleet.one(errant).await });
            }
            while let Some(done) = speaking.join_next().await {
                done??;
            }
        }
    }
}

/// Measures them on SQLite.
pub(super) fn run(work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(measure(work, rows))
}

async fn measure(work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let folder = work.join("changes");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let url = folder.join("record.sqlite").display().to_string();
    let signer = Signer::from_seed("example.com/bench", KeyKind::Note, &[3; 32])?;
    let organisation = Organisation::new(Store::open(Options::new(&url, signer), |_| {}).await?);
    let person = PersonId::new("bench")?;
    prepare(&organisation, &person).await?;
    let id = ChangeId::new("bench")?;
    let start = Instant::now();
    let now = Timestamp::now();
    let missing = organisation.view(None, now, |view| view.candidates(&Scope::default())).await?;
    let wanted = Wanted {
        kind: ChangeType::Normal,
        title: "bench".to_owned(),
        way_back: String::new(),
        until: now + SignedDuration::from_hours(24 * 30),
        left_out: Vec::new(),
        precedence: Vec::new(),
        health: std::collections::BTreeSet::new(),
        trigger: None,
    };
    let planned = organisation.plan_change(&person, id.clone(), (&missing.candidates, wanted), now).await?;
    let taken = start.elapsed().as_secs_f64();
    if planned.1.assets() != HOSTS {
        bail!("{} hosts are planned", planned.1.assets());
    }
    let what = format!("a change of {HOSTS} hosts is planned, from what they miss to its entry (SQLite)");
    rows.push(Row::plain(what, format!("{taken:.2} s"), "1 s", taken > 1.0));
    let fleet = Fleet::new(organisation.clone(), 0)?;
    organisation.act(&person, Timestamp::now(), Command::Change(id.clone(), Happening::Started {})).await?;
    organisation.follow_changes(Timestamp::now()).await?;
    let start = Instant::now();
    fleet.roll().await?;
    // The day in which the canaries are watched is over.
    fleet.ahead.store(25, Ordering::Relaxed);
    fleet.roll().await?;
    let taken = start.elapsed().as_secs_f64();
    let verified = {
        let record = organisation.store.record().await?;
        let known = record.state.changes.get(&id).context("the change")?;
        known.came.get(&Came::Verified).copied().unwrap_or_default()
    };
    if verified != HOSTS as u64 {
        bail!("{verified} of {HOSTS} hosts are verified");
    }
    let what = format!(
        "orders to {HOSTS} agents: begun, signed, believed, told with a log, shown and verified, each in the ledger (SQLite, without the network)"
    );
    rows.push(Row::plain(what, format!("{taken:.1} s"), "30 s", taken > 30.0));
    Ok(())
}
