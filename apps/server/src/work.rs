//! Work that nobody has to ask for: others' entries are taken in, feeds fetched, everything held against them, what was missed
//! told. Of several replicas one leads; each takes others' entries in.

use crate::app::App;
use croner::Cron;
use feeds::{Outcome, Progress, Store, Sync, compile, sync};
use jiff::{SignedDuration, Timestamp, Zoned};
use lifecycle::{PersonId, SYSTEM};
use operations::{DaysTold, View};
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// How often others' entries are taken in.
const FOLLOW: Duration = Duration::from_millis(500);
/// How often is looked at what has to be done.
const LOOK: Duration = Duration::from_secs(2);
/// How long the lead holds without being renewed: so long after its end another replica takes it.
const LEAD: SignedDuration = SignedDuration::from_secs(5);
/// How often scans that were missed are told, and sessions that are over forgotten.
const HOURLY: SignedDuration = SignedDuration::from_hours(1);

/// How something ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) at: Timestamp,
    pub(crate) words: String,
    pub(crate) is_failure: bool,
}

/// What is being done now.
#[derive(Default)]
pub(crate) struct Work {
    words: Arc<Mutex<String>>,
    last: Mutex<Option<Ended>>,
    /// Why packages could not be held against the advisories; none where they could, the last time.
    unjudged: Mutex<Option<Ended>>,
    /// Why the last letter did not leave; none where it did.
    mail: Mutex<Option<Ended>>,
    ask: Notify,
    fetching: tokio::sync::Mutex<()>,
    is_asked: std::sync::atomic::AtomicBool,
}

impl Work {
    /// What is being done now, in words; empty if nothing is.
    pub(crate) fn words(&self) -> String {
        self.words.lock().map(|words| words.clone()).unwrap_or_default()
    }

    /// How the last fetching of the feeds ended.
    pub(crate) fn last(&self) -> Option<Ended> {
        self.last.lock().ok()?.clone()
    }

    /// Why packages could not be held against the advisories, if they could not.
    pub(crate) fn unjudged(&self) -> Option<Ended> {
        self.unjudged.lock().ok()?.clone()
    }

    /// Why the last letter did not leave, if it did not.
    pub(crate) fn mail_failure(&self) -> Option<Ended> {
        self.mail.lock().ok()?.clone()
    }

    pub(crate) fn note_mail(&self, failed: Option<Ended>) {
        if let Ok(mut mail) = self.mail.lock() {
            *mail = failed;
        }
    }

    fn note_judging(&self, failed: Option<Ended>) {
        if let Ok(mut unjudged) = self.unjudged.lock() {
            *unjudged = failed;
        }
    }

    /// Asks that the feeds are fetched now.
    pub(crate) fn ask_for_sync(&self) {
        self.is_asked.store(true, std::sync::atomic::Ordering::Release);
        self.ask.notify_one();
    }

    fn say(&self, text: &str) {
        if let Ok(mut words) = self.words.lock() {
            text.clone_into(&mut words);
        }
    }
}

/// Shows how far downloads are.
struct Shown(Arc<Mutex<String>>);

impl Progress for Shown {
    fn begin(&self, name: &str, _: Option<u64>) {
        if let Ok(mut words) = self.0.lock() {
            *words = format!("fetching {name}");
        }
    }

    fn advance(&self, name: &str, done: u64) {
        if let Ok(mut words) = self.0.lock() {
            *words = format!("fetching {name}: {} KiB", done / 1024);
        }
    }

    fn end(&self, _: &str, _: &str) {}
}

/// Does what has to be done until the service stops.
pub(crate) async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    // Each goes on by itself: none waits for what another computes.
    let mut running = tokio::task::JoinSet::new();
    let [following, leading, dispatching, looking_back, writing] =
        [app.clone(), app.clone(), app.clone(), app.clone(), app];
    running.spawn(async move { follow(&following).await });
    running.spawn(async move { lead(&leading).await });
    running.spawn(async move { crate::agents::orders::dispatch(&dispatching).await });
    running.spawn(async move { crate::pages::follow_trend(&looking_back).await });
    running.spawn(async move { crate::mail::write(&writing).await });
    // None of them ends by itself: where one does, the service has failed, and says so.
    tokio::select! {
        () = crate::until_stopped(&mut stopped) => {}
        ended = running.join_next() => tracing::error!(?ended, "a part of the work has ended"),
    }
    // INVARIANT: what was begun in a transaction is kept whole or not at all.
    running.shutdown().await;
}

async fn follow(app: &App) {
    let mut is_reached = true;
    loop {
        tokio::time::sleep(FOLLOW).await;
        match app.organisation.store.catch_up().await {
            Ok(()) if !is_reached => {
                tracing::info!("the record can be reached again");
                is_reached = true;
            }
            Err(error) if is_reached => {
                tracing::error!(error = %store::in_words(&error), "the record cannot be reached");
                is_reached = false;
            }
            _ => {}
        }
    }
}

