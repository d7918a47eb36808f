//! The service as a process of its own: agents over TLS with certificates on both sides, and pages of a large fleet under load that
//! does not wait for answers. Who asks shares the two cores with the service.

mod pages;
mod rollout;

use super::Row;
use super::world::World;
use anyhow::{Context, Result, bail};
use jiff::{SignedDuration, Timestamp};
use ledger::{KeyKind, Signer};
use lifecycle::{AGENT, Command as Act, Holder, PersonId, SYSTEM};
use operations::{Observed, Organisation};
use protocol::{CHECK_IN, CheckIn, INVENTORY, TAKEN_AT, Ticket};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use store::{Keys, Options, Plan, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Agents that return at once.
const AGENTS: u32 = 10_000;
/// Agents that report for the first time.
const NEW: u32 = 2_000;
/// How many connections are open at once.
const AT_ONCE: usize = 64;

/// Measures agents on SQLite and PostgreSQL, and pages of the large record if it was made before.
pub(super) fn run(program: &Path, work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    std::fs::create_dir_all(work)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for (name, url) in [("SQLite", None), ("PostgreSQL", testkit::postgres::database())] {
        if name == "PostgreSQL" && url.is_none() {
            continue;
        }
        let data = work.join(format!("server-{}", name.to_lowercase()));
        let _ = std::fs::remove_dir_all(&data);
        std::fs::create_dir_all(&data)?;
        runtime.block_on(agents(program, (&data, url, name), rows))?;
    }
    orders(program, work, rows)?;
    if work.join("scale.sqlite").exists() {
        large(program, work, rows)?;
    }
    Ok(())
}

/// A rollout to agents that wait.
pub(super) fn orders(program: &Path, work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let data = work.join("server-orders");
    let _ = std::fs::remove_dir_all(&data);
    std::fs::create_dir_all(&data)?;
    let store = data.join("record.sqlite").display().to_string();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(rollout::run(program, &data, &store, rows))
}

/// Pages of the record that the part `scale` has made.
pub(super) fn large(program: &Path, work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(pages::run(program, work, rows))
}

/// The service, running.
struct Service {
    child: Child,
    pages: String,
    agents: String,
    setup: Option<String>,
    ready_seconds: f64,
}

impl Service {
    fn begin(program: &Path, data: &Path, store: &str) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("--data").arg(data).args([
            "serve",
            "--store",
            store,
            "--no-sync",
            "--as",
            "bench",
            "--agents-name",
            "localhost",
        ]);
        command.args(["--listen", "127.0.0.1:0", "--agents", "127.0.0.1:0"]).env("PLIMSOLL_LOG", "warn");
        let start = Instant::now();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("its errors")?).lines();
        let (mut pages, mut agents, mut setup) = (String::new(), String::new(), None);
        while setup.is_none() {
            let line = lines.next().context("the service ended")??;
            let last = line.split_whitespace().last().unwrap_or_default().trim_end_matches('/').to_owned();
            match line {
                line if line.starts_with("Serving") => pages = last,
                line if line.starts_with("Agents") => agents = last,
                line if line.contains("/invitation/") => setup = Some(last),
                _ => {}
            }
        }
        let ready_seconds = start.elapsed().as_secs_f64();
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, pages, agents, setup, ready_seconds })
    }

    /// Seconds of CPU that it has taken so far.
    fn cpu(&self) -> Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
        Ok(ticks / 100.0)
    }

    /// Resident memory, in MiB: now, and at its highest.
    fn memory(&self) -> Result<(u64, u64)> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let of = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) / 1024
        };
        Ok((of("VmRSS"), of("VmHWM")))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an agent is known by.
struct Agent {
    config: Arc<rustls::ClientConfig>,
    digest: String,
}

