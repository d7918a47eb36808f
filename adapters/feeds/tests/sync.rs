//! Downloads from a server on loopback: cut connections are resumed, unchanged documents not fetched again, bounds kept.
#![allow(clippy::expect_used, reason = "tests")]

use advisories::feeds::{Feed, find};
use jiff::Timestamp;
use plimsoll_feeds::{Outcome, Silent, Store, Sync, sync};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

const BODY: &str = r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2026-0001","dateAdded":"2026-01-05"}]}"#;

/// Serves one canned answer a connection, and tells the headers of each request.
fn serve(answers: Vec<String>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a connection");
            let lines = BufReader::new(stream.try_clone().expect("cloned")).lines();
            let request: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            tell.send(request.join("\n").to_ascii_lowercase()).expect("told");
            stream.write_all(answer.as_bytes()).expect("answered");
        }
    });
    (address, told)
}

fn answer(status: &str, headers: &str, length: usize, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn run(store: &Store, mirror: &str, limit_bytes: u64) -> Outcome {
    let feed: &'static Feed = find("kev").expect("known");
    let options = Sync { mirror: Some(mirror.to_owned()), limit_bytes, ..Sync::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let outcomes =
        runtime.block_on(sync(store, &[feed], &options, Arc::new(Silent), Timestamp::UNIX_EPOCH)).expect("synced");
    outcomes.into_iter().next().expect("one document").2
}

#[test]
fn a_cut_download_is_resumed_and_an_unchanged_one_is_not_repeated() {
    let folder = std::env::temp_dir().join(format!("plimsoll-sync-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let store = Store::new(&folder);
    let tag = "ETag: \"one\"\r\n";
    let (head, tail) = BODY.split_at(40);
    let range = format!("{tag}Content-Range: bytes 40-{}/{}\r\n", BODY.len() - 1, BODY.len());
    let (mirror, told) = serve(vec![
        answer("200 OK", tag, BODY.len(), head),
        answer("206 Partial Content", &range, tail.len(), tail),
        "HTTP/1.1 304 Not Modified\r\nETag: \"one\"\r\nConnection: close\r\n\r\n".to_owned(),
        answer("200 OK", "ETag: \"two\"\r\n", 5_000_000, ""),
        answer("500 Internal Server Error", "", 0, ""),
    ]);
    assert!(matches!(run(&store, &mirror, 1 << 20), Outcome::Failed { .. }));
    assert!(store.documents("kev").expect("listed").is_empty(), "a half document must not be compiled");
    assert_eq!(run(&store, &mirror, 1 << 20), Outcome::Fetched { size_bytes: BODY.len() as u64 });
    let (name, document) = store.documents("kev").expect("listed").into_iter().next().expect("one");
    assert_eq!(std::fs::read_to_string(store.feed_folder("kev").join(&name)).expect("read"), BODY);
    assert_eq!(run(&store, &mirror, 1 << 20), Outcome::Unchanged);
    assert!(matches!(run(&store, &mirror, 1 << 20), Outcome::Failed { why } if why.contains("limit")));
    assert!(matches!(run(&store, &mirror, 1 << 20), Outcome::Failed { why } if why.contains("500")));
    // What was stored before stays, with the reason why it could not be renewed.
    let kept = store.documents("kev").expect("listed").remove(&name).expect("kept");
    assert!(kept.digest == document.digest && kept.last_failure.is_some_and(|why| why.contains("500")));
    let requests: Vec<String> = told.try_iter().collect();
    assert!(
        !requests[0].contains("if-none-match")
            && requests[1].contains("range: bytes=40-")
            && requests[1].contains("if-range: \"one\""),
        "{requests:?}"
    );
    assert!(requests[2].contains("if-none-match: \"one\""), "{requests:?}");
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn an_error_page_replaces_nothing_and_what_was_damaged_is_fetched_again() {
    let folder = std::env::temp_dir().join(format!("plimsoll-sync-odd-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let store = Store::new(&folder);
    let tag = "ETag: \"one\"\r\n";
    let page = "<html>Sign in to the network</html>";
    let (mirror, told) = serve(vec![
        answer("200 OK", tag, BODY.len(), BODY),
        answer("200 OK", "", page.len(), page),
        answer("200 OK", tag, BODY.len(), BODY),
        answer("416 Range Not Satisfiable", "", 0, ""),
        answer("200 OK", tag, BODY.len(), BODY),
    ]);
    let fetched = Outcome::Fetched { size_bytes: BODY.len() as u64 };
    assert_eq!(run(&store, &mirror, 1 << 20), fetched);
    let (name, _) = store.documents("kev").expect("listed").into_iter().next().expect("one");
    let path = store.feed_folder("kev").join(&name);
    assert!(matches!(run(&store, &mirror, 1 << 20), Outcome::Failed { why } if why.contains("no record")));
    assert_eq!(std::fs::read_to_string(&path).expect("read"), BODY);
    std::fs::write(&path, "damaged").expect("written");
    assert_eq!(run(&store, &mirror, 1 << 20), fetched);
    assert_eq!(std::fs::read_to_string(&path).expect("read"), BODY);
    // A whole part that was never put in its place: the server has nothing after it.
    let part = |extension: &str| store.feed_folder("kev").join(format!("{name}.{extension}"));
    std::fs::write(part("part"), BODY).expect("written");
    std::fs::write(part("tag"), "\"one\"").expect("written");
    assert_eq!(run(&store, &mirror, 1 << 20), fetched);
    assert!(!part("part").exists() && !part("tag").exists());
    let requests: Vec<String> = told.try_iter().collect();
    let has = |at: usize, header: &str| requests[at].contains(header);
    assert!(has(1, "if-none-match") && !has(2, "if-none-match"), "{requests:?}");
    assert!(has(3, "range: bytes=") && !has(4, "range: bytes="), "{requests:?}");
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_server_that_is_not_there_is_a_word_and_not_a_crash() {
    let folder = std::env::temp_dir().join(format!("plimsoll-sync-none-{}", std::process::id()));
    let outcome = run(&Store::new(&folder), "http://127.0.0.1:9", 1 << 20);
    assert!(matches!(outcome, Outcome::Failed { why } if why.contains("not reachable")));
    let _ = std::fs::remove_dir_all(&folder);
}