async fn lead(app: &App) {
    let mut next_sync = next_sync(app, app.now());
    let mut next_hourly = app.now();
    // The index here that was last found to be older than what is in force.
    let mut passed_over = String::new();
    loop {
        // What is asked for is done at once.
        let _ = tokio::time::timeout(LOOK, app.work.ask.notified()).await;
        let now = app.now();
        app.limits.sweep();
        count_ahead(app).await;
        if let Err(error) = app.take_index() {
            tracing::error!(error = %store::in_words(&error), "the index cannot be read");
        }
        let is_leader = app.organisation.store.lead("work", &app.replica, (now, now + LEAD)).await.unwrap_or(false);
        let is_asked = app.work.is_asked.swap(false, std::sync::atomic::Ordering::AcqRel);
        let is_due = next_sync.is_some_and(|due| due <= now);
        if is_asked || is_due {
            next_sync = self::next_sync(app, now);
            // What is done here does not wait for it.
            let app = app.clone();
            tokio::spawn(async move { fetch(&app, now).await });
        }
        if !is_leader {
            // Whoever leads says how it goes there.
            app.work.note_judging(None);
            continue;
        }
        // However long that takes, nobody else leads meanwhile; and where somebody does, it ends.
        let renewing = app.clone();
        let mut renewed = tokio::task::JoinSet::new();
        renewed.spawn(async move { renew(&renewing).await });
        let held = tokio::select! {
            held = hold_against(app, &mut passed_over) => Some(held),
            _ = renewed.join_next() => None,
        };
        renewed.shutdown().await;
        match held {
            None => {}
            Some(Ok(())) => app.work.note_judging(None),
            Some(Err(error)) => {
                let words = store::in_words(&error);
                tracing::error!(error = %words, "packages could not be held against the advisories");
                app.work.note_judging(Some(Ended { at: app.now(), words, is_failure: true }));
            }
        }
        put_in_force(app, now).await;
        if let Err(error) = app.organisation.follow_changes(app.now()).await {
            tracing::error!(error = %store::in_words(&error), "changes could not be followed");
        }
        if next_hourly <= now {
            next_hourly = now + HOURLY;
            hourly(app, now).await;
        }
    }
}

/// Counts what is owed on each asset where it was not since something else came in: nobody who lists assets waits for that.
async fn count_ahead(app: &App) {
    let count = |view: &View<'_>| view.findings.count_ahead(&view.record.facts, view.now);
    // Before the first policy there is nothing to count; and what cannot be read is told elsewhere.
    let _ = app.view(None, count).await;
}

/// Goes on to lead, until it is ended or somebody else leads.
async fn renew(app: &App) {
    loop {
        tokio::time::sleep(LOOK).await;
        let now = app.now();
        match app.organisation.store.lead("work", &app.replica, (now, now + LEAD)).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!("another one leads: what was begun here ends");
                return;
            }
            Err(error) => tracing::warn!(error = %store::in_words(&error), "the lead could not be renewed"),
        }
    }
}

/// Says no to a schedule that is none.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn check_schedule(schedule: &str) -> Result<(), String> {
    Cron::from_str(schedule).map(|_| ()).map_err(|error| format!("`{schedule}` is no schedule: {error}"))
}

/// When the feeds are fetched next.
fn next_sync(app: &App, now: Timestamp) -> Option<Timestamp> {
    let (schedule, zone) = app.settings.sync_at.as_ref()?;
    let cron = Cron::from_str(schedule).ok()?;
    let here: Zoned = now.to_zoned(zone.clone());
    cron.find_next_occurrence(&here, false).ok().map(|next| next.timestamp())
}

/// Fetches the feeds, and compiles them.
async fn fetch(app: &App, now: Timestamp) {
    // One at a time is enough.
    let Ok(_one) = app.work.fetching.try_lock() else { return };
    app.work.say("fetching the feeds");
    let (words, is_failure) = match fetched(app, now).await {
        Ok(words) => (words, false),
        Err(words) => (words, true),
    };
    if is_failure {
        tracing::error!(error = %words, "the feeds could not all be fetched");
    }
    if let Ok(mut last) = app.work.last.lock() {
        *last = Some(Ended { at: app.now(), words, is_failure });
    }
    app.work.say("");
}

async fn fetched(app: &App, now: Timestamp) -> Result<String, String> {
    let in_words = |error: feeds::Error| store::in_words(&error);
    let store = Store::new(&app.data);
    let locking = store.clone();
    let lock = tokio::task::spawn_blocking(move || locking.lock(|| {})).await.map_err(|error| error.to_string())?;
    let _lock = lock.map_err(in_words)?;
    let all: Vec<_> = advisories::feeds::FEEDS.iter().collect();
    let options = Sync { mirror: app.settings.mirror.clone(), ..Sync::default() };
    let shown: Arc<dyn Progress> = Arc::new(Shown(Arc::clone(&app.work.words)));
    let outcomes = sync(&store, &all, &options, shown, now).await.map_err(in_words)?;
    let failed = outcomes.iter().filter(|(.., outcome)| matches!(outcome, Outcome::Failed { .. })).count();
    let mut unread = 0;
    if store.is_index_owed() || store.current_index().is_err() && outcomes.len() > failed {
        app.work.say("compiling the index");
        let compiling = store.clone();
        let work = move || {
            let compiled = compile(&compiling, &feeds::Silent)?;
            compiling.keep(&compiled, crate::pages::plain).map(|_| compiled.unread())
        };
        let done: Result<_, feeds::Error> =
            tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
        unread = done.map_err(in_words)?;
        app.take_index().map_err(|error| store::in_words(&error))?;
    }
    in_short(&store, (&outcomes, unread))
}

