//! Agents: they enrol with a ticket, check in with a digest, and hand in an inventory where that is wanted.
//!
//! What an agent sends is hostile until proven otherwise: it is bounded, typed, and speaks of its own asset alone.

pub(crate) mod authority;
pub(crate) mod orders;

use crate::app::App;
use crate::problem::{Answer, Problem};
use authority::{AgentName, agent_of, key_of};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{AGENT, AssetId, Command, Holder, PersonId, SYSTEM};
use protocol::{
    Certified, CheckIn, Enrol, MOST_INVENTORY_BYTES, MOST_MESSAGE_BYTES, MOST_REPORT_BYTES, Noted, Observed, Renew,
    Ticket,
};
use rcgen::CertificateSigningRequestParams;
use std::collections::HashMap;
use std::io::Read;
use std::sync::Mutex;
use tokio::sync::Semaphore;

/// The most bytes of an inventory on the way: it is compressed.
const MOST_PACKED_BYTES: usize = 16 << 20;
/// Inventories that are larger than this, unpacked, are read one at a time.
const SMALL_BYTES: usize = 4 << 20;
static SMALL: Semaphore = Semaphore::const_new(4);
static LARGE: Semaphore = Semaphore::const_new(1);

/// What is known of the agents that have spoken to this process; it is no part of the record.
#[derive(Default)]
pub(crate) struct Contacts(Mutex<HashMap<AssetId, Contact>>);

/// When an agent spoke last.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    pub(crate) at: Timestamp,
    /// The agent's version.
    pub(crate) version: String,
}

impl Contacts {
    fn note(&self, asset: &AssetId, (at, version): (Timestamp, &str)) {
        if let Ok(mut known) = self.0.lock() {
            known.insert(asset.clone(), Contact { at, version: plain(version, 64) });
        }
    }

    /// When an agent spoke last, if it has since this process began.
    pub(crate) fn of(&self, asset: &AssetId) -> Option<Contact> {
        self.0.lock().ok()?.get(asset).cloned()
    }

    /// How many have spoken since an instant.
    pub(crate) fn since(&self, at: Timestamp) -> usize {
        self.0.lock().map(|known| known.values().filter(|contact| contact.at >= at).count()).unwrap_or(0)
    }
}

/// The certificate that a connection was opened with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Certificate(pub(crate) Option<Vec<u8>>);

/// The routes of agents. All but the first need the certificate of an agent that is enrolled now.
pub(crate) fn routes(app: &App) -> Router {
    let known = axum::middleware::from_fn_with_state(app.clone(), let_in);
    let small = DefaultBodyLimit::max(MOST_MESSAGE_BYTES);
    let strangers = Router::new()
        .route(protocol::ENROL, post(enrol).layer(small))
        .route(protocol::AUTHORITY, get(async |State(app): State<App>| app.authority.certificate.clone()))
        .route_layer(axum::middleware::from_fn_with_state(app.clone(), crate::routes::limited));
    Router::new()
        .route(protocol::RENEW, post(renew).layer(small))
        .route(protocol::CHECK_IN, post(check_in).layer(small))
        .route(protocol::ORDERS, post(orders::ask).layer(small))
        .route(protocol::REPORT, post(orders::report).layer(DefaultBodyLimit::max(MOST_REPORT_BYTES)))
        .route(protocol::INVENTORY, post(inventory).layer(DefaultBodyLimit::max(MOST_PACKED_BYTES)))
        .route_layer(known)
        .merge(strangers)
        .with_state(app.clone())
}

