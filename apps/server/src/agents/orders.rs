//! Orders to agents: they ask and wait; what may begin is said in the record first, then signed and sent.

use super::agent_person;
use super::authority::AgentName;
use crate::app::App;
use crate::error::Error;
use crate::problem::{Answer, Problem};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use change::{Came, Happening, Place, Stage};
use jiff::Timestamp;
use ledger::{KeyKind, Signer};
use lifecycle::{AssetId, ChangeId};
use operations::{AssetStanding, Errant, OrderBook, may_begin};
use protocol::{AskOrder, OrderReport, Ordered};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

/// The longest that an agent is let wait.
const LONGEST: Duration = Duration::from_secs(60);
/// How often is looked at what may begin, as long as somebody waits.
const LOOK: Duration = Duration::from_millis(250);

/// Agents that wait, and what those who carry something out have said last; it is no part of the record.
pub(crate) struct Orders {
    signer: Signer,
    waiting: Mutex<HashMap<String, Waiting>>,
    steps: Mutex<HashMap<String, Told>>,
    book: OrderBook,
    asked: Notify,
}

/// An agent that waits.
struct Waiting {
    sender: oneshot::Sender<Errant>,
    /// For how long its host's own windows are open still, in minutes, if it has any.
    room: Option<i64>,
}

/// What an agent has said of an order that it carries out.
#[derive(Debug, Clone)]
struct Told {
    change: ChangeId,
    at: Timestamp,
    step: String,
}

impl Orders {
    /// Nobody waits, and nothing was said.
    pub(crate) fn open(data: &Path) -> Result<Self, Error> {
        Ok(Self {
            signer: orders_signer(data)?,
            waiting: Mutex::default(),
            steps: Mutex::default(),
            book: OrderBook::default(),
            asked: Notify::new(),
        })
    }

    /// The key by which agents know orders.
    pub(crate) fn key(&self) -> String {
        self.signer.verifier().to_string()
    }

    /// What the agent of an asset that is at it has said last of what it carries out for a change.
    pub(crate) fn step(&self, change: &ChangeId, standing: &AssetStanding) -> Option<String> {
        let is_at_it = standing.state == Place::Begun.word() || standing.state == Place::RollingBack.word();
        let steps = self.steps.lock().ok()?;
        let told = steps.get(standing.asset.as_str()).filter(|told| told.change == *change && is_at_it)?;
        standing.since.is_none_or(|since| told.at >= since).then(|| told.step.clone())
    }

    fn wait(&self, asset: &AssetId, room: Option<i64>) -> oneshot::Receiver<Errant> {
        let (send, receive) = oneshot::channel();
        if let Ok(mut waiting) = self.waiting.lock() {
            // One agent waits once: whoever waited before in its name is gone.
            waiting.insert(asset.to_string(), Waiting { sender: send, room });
        }
        self.asked.notify_one();
        receive
    }

    fn leave(&self, asset: &AssetId) {
        if let Ok(mut waiting) = self.waiting.lock()
            && waiting.get(asset.as_str()).is_some_and(|waits| waits.sender.is_closed())
        {
            waiting.remove(asset.as_str());
        }
    }
}

/// The key of a data directory that signs orders, made where there is none.
///
/// # Errors
/// If it cannot be read or made.
pub fn orders_signer(data: &Path) -> Result<Signer, Error> {
    let lock = super::authority::lock(data)?;
    let path = data.join("keys/orders.key");
    if !path.exists() {
        tracing::info!(path = %path.display(), "a key that signs orders is made; agents that knew another one enrol again");
        let name = format!("plimsoll/orders/{}", protocol::hexadecimal(&crate::app::random::<4>()?));
        let signer = Signer::from_seed(&name, KeyKind::Note, &crate::app::random::<32>()?)?;
        super::authority::write(&path, format!("{}\n", signer.secret_text()).as_bytes())?;
    }
    drop(lock);
    let text = std::fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    Ok(Signer::parse(&text)?)
}

