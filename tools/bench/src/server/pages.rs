//! Pages of a large fleet under load that does not wait for answers.

use super::super::{Row, world};
use super::{Service, ask, percentile};
use anyhow::{Context, Result, bail};
use ledger::{KeyKind, Signer};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use store::Keys;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PASSWORD: &str = "a password of the bench";

/// Signs in, and answers with the cookie.
async fn sign_in(service_pages: &str, setup: &str) -> Result<String> {
    let address = service_pages.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await?;
    let path = setup.trim_start_matches(service_pages);
    let form = format!("password={0}&again={0}", PASSWORD.replace(' ', "+"));
    let head = format!(
        "POST {path} HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\nhost: localhost\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(head.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let cookie = text.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next().map(str::to_owned));
    cookie.with_context(|| format!("no cookie: {text}"))
}

/// Asks for the page of signing in ten times a second: it needs no name, and everything that holds for each page.
pub(super) async fn watch(pages: String, length: Duration) -> Result<Vec<f64>> {
    let address = pages.trim_start_matches("http://").to_owned();
    let mut took = Vec::new();
    let start = Instant::now();
    while start.elapsed() < length {
        let began = Instant::now();
        let mut stream = TcpStream::connect(&address).await?;
        ask(&mut stream, "GET /sign-in HTTP/1.1\r\n", b"").await?;
        took.push(began.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(took)
}

/// Pages of the large record under load that does not wait: so many a second, whether or not the ones before are answered.
pub(super) async fn run(program: &Path, work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    const PER_SECOND: u64 = 20;
    const LISTS: &[&str] = &[
        "/findings",
        "/findings?overdue=true",
        "/findings?overdue=false&sort=due",
        "/findings?state=open",
        "/findings?sort=cvss",
        "/findings?sort=asset",
        "/findings?package=project-7",
        "/findings?owner=team-3",
        "/findings?environment=production&overdue=true",
        "/findings?owner=team-3&package=project-1",
        "/findings?name=host-00042",
        "/findings?vulnerability=CVE-2026-1",
        "/assets",
        "/assets?owner=team-3",
        "/assets?name=host-0004",
        "/undetermined",
    ];
    let data: PathBuf = work.join("server-pages");
    let _ = std::fs::remove_dir_all(&data);
    std::fs::create_dir_all(&data)?;
    Keys::of(&data).adopt(&Signer::from_seed("example.com/bench", KeyKind::Note, &[3; 32])?)?;
    let _ = std::fs::copy(work.join("scale.facts"), data.join("record.facts"));
    // Somebody signs in, which may happen once: what was made stays as it is.
    let record = work.join("served.sqlite");
    for rest in ["-wal", "-shm"] {
        // What was killed leaves its journal, which would be played into the copy.
        let _ = std::fs::remove_file(work.join(format!("served.sqlite{rest}")));
    }
    std::fs::copy(work.join("scale.sqlite"), &record)?;
    let service = Service::begin(program, &data, &record.display().to_string())?;
    rows.push(Row::plain(
        format!("the service ready, {} hosts", world::HOSTS),
        format!("{:.2} s", service.ready_seconds),
        "2 s",
        service.ready_seconds > 2.0,
    ));
    let cookie = sign_in(&service.pages, service.setup.as_deref().context("a link")?).await?;
    // The trend is computed beside the requests when the service begins: its months are past before anybody is measured.
    tokio::time::sleep(Duration::from_secs(20)).await;
    for (what, paths, limit) in [
        ("a list of findings, any filter", LISTS, 50.0),
        ("the dashboard", &["/"][..], 25.0),
        ("patches", &["/patches", "/patches?owner=team-3"][..], 50.0),
    ] {
        let by_path = open_loop((&service.pages, &cookie), paths, (PER_SECOND, 400)).await?;
        for path in paths {
            let mut own: Vec<f64> = by_path.iter().filter(|(of, _)| of == path).map(|(_, took)| *took).collect();
            let (middle, most) = (percentile(&mut own, 50.0), percentile(&mut own, 100.0));
            eprintln!("{path}: p50 {middle:.1} ms, {most:.1} ms at most");
        }
        let mut took: Vec<f64> = by_path.into_iter().map(|(_, took)| took).collect();
        let (middle, p99) = (percentile(&mut took, 50.0), percentile(&mut took, 99.0));
        rows.push(Row::plain(
            format!("{what}, 11 million findings, {PER_SECOND} a second"),
            format!("p50 {middle:.1} ms, p99 {p99:.1} ms"),
            &format!("p99 {limit:.0} ms"),
            p99 > limit,
        ));
    }
    let memory = service.memory()?;
    rows.push(Row::plain(
        format!("memory of the service, {} hosts", world::HOSTS),
        format!("{} MiB, {} MiB at most", memory.0, memory.1),
        "",
        false,
    ));
    Ok(())
}

async fn open_loop(
    (pages, cookie): (&str, &str),
    paths: &[&str],
    (per_second, count): (u64, usize),
) -> Result<Vec<(String, f64)>> {
    let address = pages.trim_start_matches("http://").to_owned();
    let mut running = tokio::task::JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / per_second));
    for at in 0..count {
        ticks.tick().await;
        let (address, path) = (address.clone(), paths[at % paths.len()].to_owned());
        let head = format!("GET {path} HTTP/1.1\r\ncookie: {cookie}\r\n");
        running.spawn(async move {
            let start = Instant::now();
            let mut stream = TcpStream::connect(&address).await?;
            let (status, _) = ask(&mut stream, &head, b"").await?;
            if status != 200 {
                bail!("answered {status}");
            }
            Ok((path, start.elapsed().as_secs_f64() * 1e3))
        });
    }
    let mut took = Vec::new();
    while let Some(done) = running.join_next().await {
        took.push(done??);
    }
    Ok(took)
}
