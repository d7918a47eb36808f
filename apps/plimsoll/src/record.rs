//! The record behind a command: opened in the data directory, or where `--store` says.

use crate::arguments::RecordArguments;
use crate::exit::Usage;
use crate::progress::{self, Counter};
use anyhow::{Context, Result};
use jiff::Timestamp;
use lifecycle::PersonId;
use operations::Organisation;
use std::path::{Path, PathBuf};
use store::{Keys, Options, Store};

/// A record, opened, and who acts on it.
pub(crate) struct Opened {
    pub(crate) organisation: Organisation,
    pub(crate) person: PersonId,
    pub(crate) now: Timestamp,
    /// Whether the organisation is invented.
    pub(crate) is_demonstration: bool,
}

/// What stands above everything that is shown of an invented organisation.
const DEMONSTRATION: &str = "DEMONSTRATION: this organisation and all that is said of it are invented.";

/// Says of an invented organisation that it is one, by its ledger's name.
pub(crate) fn tell_demonstration(origin: &str) {
    if origin.starts_with(demo::ORIGIN) {
        progress::say(DEMONSTRATION);
    }
}

impl Opened {
    /// Shows a text. That it is of an invented organisation stands above what is for people, and beside what is for programs.
    pub(crate) fn show(&self, text: &[u8], is_for_people: bool) -> Result<()> {
        let shown = match (self.is_demonstration, is_for_people) {
            (true, true) => crate::pager::show(&[DEMONSTRATION.as_bytes(), b"\n", text].concat()),
            (is_demonstration, _) => {
                if is_demonstration {
                    progress::say(DEMONSTRATION);
                }
                crate::pager::show(text)
            }
        };
        shown.context("failed to write")
    }
}

/// Runs a task to its end.
pub(crate) fn block_on<T>(task: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.context("failed to start")?.block_on(task)
}

/// The record's address: a path or a URL.
pub(crate) fn address(data: &Path, arguments: &RecordArguments) -> String {
    arguments.store.clone().unwrap_or_else(|| data.join("record.sqlite").display().to_string())
}

/// The file that opening begins with.
pub(crate) fn snapshot(data: &Path) -> PathBuf {
    data.join("record.facts")
}

/// Who acts: as the arguments say, or the user.
pub(crate) fn person(arguments: &RecordArguments) -> Result<PersonId> {
    let user = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok().filter(|user| !user.is_empty());
    let name = arguments.acting.clone().or_else(user).unwrap_or_else(|| "local".to_owned());
    PersonId::new(name).map_err(|refusal| Usage(refusal.to_string()).into())
}

/// Opens the record to change it. Where there is none yet it is founded: whoever does so administrates it, and the common
/// baseline is in force until another policy is adopted.
pub(crate) async fn open_or_found(data: &Path, arguments: &RecordArguments, is_quiet: bool) -> Result<Opened> {
    founded(open_at(data, arguments, (Access::Found, is_quiet)).await?, is_quiet).await
}

/// The same, with findings that are kept up to date with every entry.
pub(crate) async fn open_to_serve(data: &Path, arguments: &RecordArguments, is_quiet: bool) -> Result<Opened> {
    founded(open_at(data, arguments, (Access::Serve, is_quiet)).await?, is_quiet).await
}

async fn founded(opened: Opened, is_quiet: bool) -> Result<Opened> {
    let policy = ::policy::PRESETS.iter().find(|preset| preset.id == "baseline").context("the baseline is gone")?;
    if opened.organisation.found(&opened.person, (policy.id, policy.text), opened.now).await? && !is_quiet {
        progress::say(&format!(
            "This is a new record. `{}` administrates it, and the policy \"baseline\" is in force (see `plimsoll fleet policy`).",
            opened.person
        ));
    }
    Ok(opened)
}

/// Opens a record that is there, to change it.
pub(crate) async fn open_to_change(data: &Path, arguments: &RecordArguments, is_quiet: bool) -> Result<Opened> {
    open_at(data, arguments, (Access::Change, is_quiet)).await
}

