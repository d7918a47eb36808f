//! `plimsoll ledger`.

mod proof;
mod records;
mod timestamp;

use crate::arguments::{LedgerArguments, LedgerCommand};
use crate::exit;
use crate::formats::count;
use crate::pager;
use crate::printable::printable;
use crate::progress::{Counter, say};
use crate::record::{self, block_on, tell_demonstration};
use anyhow::{Context, Result};
use ledger::{Report, Tampering};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use store::{DifferenceKind, Keys};

/// Runs a command on the ledger.
pub(super) fn run(arguments: LedgerArguments, data: &Path, is_quiet: bool) -> Result<u8> {
    let LedgerArguments { record, command } = arguments;
    let address = record::address(data, &record);
    block_on(async {
        match command {
            LedgerCommand::Verify { key, checkpoint, authority, json } => {
                let key = record::public_key(key.as_deref(), data)?;
                let read = |path: &std::path::PathBuf| {
                    crate::files::read(path, crate::files::MOST_TEXT_BYTES)
                        .with_context(|| format!("failed to read `{}`", path.display()))
                };
                let kept = checkpoint.iter().map(read).collect::<Result<Vec<_>>>()?;
                let beside = |(path, kept): (&std::path::PathBuf, &Vec<u8>)| {
                    timestamp::beside(path, kept, authority.as_deref()).transpose()
                };
                let stamps = checkpoint.iter().zip(&kept).filter_map(beside).collect::<Result<Vec<_>>>()?;
                let mut counter = Counter::new("verified", "entries", is_quiet);
                let report = store::verify_at(&address, &key, kept, move |entry| counter.at(entry, None)).await?;
                verified(&report, (checkpoint.len(), &stamps), json)
            }
            LedgerCommand::Timestamp { file } => {
                timestamp::request(&record::open(data, &record, is_quiet).await?, &file, is_quiet).await
            }
            LedgerCommand::Prove { number } => prove(&record::open(data, &record, is_quiet).await?, number).await,
            LedgerCommand::Check { proof, key } => check(&proof, &record::public_key(Some(&key), data)?),
            LedgerCommand::Replay { json } => {
                tell_demonstration(&Keys::of(data).first().map(|key| key.name).unwrap_or_default());
                let mut counter = Counter::new("played again", "entries", is_quiet);
                let replayed =
                    store::replay_at((&address, record.blobs.as_deref()), Some(&record::snapshot(data)), |entry| {
                        counter.at(entry, None)
                    })
                    .await?;
                counter.end();
                replay(&replayed, json)
            }
            LedgerCommand::Checkpoint => {
                let opened = record::open(data, &record, is_quiet).await?;
                print(&opened.organisation.store.checkpoint().await?)
            }
            LedgerCommand::Show { from, count } => {
                let opened = record::open(data, &record, is_quiet).await?;
                show(&opened, (from, count), is_quiet).await
            }
            LedgerCommand::Records { format } => {
                records::records(&record::open(data, &record, is_quiet).await?, format, is_quiet).await
            }
            LedgerCommand::Key => {
                if let Some(now) = Keys::of(data).candidates()?.first().filter(|_| !is_quiet) {
                    say(&format!("It is signed by `{}` now.", now.verifier()));
                }
                print(&format!("{}\n", record::public_key(None, data)?))
            }
            LedgerCommand::RotateKey => {
                let opened = record::open_to_change(data, &record, is_quiet).await?;
                let keys = Keys::of(data);
                let next = keys.next(&keys.signer()?)?;
                keys.prepare(&next)?;
                opened.organisation.store.change_key(&opened.person, opened.now, next.clone()).await?;
                keys.replace(&next)?;
                say(&format!("The ledger is signed by `{}` from now on.", next.verifier()));
                say("Save the folder `keys` anew: the copies that you have do not hold this key.");
                Ok(exit::WITHIN_POLICY)
            }
        }
    })
}

fn entries(number: u64) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") }
}

/// Proves that an entry is in the ledger.
async fn prove(opened: &record::Opened, number: u64) -> Result<u8> {
    let store = &opened.organisation.store;
    let size = store.record().await?.state.entries;
    if number >= size {
        let last = size.saturating_sub(1);
        return Err(exit::Usage(format!("there is no entry {number}: the last one is {last}")).into());
    }
    print(&(serde_json::to_string_pretty(&operations::proof_as_json(&store.prove(number).await?)?)? + "\n"))
}

/// Checks a proof, and shows what it proves.
fn check(proof: &Path, key: &::ledger::Verifier) -> Result<u8> {
    match proof::check(&crate::files::read_text(proof)?, key)? {
        proof::Checked::Holds(entry) => {
            print(&format!("The proof holds: this entry is in the ledger.\n{}\n", crate::sheet::escaped(&entry)))
        }
        proof::Checked::Fails(why) => {
            print(&format!("THE PROOF DOES NOT HOLD: {why}.\n"))?;
            Ok(exit::POLICY_NOT_MET)
        }
    }
}

/// Shows entries, each with its number.
async fn show(opened: &record::Opened, (from, count): (u64, u64), is_quiet: bool) -> Result<u8> {
    let store = &opened.organisation.store;
    let size = store.record().await?.state.entries;
    let (from, until) = (from.min(size), from.saturating_add(count).min(size));
    let mut text = String::new();
    for (number, entry) in (from..).zip(store.entries(from, until).await?) {
        let entry = crate::sheet::escaped(&String::from_utf8_lossy(&entry));
        text.push_str(&format!("{{\"number\":{number},\"entry\":{entry}}}\n"));
    }
    opened.show(text.as_bytes(), false)?;
    if until < size && !is_quiet {
        say(&format!("… and {} behind it: --from {until} or a larger --count", entries(size - until)));
    }
    Ok(exit::WITHIN_POLICY)
}

