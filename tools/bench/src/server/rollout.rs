//! A rollout to ten thousand agents that wait on connections of their own, and a pause in the middle of it.

use super::super::Row;
use super::super::changes::{Fleet, observed, thing};
use super::{AGENTS, Agent, JSON, Service, ask, prepare};
use anyhow::{Context, Result, bail, ensure};
use change::{Came, Happening, Wanted};
use jiff::{SignedDuration, Timestamp};
use ledger::{Signer, Verifier};
use lifecycle::{AGENT, ChangeId, Command as Act, PersonId};
use operations::{Organisation, Scope};
use policy::promises::ChangeType;
use protocol::{AskOrder, AssetOrder, INVENTORY, ORDERS, OrderReport, Ordered, REPORT, TAKEN_AT};
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use store::{Keys, Options, Store};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const CHANGE: &str = "bench";
/// The service takes so many connections of one address, and an agent of each of these.
const ADDRESSES: u8 = 4;

/// How long ago everything was planned and the canaries began, in hours: they were watched for a day.
const AGO: i64 = 30;

fn ago(hours: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(hours)
}

/// Plans a change of what every agent's host misses, and takes it through its canaries; then it is held. How many are left.
async fn plan(data: &Path, store: &str) -> Result<usize> {
    let signer: Signer = Keys::of(data).signer()?;
    let organisation = Organisation::new(Store::open(Options::new(store, signer), |_| {}).await?);
    let (person, now) = (PersonId::new("bench")?, ago(AGO));
    let missing = observed(vec![thing("1", None), thing("1", Some("2"))])?;
    for group in (0..AGENTS).collect::<Vec<_>>().chunks(500) {
        let mut pushed = Vec::new();
        for host in group {
            let asset = super::World::asset(*host)?;
            let by = PersonId::new(format!("{AGENT}{asset}"))?;
            pushed.push(organisation.submit(&by, asset, (missing.clone(), now), (None, now)).await?);
        }
        for one in pushed {
            organisation.taken(one).await?;
        }
    }
    let missing = organisation.view(None, now, |view| view.candidates(&Scope::default())).await?;
    let wanted = Wanted {
        kind: ChangeType::Normal,
        title: "bench".to_owned(),
        way_back: String::new(),
        until: now + SignedDuration::from_hours(72),
        left_out: Vec::new(),
        precedence: Vec::new(),
        health: std::collections::BTreeSet::new(),
        trigger: None,
    };
    let id = ChangeId::new(CHANGE)?;
    let (_, plan) = organisation.plan_change(&person, id.clone(), (&missing.candidates, wanted), now).await?;
    ensure!(plan.assets() == AGENTS as usize, "{} hosts are planned", plan.assets());
    organisation.act(&person, ago(AGO - 1), Act::Change(id.clone(), Happening::Started {})).await?;
    organisation.follow_changes(ago(AGO - 1)).await?;
    Fleet::new(organisation.clone(), 1 - AGO)?.roll().await?;
    organisation.follow_changes(ago(1)).await?;
    let held = Happening::Paused { reason: "the bench".to_owned() };
    organisation.act(&person, ago(0), Act::Change(id.clone(), held)).await?;
    let record = organisation.store.record().await?;
    let done = record.state.changes.get(&id).and_then(|known| known.came.get(&Came::Verified)).copied();
    Ok(AGENTS as usize - usize::try_from(done.unwrap_or_default())?)
}

/// What all agents have.
struct Common {
    key: Verifier,
    after: Vec<u8>,
    /// When each order came.
    came: Mutex<Vec<Instant>>,
}

async fn connect(agent: &Agent, at: usize, address: SocketAddr) -> Result<TlsStream<TcpStream>> {
    let socket = TcpSocket::new_v4()?;
    let own = u8::try_from(at % usize::from(ADDRESSES))? + 2;
    socket.bind(SocketAddr::from(([127, 0, 0, own], 0)))?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(TlsConnector::from(Arc::clone(&agent.config)).connect(ServerName::try_from("localhost")?, stream).await?)
}