/// What came of fetching, in a sentence; one that says what failed is an error.
fn in_short(store: &Store, (outcomes, unread): (&[(&'static str, String, Outcome)], usize)) -> Result<String, String> {
    let failed = outcomes.iter().filter(|(.., outcome)| matches!(outcome, Outcome::Failed { .. })).count();
    let fetched = outcomes.iter().filter(|(.., outcome)| matches!(outcome, Outcome::Fetched { .. })).count();
    let mut reasons = Vec::new();
    for (feed, address, outcome) in outcomes {
        let Outcome::Failed { why } = outcome else { continue };
        tracing::warn!(feed, address, why, "a feed could not be fetched");
        if !reasons.iter().any(|known: &String| known.starts_with(&format!("{feed}: "))) {
            let stays = store.documents(feed).is_ok_and(|documents| !documents.is_empty());
            let stays = if stays { "what was stored before stays in use" } else { "nothing of it is stored" };
            reasons.push(format!("{feed}: {why}; {stays}"));
        }
    }
    let mut words = Vec::new();
    if failed > 0 {
        words.push(format!("{failed} of {} documents could not be fetched ({})", outcomes.len(), reasons.join("; ")));
    }
    if unread > 0 {
        let place = store.problems();
        words.push(format!("{unread} documents could not be read: they are listed in `{}`", place.display()));
    }
    match words.is_empty() {
        true => Ok(format!("{fetched} documents are new, {} unchanged", outcomes.len() - fetched)),
        false => Err(words.join("; ")),
    }
}

/// Holds everything against the index here, where something was not.
async fn hold_against(app: &App, passed_over: &mut String) -> Result<(), operations::Error> {
    let Some(advisories) = app.advisories() else { return Ok(()) };
    let (is_owed, is_older) = {
        let record = app.organisation.store.record().await?;
        let is_other = record.state.index.as_ref() != Some(&advisories.digest);
        let is_owed = record.state.policy.is_some() && (is_other || record.facts.has_unjudged());
        (is_owed, is_other && advisories.are_older_than(&record.state))
    };
    if is_owed && is_older && *passed_over != advisories.digest {
        passed_over.clone_from(&advisories.digest);
        tracing::warn!(index = advisories.digest, "the index here is older than what is in force: it is passed over");
    }
    if !is_owed || is_older {
        return Ok(());
    }
    let system = PersonId::new(SYSTEM)?;
    app.work.say("holding packages against the advisories");
    let now = app.now();
    let judge = async {
        app.organisation.note_feeds(&system, &advisories, now).await?;
        let say = |done, total| app.work.say(&format!("holding packages against the advisories: {done} of {total}"));
        app.organisation.judge(&system, &advisories, now, say).await
    };
    let judged = judge.await;
    app.work.say("");
    let judged = judged?;
    tracing::info!(things = judged.things, changed = judged.changed, "packages were held against the advisories");
    Ok(())
}

/// Puts what was published in force once its day has come.
async fn put_in_force(app: &App, now: Timestamp) {
    match app.organisation.put_due_in_force(now).await {
        Ok(versions) => versions.iter().for_each(|version| tracing::info!(%version, "another policy is in force")),
        Err(error) => tracing::error!(error = %store::in_words(&error), "a published policy could not be put in force"),
    }
}

async fn hourly(app: &App, now: Timestamp) {
    let swept = app.organisation.store.sweep_sessions(now).await;
    if let Err(error) = swept.and(app.organisation.store.sweep_answers(now).await) {
        tracing::warn!(error = %store::in_words(&error), "what is over could not be forgotten");
    }
    match app.organisation.plan_automatic(now).await {
        Ok(Some((change, assets))) => {
            tracing::info!(%change, assets, "what is patched without anybody's word has begun")
        }
        Ok(None) => {}
        Err(error) => tracing::error!(error = %store::in_words(&error), "automatic patching could not be planned"),
    }
    let Ok(system) = PersonId::new(SYSTEM) else { return };
    match app.organisation.tell_missed(&system, now).await {
        Ok(DaysTold { scans: 0, duties: 0, violations: 0 }) => {}
        Ok(DaysTold { scans, duties, violations }) => {
            tracing::warn!(scans, duties, violations, "promises were not kept");
        }
        Err(error) => tracing::error!(error = %store::in_words(&error), "what was missed could not be told"),
    }
}
