//! The service: agents report, people work in pages, programs use the API.
//!
//! Nothing here decides: rules are `lifecycle`'s, answers are `fleet`'s. What is here parses, lets in or refuses, and renders.

mod access;
mod agents;
mod api;
mod app;
mod error;
mod identity;
mod kept;
mod limits;
mod listen;
mod mail;
mod metrics;
mod once;
mod pages;
mod problem;
mod routes;
mod scim;
mod settings;
mod work;

pub use agents::authority::fingerprint;
pub use agents::orders::orders_signer;
pub use error::Error;
pub use routes::{RoutePolicy, description, policies};
pub use settings::{Clock, ProviderSettings, Settings};
pub use work::check_schedule;

use app::App;
use lifecycle::PersonId;
use operations::Organisation;
use std::path::PathBuf;
use tokio::sync::watch;

/// A service that has begun: where it listens, and the link by which its first administrator begins, if nobody can sign in yet.
#[derive(Debug)]
pub struct Service {
    /// Where pages and API are, as people reach them.
    pub address: String,
    /// Where pages and API listen.
    pub listens: std::net::SocketAddr,
    /// Where agents report; none if they cannot.
    pub agents: Option<String>,
    /// The one-time link by which the first administrator begins.
    pub setup: Option<String>,
    stop: watch::Sender<bool>,
    running: tokio::task::JoinSet<()>,
}

impl Service {
    /// Begins to serve a record. `first` is who may set a password by the one-time link, as long as nobody can sign in.
    ///
    /// # Errors
    /// If an address cannot be listened on, a key cannot be read, or the record fails.
    pub async fn begin(
        organisation: Organisation,
        data: PathBuf,
        (settings, clock): (Settings, Clock),
        first: &PersonId,
    ) -> Result<Self, Error> {
        let app = App::open(organisation, data, (settings, clock)).await?;
        let setup = identity::setup(&app, first).await?;
        let (stop, stopped) = watch::channel(false);
        let mut running = tokio::task::JoinSet::new();
        let (listen, agents) = (app.settings.listen, app.settings.agents);
        let pages = listen::Listener::bind(listen, app.settings.patience).await?;
        let reporting = match agents {
            Some(address) => Some(listen::Listener::bind(address, app.settings.patience).await?),
            None => None,
        };
        // Port 0 is whichever is free.
        let listens = pages.address()?;
        app.settings.note_ports(listens, reporting.as_ref().map(listen::Listener::address).transpose()?);
        let tls = listen::tls(&app.settings)?;
        running.spawn(pages.serve(routes::pages_and_api(&app), tls, stopped.clone()));
        if let Some(listener) = reporting {
            let tls = Some(listen::agents_tls(&app)?);
            running.spawn(listener.serve(routes::of_agents(&app), tls, stopped.clone()));
        }
        running.spawn(work::run(app.clone(), stopped));
        Ok(Self {
            listens,
            address: app.settings.address_of("/"),
            agents: agents.map(|_| app.settings.agents_address()),
            setup: setup.map(|secret| app.settings.address_of(&format!("/invitation/{secret}"))),
            stop,
            running,
        })
    }

    /// Stops: no connection is taken any more, what was begun is ended.
    pub async fn end(mut self) {
        // Who listens may have gone.
        let _ = self.stop.send(true);
        while self.running.join_next().await.is_some() {}
    }

    /// Waits until a part of it ends by itself: that is a failure.
    pub async fn failed(&mut self) {
        self.running.join_next().await;
    }
}

/// Waits until the service is to stop.
async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    // Whoever would say so may have gone: then it stops too.
    drop(stopped.wait_for(|stopped| *stopped).await);
}
