//! Download of feeds: concurrent, conditional, resumed, bounded, replaced at once.

use crate::Progress;
use crate::error::Error;
use crate::store::{Document, Store};
use crate::trial::{self, Trial, parts_of};
use advisories::feeds::Feed;
use jiff::Timestamp;
use reqwest::header::{CONTENT_RANGE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE};
use reqwest::{Client, StatusCode};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How to download.
#[derive(Debug, Clone)]
pub struct Sync {
    /// Another address than the publishers': a mirror that serves `<feed>/<file name>`.
    pub mirror: Option<String>,
    /// The most bytes that one document may have.
    pub limit_bytes: u64,
    /// How many downloads run at once.
    pub concurrency: usize,
    /// How long one connection may stay silent.
    pub timeout: Duration,
}

impl Default for Sync {
    fn default() -> Self {
        Self { mirror: None, limit_bytes: 2 << 30, concurrency: 4, timeout: Duration::from_secs(30) }
    }
}

/// What became of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A new version was fetched.
    Fetched {
        /// Its size.
        size_bytes: u64,
    },
    /// The stored one is the newest.
    Unchanged,
    /// It could not be fetched; what was stored before stays.
    Failed {
        /// Why, in words.
        why: String,
    },
}

struct Task {
    feed: &'static Feed,
    address: String,
    name: String,
    known: Document,
    now: Timestamp,
}

/// Downloads the documents of feeds. Returns each address with what became of it.
///
/// # Errors
/// If the network client cannot be set up or the data directory not be written. A failed download is an outcome.
pub async fn sync(
    store: &Store,
    feeds: &[&'static Feed],
    options: &Sync,
    progress: Arc<dyn Progress>,
    now: Timestamp,
) -> Result<Vec<(&'static str, String, Outcome)>, Error> {
    let client = client(options)?;
    let limit = Arc::new(tokio::sync::Semaphore::new(options.concurrency.max(1)));
    let mut running = tokio::task::JoinSet::new();
    for task in tasks(store, feeds, options, now)? {
        let (client, limit, progress, store, limit_bytes) =
            (client.clone(), limit.clone(), progress.clone(), store.clone(), options.limit_bytes);
        running.spawn(async move {
            let _permit = limit.acquire_owned().await;
            let outcome = fetch(&client, &store, &task, limit_bytes, progress.as_ref()).await;
            (task, outcome)
        });
    }
    let mut outcomes = Vec::new();
    while let Some(joined) = running.join_next().await {
        let Ok((task, result)) = joined else { continue };
        let (document, outcome) = match result {
            Ok((document, outcome)) => (document, outcome),
            Err(why) => (Document { last_failure: Some(why.clone()), ..task.known.clone() }, Outcome::Failed { why }),
        };
        // Only what exists is listed: a document that never came has no file to compile.
        if !document.digest.is_empty() {
            store.put(task.feed.id, &task.name, document)?;
        }
        progress.end(&task.address, outcome.word());
        outcomes.push((task.feed.id, task.address, outcome));
    }
    outcomes.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    Ok(outcomes)
}

impl Outcome {
    /// A word for it.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Fetched { .. } => "fetched",
            Self::Unchanged => "unchanged",
            Self::Failed { why } => why,
        }
    }
}

/// A client with the one TLS of this program: the roots that browsers trust, and no proxy of its own.
pub fn client_builder() -> reqwest::ClientBuilder {
    // Asking twice is no error: the first answer stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(Duration::from_secs(10))
        .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
}

fn client(options: &Sync) -> Result<Client, Error> {
    client_builder().read_timeout(options.timeout).build().map_err(Error::Client)
}