fn print(text: &str) -> Result<u8> {
    pager::show(text.as_bytes()).context("failed to write")?;
    Ok(exit::WITHIN_POLICY)
}

/// What verification found, one line for each thing that is not as it was written.
pub(super) fn verified(report: &Report, (kept, stamps): (usize, &[(bool, String)]), is_json: bool) -> Result<u8> {
    tell_demonstration(&report.checkpoint.origin);
    let kept = match kept {
        0 => String::new(),
        kept => {
            format!(", and contains {} that {} kept", count(kept, "checkpoint"), if kept == 1 { "was" } else { "were" })
        }
    };
    let lines: Vec<String> = report.tampering.iter().map(in_words).collect();
    let mut out = Vec::new();
    if is_json {
        let whole = json!({
            "origin": report.checkpoint.origin, "entries": report.checkpoint.size,
            "root": report.checkpoint.root.to_string(), "key_changes": report.key_changes.len(), "tampering": lines,
            "timestamps": stamps.iter().map(|(holds, words)| json!({ "holds": holds, "words": words })).collect::<Vec<_>>(),
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&whole)?)?;
    } else {
        for line in &lines {
            writeln!(out, "TAMPERED  {}", printable(line))?;
        }
        for (holds, words) in stamps {
            writeln!(out, "{}  {}", if *holds { "STAMPED" } else { "NO TIMESTAMP" }, printable(words))?;
        }
        writeln!(
            out,
            "{} of the ledger {}, {} of keys: {}",
            entries(report.checkpoint.size),
            printable(&report.checkpoint.origin),
            count(report.key_changes.len(), "change"),
            if lines.is_empty() {
                format!(
                    "the ledger is as it was written{kept} (`plimsoll ledger replay` looks at the tables and documents too)"
                )
            } else {
                format!("not as it was written: {}", count(lines.len(), "thing"))
            }
        )?;
    }
    pager::show(&out).context("failed to write")?;
    let is_well = lines.is_empty() && stamps.iter().all(|(holds, _)| *holds);
    Ok(if is_well { exit::WITHIN_POLICY } else { exit::POLICY_NOT_MET })
}

fn in_words(tampering: &Tampering) -> String {
    match tampering {
        Tampering::Checkpoint { what } => format!("the newest checkpoint: {what}"),
        Tampering::Bundle { path, what } => format!("the entries in {path}: {what}"),
        Tampering::EntryChanged { number } => format!("entry {number} is not the one that was written"),
        Tampering::EntryUnreadable { number, what } => format!("entry {number}: {what}"),
        Tampering::Tile { path, what } => format!("the hashes in {path}: {what}"),
        Tampering::HashChanged { path, place } => format!("hash {place} in {path} is not that of what it stands for"),
        Tampering::Rewritten { found, signed } => {
            format!("the history was written anew: it leads to {found}, and {signed} was signed")
        }
        Tampering::RolledBack { kept, size } => {
            format!("an older state was put back: a checkpoint that was kept has {kept} entries, and there are {size}")
        }
        Tampering::Forked { kept } => {
            format!("the history was forked: a checkpoint that was kept has another root for its {kept} entries")
        }
        Tampering::KeptUnsigned { kept, what } => format!("the checkpoint that was kept of {kept} entries: {what}"),
    }
}

/// What comparing the tables with the ledger found.
pub(super) fn replay(replayed: &store::Replayed, is_json: bool) -> Result<u8> {
    let word = |kind: DifferenceKind| match kind {
        DifferenceKind::Missing => "is missing",
        DifferenceKind::Foreign => "does not follow from the ledger",
        DifferenceKind::Changed => "has other contents",
    };
    let mut out = Vec::new();
    if is_json {
        let differences: Vec<_> = replayed
            .differences
            .iter()
            .map(|one| json!({ "table": one.table, "key": one.key, "what": word(one.kind) }))
            .collect();
        let unlawful: Vec<_> =
            replayed.unlawful.iter().map(|(number, why)| json!({ "entry": number, "why": why.to_string() })).collect();
        let whole = json!({
            "entries": replayed.entries, "rows": replayed.rows, "differences": differences, "unlawful": unlawful,
            "dated_back": replayed.dated_back, "stopped": replayed.stopped,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&whole)?)?;
    } else {
        for one in &replayed.differences {
            writeln!(out, "DIFFERS  table {}, row `{}`: it {}", one.table, printable(&one.key), word(one.kind))?;
        }
        if let Some(why) = &replayed.stopped {
            writeln!(out, "STOPPED  {}: restore a backup", printable(why))?;
        }
        for (number, why) in &replayed.unlawful {
            writeln!(out, "UNLAWFUL  entry {number}: the rules do not allow it ({})", printable(&why.to_string()))?;
        }
        if let Some(first) = replayed.dated_back.first() {
            let many = entries(replayed.dated_back.len() as u64);
            writeln!(out, "DATED BACK  {many}, the first is {first}: a clock was wrong, or somebody set it back")?;
        }
        writeln!(
            out,
            "{} played again and held against the rules, {} not lawful; {} compared, {} differ",
            entries(replayed.entries),
            replayed.unlawful.len(),
            count(replayed.rows as usize, "row"),
            replayed.differences.len()
        )?;
    }
    pager::show(&out).context("failed to write")?;
    let is_well = replayed.differences.is_empty() && replayed.unlawful.is_empty() && replayed.stopped.is_none();
    Ok(if is_well { exit::WITHIN_POLICY } else { exit::POLICY_NOT_MET })
}