/// A record with agents that are enrolled, each with an inventory of a few packages that will not change.
async fn prepare(data: &Path, store: &str, now: Timestamp) -> Result<Vec<Agent>> {
    let keys = Keys::of(data);
    let signer = keys.adopt(&Signer::from_seed("example.com/bench", KeyKind::Note, &[3; 32])?)?;
    let fingerprint = server::fingerprint(data, Timestamp::now())?;
    let organisation = Organisation::new(Store::open(Options::new(store, signer), |_| {}).await?);
    let (person, system) = (PersonId::new("bench")?, PersonId::new(SYSTEM)?);
    let preset = policy::PRESETS.iter().find(|preset| preset.id == "baseline").context("a policy")?;
    organisation.found(&person, (preset.id, preset.text), now).await?;
    let world = World::new(AGENTS + NEW);
    let observed = Observed::new(
        world.things(0).into_iter().take(20).map(World::thing).collect(),
        "Debian 12".to_owned(),
        Vec::new(),
        0,
    )?;
    let key = KeyPair::generate()?;
    let authority = Authority::read(data)?;
    let mut agents = Vec::new();
    for group in (0..AGENTS + NEW).collect::<Vec<_>>().chunks(500) {
        let (mut registered, mut issued, mut enrolled) = (Vec::new(), Vec::new(), Vec::new());
        for host in group {
            let asset = World::asset(*host)?;
            let mut random = [7; 40];
            random[..4].copy_from_slice(&host.to_be_bytes());
            let ticket = Ticket::new(&random, Some(fingerprint.clone()))?;
            registered.push(Act::RegisterAsset(asset.clone(), World::attributes(*host)));
            issued.push(Act::IssueToken {
                token: ticket.token.clone(),
                holder: Holder::Asset(asset.clone()),
                digest: ticket.digest(),
                until: now + SignedDuration::from_hours(48),
                scopes: BTreeSet::new(),
            });
            enrolled.push(Act::EnrolAgent(ticket.token.clone(), "sha256:0".to_owned()));
            let config = authority.client(&key, &format!("plimsoll-agent:{}:{asset}", ticket.token))?;
            agents.push(Agent { config, digest: observed.digest.clone() });
        }
        for (by, commands) in [(&person, registered), (&person, issued), (&system, enrolled)] {
            organisation.store.commit(by, now, move |_| Ok(Plan { commands, ..Plan::default() })).await?;
        }
        let mut pushed = Vec::new();
        for host in group.iter().filter(|host| **host < AGENTS) {
            let asset = World::asset(*host)?;
            let by = PersonId::new(format!("{AGENT}{asset}"))?;
            pushed.push(organisation.submit(&by, asset, (observed.clone(), now), (None, now)).await?);
        }
        for one in pushed {
            organisation.taken(one).await?;
        }
    }
    organisation.store.tidy().await?;
    Ok(agents)
}

/// The agents' authority of a data directory.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
}

impl Authority {
    fn read(data: &Path) -> Result<Self> {
        let text = |name: &str| std::fs::read_to_string(data.join("keys").join(name));
        let (certificate, key) = (text("agents.crt")?, text("agents.key")?);
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())?;
        Ok(Self { issuer: Issuer::from_ca_cert_pem(&certificate, KeyPair::from_pem(&key)?)?, der })
    }

    fn client(&self, key: &KeyPair, name: &str) -> Result<Arc<rustls::ClientConfig>> {
        let mut parameters = CertificateParams::default();
        parameters.subject_alt_names = vec![SanType::URI(name.try_into()?)];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = parameters.signed_by(key, &self.issuer)?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.der.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let own = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let config =
            builder.with_root_certificates(roots).with_client_auth_cert(vec![certificate.der().clone()], own)?;
        Ok(Arc::new(config))
    }
}

async fn connect(config: &Arc<rustls::ClientConfig>, address: &str) -> Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(TlsConnector::from(Arc::clone(config)).connect(ServerName::try_from("localhost")?, stream).await?)
}

