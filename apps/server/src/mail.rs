//! Mail to people: what each is to be told of is gathered every minute and leaves through the outbox, each thing once, at least.

use crate::app::App;
use crate::identity::address_of_account;
use crate::pages::plain;
use crate::work::Ended;
use connectors::{Letter, Mail};
use jiff::{SignedDuration, Timestamp};
use lifecycle::PersonId;
use operations::{Announcement, Notice};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;
use std::time::Duration;
use store::{Job, Outcome};

/// How often letters that wait are sent.
const SEND_EVERY: Duration = Duration::from_secs(2);
/// The outbox of letters.
const QUEUE: &str = "mail";
/// For how long whoever sends letters holds them: longer than a server can take for all that is said to it of each.
const HELD: SignedDuration = SignedDuration::from_mins(60);
/// So many are taken at a time, with one look whether the server is there: all of them leave while they are held.
const AT_ONCE: u64 = 8;
/// How long the lead holds without being renewed.
const LEAD: SignedDuration = SignedDuration::from_mins(3);
/// So many things one letter tells; the others are counted.
const MOST: usize = 50;
/// So many characters of a subject.
const MOST_SUBJECT: usize = 90;
/// So long after it was given a word to the business is passed on.
const NEWS: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A letter on its way out. Whose address it goes to is looked up when it leaves.
#[derive(Serialize, Deserialize)]
struct Waiting {
    to: PersonId,
    subject: String,
    text: String,
}

/// Writes to people until the service stops; waits for ever where no mail is set.
pub(crate) async fn write(app: &App) {
    let Some(mail) = app.settings.mail.as_ref().and_then(|server| Mail::new(server).ok()) else {
        return std::future::pending().await;
    };
    // What takes long to leave keeps nothing from being gathered.
    tokio::join!(gathering(app), sending(app, &mail));
}

async fn gathering(app: &App) {
    let mut known = Known::default();
    loop {
        if let Err(error) = gather(app, &mut known).await {
            tracing::error!(error = %store::in_words(&error), "what people are to be told of could not be gathered");
        }
        tokio::time::sleep(app.settings.write_every).await;
    }
}

async fn sending(app: &App, mail: &Mail) {
    loop {
        if let Err(error) = send(app, mail).await {
            tracing::error!(error = %store::in_words(&error), "letters that wait could not be taken");
        }
        tokio::time::sleep(SEND_EVERY.min(app.settings.write_every)).await;
    }
}

/// The words to the business, by the change: when the last was given, and each with its instant.
type Words = BTreeMap<lifecycle::ChangeId, (Timestamp, Vec<(Timestamp, String)>)>;

/// What this process has looked up and queued already: nobody asks the database for it again.
#[derive(Default)]
struct Known {
    words: Words,
    /// The keys of what stands, and was told.
    told: HashSet<String>,
}

/// Queues what people are to be told of and were not told before.
async fn gather(app: &App, known: &mut Known) -> Result<(), operations::Error> {
    let (store, now) = (&app.organisation.store, app.now());
    if !store.lead("mail", &app.replica, (now, now + LEAD)).await? {
        return Ok(());
    }
    let accounts = store.accounts().await?;
    let has_address = |(person, account): &(&String, &String)| {
        address_of_account(account).is_some().then(|| PersonId::new(person.as_str()).ok()).flatten()
    };
    let people: BTreeSet<PersonId> = accounts.iter().filter_map(|one| has_address(&one)).collect();
    if people.is_empty() {
        return Ok(());
    }
    let announcements = announcements(app, &mut known.words, now).await?;
    let alerts = crate::api::alerts(app).await?;
    let notices = {
        let record = store.record().await?;
        tokio::task::block_in_place(|| operations::notices(&record, &people, (&alerts, &announcements), now))
    };
    let told = std::mem::take(&mut known.told);
    for (person, notices) in notices {
        let (keys, places): (Vec<String>, Vec<usize>) = notices
            .iter()
            .enumerate()
            .flat_map(|(place, notice)| notice.keys.iter().map(move |key| (key.clone(), place)))
            .unzip();
        if keys.iter().all(|key| told.contains(key)) {
            known.told.extend(keys);
            continue;
        }
        let body = |new: &[usize]| {
            let new: BTreeSet<usize> = new.iter().map(|key| places[*key]).collect();
            let new: Vec<&Notice> = new.into_iter().map(|place| &notices[place]).collect();
            let letter = letter(&person, &new, |page| app.settings.address_of(page));
            // INVARIANT: text alone.
            serde_json::to_string(&letter).unwrap_or_default()
        };
        store.queue_once(QUEUE, &keys, now, body).await?;
        known.told.extend(keys);
    }
    Ok(())
}

