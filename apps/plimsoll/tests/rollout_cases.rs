//! What goes wrong on real hosts: scripts that fail, services that are not well, a full disk, agents, services and wires that are cut,
//! orders that a host does not let be carried out. A host is never called patched that is not. Needs root, mmdebstrap and the machine's
//! own mirror; says so where they are missing.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

mod rolling;
mod world;

use rolling::{ALLOWED, Fleet, well};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use testkit::hosts::{Host, State};

const PACKAGE: &str = "plimsoll-case";

/// Hosts of a test environment, all with version 1 of a package of which version 2 is offered.
fn fleet(name: &str, ids: &[&'static str]) -> Option<Fleet> {
    let ids: Vec<(&'static str, &str)> = ids.iter().map(|id| (*id, "staging")).collect();
    Fleet::new(name, &ids, |host| {
        host.offer("1", "exit 0");
        host.inside(&["apt-get", "-qq", "-y", "install", PACKAGE]);
        host.inside(&["apt-get", "clean"]);
        host.offer("2", "sleep 1");
    })
}

/// Plans and starts a change of one host, which has the host's name.
fn change_of(fleet: &Fleet, id: &str) {
    fleet.emergency(id, &["--asset", id, "--package", PACKAGE]);
}

/// What nothing has changed of a host.
fn is_as_before(fleet: &Fleet, id: &str, before: &State) {
    assert_eq!(fleet.host(id).state(), *before, "{id}");
    assert_eq!(fleet.host(id).version_of(PACKAGE), "1", "{id}");
}

fn newest_journal(host: &Host) -> String {
    let folders = std::fs::read_dir(host.root.join("var/lib/plimsoll/patches")).into_iter().flatten().flatten();
    let newest = folders.filter(|entry| entry.path().is_dir()).map(|entry| entry.path()).max();
    newest.and_then(|folder| std::fs::read_to_string(folder.join("journal")).ok()).unwrap_or_default()
}

#[test]
fn what_fails_on_a_host_is_taken_back_told_and_stops_the_change() {
    let Some(fleet) = fleet("fails", &["fails", "unwell", "full", "refuses", "never"]) else { return };
    let before = fleet.host("fails").state();
    fleet.host("fails").offer("2", "echo the script of version two says no >&2; exit 3");
    change_of(&fleet, "fails");
    let said = fleet.ask("fails");
    assert!(said.contains("failed, as before") && said.contains("the script of version two says no"), "{said}");
    fleet.until("fails", "fails", "failed, as before");
    is_as_before(&fleet, "fails", &before);
    fleet.does(&["change", "follow"]);
    assert_eq!(fleet.world.code(&["change", "show", "fails"]), 1, "somebody has to look at it");
    assert!(fleet.world.text(&["change", "log", "fails", "fails"]).contains("| the script of version two says no"));
    // Installed, and the host is not well with it.
    let unwell = fleet.host("unwell");
    unwell.write("usr/local/sbin/well", "#!/bin/sh\ngrep -q 'version 1' /etc/plimsoll-case.conf\n");
    unwell.inside(&["chmod", "0755", "/usr/local/sbin/well"]);
    unwell.write(
        "etc/plimsoll/agent.toml",
        &format!("{ALLOWED}health = [\"program:/usr/local/sbin/well\"]\nhealth-within-seconds = 1\n"),
    );
    let before = unwell.state();
    change_of(&fleet, "unwell");
    let said = fleet.ask("unwell");
    assert!(said.contains("failed, as before: program:/usr/local/sbin/well does not hold"), "{said}");
    is_as_before(&fleet, "unwell", &before);
    full(&fleet);
    refused(&fleet);
    assert_eq!(fleet.world.code(&["ledger", "replay"]), 0);
}

/// Too little room is found before anything changes.
fn full(fleet: &Fleet) {
    let host = fleet.host("full");
    let before = host.state();
    change_of(fleet, "full");
    let lib = host.root.join("var/lib");
    let script = "cp -a \"$1\" \"$1.full\" && mount -t tmpfs -o size=150m full \"$1\" && cp -a \"$1.full\"/. \"$1\"";
    let mounted = Command::new("sh").args(["-c", script, "sh"]).arg(&lib).output().expect("it runs");
    well(&mounted);
    let said = fleet.ask("full");
    let gone = Command::new("sh")
        .args(["-c", "umount \"$1\" && rm -rf \"$1.full\"", "sh"])
        .arg(&lib)
        .output()
        .expect("it runs");
    well(&gone);
    assert!(said.contains("failed, as before") && said.contains("bytes of room are needed"), "{said}");
    fleet.until("full", "full", "failed, as before");
    is_as_before(fleet, "full", &before);
}

/// A host lets nobody do what its own file does not.
fn refused(fleet: &Fleet) {
    let before = fleet.host("refuses").state().0;
    fleet.host("refuses").write("etc/plimsoll/agent.toml", "actions = [\"roll-back\"]\n");
    change_of(fleet, "refuses");
    assert!(fleet.ask("refuses").contains("refused: this host does not let anybody upgrade"));
    fleet.until("refuses", "refuses", "refused");
    assert_eq!(fleet.host("refuses").state().0, before);
    fleet.host("never").write("etc/plimsoll/agent.toml", &format!("{ALLOWED}never = [\"plimsoll-*\"]\n"));
    change_of(fleet, "never");
    assert!(fleet.ask("never").contains("refused: this host lets nobody change plimsoll-case"));
    assert_eq!(fleet.host("never").state().0, before);
    // A file that cannot be understood lets nothing be done.
    fleet.host("never").write("etc/plimsoll/agent.toml", "actions = [\"everything\"]\n");
    assert!(fleet.ask("never").contains("cannot be understood"));
}

/// Begins the agent of a host, which asks until it is ended.
fn begin(host: &Host) -> std::process::Child {
    host.command(&["plimsoll-agent", "orders"]).stdout(Stdio::null()).spawn().expect("begun")
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends everything on a host at once, as a power cut would.
fn cut(host: &Host, mut agent: std::process::Child) {
    let _ = agent.kill();
    host.end_all();
    let _ = agent.wait();
}

#[test]
fn whatever_is_cut_in_the_middle_goes_on_and_is_told_once() {
    let Some(mut fleet) = fleet("cut", &["ordered", "installing", "told", "server", "wire", "reboot"]) else { return };
    // The host dies once the order is there, once packages change, once they have changed.
    let steps: [(&str, &str); 3] = [("ordered", "ordered"), ("installing", "installing"), ("told", "installed")];
    for (id, step) in steps {
        change_of(&fleet, id);
        let host = fleet.host(id);
        let agent = begin(host);
        wait_for(step, || newest_journal(host).contains(step));
        cut(host, agent);
        assert_ne!(fleet.place(id, id), "verified", "{id}");
        fleet.ask(id);
        fleet.until(id, id, "verified");
        assert_eq!(host.version_of(PACKAGE), "2", "{id}");
        assert_eq!(fleet.ask(id), "", "{id}: it is done once");
    }
    // The service dies while a host is at it; what came of it is told when it is back.
    change_of(&fleet, "server");
    let agent = begin(fleet.host("server"));
    wait_for("installing", || newest_journal(fleet.host("server")).contains("installing"));
    fleet.kill_service();
    wait_for("installed", || newest_journal(fleet.host("server")).contains("installed"));
    fleet.serve();
    fleet.until("server", "server", "verified");
    cut(fleet.host("server"), agent);
    // The wire is cut, and mended.
    change_of(&fleet, "wire");
    let number = fleet.number("wire");
    let agent = begin(fleet.host("wire"));
    wait_for("installing", || newest_journal(fleet.host("wire")).contains("installing"));
    fleet.network.wire(number, false);
    wait_for("installed", || newest_journal(fleet.host("wire")).contains("installed"));
    assert_ne!(fleet.place("wire", "wire"), "verified");
    cut(fleet.host("wire"), agent);
    fleet.network.wire(number, true);
    // It may take a moment until the host finds the way again: its agent tries until then.
    wait_for("what was done is told", || {
        fleet.ask("wire");
        fleet.place("wire", "wire") == "verified"
    });
    // What was replaced runs still, until the host is begun anew.
    fleet
        .host("reboot")
        .offer("2", "mkdir -p /run && echo plimsoll-case > /run/reboot-required.pkgs && touch /run/reboot-required");
    change_of(&fleet, "reboot");
    fleet.ask("reboot");
    fleet.until("reboot", "reboot", "restart pending");
    fleet.host("reboot").inside(&["rm", "/run/reboot-required", "/run/reboot-required.pkgs"]);
    well(&fleet.host("reboot").run(&["plimsoll-agent", "once"]));
    fleet.until("reboot", "reboot", "verified");
    assert_eq!(fleet.world.code(&["ledger", "replay"]), 0);
}

#[test]
fn where_plans_are_signed_offline_nothing_else_is_carried_out() {
    let Some(fleet) = fleet("signed", &["unsigned", "signed", "other"]) else { return };
    let (world, path) = (&fleet.world, |name: &str| fleet.world.path(name));
    let key = world.text(&["change", "key", "example.org/plans", &path("plans.key")]);
    let other = world.text(&["change", "key", "example.org/others", &path("others.key")]);
    assert!(key.starts_with("example.org/plans+") && key != other, "{key}");
    assert_eq!(
        world.code(&["change", "key", "example.org/plans", &path("plans.key")]),
        2,
        "a key is never written over"
    );
    for (id, host) in &fleet.hosts {
        host.write("etc/plimsoll/agent.toml", &format!("{ALLOWED}plan-keys = [\"{}\"]\n", key.trim()));
        change_of(&fleet, id);
    }
    let said = fleet.ask("unsigned");
    assert!(said.contains("refused") && said.contains("its plan is signed by no key that is kept offline"), "{said}");
    for (id, signer) in [("signed", "plans.key"), ("other", "others.key")] {
        world.write("plan.json", &world.text(&["change", "document", id]));
        let note = world.text(&["change", "sign", id, &path("plan.json"), "--key", &path(signer)]);
        world.write("plan.note", &note);
        fleet.does(&["change", "signed", id, &path("plan.note"), "--as", "otto"]);
        let wrong = if id == "signed" { "other" } else { "signed" };
        assert_eq!(
            world.code(&["change", "signed", wrong, &path("plan.note"), "--as", "otto"]),
            2,
            "it is of another plan"
        );
    }
    let said = fleet.ask("other");
    assert!(said.contains("refused") && said.contains("no key that is known has signed it"), "{said}");
    assert!(fleet.ask("signed").contains("installed"));
    fleet.until("signed", "signed", "verified");
    let versions = ["unsigned", "signed", "other"].map(|id| fleet.host(id).version_of(PACKAGE));
    assert_eq!(versions, ["1", "2", "1"]);
}