/// Opens a record that is there, to read it: that needs no key.
pub(crate) async fn open(data: &Path, arguments: &RecordArguments, is_quiet: bool) -> Result<Opened> {
    open_at(data, arguments, (Access::Read, is_quiet)).await
}

/// What a record is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Change,
    Found,
    Serve,
}

async fn open_at(data: &Path, arguments: &RecordArguments, (access, is_quiet): (Access, bool)) -> Result<Opened> {
    let (address, person) = (address(data, arguments), person(arguments)?);
    let is_new = store::is_new(&address).await?;
    if is_new && matches!(access, Access::Read | Access::Change) {
        return Err(Usage(format!(
            "there is no record at `{}`: begin one with `plimsoll fleet register` or `plimsoll fleet push`",
            store::shown(&address)
        ))
        .into());
    }
    let mut counter = Counter::new("reading the record", "entries", is_quiet);
    let progress = |entry| counter.at(entry, None);
    let keys = Keys::of(data);
    let place = Options {
        snapshot: Some(snapshot(data)),
        blobs: arguments.blobs.clone(),
        findings_at: (access == Access::Serve).then(Timestamp::now),
        ..Options::reading(&address)
    };
    let store = match access {
        Access::Read => {
            // Who may not read the keys reads the record all the same, and waits longer.
            let sealers = keys.candidates().unwrap_or_default();
            Store::open(Options { sealers, ..place }, progress).await?
        }
        Access::Change | Access::Found | Access::Serve => {
            if is_new {
                std::fs::create_dir_all(data).with_context(|| format!("failed to create `{}`", data.display()))?;
                keys.found()?;
            }
            open_with_key(&keys, &place, progress).await?
        }
    };
    counter.end();
    // The first line of a checkpoint is the ledger's name.
    let is_demonstration = store.checkpoint().await?.starts_with(demo::ORIGIN);
    Ok(Opened { organisation: Organisation::new(store), person, now: Timestamp::now(), is_demonstration })
}

/// Opens a record with the key that signs it. That may be one that signed before, or is to: of a change of keys that was cut
/// short, or of a backup of then.
async fn open_with_key(keys: &Keys, place: &Options<'_>, mut progress: impl FnMut(u64)) -> Result<Store> {
    let current = keys.signer()?;
    let mut refused = None;
    for signer in keys.candidates()? {
        let options = Options {
            snapshot: place.snapshot.clone(),
            blobs: place.blobs.clone(),
            findings_at: place.findings_at,
            ..Options::new(place.url, signer.clone())
        };
        match Store::open(options, &mut progress).await {
            Err(error @ store::Error::Key { .. }) => refused = refused.or(Some(error)),
            Err(error) => return Err(error.into()),
            Ok(store) => {
                if current.verifier() != signer.verifier() {
                    keys.replace(&signer)?;
                    progress::say(&format!(
                        "The ledger at hand is signed by `{}`, which is not the key that signed last here: that one signs again from now on. After a restore, or a change of keys that was cut short, this is as it should be; else an older record was put in this one's place.",
                        signer.verifier()
                    ));
                }
                return Ok(store);
            }
        }
    }
    // INVARIANT: the key that signs is among them, so that one was refused.
    Err(refused.map_or_else(|| anyhow::anyhow!("there is no key"), Into::into))
}

/// A public key: the text itself, or a file that holds it.
pub(crate) fn public_key(given: Option<&str>, data: &Path) -> Result<ledger::Verifier> {
    match given {
        None => Ok(Keys::of(data)
            .first()
            .context("the key that the ledger began with is not in the data directory: put the saved folder `keys` there, or name the key with --key")?),
        Some(text) if text.contains('+') && !Path::new(text).exists() => Ok(ledger::Verifier::parse(text)?),
        Some(path) => {
            let text = crate::files::read_text(&PathBuf::from(path))
                .with_context(|| format!("failed to read the key `{path}`"))?;
            Ok(ledger::Verifier::parse(text.trim_end()).with_context(|| format!("`{path}` holds no public key"))?)
        }
    }
}
