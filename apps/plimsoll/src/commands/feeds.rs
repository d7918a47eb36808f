//! `plimsoll feeds`.

use crate::arguments::FeedsCommand;
use crate::exit::{self, Usage};
use crate::printable::printable;
use crate::progress::{Bars, say};
use ::feeds::{Compiled, Imported, MappedIndex, Outcome, Progress, Silent, Store, Sync, compile, import, sync};
use advisories::feeds::{FEEDS, Feed, find};
use advisories::index::{FeedState, Index};
use anyhow::{Context, Result};
use jiff::Timestamp;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs a command on feeds.
pub(super) fn run(command: FeedsCommand, data: &Path, is_quiet: bool) -> Result<u8> {
    let store = Store::new(data);
    let changes = !matches!(command, FeedsCommand::Status { .. } | FeedsCommand::Verify);
    let waiting = || say("Another process is changing the data directory; waiting for it to end.");
    let _lock = if changes { Some(store.lock(waiting)?) } else { None };
    let progress: Arc<dyn Progress> = if is_quiet { Arc::new(Silent) } else { Arc::new(Bars::new()) };
    match command {
        FeedsCommand::Sync { feed, mirror, jobs } => {
            run_sync(&store, &feed, &Sync { mirror, concurrency: jobs, ..Sync::default() }, &progress, is_quiet)
        }
        FeedsCommand::Import { path, feed } => run_import(&store, &path, feed.as_deref(), progress.as_ref(), is_quiet),
        FeedsCommand::Remove { feed, document } => run_remove(&store, &feed, &document, progress.as_ref(), is_quiet),
        FeedsCommand::Compile => run_compile(&store, progress.as_ref(), is_quiet),
        FeedsCommand::Status { json } => status(&store, json),
        FeedsCommand::Verify => verify(&store),
    }
}

fn named(id: &str) -> Result<&'static Feed> {
    find(id).ok_or_else(|| {
        let known: Vec<&str> = FEEDS.iter().map(|feed| feed.id).collect();
        Usage(format!("no feed is called `{id}`; there are {}", known.join(", "))).into()
    })
}

fn run_sync(store: &Store, ids: &[String], options: &Sync, progress: &Arc<dyn Progress>, is_quiet: bool) -> Result<u8> {
    let chosen: Vec<&'static Feed> =
        if ids.is_empty() { FEEDS.iter().collect() } else { ids.iter().map(|id| named(id)).collect::<Result<_>>()? };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("failed to start the network runtime")?;
    for feed in chosen.iter().filter(|feed| feed.addresses.is_empty() && !ids.is_empty()) {
        say(&format!("{} has no address to be fetched from: use `plimsoll feeds import`.", feed.id));
    }
    let outcomes = runtime.block_on(sync(store, &chosen, options, progress.clone(), Timestamp::now()))?;
    let mut out = crate::pager::out();
    let mut failed = 0;
    for (feed, address, outcome) in &outcomes {
        failed += usize::from(matches!(outcome, Outcome::Failed { .. }));
        let word = match outcome {
            Outcome::Fetched { size_bytes } => format!("fetched {size_bytes} bytes"),
            Outcome::Unchanged => "unchanged".to_owned(),
            Outcome::Failed { why } if store.documents(feed)?.is_empty() => format!("FAILED  {why}"),
            Outcome::Failed { why } => format!("FAILED  {why}; what was stored before stays in use"),
        };
        writeln!(out, "{feed:16} {}  {}", printable(address), printable(&word)).context("failed to write")?;
    }
    drop(out);
    if store.is_index_owed() || (store.current_index().is_err() && outcomes.len() > failed) {
        run_compile(store, progress.as_ref(), is_quiet)?;
    }
    Ok(if failed > 0 || outcomes.is_empty() { exit::COULD_NOT_FINISH } else { exit::WITHIN_POLICY })
}