/// Lets agents in that are enrolled now, each with its name.
async fn let_in(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let certificate = request.extensions().get::<Certificate>().and_then(|certificate| certificate.0.as_deref());
    let Some(name) = certificate.and_then(agent_of) else {
        tracing::warn!("an agent was turned away: it has no certificate");
        return Problem::new(StatusCode::UNAUTHORIZED, "agent/no-certificate", "it takes an agent's certificate")
            .into_response();
    };
    let is_in = match app.organisation.store.record().await {
        Ok(record) => record.state.is_agent(&name.asset, &name.token),
        Err(error) => return Problem::from(error).into_response(),
    };
    if !is_in {
        tracing::warn!(asset = %name.asset, "an agent was turned away: it was revoked, or another one has enrolled");
        let words = "this agent was revoked, another one has enrolled in its place, or its asset is gone";
        return Problem::new(StatusCode::FORBIDDEN, "agent/revoked", words).into_response();
    }
    if let Err(problem) = app.limits.agent(&name.asset) {
        return problem.into_response();
    }
    request.extensions_mut().insert(name);
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(matched) = matched {
        response.extensions_mut().insert(matched);
    }
    response
}

fn request_of(text: &str) -> Answer<CertificateSigningRequestParams> {
    CertificateSigningRequestParams::from_pem(text)
        .map_err(|error| Problem::bad(format!("the request for a certificate cannot be used: {error}")))
}

async fn enrol(State(app): State<App>, Json(asked): Json<Enrol>) -> Answer<Json<Certified>> {
    let refuse = || Problem::new(StatusCode::FORBIDDEN, "agent/ticket", "the ticket is unknown, used up or over");
    let ticket = Ticket::parse(&asked.ticket).map_err(|_| refuse())?;
    let request = request_of(&asked.request)?;
    crate::identity::know(&app, &ticket).await?;
    let asset = {
        let record = app.organisation.store.record().await?;
        let known = record.state.tokens.get(&ticket.token).filter(|known| ticket.is_of(&known.digest));
        match known.map(|known| &known.holder) {
            Some(Holder::Asset(asset)) => asset.clone(),
            _ => return Err(refuse()),
        }
    };
    let command = Command::EnrolAgent(ticket.token.clone(), key_of(&request));
    app.organisation.act(&PersonId::new(SYSTEM)?, app.now(), command).await?;
    tracing::info!(asset = %asset, "an agent has enrolled");
    certified(&app, &request, AgentName { token: ticket.token, asset })
}

async fn renew(
    State(app): State<App>,
    Extension(name): Extension<AgentName>,
    Json(asked): Json<Renew>,
) -> Answer<Json<Certified>> {
    certified(&app, &request_of(&asked.request)?, name)
}

fn certified(app: &App, request: &CertificateSigningRequestParams, name: AgentName) -> Answer<Json<Certified>> {
    let made = app.authority.for_agent(request, &name, app.now());
    let (certificate, renew_at) = made.map_err(|error| Problem::internal(&error))?;
    let (authority, orders_key) = (app.authority.certificate.clone(), app.orders.key());
    Ok(Json(Certified { asset: name.asset, certificate, authority, renew_at, orders_key }))
}

/// Clocks that differ by less than this are one: so much orders and agents bear.
const SKEW: SignedDuration = SignedDuration::from_mins(2);

/// An instant by this service's clock that an agent says by its own: what its clock is ahead or behind is seen by when it says that it
/// sent it. What is recorded is of one clock, so that nothing that came after a beginning counts as from before.
fn by_our_clock(headers: &HeaderMap, told: Timestamp, now: Timestamp) -> Timestamp {
    let sent_at = headers.get(protocol::SENT_AT).and_then(|value| value.to_str().ok()?.parse::<Timestamp>().ok());
    let ahead = sent_at.map_or(SignedDuration::ZERO, |sent_at| sent_at.duration_since(now));
    match ahead.abs() > SKEW {
        true => told.checked_sub(ahead).unwrap_or(told).min(now),
        false => told,
    }
}

/// What an agent says in a few words, so many signs of it at the most.
fn plain(words: &str, most: usize) -> String {
    words.chars().filter(|character| !character.is_control()).take(most).collect()
}

/// In whose name an agent acts.
fn agent_person(asset: &AssetId) -> Answer<PersonId> {
    Ok(PersonId::new(format!("{AGENT}{asset}"))?)
}