/// An agent asks what it is to do, and waits for it.
pub(super) async fn ask(
    State(app): State<App>,
    Extension(name): Extension<AgentName>,
    Json(asked): Json<AskOrder>,
) -> Answer<Json<Ordered>> {
    let asset = name.asset;
    app.contacts.note(&asset, (app.now(), &asked.version));
    // What it has begun it is told again: the answer may be lost on the way.
    let begun = operations::begun(&*app.organisation.store.record().await?, &asset);
    let begun = match begun {
        Some(begun) if began_by_itself(&app, &begun).await? => Some(begun),
        // Others carry out what they were handed.
        _ => None,
    };
    let errant = match begun {
        Some(begun) => Some(begun),
        None => {
            let receive = app.orders.wait(&asset, asked.room_minutes);
            let wait = Duration::from_secs(asked.wait_seconds).clamp(LOOK * 3, LONGEST);
            let errant = tokio::time::timeout(wait, receive).await.ok().and_then(Result::ok);
            app.orders.leave(&asset);
            errant
        }
    };
    let Some(errant) = errant else { return Ok(Json(Ordered { order: None })) };
    let signed = {
        let record = app.organisation.store.record().await?;
        tokio::task::block_in_place(|| {
            let order = app.orders.book.order_of(&record, &errant)?;
            order.sign(&app.orders.signer).map_err(|source| operations::Error::Order { source })
        })?
    };
    tracing::info!(asset = %asset, change = %errant.change, errand = errant.errand.words(), "an order was sent");
    Ok(Json(Ordered { order: Some(signed) }))
}

/// Whether an asset's own agent has begun something, and not somebody by other means.
async fn began_by_itself(app: &App, begun: &Errant) -> Answer<bool> {
    let steps = app.organisation.change_steps(&begun.change).await?;
    let last = steps.iter().rev().find(|step| match &step.what {
        Happening::Asset { asset, came, .. } => {
            *asset == begun.asset && matches!(came, Came::Begun | Came::RollingBack)
        }
        _ => false,
    });
    let own = agent_person(&begun.asset)?;
    Ok(last.is_some_and(|step| step.by == own))
}

/// An agent says how far an order has come.
pub(super) async fn report(
    State(app): State<App>,
    Extension(name): Extension<AgentName>,
    body: Bytes,
) -> Answer<Json<serde_json::Value>> {
    let report: OrderReport = serde_json::from_slice(&body).map_err(|error| Problem::bad(error.to_string()))?;
    if report.log.len() > protocol::MOST_LOG_BYTES {
        let words = format!("its log has more than {} bytes", protocol::MOST_LOG_BYTES);
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "order/refused", words));
    }
    let now = app.now();
    if let Ok(mut steps) = app.orders.steps.lock() {
        let told = Told { change: report.change.clone(), at: now, step: super::plain(&report.words, 200) };
        steps.insert(name.asset.to_string(), told);
    }
    let is_new = app.organisation.reported(&agent_person(&name.asset)?, &name.asset, report, now).await?;
    Ok(Json(serde_json::json!({ "is_new": is_new })))
}

/// Lets begin what may, of those who wait.
pub(crate) async fn dispatch(app: &App) {
    loop {
        // Nobody waits: nothing may begin by this door.
        let waits = app.orders.waiting.lock().is_ok_and(|waiting| !waiting.is_empty());
        match waits {
            true => tokio::time::sleep(LOOK).await,
            false => app.orders.asked.notified().await,
        }
        if let Err(error) = begin(app).await {
            tracing::error!(error = %store::in_words(&error), "orders could not be given");
            tokio::time::sleep(LOOK * 8).await;
        }
    }
}

async fn begin(app: &App) -> Result<(), operations::Error> {
    let now = app.now();
    let found = {
        let record = app.organisation.store.record().await?;
        if record.rollouts.is_empty() {
            return Ok(());
        }
        let Ok(mut waiting) = app.orders.waiting.lock() else { return Ok(()) };
        waiting.retain(|_, waits| !waits.sender.is_closed());
        let rooms: HashMap<String, Option<i64>> =
            waiting.iter().map(|(asset, waits)| (asset.clone(), waits.room)).collect();
        drop(waiting);
        let is_asked = |change: &ChangeId, asset: &str| {
            let Some(room) = rooms.get(asset) else { return false };
            let is_back = record.state.changes.get(change).is_some_and(|known| known.stage == Stage::RollingBack);
            let takes = record.rollouts.get(change).map(|rolled| rolled.rollout.plan().limits.takes_minutes);
            is_back || room.is_none_or(|room| takes.is_some_and(|takes| takes <= room))
        };
        tokio::task::block_in_place(|| may_begin(&record, &is_asked, now))
    };
    let mut beginning = JoinSet::new();
    for errant in found {
        let app = app.clone();
        beginning.spawn(async move {
            let by = agent_person(&errant.asset).map_err(|_| operations::Error::Task)?;
            if app.organisation.begin(&by, &errant, app.now()).await? {
                let waits =
                    app.orders.waiting.lock().ok().and_then(|mut waiting| waiting.remove(errant.asset.as_str()));
                // Where it has gone meanwhile it is told when it asks again.
                let _ = waits.map(|waits| waits.sender.send(errant));
            }
            Ok::<_, operations::Error>(())
        });
    }
    while let Some(done) = beginning.join_next().await {
        done.map_err(|_| operations::Error::Task)??;
    }
    Ok(())
}
