//! The network is cut between agent and service, in either direction and after every so many bytes of what they say: nothing is lost,
//! and nothing is counted twice.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

extern crate server as plimsoll_server;

#[path = "../../server/tests/world/mod.rs"]
mod world;

mod home;

use home::{Chroot, done, run, ticket};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use world::{World, asset};

/// How far apart the places are at which it is cut, in bytes.
const STEP: usize = 220;

/// How much goes through in each direction before everything is cut: to the service, and back.
#[derive(Debug, Default)]
struct Wire {
    most: [AtomicU64; 2],
    gone: [AtomicU64; 2],
}

impl Wire {
    /// From now on so much goes through in one direction, and all in the other.
    fn cut(&self, direction: usize, most: u64) {
        for place in 0..2 {
            self.most[place].store(if place == direction { most } else { u64::MAX }, Ordering::SeqCst);
            self.gone[place].store(0, Ordering::SeqCst);
        }
    }

    fn mend(&self) {
        self.cut(2, 0);
    }

    /// How many of these bytes go through.
    fn lets(&self, direction: usize, bytes: usize) -> usize {
        let before = self.gone[direction].fetch_add(bytes as u64, Ordering::SeqCst);
        let room = self.most[direction].load(Ordering::SeqCst).saturating_sub(before);
        usize::try_from(room).map_or(bytes, |room| room.min(bytes))
    }
}

/// Carries what is said to a port; answers with its own.
async fn carry(wire: Arc<Wire>, to: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let wire = Arc::clone(&wire);
            tokio::spawn(async move {
                let Ok(far) = connect(to).await else { return };
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                // When one direction is cut the other one is too.
                tokio::select! {
                    () = pass(&wire, 0, near_in, far_out) => {}
                    () = pass(&wire, 1, far_in, near_out) => {}
                }
            });
        }
    });
    port
}

/// Each connection comes from an address of its own: how often one may ask is no matter here.
async fn connect(to: u16) -> std::io::Result<TcpStream> {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let own = Ipv4Addr::new(127, 1, (number / 250) as u8, (number % 250) as u8 + 1);
    let socket = TcpSocket::new_v4()?;
    socket.bind((own, 0).into())?;
    socket.connect((Ipv4Addr::LOCALHOST, to).into()).await
}

async fn pass(wire: &Wire, direction: usize, mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin) {
    let mut room = [0; 64];
    while let Ok(read @ 1..) = from.read(&mut room).await {
        let lets = wire.lets(direction, read);
        if to.write_all(&room[..lets]).await.is_err() || lets < read {
            return;
        }
    }
}

/// A host and a service with a wire between them, and the address by which the one knows the other.
async fn apart(name: &str) -> Option<(Chroot, World, Arc<Wire>, String)> {
    let host = Chroot::new(name)?;
    host.write("etc/hosts", "127.0.0.1 localhost\n");
    let world = World::new(name).await;
    world.set_clock(jiff::Timestamp::now());
    let wire = Arc::new(Wire::default());
    wire.mend();
    let to = world.agents.rsplit(':').next().expect("a port").parse().expect("a port");
    let address = format!("https://localhost:{}", carry(Arc::clone(&wire), to).await);
    Some((host, world, wire, address))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_anywhere_in_a_report_loses_nothing_and_counts_nothing_twice() {
    let Some((host, world, wire, address)) = apart("cuts").await else { return };
    done(host.agent(&["enrol", &address, &ticket(&world, "cut").await])).await;
    wire.mend();
    done(host.agent(&["once"])).await;
    let totals = [0, 1].map(|direction: usize| wire.gone[direction].load(Ordering::SeqCst));
    let mut number = 0;
    let mut was_cut = 0;
    let mut id = String::new();
    for (direction, total) in totals.into_iter().enumerate() {
        for most in (0..total + STEP as u64).step_by(STEP) {
            // One agent may say only so much in a minute.
            if number % 10 == 0 {
                id = format!("cut-{number}");
                host.forget();
                done(host.agent(&["enrol", &address, &ticket(&world, &id).await])).await;
                done(host.agent(&["once"])).await;
            }
            number += 1;
            let version = format!("1.{number}-1");
            host.install(&[("openssl", &version)]);
            let before = entries(&world).await;
            wire.cut(direction, most);
            was_cut += usize::from(!run(host.agent(&["once"])).await.status.success());
            wire.mend();
            done(host.agent(&["once"])).await;
            assert_eq!(entries(&world).await, before + 1, "cut after {most} bytes of direction {direction}");
            assert_eq!(host.waiting(), 0);
            let record = world.organisation.store.record().await.expect("read");
            let things = record.facts.things_of(&asset(&id)).filter_map(|number| record.facts.thing(number));
            let versions: Vec<&str> =
                things.filter(|thing| thing.is_package()).map(|thing| thing.version.as_str()).collect();
            assert_eq!(versions, [version]);
        }
    }
    assert!(was_cut > number / 2, "{was_cut} of {number} reports were cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_anywhere_in_enrolling_leaves_a_ticket_that_still_holds() {
    let Some((host, world, wire, address)) = apart("cut-tickets").await else { return };
    done(host.agent(&["enrol", &address, &ticket(&world, "first").await])).await;
    let totals = [0, 1].map(|direction: usize| wire.gone[direction].load(Ordering::SeqCst));
    let mut was_cut = 0;
    for (direction, total) in totals.into_iter().enumerate() {
        for most in (0..total).step_by(STEP) {
            let text = ticket(&world, &format!("host-{direction}-{most}")).await;
            let before = entries(&world).await;
            wire.cut(direction, most);
            was_cut += usize::from(!run(host.agent(&["enrol", &address, &text])).await.status.success());
            wire.mend();
            done(host.agent(&["enrol", &address, &text])).await;
            assert_eq!(entries(&world).await, before + 1, "cut after {most} bytes of direction {direction}");
        }
    }
    assert!(was_cut > 4, "{was_cut}");
}

/// How many entries there are, but for the one by which the service tells the day before.
async fn entries(world: &World) -> u64 {
    let record = world.organisation.store.record().await.expect("read");
    record.state.entries - u64::from(record.state.told_until.is_some())
}