/// Sends a request and reads the whole answer; answers with its status.
async fn ask<S: AsyncReadExt + AsyncWriteExt + Unpin>(
    stream: &mut S,
    head: &str,
    body: &[u8],
) -> Result<(u16, Vec<u8>)> {
    let head = format!("{head}host: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).await?;
    let mut read = Vec::with_capacity(4096);
    loop {
        let mut part = [0; 16 << 10];
        let size = stream.read(&mut part).await?;
        if size == 0 {
            bail!("the connection ended");
        }
        read.extend_from_slice(&part[..size]);
        let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("a status")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let is_whole = match length {
            Some(length) => read.len() >= end + 4 + length,
            None => read.ends_with(b"0\r\n\r\n") || status == 303 || status == 304,
        };
        if is_whole {
            return Ok((status, read.split_off(end + 4)));
        }
    }
}

fn check_in(digest: &str) -> Result<Vec<u8>> {
    let told = CheckIn { digest: digest.to_owned(), taken_at: Timestamp::now(), version: "bench".to_owned() };
    Ok(serde_json::to_vec(&told)?)
}

const JSON: &str = "content-type: application/json\r\n";

/// Does something for each of many, so many at a time; answers with how long each took, in milliseconds.
async fn each<F>(count: usize, at_once: usize, act: impl Fn(usize) -> F) -> Result<Vec<f64>>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let mut running = tokio::task::JoinSet::new();
    let mut took = Vec::with_capacity(count);
    for _ in 0..at_once.min(count) {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let work = act(at);
        running.spawn(async move {
            let start = Instant::now();
            work.await.map(|()| start.elapsed().as_secs_f64() * 1e3)
        });
    }
    while let Some(done) = running.join_next().await {
        took.push(done??);
        let at = next.fetch_add(1, Ordering::Relaxed);
        if at < count {
            let work = act(at);
            running.spawn(async move {
                let start = Instant::now();
                work.await.map(|()| start.elapsed().as_secs_f64() * 1e3)
            });
        }
    }
    Ok(took)
}

fn percentile(took: &mut [f64], percent: f64) -> f64 {
    took.sort_by(f64::total_cmp);
    let place = ((took.len() as f64 * percent / 100.0).ceil() as usize).clamp(1, took.len().max(1));
    took.get(place - 1).copied().unwrap_or(0.0)
}