async fn check_in(
    State(app): State<App>,
    Extension(name): Extension<AgentName>,
    headers: HeaderMap,
    Json(told): Json<CheckIn>,
) -> Answer<Json<Noted>> {
    let now = app.now();
    let taken_at = by_our_clock(&headers, told.taken_at, now);
    app.contacts.note(&name.asset, (now, &told.version));
    app.metrics.check_ins.count();
    let (is_same, is_owed) = {
        let record = app.organisation.store.record().await?;
        let known = record.state.assets.get(&name.asset);
        let is_same = known.and_then(|known| known.inventory.as_ref()).is_some_and(|held| held.digest == told.digest);
        let last = known.and_then(|known| known.scanned_at);
        (is_same, last.is_none_or(|last| taken_at.duration_since(last) >= app.settings.note_every))
    };
    if is_same && is_owed {
        app.organisation.look(&agent_person(&name.asset)?, name.asset, (told.digest, taken_at), now).await?;
    }
    Ok(Json(Noted { wants_inventory: !is_same, next_seconds: seconds(app.settings.look_every) }))
}

async fn inventory(
    State(app): State<App>,
    Extension(name): Extension<AgentName>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Json<Noted>> {
    let taken_at = headers.get(protocol::TAKEN_AT).and_then(|value| value.to_str().ok());
    let taken_at = taken_at.and_then(|text| text.parse::<Timestamp>().ok());
    let taken_at = taken_at.ok_or_else(|| Problem::bad(format!("the header {} is no instant", protocol::TAKEN_AT)))?;
    let taken_at = by_our_clock(&headers, taken_at, app.now());
    let is_packed = headers.get(header::CONTENT_ENCODING).is_some_and(|value| value == "zstd");
    let observed = observed(body, is_packed).await?;
    let (advisories, now) = (app.advisories(), app.now());
    let by = agent_person(&name.asset)?;
    app.organisation.push(&by, name.asset.clone(), (observed, taken_at), (advisories.as_ref(), now)).await?;
    app.organisation.follow_asset(&name.asset, now).await?;
    app.metrics.inventories.count();
    Ok(Json(Noted { wants_inventory: false, next_seconds: seconds(app.settings.look_every) }))
}

/// Reads an inventory that somebody sent.
async fn observed(body: Bytes, is_packed: bool) -> Answer<Observed> {
    let refuse = |error: &dyn std::error::Error| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "inventory/refused", store::in_words(error))
    };
    in_turn(body.len(), move |most| {
        let bytes = if is_packed { unpack(&body, most)? } else { Some(body.to_vec()) };
        let Some(bytes) = bytes.filter(|bytes| bytes.len() <= most) else { return Ok(None) };
        Observed::read(&bytes).map(Some).map_err(|error| refuse(&error))
    })
    .await
}

/// Reads something that may be large, unpacked: what is small with a few others at a time, what is large by itself. `read` is told how
/// many bytes it may unpack, and answers with nothing where there are more.
pub(crate) async fn in_turn<T>(size: usize, read: impl Fn(usize) -> Answer<Option<T>>) -> Answer<T> {
    if size <= SMALL_BYTES {
        let _permit = SMALL.acquire().await;
        if let Some(read) = tokio::task::block_in_place(|| read(SMALL_BYTES))? {
            return Ok(read);
        }
    }
    let _permit = LARGE.acquire().await;
    let large = || {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "inventory/refused",
            format!("it has more than {MOST_INVENTORY_BYTES} bytes"),
        )
    };
    tokio::task::block_in_place(|| read(MOST_INVENTORY_BYTES))?.ok_or_else(large)
}

/// What is packed; nothing where that is more than so many bytes.
fn unpack(packed: &[u8], most: usize) -> Answer<Option<Vec<u8>>> {
    let refuse = |words: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "inventory/refused", words);
    let decoder = zstd::stream::read::Decoder::new(packed).map_err(|error| refuse(error.to_string()))?;
    let mut bytes = Vec::new();
    let read = decoder.take(most as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| refuse(format!("it cannot be unpacked: {error}")))?;
    Ok(Some(bytes).filter(|bytes| bytes.len() <= most))
}

fn seconds(duration: SignedDuration) -> u64 {
    u64::try_from(duration.as_secs()).unwrap_or(0)
}
