//! PostgreSQL goes away and comes back: what changes something is refused meanwhile, and nothing needs to be opened again.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod world;

use plimsoll_store::{Committed, Error, NewJob, Store, WritePoint};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use testkit::postgres::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use world::{assert_is_whole, asset, day, open, person, populate, register, try_open, words};

/// A writer waits for the database ten seconds, and never longer than that and some.
const PATIENCE: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_refuses_and_comes_back() {
    let Some(mut server) = Server::start() else { return };
    let store = open(&server.database()).await;
    populate(&store).await;
    let before = store.record().await.expect("read").state.clone();
    server.crash();
    let begun = Instant::now();
    let writing = tokio::spawn({
        let store = store.clone();
        async move { register(&store, "gone", day(10)).await }
    });
    // The refusal may come at once, where the broken connection is seen, or after the wait for another one.
    loop {
        let read = tokio::time::timeout(Duration::from_secs(1), store.record()).await;
        assert_eq!(read.expect("reading does not wait").expect("read").state, before);
        if writing.is_finished() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let refused = writing.await.expect("joined").expect_err("it cannot be kept");
    assert!(words(&refused).contains("nothing was changed"), "{}", words(&refused));
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    server.start_again();
    register(&store, "back", day(11)).await.expect("it writes without being opened again");
    assert_is_whole(&store).await;
    let record = store.record().await.expect("read");
    assert!(!record.state.assets.contains_key(&asset("gone")) && record.state.assets.contains_key(&asset("back")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_while_it_writes_keeps_nothing_of_it() {
    for point in ["ledger_batches", "ledger_head", "assets"] {
        let Some(server) = Server::start() else { return };
        let url = server.database();
        let (server, store) = crash_at(server, &url, point).await;
        let lost = register(&store, "lost", day(10)).await.expect_err("it cannot be kept");
        assert!(words(&lost).contains("nothing was changed"), "{}", words(&lost));
        server.lock().unwrap().start_again();
        register(&store, "lost", day(11)).await.expect("it was not kept, and can be done again");
        assert_is_whole(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_an_answer_is_not_called_undone() {
    let Some(server) = Server::start() else { return };
    let url = server.database();
    let (server, store) = crash_at(server, &url, "commit").await;
    let entries = store.record().await.expect("read").state.entries;
    let unsure = register(&store, "unsure", day(10)).await.expect_err("it is not known");
    assert!(matches!(&unsure, Error::Group(cause) if matches!(**cause, Error::Uncertain(_))), "{unsure:?}");
    assert!(words(&unsure).contains("not confirmed"), "{}", words(&unsure));
    server.lock().unwrap().start_again();
    // Who reads is told what was kept: here the server never heard of the commit.
    assert_eq!(store.record().await.expect("read").state.entries, entries);
    register(&store, "unsure", day(11)).await.expect("it writes without being opened again");
    assert_is_whole(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_under_load_keeps_what_it_confirmed() {
    let Some(mut server) = Server::start() else { return };
    let store = open(&server.database()).await;
    for round in 0..3 {
        let writers =
            (0..8).map(|writer| tokio::spawn(write_until_it_fails(store.clone(), format!("{round}-{writer}"))));
        let writers: Vec<_> = writers.collect();
        let target = store.record().await.expect("read").state.entries + 40 + 13 * round as u64;
        while store.record().await.expect("read").state.entries < target {
            tokio::task::yield_now().await;
        }
        tokio::task::block_in_place(|| {
            server.crash();
            server.start_again();
        });
        let mut told = Vec::new();
        for writer in writers {
            told.extend(writer.await.expect("joined"));
        }
        let record = store.record().await.expect("read");
        assert!(told.iter().any(|(_, done)| done.is_err()), "nobody noticed");
        for (id, done) in told {
            let is_there = record.state.assets.contains_key(&asset(&id));
            match done {
                Ok(_) => assert!(is_there, "`{id}` was confirmed"),
                Err(error) if words(&error).contains("not confirmed") => {}
                Err(error) => assert!(!is_there, "`{id}` is there: {}", words(&error)),
            }
        }
        drop(record);
        assert_is_whole(&store).await;
    }
}

/// Registers assets one after the other; says what it was told of each.
async fn write_until_it_fails(store: Store, name: String) -> Vec<(String, Result<Committed, Error>)> {
    let mut told = Vec::new();
    while told.last().is_none_or(|(_, done): &(_, Result<_, _>)| done.is_ok()) {
        let id = format!("{name}-{}", told.len());
        let done = register(&store, &id, day(1)).await;
        told.push((id, done));
    }
    told
}

/// What becomes of the next commit on its way to the server, when the connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It does not arrive.
    Lost,
    /// It is done, and the answer does not arrive.
    Unanswered,
    /// It arrives after the client has noticed, and has asked again.
    Late,
}

/// A server's socket in the middle, where connections can be broken.
struct Middle {
    url: String,
    fate: Arc<Mutex<Option<Fate>>>,
    folder: std::path::PathBuf,
}

impl Middle {
    fn before(url: &str) -> Self {
        let (address, server) = url.split_once("?host=").expect("a socket");
        let folder = std::path::Path::new(server).with_extension("middle");
        std::fs::create_dir_all(&folder).expect("a folder");
        let listener = tokio::net::UnixListener::bind(folder.join(SOCKET)).expect("bound");
        let fate: Arc<Mutex<Option<Fate>>> = Arc::default();
        let (held, server) = (Arc::new(Mutex::new(None)), std::path::Path::new(server).join(SOCKET));
        let url = format!("{address}?host={}", folder.display());
        let orders = Arc::clone(&fate);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&server).await.expect("connected");
                tokio::spawn(carry(client, server, Arc::clone(&orders), Arc::clone(&held)));
            }
        });
        Self { url, fate, folder }
    }
}

impl Drop for Middle {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const SOCKET: &str = ".s.PGSQL.5432";

/// A connection to the server with a commit that it has not heard of.
type Held = Arc<Mutex<Option<(UnixStream, Vec<u8>)>>>;

/// Carries bytes to and fro, until the fate of a commit ends it.
async fn carry(mut client: UnixStream, mut server: UnixStream, fate: Arc<Mutex<Option<Fate>>>, held: Held) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let says = |bytes: &[u8], word: &str| bytes.windows(word.len()).any(|part| part == word.as_bytes());
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let bytes = &asked[..length];
                let fate = if says(bytes, "COMMIT") { fate.lock().unwrap().take() } else { None };
                if fate == Some(Fate::Late) {
                    *held.lock().unwrap() = Some((server, bytes.to_vec()));
                    return;
                }
                if fate == Some(Fate::Lost) || server.write_all(bytes).await.is_err() {
                    return;
                }
                if fate == Some(Fate::Unanswered) {
                    let _ = server.read(&mut answered).await;
                    return;
                }
                let late = if says(bytes, "FOR UPDATE") { held.lock().unwrap().take() } else { None };
                if let Some((mut server, commit)) = late {
                    server.write_all(&commit).await.expect("sent");
                    let _ = server.read(&mut answered).await;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_while_it_commits_tells_what_was_kept() {
    let Some(url) = testkit::postgres::database() else { return };
    let middle = Middle::before(&url);
    populate(&open(&url).await).await;
    let store = open(&middle.url).await;
    for (fate, is_kept) in [(Fate::Lost, false), (Fate::Unanswered, true), (Fate::Late, true)] {
        let id = format!("{fate:?}").to_lowercase();
        *middle.fate.lock().unwrap() = Some(fate);
        let done = register(&store, &id, day(10)).await;
        assert_eq!(*middle.fate.lock().unwrap(), None, "it met its fate");
        match done {
            Ok(_) => assert!(is_kept, "{fate:?}"),
            Err(error) => {
                assert!(!is_kept && words(&error).contains("nothing was changed"), "{fate:?}: {}", words(&error))
            }
        }
        assert_eq!(
            open(&url).await.record().await.expect("read").state.assets.contains_key(&asset(&id)),
            is_kept,
            "{fate:?}"
        );
        assert_is_whole(&store).await;
        // Jobs alone leave no trace by which one could tell.
        *middle.fate.lock().unwrap() = Some(fate);
        let job = NewJob { id, queue: "mail".to_owned(), body: String::new(), not_before: day(1) };
        let unsure = store.queue(&person("root"), day(10), vec![job]).await.expect_err("it is not known");
        assert!(words(&unsure).contains("not confirmed"), "{}", words(&unsure));
    }
    register(&store, "after", day(11)).await.expect("it writes without being opened again");
    assert_is_whole(&store).await;
}

/// A store whose server crashes when it next comes to a write point.
async fn crash_at(server: Server, url: &str, point: &'static str) -> (Arc<Mutex<Server>>, Store) {
    populate(&open(url).await).await;
    let server = Arc::new(Mutex::new(server));
    let mut victim = Some(Arc::clone(&server));
    let victim = Mutex::new(victim.take());
    let write_point: WritePoint = Arc::new(move |name| {
        if name == point
            && let Some(server) = victim.lock().unwrap().take()
        {
            server.lock().unwrap().crash();
        }
        Ok(())
    });
    let store = try_open(url, Some(write_point)).await.expect("opened");
    (server, store)
}