async fn agents(program: &Path, (data, url, name): (&Path, Option<String>, &str), rows: &mut Vec<Row>) -> Result<()> {
    let store = url.unwrap_or_else(|| data.join("record.sqlite").display().to_string());
    let agents = Arc::new(prepare(data, &store, Timestamp::now()).await?);
    let service = Service::begin(program, data, &store)?;
    let address = service.agents.trim_start_matches("https://").replace("localhost", "127.0.0.1");
    // The looks that are noted are those of the first check-in: its own is due, the ones after it come too soon.
    let returning = Instant::now();
    let before = service.cpu()?;
    let pages = tokio::spawn(pages::watch(service.pages.clone(), Duration::from_secs(8)));
    let (all, to) = (Arc::clone(&agents), address.clone());
    let took = each(AGENTS as usize, AT_ONCE * 4, move |at| {
        let (all, to) = (Arc::clone(&all), to.clone());
        async move {
            let mut stream = connect(&all[at].config, &to).await?;
            let (status, _) =
                ask(&mut stream, &format!("POST {CHECK_IN} HTTP/1.1\r\n{JSON}"), &check_in(&all[at].digest)?).await?;
            if status == 200 { Ok(()) } else { bail!("answered {status}") }
        }
    });
    let mut took = took.await?;
    let (seconds, cpu) = (returning.elapsed().as_secs_f64(), service.cpu()? - before);
    let mut page_times = pages.await??;
    let page_p99 = percentile(&mut page_times, 99.0);
    let memory = service.memory()?;
    rows.push(Row::plain(
        format!("{AGENTS} agents return at once, each with a handshake of its own ({name})"),
        format!("{seconds:.1} s, none lost, {:.2} ms of the service's CPU each, p99 {:.0} ms; a page meanwhile p99 {page_p99:.0} ms; {} MiB at most", cpu * 1e3 / f64::from(AGENTS), percentile(&mut took, 99.0), memory.1),
        "10 s, pages 200 ms",
        seconds > 10.0 || page_p99 > 200.0,
    ));
    let open = connections(&agents, &address, AT_ONCE).await?;
    let (start, before) = (Instant::now(), service.cpu()?);
    let mut running = tokio::task::JoinSet::new();
    for (mut stream, digest) in open {
        running.spawn(async move {
            for _ in 0..50 {
                let (status, _) =
                    ask(&mut stream, &format!("POST {CHECK_IN} HTTP/1.1\r\n{JSON}"), &check_in(&digest)?).await?;
                if status != 200 {
                    bail!("answered {status}");
                }
            }
            Ok(())
        });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    let count = (AT_ONCE * 50) as f64;
    let (rate, each_ms) = (count / start.elapsed().as_secs_f64(), (service.cpu()? - before) * 1e3 / count);
    rows.push(Row::plain(
        format!("unchanged check-ins on connections that stay ({name})"),
        format!("{rate:.0} a second, {each_ms:.2} ms of the service's CPU each"),
        "2000 a second",
        rate < 2000.0,
    ));
    first_inventories((&service, &agents, &address), name, rows).await?;
    connected((&service, &agents, &address), name, rows).await
}

/// Connections that are open, each with the digest that its agent tells.
async fn connections(agents: &[Agent], address: &str, count: usize) -> Result<Vec<(TlsStream<TcpStream>, String)>> {
    let mut open = Vec::new();
    for agent in agents.iter().take(count) {
        open.push((connect(&agent.config, address).await?, agent.digest.clone()));
    }
    Ok(open)
}

async fn first_inventories(
    (service, agents, address): (&Service, &Arc<Vec<Agent>>, &str),
    name: &str,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let world = World::new(AGENTS + NEW);
    let packed = |host: u32| -> Result<Vec<u8>> {
        let things = world.things(host).into_iter().map(World::thing).collect();
        let observed = Observed::new(things, "Debian 12".to_owned(), Vec::new(), 0)?;
        Ok(zstd::bulk::compress(&serde_json::to_vec(&observed)?, 3)?)
    };
    let bodies: Arc<Vec<Vec<u8>>> = Arc::new((AGENTS..AGENTS + NEW).map(packed).collect::<Result<_>>()?);
    let (all, to, start, before) = (Arc::clone(agents), address.to_owned(), Instant::now(), service.cpu()?);
    let mut took = each(NEW as usize, 32, move |at| {
        let (all, to, bodies) = (Arc::clone(&all), to.clone(), Arc::clone(&bodies));
        async move {
            let mut stream = connect(&all[AGENTS as usize + at].config, &to).await?;
            let head = format!(
                "POST {INVENTORY} HTTP/1.1\r\n{JSON}content-encoding: zstd\r\n{TAKEN_AT}: {}\r\n",
                Timestamp::now()
            );
            let (status, body) = ask(&mut stream, &head, &bodies[at]).await?;
            if status == 200 { Ok(()) } else { bail!("answered {status}: {}", String::from_utf8_lossy(&body)) }
        }
    })
    .await?;
    let (rate, each_ms) =
        (f64::from(NEW) / start.elapsed().as_secs_f64(), (service.cpu()? - before) * 1e3 / f64::from(NEW));
    rows.push(Row::plain(
        format!("first inventories of 700 packages, each with a handshake of its own ({name})"),
        format!(
            "{rate:.0} a second, {each_ms:.1} ms of the service's CPU each, p99 {:.0} ms",
            percentile(&mut took, 99.0)
        ),
        "300 a second",
        rate < 300.0,
    ));
    Ok(())
}

/// How much memory connected agents take.
async fn connected(
    (service, agents, address): (&Service, &Arc<Vec<Agent>>, &str),
    name: &str,
    rows: &mut Vec<Row>,
) -> Result<()> {
    const COUNT: usize = 1000;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = service.memory()?.0;
    let open = connections(agents, address, COUNT).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let more = service.memory()?.0.saturating_sub(before);
    drop(open);
    rows.push(Row::plain(
        format!("memory of {COUNT} agents that are connected ({name})"),
        format!("{more} MiB more than {before} MiB"),
        "20 MiB",
        more > 20,
    ));
    Ok(())
}