fn tasks(store: &Store, feeds: &[&'static Feed], options: &Sync, now: Timestamp) -> Result<Vec<Task>, Error> {
    let mut tasks = Vec::new();
    for feed in feeds {
        let documents = store.documents(feed.id)?;
        for address in feed.addresses {
            let name = stored_name(address);
            let known = documents.get(&name).cloned().unwrap_or_default();
            let address = match &options.mirror {
                Some(mirror) => format!("{}/{}/{name}", mirror.trim_end_matches('/'), feed.id),
                None => (*address).to_owned(),
            };
            tasks.push(Task { feed, address, name, known, now });
        }
    }
    Ok(tasks)
}

/// `https://host/a/PyPI/all.zip` → `PyPI-all.zip`: the last two parts of the path, so that files of one name differ.
fn stored_name(address: &str) -> String {
    let path = address.split("://").nth(1).unwrap_or(address).split('?').next().unwrap_or(address);
    let parts: Vec<&str> = path.split('/').skip(1).filter(|part| !part.is_empty()).collect();
    let tail = &parts[parts.len().saturating_sub(2)..];
    let name = tail.join("-").replace("%20", "-");
    name.chars().filter(|character| character.is_ascii_alphanumeric() || "._-".contains(*character)).collect()
}

type Fetched = (Document, Outcome);

/// What an earlier run left of a document, to go on from.
struct Begun {
    part: PathBuf,
    /// The server's mark of the version that it is a part of.
    tag: PathBuf,
}

impl Begun {
    fn new(part: PathBuf) -> Self {
        let tag = part.with_extension("tag");
        Self { part, tag }
    }

    /// How many bytes there are, and of which version; none where either is not known.
    fn so_far(&self) -> Option<(u64, String)> {
        let length = std::fs::metadata(&self.part).ok()?.len();
        let tag = std::fs::read_to_string(&self.tag).ok()?;
        (length > 0).then_some((length, tag))
    }

    fn forget(&self) {
        // What cannot be removed is written over.
        let _ = std::fs::remove_file(&self.part);
        let _ = std::fs::remove_file(&self.tag);
    }
}

/// Fetches a document: from where an earlier run stopped, and only if the server has another than the stored one.
async fn fetch(
    client: &Client,
    store: &Store,
    task: &Task,
    limit_bytes: u64,
    progress: &dyn Progress,
) -> Result<Fetched, String> {
    let folder = store.feed_folder(task.feed.id);
    let begun = Begun::new(folder.join(format!("{}.part", task.name)));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let address = resolve(client, &task.address).await?;
    let so_far = begun.so_far();
    let response = ask(client, store, task, &address, so_far.as_ref()).await?;
    let resumed = so_far.as_ref().map_or(0, |(length, _)| *length);
    match response.status() {
        StatusCode::NOT_MODIFIED => {
            let document = Document { fetched_at: Some(task.now), last_failure: None, ..task.known.clone() };
            return Ok((document, Outcome::Unchanged));
        }
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => {}
        // There is nothing after what is here: it is whole but was never stored, or of another version. Begin anew.
        StatusCode::RANGE_NOT_SATISFIABLE if so_far.is_some() => {
            begun.forget();
            return Box::pin(fetch(client, store, task, limit_bytes, progress)).await;
        }
        status => return Err(format!("the server answered {status}")),
    }
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (etag, last_modified) = (header(ETAG), header(LAST_MODIFIED));
    let goes_on = response.status() == StatusCode::PARTIAL_CONTENT
        && header(CONTENT_RANGE).is_some_and(|range| range.starts_with(&format!("bytes {resumed}-")));
    let start = if goes_on { resumed } else { 0 };
    let total = response.content_length().map(|length| length + start);
    if let Some(total) = total.filter(|total| *total > limit_bytes) {
        return Err(format!("the document has {total} bytes, more than the limit of {limit_bytes}"));
    }
    progress.begin(&task.address, total);
    // The tag stands beside the part, so that a later run resumes only the same version.
    if let Some(tag) = etag.as_ref().filter(|tag| !tag.starts_with("W/")).or(last_modified.as_ref()) {
        std::fs::write(&begun.tag, tag).map_err(|error| error.to_string())?;
    }
    let advance = |done| progress.advance(&task.address, done);
    let size_bytes = receive(response, &begun.part, start, (limit_bytes, total), advance).await?;
    let Kept { digest, parts, trial } = keep(begun, folder.join(&task.name), task.feed).await?;
    let Trial { records, newest } = trial;
    let (origin, fetched_at) = (task.address.clone(), Some(task.now));
    let document = Document {
        origin,
        fetched_at,
        digest,
        size_bytes,
        etag,
        last_modified,
        last_failure: None,
        parts,
        records,
        newest,
    };
    Ok((document, Outcome::Fetched { size_bytes }))
}

/// Asks for the rest of a document, or for the whole of it unless it is the one that is stored.
async fn ask(
    client: &Client,
    store: &Store,
    task: &Task,
    address: &str,
    so_far: Option<&(u64, String)>,
) -> Result<reqwest::Response, String> {
    let mut request = client.get(address);
    if let Some((length, tag)) = so_far {
        request = request.header(RANGE, format!("bytes={length}-")).header(IF_RANGE, tag);
    } else if store.is_whole(task.feed.id, &task.name, &task.known).unwrap_or(false) {
        // Who has lost it, or holds other bytes, asks as if it had never been here.
        if let Some(etag) = &task.known.etag {
            request = request.header(IF_NONE_MATCH, etag);
        } else if let Some(date) = &task.known.last_modified {
            request = request.header(IF_MODIFIED_SINCE, date);
        }
    }
    request.send().await.map_err(|error| in_words(&error))
}

/// What is known of a document that was put in its place.
struct Kept {
    digest: String,
    parts: BTreeSet<String>,
    trial: Trial,
}

/// Puts a received document in its place, if it is one: an error page with a good answer must not replace good data.
async fn keep(begun: Begun, path: PathBuf, feed: &'static Feed) -> Result<Kept, String> {
    let work = move || {
        let trial = trial::read(&begun.part, feed).map_err(|error| error.to_string())?;
        if trial.records == 0 {
            begun.forget();
            return Err("what the server sent holds no record of this feed; what was stored before stays".to_owned());
        }
        let parts = parts_of(&begun.part, feed).map_err(|error| error.to_string())?;
        let bytes = std::fs::read(&begun.part).map_err(|error| error.to_string())?;
        std::fs::rename(&begun.part, path).map_err(|error| error.to_string())?;
        let _ = std::fs::remove_file(&begun.tag);
        Ok(Kept { digest: blake3::hash(&bytes).to_hex().to_string(), parts, trial })
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}

/// Red Hat publishes its archive under a dated name, which a small file beside it says.
async fn resolve(client: &Client, address: &str) -> Result<String, String> {
    let Some(base) = address.strip_suffix("archive_latest.txt") else { return Ok(address.to_owned()) };
    let response = client.get(address).send().await.map_err(|error| in_words(&error))?;
    if !response.status().is_success() || response.content_length().is_some_and(|length| length > 1024) {
        return Err(format!("the server answered {} for the name of the newest archive", response.status()));
    }
    let name = response.text().await.map_err(|error| in_words(&error))?;
    let name = name.trim();
    let is_plain = !name.is_empty()
        && !name.contains("..")
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if is_plain {
        Ok(format!("{base}{name}"))
    } else {
        Err("the name of the newest archive is not a plain file name".to_owned())
    }
}

async fn receive(
    mut response: reqwest::Response,
    part: &PathBuf,
    start: u64,
    (limit, total): (u64, Option<u64>),
    advance: impl Fn(u64),
) -> Result<u64, String> {
    let mut options = std::fs::OpenOptions::new();
    let file = if start > 0 {
        options.append(true).open(part)
    } else {
        options.write(true).create(true).truncate(true).open(part)
    };
    let mut file = file.map_err(|error| error.to_string())?;
    let mut written = start;
    while let Some(chunk) = response.chunk().await.map_err(|error| in_words(&error))? {
        written += chunk.len() as u64;
        if written > limit {
            return Err(format!("the document has more bytes than the limit of {limit}"));
        }
        file.write_all(&chunk).map_err(|error| error.to_string())?;
        advance(written);
    }
    file.sync_all().map_err(|error| error.to_string())?;
    match total.filter(|total| *total != written) {
        Some(total) => Err(format!("the connection ended after {written} of {total} bytes; the next run resumes")),
        None => Ok(written),
    }
}

/// A clear word for what went wrong on the way.
fn in_words(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if error.is_timeout() {
        "the server did not answer in time".to_owned()
    } else if error.is_connect() {
        format!("not reachable: {cause}")
    } else {
        cause.to_string()
    }
}