fn run_import(
    store: &Store,
    paths: &[PathBuf],
    feed: Option<&str>,
    progress: &dyn Progress,
    is_quiet: bool,
) -> Result<u8> {
    let feed = feed.map(named).transpose()?;
    let outcomes = import(store, paths, feed, Timestamp::now())?;
    list(&outcomes)?;
    let is_useless = |outcome: &Imported| matches!(outcome, Imported::NotRecognised { .. } | Imported::Empty { .. });
    if outcomes.iter().all(is_useless) {
        anyhow::bail!("no record could be read from {} files; the index was left as it is", outcomes.len());
    }
    let compiled = compile(store, progress)?;
    keep(store, &compiled, is_quiet)?;
    let is_whole = !outcomes.iter().any(is_useless) && compiled.unread() == 0;
    Ok(if is_whole { exit::WITHIN_POLICY } else { exit::COULD_NOT_FINISH })
}

/// Says what became of each file.
fn list(outcomes: &[Imported]) -> Result<()> {
    let mut out = crate::pager::out();
    for outcome in outcomes {
        let (word, path) = match outcome {
            Imported::Stored { path, feed, .. } => ((*feed).to_owned(), path),
            Imported::Known { path, feed } => (format!("{feed} (known)"), path),
            Imported::Older { path, feed, .. } => (format!("{feed} (older)"), path),
            Imported::Empty { path, feed } => (format!("{feed}: NO RECORD"), path),
            Imported::NotRecognised { path } => ("NOT RECOGNISED".to_owned(), path),
        };
        writeln!(out, "{word:16} {}", printable(&path.display().to_string())).context("failed to write")?;
        let (words, names) = match outcome {
            Imported::Stored { replaces, .. } => ("in place of", replaces.as_slice()),
            Imported::Older { than, .. } => ("not stored: older than", std::slice::from_ref(than)),
            _ => continue,
        };
        for name in names {
            writeln!(out, "{:16} {words} {}", "", printable(name)).context("failed to write")?;
        }
    }
    Ok(())
}

fn run_remove(store: &Store, feed: &str, name: &str, progress: &dyn Progress, is_quiet: bool) -> Result<u8> {
    let feed = named(feed)?;
    if !store.remove(feed.id, name)? {
        let known: Vec<String> = store.documents(feed.id)?.into_keys().collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Usage(format!("the feed {} has no document `{name}`; it has {known}", feed.id)).into());
    }
    run_compile(store, progress, is_quiet)
}

fn run_compile(store: &Store, progress: &dyn Progress, is_quiet: bool) -> Result<u8> {
    let compiled = compile(store, progress)?;
    keep(store, &compiled, is_quiet)?;
    Ok(if compiled.unread() == 0 { exit::WITHIN_POLICY } else { exit::COULD_NOT_FINISH })
}

/// Makes a compiled index the current one, and lists what could not be read.
fn keep(store: &Store, compiled: &Compiled, is_quiet: bool) -> Result<()> {
    let path = store.keep(compiled, |text| printable(text).into_owned())?;
    if is_quiet {
        return Ok(());
    }
    let meta = Index::open(&compiled.bytes)?.meta()?;
    say(&format!(
        "Compiled {} advisories on {} vulnerabilities into {} ({} bytes).",
        meta.advisories,
        meta.vulnerabilities,
        path.display(),
        compiled.bytes.len()
    ));
    if !compiled.problems.is_empty() {
        say(&format!(
            "{} records or documents could not be read; they are listed in {}.",
            compiled.problems.len(),
            store.problems().display()
        ));
    }
    Ok(())
}

