//! Agents that have enrolled, and what they say and are told.

use super::{World, asset, person, thing};
use lifecycle::Command;
use protocol::{CHECK_IN, Certified, CheckIn, ENROL, Enrol, INVENTORY, Observed, TAKEN_AT};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;

/// A client that trusts the authority, and shows a certificate if it has one.
pub(crate) fn client(authority: &str, own: Option<(&str, &KeyPair)>) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate")).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("TLS").with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
            let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("a client")
        }
    };
    feeds::client_builder().tls_backend_preconfigured(config).build().expect("a client")
}

pub(crate) fn request(key: &KeyPair) -> String {
    let parameters = CertificateParams::new(vec!["somebody-else".to_owned()]).expect("parameters");
    parameters.serialize_request(key).expect("a request").pem().expect("PEM")
}

/// An agent that has enrolled.
pub(crate) struct Agent {
    pub(crate) client: reqwest::Client,
    pub(crate) base: String,
    pub(crate) certified: Certified,
}

impl Agent {
    pub(crate) async fn say<T: serde::Serialize>(&self, path: &str, message: &T) -> reqwest::Response {
        say(&self.client, &format!("{}{path}", self.base), message).await
    }

    pub(crate) async fn check_in(&self, digest: &str, taken_at: jiff::Timestamp) -> reqwest::Response {
        let version = "1".to_owned();
        self.say(CHECK_IN, &CheckIn { digest: digest.to_owned(), taken_at, version }).await
    }

    pub(crate) async fn hand_in(&self, observed: &Observed, taken_at: jiff::Timestamp) -> reqwest::Response {
        let body = zstd::bulk::compress(&serde_json::to_vec(observed).expect("JSON"), 1).expect("compressed");
        self.send(body, taken_at).await
    }

    pub(crate) async fn send(&self, body: Vec<u8>, taken_at: jiff::Timestamp) -> reqwest::Response {
        let request = self.client.post(format!("{}{INVENTORY}", self.base)).header("content-encoding", "zstd");
        request.header(TAKEN_AT, taken_at.to_string()).body(body).send().await.expect("answered")
    }
}

pub(crate) async fn say<T: serde::Serialize>(
    client: &reqwest::Client,
    address: &str,
    message: &T,
) -> reqwest::Response {
    let body = serde_json::to_vec(message).expect("JSON");
    client.post(address).header("content-type", "application/json").body(body).send().await.expect("answered")
}

pub(crate) async fn read<T: serde::de::DeserializeOwned>(response: reqwest::Response) -> T {
    assert_eq!(response.status(), 200);
    serde_json::from_slice(&response.bytes().await.expect("a body")).expect("understood")
}

pub(crate) async fn authority(world: &World) -> String {
    std::fs::read_to_string(world.folder.join("keys/agents.crt")).expect("the authority")
}

pub(crate) async fn ticket(world: &World, id: &str) -> String {
    let who = (&person("root"), world.now());
    let fingerprint = plimsoll_server::fingerprint(&world.folder, world.now()).expect("a fingerprint");
    operations::enrolment(&world.organisation, who, (&asset(id), true), fingerprint).await.expect("a ticket").reveal()
}

pub(crate) async fn enrol(world: &World, id: &str) -> Agent {
    let (key, ticket, authority) =
        (KeyPair::generate().expect("a key"), ticket(world, id).await, authority(world).await);
    let asked = Enrol { ticket, request: request(&key) };
    let certified: Certified =
        read(say(&client(&authority, None), &format!("{}{ENROL}", world.agents), &asked).await).await;
    let client = client(&authority, Some((&certified.certificate, &key)));
    Agent { client, base: world.agents.clone(), certified }
}

/// An inventory with version 1 of a package of which version 2 is offered.
pub(crate) fn missing() -> Vec<fleet::Thing> {
    let offer = fleet::Offer { version: "2".to_owned(), suite: "bookworm-security".to_owned(), ..Default::default() };
    let own = thing("example", "1");
    vec![own.clone(), fleet::Thing { offer: Some(Box::new(offer)), ..own }]
}

/// Plans a change of everything and starts it.
pub(crate) async fn start(world: &World, id: &str) -> lifecycle::ChangeId {
    let (id, now) = (lifecycle::ChangeId::new(id).expect("an id"), world.now());
    let scope = operations::Scope::default();
    let missing = world.organisation.view(None, now, |view| view.candidates(&scope)).await.expect("asked");
    let wanted = change::Wanted {
        kind: policy::promises::ChangeType::Normal,
        title: "example 2".to_owned(),
        way_back: "what was installed is kept".to_owned(),
        until: now + jiff::SignedDuration::from_hours(48),
        left_out: Vec::new(),
        precedence: Vec::new(),
        health: std::collections::BTreeSet::new(),
        trigger: None,
    };
    let planned = (missing.candidates.as_slice(), wanted);
    world.organisation.plan_change(&person("root"), id.clone(), planned, now).await.expect("planned");
    world.act("root", Command::Change(id.clone(), change::Happening::Started {})).await;
    id
}

pub(crate) async fn order(agent: &Agent, wait_seconds: u64) -> Option<String> {
    order_within(agent, wait_seconds, None).await
}

/// The same for a host whose own windows are open for so many minutes still.
pub(crate) async fn order_within(agent: &Agent, wait_seconds: u64, room_minutes: Option<i64>) -> Option<String> {
    let asked = protocol::AskOrder { wait_seconds, room_minutes, version: "1".to_owned() };
    read::<protocol::Ordered>(agent.say(protocol::ORDERS, &asked).await).await.order
}
