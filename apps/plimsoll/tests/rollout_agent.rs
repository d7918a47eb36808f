//! Changes of real hosts by their agents: a Debian 12 without its security updates, each host with an address of its own; from what is
//! missing to what runs, and back to the byte. Needs root, mmdebstrap and the machine's own mirror; says so where they are missing.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, reason = "tests")]

mod rolling;
mod world;

use rolling::Fleet;

const HOSTS: [(&str, &str); 2] = [("stage-1", "staging"), ("prod-1", "production")];

#[test]
fn two_hosts_are_patched_by_their_agents_ring_by_ring_and_brought_back_to_the_byte() {
    let Some(fleet) = Fleet::new("agents", &HOSTS, |host| host.fetch_updates()) else { return };
    let before = [fleet.host("stage-1").state(), fleet.host("prod-1").state()];
    assert_eq!(fleet.ask("stage-1"), "", "nothing is ordered");
    fleet.emergency("e1", &[]);
    assert_eq!(fleet.ask("prod-1"), "", "its ring is not at work");
    let said = fleet.ask("stage-1");
    assert!(said.contains("installed"), "{said}");
    fleet.until("e1", "stage-1", "verified");
    assert_eq!(fleet.ask("prod-1"), "", "the gate is closed");
    assert_eq!(fleet.host("prod-1").state(), before[1]);
    fleet.does(&["change", "approve", "e1", "--as", "boss"]);
    fleet.does(&["change", "follow"]);
    // Held at once, and let go.
    fleet.does(&["change", "pause", "e1", "--why", "the shop is slow", "--as", "otto"]);
    assert_eq!(fleet.ask("prod-1"), "");
    fleet.does(&["change", "resume", "e1", "--why", "it is fast again", "--as", "otto"]);
    assert!(fleet.ask("prod-1").contains("installed"));
    fleet.until("e1", "prod-1", "verified");
    for (id, _) in HOSTS {
        let missing = fleet.host(id).inside(&["apt-get", "-qq", "--simulate", "dist-upgrade"]);
        assert!(!missing.contains("Inst "), "{id}: {missing}");
    }
    // The record has the package manager's own words.
    let log = fleet.world.text(&["change", "log", "e1", "prod-1"]);
    assert!(log.contains("log sha256:") && log.contains("| Setting up"), "{log}");
    fleet.does(&["change", "rollback", "e1", "--why", "it is slow after all", "--as", "otto"]);
    for (number, (id, _)) in HOSTS.iter().enumerate() {
        assert!(fleet.ask(id).contains("rolled back"), "{id}");
        fleet.until("e1", id, "rolled back");
        assert_eq!(fleet.host(id).state(), before[number], "{id}");
    }
    assert_eq!(fleet.world.code(&["ledger", "replay"]), 0);
}