/// What the business was told of changes that are not over.
async fn announcements(app: &App, words: &mut Words, now: Timestamp) -> Result<Vec<Announcement>, operations::Error> {
    let given: BTreeMap<lifecycle::ChangeId, Timestamp> = {
        let record = app.organisation.store.record().await?;
        let open = record.state.changes.iter().filter(|(_, known)| !known.is_over());
        let last = |known: &change::Change| known.last_notices.get(&change::Audience::Business).copied();
        let given = open.filter_map(|(id, known)| Some((id.clone(), last(known)?)));
        given.filter(|(_, at)| now.duration_since(*at) < NEWS).collect()
    };
    words.retain(|id, (last, _)| given.get(id) == Some(last));
    for (id, last) in given.into_iter().filter(|(id, _)| !words.contains_key(id)).collect::<Vec<_>>() {
        let steps = app.organisation.change_steps(&id).await?;
        let said = steps.into_iter().filter_map(|step| match step.what {
            change::Happening::Noticed { audience: change::Audience::Business, words } => Some((step.at, words)),
            _ => None,
        });
        let said = said.filter(|(at, _)| now.duration_since(*at) < NEWS).collect();
        words.insert(id, (last, said));
    }
    let said = words.iter().flat_map(|(change, (_, said))| said.iter().map(move |one| (change, one)));
    let announcement = |(change, (at, words)): (&lifecycle::ChangeId, &(Timestamp, String))| Announcement {
        change: change.clone(),
        at: *at,
        words: words.clone(),
    };
    Ok(said.map(announcement).collect())
}

/// A letter that tells somebody of some things.
fn letter(person: &PersonId, notices: &[&Notice], address_of: impl Fn(&str) -> String) -> Waiting {
    let subject = match notices {
        [one] => plain(&one.words).chars().take(MOST_SUBJECT).collect(),
        several => format!("{} things wait for you", several.len()),
    };
    let mut text = String::new();
    for notice in notices.iter().take(MOST) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "- {}\n  {}\n", plain(&notice.words), address_of(&notice.page));
    }
    if notices.len() > MOST {
        let _ = writeln!(text, "And {} more.\n", notices.len() - MOST);
    }
    let _ = writeln!(text, "All that waits for you: {}", address_of("/tasks"));
    Waiting { to: person.clone(), subject: format!("Plimsoll: {subject}"), text }
}

/// Sends what waits, a few at a time: several processes that share a record share it. Where the server takes nothing now, no other
/// letter is tried.
async fn send(app: &App, mail: &Mail) -> Result<(), operations::Error> {
    let store = &app.organisation.store;
    loop {
        let now = app.now();
        let jobs = store.claim(QUEUE, &app.replica, (now, now + HELD), AT_ONCE).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        // What the server says before it has heard of a letter is no letter's fault: all of them wait.
        let there = mail.reach().await;
        let mut is_for_now = there.is_err();
        for job in &jobs {
            let outcome = match &there {
                Ok(()) => sent(app, mail, job).await?,
                Err(error) => Outcome::Failed(store::in_words(error)),
            };
            let words = match &outcome {
                Outcome::Done => None,
                Outcome::Failed(words) | Outcome::Dead(words) => Some(words.clone()),
            };
            if let Some(words) = &words {
                tracing::warn!(letter = job.id, attempt = job.attempt, error = %words, "a letter did not leave");
            }
            app.work.note_mail(words.map(|words| Ended { at: now, words, is_failure: true }));
            is_for_now |= matches!(outcome, Outcome::Failed(_));
            store.finish(job, &app.replica, outcome, app.now()).await?;
        }
        if is_for_now {
            return Ok(());
        }
    }
}

async fn sent(app: &App, mail: &Mail, job: &Job) -> Result<Outcome, operations::Error> {
    let waiting: Waiting = match serde_json::from_str(&job.body) {
        Ok(waiting) => waiting,
        Err(error) => return Ok(Outcome::Dead(format!("it is no letter: {error}"))),
    };
    let account = app.organisation.store.account(&waiting.to).await?;
    let Some(to) = account.as_deref().and_then(address_of_account) else {
        return Ok(Outcome::Dead(format!("no address of {} is known", waiting.to)));
    };
    let id: String = job.id.chars().filter(char::is_ascii_alphanumeric).collect();
    let letter = Letter { id, to, subject: waiting.subject, text: waiting.text };
    // What is kept of a failure names the person, and not where their mail goes.
    let words = |error: &connectors::Error| store::in_words(error).replace(&letter.to, waiting.to.as_str());
    Ok(match mail.send(&letter).await {
        Ok(()) => Outcome::Done,
        Err(error) if error.is_final() => Outcome::Dead(words(&error)),
        Err(error) => Outcome::Failed(words(&error)),
    })
}

/// How many letters have come how far: `waiting`, `sent`, `given up`.
pub(crate) async fn counts(app: &App) -> Result<Vec<(&'static str, u64)>, operations::Error> {
    let counts = app.organisation.store.count_jobs(QUEUE).await?;
    let of = |state: &str| counts.get(state).copied().unwrap_or_default();
    Ok(vec![("waiting", of("waiting")), ("sent", of("done")), ("given up", of("dead"))])
}
