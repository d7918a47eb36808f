//! Listening: connections come in, with or without TLS, and are ended when the service stops.

use crate::agents::Certificate;
use crate::app::App;
use crate::error::Error;
use crate::settings::Settings;
use axum::Router;
use axum::extract::Request;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// How long a handshake, or the head of a request, may take, where not less is said.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long what was begun may take to end, when the service stops.
const FAREWELL: Duration = Duration::from_secs(20);
/// The most connections at once.
const MOST_CONNECTIONS: usize = 16_384;
/// The most of one address: many agents may share one.
const MOST_OF_ONE: usize = 4096;

/// An address that is listened on.
pub(crate) struct Listener {
    listener: TcpListener,
    patience: Duration,
}

impl Listener {
    /// Listens; whoever needs longer than `patience` for a handshake or the head of a request is let go.
    pub(crate) async fn bind(address: SocketAddr, patience: Duration) -> Result<Self, Error> {
        let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        Ok(Self { listener, patience: patience.min(PATIENCE) })
    }

    pub(crate) fn address(&self) -> Result<SocketAddr, Error> {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        self.listener.local_addr().map_err(|source| Error::Listen { address: unknown, source })
    }

    /// Serves until the service stops.
    pub(crate) async fn serve(self, router: Router, tls: Option<TlsAcceptor>, mut stopped: watch::Receiver<bool>) {
        let graceful = GracefulShutdown::new();
        let places = Places::default();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = crate::until_stopped(&mut stopped) => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: they become free again.
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // Whoever comes when all is full is turned away: waiting for others to go would keep everybody out.
            let Some(permit) = places.enter(peer.ip()) else { continue };
            let (router, tls, watcher) = (router.clone(), tls.clone(), graceful.watcher());
            let patience = self.patience;
            tokio::spawn(async move {
                connection(stream, (peer, patience), (router, tls), watcher).await;
                drop(permit);
            });
        }
        drop(self.listener);
        // Whoever takes longer is cut off.
        let _ = tokio::time::timeout(FAREWELL, graceful.shutdown()).await;
    }
}

/// The connections that are open, by the address at their other end.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection's place; it is free again when this is dropped.
struct Place(Places, IpAddr);

impl Places {
    fn enter(&self, address: IpAddr) -> Option<Place> {
        let mut open = self.0.lock().ok()?;
        let all: usize = open.values().sum();
        let own = open.entry(address).or_default();
        if all >= MOST_CONNECTIONS || *own >= MOST_OF_ONE {
            return None;
        }
        *own += 1;
        Some(Place(self.clone(), address))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Ok(mut open) = self.0.0.lock() else { return };
        if let Some(own) = open.get_mut(&self.1) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.1);
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    (peer, patience): (SocketAddr, Duration),
    (router, tls): (Router, Option<TlsAcceptor>),
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Small answers are not held back.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = tls else {
        return requests(stream, (peer, Certificate::default(), false), (router, patience), watcher).await;
    };
    // Whoever never ends the handshake is let go; what went wrong in it is the other side's to know.
    let Ok(Ok(stream)) = tokio::time::timeout(patience, acceptor.accept(stream)).await else { return };
    let certificates = stream.get_ref().1.peer_certificates();
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2".as_slice());
    let own = certificates.and_then(<[_]>::first).map(|certificate| certificate.as_ref().to_vec());
    requests(stream, (peer, Certificate(own), is_http2), (router, patience), watcher).await;
}

async fn requests<S>(
    stream: S,
    (peer, certificate, is_http2): (SocketAddr, Certificate, bool),
    (router, patience): (Router, Duration),
    watcher: hyper_util::server::graceful::Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(certificate.clone());
        router.clone().oneshot(request)
    });
    let io = TokioIo::new(stream);
    // Which of the two it is TLS has agreed on; whoever sends nothing is let go after a while.
    if is_http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(PATIENCE).keep_alive_timeout(PATIENCE);
        builder.max_concurrent_streams(64);
        // How a connection ends is nobody's concern but the other side's.
        let _ = watcher.watch(builder.serve_connection(io, service)).await;
    } else {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(64 << 10);
        let _ = watcher.watch(builder.serve_connection(io, service)).await;
    }
}

/// TLS for people and programs, where a certificate is given.
pub(crate) fn tls(settings: &Settings) -> Result<Option<TlsAcceptor>, Error> {
    let Some((certificate, key)) = &settings.tls else { return Ok(None) };
    let read = |path: &Path| std::fs::read(path).map_err(Error::file("read", path));
    let unusable = |path: &Path| {
        let path = path.display().to_string();
        move |error: rustls::pki_types::pem::Error| Error::Setting(format!("`{path}` cannot be used: {error}"))
    };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&read(certificate)?).collect::<Result<_, _>>().map_err(unusable(certificate))?;
    let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(unusable(key))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

/// TLS for agents: each shows a certificate of the authority, save one that enrols.
pub(crate) fn agents_tls(app: &App) -> Result<TlsAcceptor, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(app.authority.der.clone())?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated()
        .build()
        .map_err(|error| Error::Setting(format!("the agents' authority cannot be used: {error}")))?;
    let own = Own { app: app.clone(), made: Mutex::new(Own::make(app)?) };
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(Told(app.clone())))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(own));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The service's clock tells whether certificates hold.
struct Told(App);

impl std::fmt::Debug for Told {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the service's clock")
    }
}

impl TimeProvider for Told {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// After so long the service makes itself a new certificate: the one at hand holds for three times that.
const RENEW: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The service's own certificate for agents, made anew in time.
struct Own {
    app: App,
    made: Mutex<(Timestamp, Arc<CertifiedKey>)>,
}

impl Own {
    fn make(app: &App) -> Result<(Timestamp, Arc<CertifiedKey>), Error> {
        let now = app.now();
        let (certificate, key) = app.authority.for_server(&app.settings.agent_names, now)?;
        let chain = vec![certificate, app.authority.der.clone()];
        Ok((now, Arc::new(CertifiedKey::from_der(chain, key, &provider())?)))
    }
}

impl std::fmt::Debug for Own {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the service's own certificate")
    }
}

impl ResolvesServerCert for Own {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut made = self.made.lock().ok()?;
        if self.app.now().duration_since(made.0) > RENEW {
            match Self::make(&self.app) {
                Ok(next) => *made = next,
                // The one at hand holds for a while yet.
                Err(error) => tracing::error!(error = %store::in_words(&error), "no new certificate could be made"),
            }
        }
        Some(Arc::clone(&made.1))
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