fn status(store: &Store, is_json: bool) -> Result<u8> {
    let map = MappedIndex::current(store)?;
    let meta = map.as_ref().map(|map| map.index()?.meta().map_err(anyhow::Error::from)).transpose()?;
    let mut rows = Vec::new();
    for feed in FEEDS {
        let documents = store.documents(feed.id)?;
        let state = meta
            .as_ref()
            .and_then(|meta| meta.feeds.iter().find(|state| state.feed == feed.id))
            .cloned()
            .unwrap_or_default();
        let fetched = documents.values().filter_map(|document| document.fetched_at).max();
        let failure = documents.values().find_map(|document| document.last_failure.clone());
        rows.push((feed, documents.len(), state, fetched, failure));
    }
    let mut out = crate::pager::out();
    if is_json {
        let value: Vec<serde_json::Value> = rows.iter().map(|(feed, documents, state, fetched, failure)| {
            serde_json::json!({ "feed": feed.id, "title": feed.title, "documents": documents, "records": state.records, "problems": state.problems,
                "newest": state.newest, "fetched_at": fetched, "last_failure": failure, "stale": is_stale(feed, state), "stale_after_days": feed.stale_after_days })
        }).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&value)?).context("failed to write")?;
        return Ok(exit::WITHIN_POLICY);
    }
    writeln!(out, "{:16} {:>9} {:>9}  {:12} {:12} STATE", "FEED", "RECORDS", "PROBLEMS", "NEWEST", "FETCHED")
        .context("failed to write")?;
    for (feed, documents, state, fetched, failure) in rows {
        let day = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.strftime("%F").to_string());
        let word = match (documents, failure, is_stale(feed, &state)) {
            (0, _, _) if state.records == 0 => "not loaded".to_owned(),
            (_, Some(failure), _) => format!("last renewal failed: {}", printable(&failure)),
            (_, None, Some(true)) => format!("STALE: nothing newer than {} days", feed.stale_after_days),
            (_, None, None) => "its age is not known".to_owned(),
            _ => "current".to_owned(),
        };
        writeln!(
            out,
            "{:16} {:>9} {:>9}  {:12} {:12} {word}",
            feed.id,
            state.records,
            state.problems,
            day(state.newest),
            day(fetched)
        )
        .context("failed to write")?;
    }
    match map {
        Some(map) => writeln!(out, "\nindex {}", map.index()?.digest()),
        None => writeln!(
            out,
            "\nThere is no index yet: run `plimsoll feeds sync`, or `plimsoll feeds import FILE…` without a network."
        ),
    }
    .context("failed to write")?;
    Ok(exit::WITHIN_POLICY)
}

/// By the newest record inside, whatever the file's date; none if no record says when it was made.
fn is_stale(feed: &Feed, state: &FeedState) -> Option<bool> {
    let days = Timestamp::now().duration_since(state.newest?).as_hours() / 24;
    Some(days > i64::from(feed.stale_after_days))
}

fn verify(store: &Store) -> Result<u8> {
    let mut damaged = Vec::new();
    let mut checked = 0;
    for feed in FEEDS {
        for (name, document) in store.documents(feed.id)? {
            let path = store.feed_folder(feed.id).join(&name);
            checked += 1;
            match std::fs::read(&path) {
                Ok(bytes) if blake3::hash(&bytes).to_hex().as_str() == document.digest => {}
                Ok(_) => {
                    damaged.push(format!("{}: its digest is not the one recorded when it was stored", path.display()))
                }
                Err(error) => damaged.push(format!("{}: {error}", path.display())),
            }
        }
    }
    let path = store.current_index()?;
    let map = MappedIndex::open(&path)?;
    if let Err(error) = Index::verify(map.bytes()) {
        damaged.push(format!("{}: {error}", path.display()));
    }
    let mut out = crate::pager::out();
    for line in &damaged {
        writeln!(out, "DAMAGED  {}", printable(line)).context("failed to write")?;
    }
    writeln!(out, "{checked} documents and the index checked, {} damaged", damaged.len()).context("failed to write")?;
    Ok(if damaged.is_empty() { exit::WITHIN_POLICY } else { exit::COULD_NOT_FINISH })
}
