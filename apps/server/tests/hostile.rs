//! What no honest client sends: requests that two readers would take apart differently, and those that never come to their end.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use lifecycle::{Role, TokenScope};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use world::World;

async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(world.service.as_ref().expect("running").listens).await.expect("connected")
}

/// Sends bytes and reads all that comes back until the other side ends, or says nothing more for a while.
async fn answers(world: &World, bytes: &[u8]) -> String {
    let mut stream = connect(world).await;
    // Who is let go in the middle of sending reads what was said before.
    let _ = stream.write_all(bytes).await;
    let mut read = Vec::new();
    let mut part = [0; 4096];
    while let Ok(Ok(count @ 1..)) = tokio::time::timeout(Duration::from_millis(700), stream.read(&mut part)).await {
        read.extend_from_slice(&part[..count]);
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// Whether the other side ends a connection on which these bytes are sent, and what it said before.
async fn is_let_go(world: &World, bytes: &[u8]) -> (bool, String) {
    let mut stream = connect(world).await;
    let _ = stream.write_all(bytes).await;
    let mut read = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut read)).await;
    (ended.is_ok(), String::from_utf8_lossy(&read).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_would_take_apart_differently_plants_nothing() {
    let world = World::new("smuggled").await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    let token = world.token("olaf", TokenScope::ALL).await;
    let planted = |id: &str| {
        let body = format!(r#"{{"id":"{id}"}}"#);
        format!(
            "POST /api/v1/assets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    // Each hides a second request in what one of two readers takes for the body of the first, which nobody signs.
    let hidden = planted("hidden");
    let size = hidden.len();
    let heads = [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", size + 5),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n\r\n0\r\n\r\n", size + 5),
        format!("Content-Length: 0\r\nContent-Length: {size}\r\n\r\n"),
        format!("Content-Length: {size}\r\nContent-Length: 0\r\n\r\n"),
        format!("Content-Length: 0, {size}\r\n\r\n"),
        format!("Content-Length: +{size}\r\n\r\n"),
        format!("Content-Length : {size}\r\n\r\n"),
        format!("Content-Length: 0x{size:x}\r\n\r\n"),
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "Transfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "X: 1\nTransfer-Encoding: chunked\r\n Content-Length: 0\r\n\r\n0\r\n\r\n".to_owned(),
    ];
    for head in &heads {
        let whole = format!("POST /sign-in HTTP/1.1\r\nHost: a\r\n{head}{hidden}");
        let told = answers(&world, whole.as_bytes()).await;
        let is_planted = !world.organisation.store.record().await.expect("read").state.assets.is_empty();
        assert!(!is_planted, "{head:?} planted an asset: {told}");
    }
    // The same bytes do what they say where nothing hides them: the cases above could fail.
    let told = answers(&world, format!("{}{}", planted("first"), planted("second")).as_bytes()).await;
    assert_eq!(told.matches("HTTP/1.1 201").count(), 2, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_or_a_path_that_somebody_forges_leads_nowhere() {
    let world = World::new("forged").await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    let cookie = world.cookie("olaf").await;
    for name in ["Host", "X-Forwarded-Host", "Forwarded", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override"] {
        let value = if name == "Forwarded" { "host=evil.example;for=10.0.0.1" } else { "evil.example" };
        let own_host = if name == "Host" { "" } else { "Host: a\r\n" };
        for path in ["/", "/assets", "/sign-in?next=/findings"] {
            let whole = format!(
                "GET {path} HTTP/1.1\r\n{own_host}{name}: {value}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
            );
            let told = answers(&world, whole.as_bytes()).await;
            assert!(told.starts_with("HTTP/1.1 "), "{told}");
            assert!(!told.contains("evil.example"), "{name} at {path}: {told}");
        }
    }
    let absolute = "GET http://evil.example/sign-in HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert!(!answers(&world, absolute.as_bytes()).await.contains("evil.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_slowly_or_too_much_is_let_go_and_others_are_served() {
    let world = World::with("slow", |set| set.patience = Duration::from_secs(2)).await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    let token = world.token("olaf", TokenScope::ALL).await;
    let begun = Instant::now();
    // A hundred bodies that never end, and a hundred heads.
    let head = format!(
        "POST /api/v1/assets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{{"
    );
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..200 {
        let mut stream = connect(&world).await;
        let text = if number % 2 == 0 { head.clone() } else { "GET / HTTP/1.1\r\nX-Slow: ".to_owned() };
        waiting.spawn(async move {
            stream.write_all(text.as_bytes()).await.expect("sent");
            let mut told = String::new();
            for _ in 0..40 {
                let mut part = [0; 2048];
                match tokio::time::timeout(Duration::from_millis(500), stream.read(&mut part)).await {
                    Ok(Ok(count @ 1..)) => told.push_str(&String::from_utf8_lossy(&part[..count])),
                    Ok(_) => break,
                    // A byte now and then keeps nothing open.
                    Err(_) => drop(stream.write_all(b" ").await),
                }
            }
            (number % 2 == 0, told)
        });
    }
    for _ in 0..20 {
        let asked = Instant::now();
        assert_eq!(world.status_with(&token).await, 200);
        assert!(asked.elapsed() < Duration::from_secs(1), "others wait: {:?}", asked.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    while let Some(ended) = waiting.join_next().await {
        let (is_body, told) = ended.expect("it ended");
        let said = told.lines().next().unwrap_or_default().to_owned();
        assert!(!is_body || said.contains("408") && told.contains("request/too-slow"), "{told}");
        assert!(is_body || said.is_empty() || said.contains("408"), "{told}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(world.organisation.store.record().await.expect("read").state.assets.is_empty());
    // A head larger than any honest one, more headers than any, and a longer path. What is let go in the middle of sending may not
    // come to see the answer.
    let heads = [
        format!("GET / HTTP/1.1\r\nHost: a\r\nX-Large: {}\r\n\r\n", "x".repeat(1 << 20)),
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(20_000)),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(1 << 20)),
    ];
    for head in heads {
        let (is_let_go, told) = is_let_go(&world, head.as_bytes()).await;
        let is_refused = ["", "HTTP/1.1 431", "HTTP/1.1 414"].contains(&told.get(..12).unwrap_or_default());
        assert!(is_let_go && is_refused, "{told}");
    }
    assert_eq!(world.status_with(&token).await, 200);
}