/// An agent on its connection: it waits for its order, says that it is done, and shows it.
async fn work(mut stream: TlsStream<TcpStream>, common: Arc<Common>) -> Result<()> {
    let asked = serde_json::to_vec(&AskOrder { wait_seconds: 60, room_minutes: None, version: "bench".to_owned() })?;
    let note = loop {
        let (status, body) = ask(&mut stream, &format!("POST {ORDERS} HTTP/1.1\r\n{JSON}"), &asked).await?;
        ensure!(status == 200, "orders: {status}");
        if let Some(note) = serde_json::from_slice::<Ordered>(&body)?.order {
            break note;
        }
    };
    common.came.lock().map_err(|_| anyhow::anyhow!("held"))?.push(Instant::now());
    let order = AssetOrder::open(&note, std::slice::from_ref(&common.key), &[])?;
    let report = OrderReport {
        change: ChangeId::new(CHANGE)?,
        begun_at: order.begun_at,
        came: Some(Came::Installed),
        words: String::new(),
        log: "done".to_owned(),
    };
    let report = serde_json::to_vec(&report)?;
    let (status, _) = ask(&mut stream, &format!("POST {REPORT} HTTP/1.1\r\n{JSON}"), &report).await?;
    ensure!(status == 200, "report: {status}");
    let head =
        format!("POST {INVENTORY} HTTP/1.1\r\n{JSON}content-encoding: zstd\r\n{TAKEN_AT}: {}\r\n", Timestamp::now());
    let (status, _) = ask(&mut stream, &head, &common.after).await?;
    ensure!(status == 200, "inventory: {status}");
    Ok(())
}

/// Something that another process does with the change.
async fn acts(program: &Path, (data, store): (&Path, &str), words: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    command.arg("--data").arg(data).arg("change").args(words).args(["--store", store, "--as", "bench"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    match output.status.success() {
        true => Ok(()),
        false => bail!("{words:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

pub(super) async fn run(program: &Path, data: &Path, store: &str, rows: &mut Vec<Row>) -> Result<()> {
    let agents = prepare(data, store, ago(AGO)).await?;
    let left = plan(data, store).await?;
    let service = Service::begin(program, data, store)?;
    let address = service.agents.trim_start_matches("https://").replace("localhost", "127.0.0.1").parse()?;
    let common = Arc::new(Common {
        key: server::orders_signer(data)?.verifier(),
        after: zstd::bulk::compress(&serde_json::to_vec(&observed(vec![thing("2", None)])?)?, 3)?,
        came: Mutex::default(),
    });
    let mut working = JoinSet::new();
    let connecting = Instant::now();
    for (at, agent) in agents.iter().enumerate().take(AGENTS as usize) {
        let stream = connect(agent, at, address).await?;
        working.spawn(work(stream, Arc::clone(&common)));
    }
    let connected = connecting.elapsed().as_secs_f64();
    let given = || common.came.lock().map(|came| came.len()).unwrap_or_default();
    let start = Instant::now();
    acts(program, (data, store), &["resume", CHANGE, "--why", "the bench"]).await?;
    while given() < left / 4 {
        ensure!(start.elapsed() < Duration::from_secs(120), "{} orders were given", given());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    acts(program, (data, store), &["pause", CHANGE, "--why", "the bench"]).await?;
    let paused = Instant::now();
    tokio::time::sleep(Duration::from_secs(6)).await;
    let last = common.came.lock().ok().and_then(|came| came.iter().max().copied()).context("an order")?;
    let (late, held) = (last.saturating_duration_since(paused).as_secs_f64(), given());
    ensure!(held < left, "the rollout was over before it was held");
    acts(program, (data, store), &["resume", CHANGE, "--why", "the bench"]).await?;
    let resumed = paused.elapsed().as_secs_f64();
    // The agents of the canaries wait on.
    for _ in 0..left {
        working.join_next().await.context("an agent")???;
    }
    let taken = start.elapsed().as_secs_f64() - resumed;
    working.shutdown().await;
    ensure!(given() == left, "{} orders were given of {left}", given());
    verified(data, store).await?;
    let memory = service.memory()?.1;
    rows.push(Row::plain(
        format!("orders to {left} of {AGENTS} agents that wait on connections of their own (made in {connected:.0} s), those behind the canaries, 200 at once: to the inventory of the last one, each begun, signed, told and verified in the ledger (SQLite)"),
        format!("{taken:.1} s; {memory} MiB at most"),
        "30 s",
        taken > 30.0,
    ));
    rows.push(Row::plain(
        format!(
            "a pause by another process in the middle of that: the last order that was given after it ({held} were)"
        ),
        format!("{late:.2} s"),
        "5 s",
        late > 5.0,
    ));
    Ok(())
}

async fn verified(data: &Path, store: &str) -> Result<()> {
    let signer = Keys::of(data).signer()?;
    let organisation = Organisation::new(Store::open(Options::new(store, signer), |_| {}).await?);
    organisation.follow_changes(Timestamp::now()).await?;
    let record = organisation.store.record().await?;
    let known = record.state.changes.get(&ChangeId::new(CHANGE)?).context("the change")?;
    let verified = known.came.get(&Came::Verified).copied().unwrap_or_default();
    ensure!(verified == u64::from(AGENTS), "{verified} hosts are verified");
    Ok(())
}
