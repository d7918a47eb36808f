//! What every handler sees: the record, the index, the keys, the clock and the limits.

use crate::agents::Contacts;
use crate::agents::authority::Authority;
use crate::agents::orders::Orders;
use crate::api::Alerts;
use crate::error::Error;
use crate::identity::{Sealer, Setup, provider::Provider};
use crate::kept::AsOf;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::pages::{Figures, Patches, Trend};
use crate::problem::{Answer, Problem};
use crate::work::Work;
use crate::{Clock, Settings};
use jiff::Timestamp;
use operations::{Advisories, Organisation, View};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};

/// The service, as handlers see it.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) organisation: Organisation,
    pub(crate) data: PathBuf,
    /// The index in force here; none before a feed was fetched.
    advisories: RwLock<Option<Advisories>>,
    pub(crate) authority: Authority,
    pub(crate) sealer: Sealer,
    pub(crate) provider: Option<Provider>,
    clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    pub(crate) contacts: Contacts,
    pub(crate) orders: Orders,
    pub(crate) work: Work,
    pub(crate) trend: Trend,
    pub(crate) figures: Figures,
    pub(crate) patches: Patches,
    pub(crate) alerts: Alerts,
    /// Past days that are worked out at the same time: each takes as much memory as all that is known of now.
    past: tokio::sync::Semaphore,
    /// Documents that are set as pages, and policies that are proven, at the same time.
    setting: tokio::sync::Semaphore,
    /// What works them out: one core, so that those who ask about now have the others.
    beside: rayon::ThreadPool,
    pub(crate) metrics: Metrics,
    /// The one-time link by which the first administrator begins.
    pub(crate) setup: Mutex<Option<Setup>>,
    /// Whether the organisation is invented.
    pub(crate) is_demonstration: bool,
    /// Who this process is among those that share a database.
    pub(crate) replica: String,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Answers a question from the findings as of an instant, or of now. Whoever waits for the record, or for another past day to be
    /// worked out, holds no thread; whoever computes holds one.
    pub(crate) async fn view<T: Send>(
        &self,
        at: Option<Timestamp>,
        answer: impl FnOnce(&View<'_>) -> T + Send,
    ) -> Result<T, operations::Error> {
        let now = self.now();
        if at.is_none() {
            let apart = |view: &View<'_>| tokio::task::block_in_place(|| answer(view));
            return self.organisation.view(at, now, apart).await;
        }
        // INVARIANT: nobody closes it.
        let _turn = self.past.acquire().await.ok();
        let runtime = tokio::runtime::Handle::current();
        let asked = self.organisation.view(at, now, answer);
        tokio::task::block_in_place(|| self.beside.install(|| runtime.block_on(asked)))
    }

    /// Does something that takes a while on a thread that nobody waits for, few at a time.
    pub(crate) async fn apart<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
        // INVARIANT: nobody closes it.
        let _turn = self.setting.acquire().await.ok();
        tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))
    }

    /// What an answer about now, or about a past day, follows from.
    pub(crate) async fn as_of(&self, at: Option<Timestamp>) -> Result<AsOf, operations::Error> {
        let entries = self.organisation.store.record().await?.state.entries;
        let now = self.now();
        Ok(AsOf { entries, now, is_past: at.is_some_and(|at| at < now) })
    }

    /// Opens what the service needs beside the record.
    pub(crate) async fn open(
        organisation: Organisation,
        data: PathBuf,
        (settings, clock): (Settings, Clock),
    ) -> Result<Self, Error> {
        let authority = Authority::open(&data, clock())?;
        let orders = Orders::open(&data)?;
        let sealer = Sealer::open(&data)?;
        let provider = settings.provider.as_ref().map(Provider::new).transpose()?;
        let advisories = Advisories::current(&data)?;
        let is_demonstration = organisation.store.checkpoint().await?.starts_with("demo/");
        let random = random::<8>()?;
        Ok(Self(Arc::new(Inner {
            organisation,
            data,
            advisories: RwLock::new(advisories),
            authority,
            sealer,
            provider,
            clock,
            limits: Limits::new(),
            contacts: Contacts::default(),
            orders,
            work: Work::default(),
            trend: Trend::default(),
            figures: Figures::default(),
            patches: Patches::default(),
            alerts: Alerts::default(),
            past: tokio::sync::Semaphore::new(1),
            setting: tokio::sync::Semaphore::new(2),
            beside: beside()?,
            metrics: Metrics::default(),
            setup: Mutex::default(),
            is_demonstration,
            replica: protocol::hexadecimal(&random),
            settings,
        })))
    }

    /// The clock's instant.
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The index in force here.
    pub(crate) fn advisories(&self) -> Option<Advisories> {
        self.advisories.read().ok().and_then(|advisories| advisories.clone())
    }

    /// Puts another index in force here. `false` if it is the one that was.
    pub(crate) fn take_index(&self) -> Result<bool, operations::Error> {
        let current = Advisories::current(&self.data)?;
        let Ok(mut known) = self.advisories.write() else { return Ok(false) };
        let digest = |advisories: &Option<Advisories>| advisories.as_ref().map(|known| known.digest.clone());
        let is_other = digest(&current) != digest(&known);
        if is_other {
            *known = current;
        }
        Ok(is_other)
    }
}

/// A core for what nobody waits for: whoever asks about now goes before it.
fn beside() -> Result<rayon::ThreadPool, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).start_handler(|_| step_back());
    pool.build().map_err(|_| Error::Threads)
}

/// Lets other threads go first. Where the system says no, this one goes on as they do.
fn step_back() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 5);
}

/// Random bytes.
pub(crate) fn random<const SIZE: usize>() -> Result<[u8; SIZE], Error> {
    let mut bytes = [0; SIZE];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}
