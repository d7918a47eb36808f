//! Changes of real hosts of rpm's, one with DNF and one with zypper: by the agent, by SSH and through Ansible, each verified and back to
//! the byte. Needs root, mmdebstrap, the machine's own mirror, OpenSSH and ansible-core; says so where they are missing.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

mod rolling;
mod world;

use rolling::driven::{Driven, HOSTS, PACKAGE, let_in};
use rolling::{Fleet, agent, install};
use testkit::hosts::{Host, Spec};

/// What both miss, of a vulnerability that is exploited.
const ADVISORY: &str = r#"<updates><update type="security"><id>ALSA-2026:1</id><title>Important: case update</title>
<issued date="2026-02-12 00:00:00"/><severity>Important</severity><references><reference id="CVE-2026-0001" type="cve"/></references>
<pkglist><collection><package name="plimsoll-case" version="2" release="1.el9" epoch="0" arch="noarch"/></collection></pkglist>
</update></updates>"#;

/// The first host has DNF alone, the second zypper alone; both have the first version of the case.
fn fleet(name: &str, packages: &[&str], prepare: impl FnOnce(&Host)) -> Option<Fleet> {
    let base = Host::rpm_beside(&format!("{name}-base"), packages)?;
    let case = |version| Spec { name: PACKAGE, version, needs: "", post: "exit 0" };
    base.offer_rpms(&[case("1-1.el9"), case("2-1.el9")]);
    base.inside(&["rpm", "--install", &format!("/repository/{PACKAGE}-1-1.el9.noarch.rpm")]);
    prepare(&base);
    let with = |(id, program)| (id, base.rpm_with(program, &format!("{name}-{program}")));
    let hosts = [(HOSTS[0].0, "dnf"), (HOSTS[1].0, "zypper")].map(with).into_iter().collect();
    Fleet::of(name, &HOSTS, (hosts, ("updateinfo.xml", ADVISORY)))
}

#[test]
fn hosts_of_rpm_are_patched_by_their_agents_and_brought_back_to_the_byte() {
    let Some(program) = agent() else { return };
    let Some(mut fleet) = fleet("rpm-agents", &[], |host| install(&program, host)) else { return };
    fleet.enrol();
    let before = HOSTS.map(|(id, _)| fleet.host(id).state());
    fleet.emergency("e1", &["--package", PACKAGE]);
    assert!(fleet.ask("stage-1").contains("installed"));
    fleet.until("e1", "stage-1", "verified");
    assert_eq!(fleet.ask("prod-1"), "", "the gate is closed");
    assert_eq!(fleet.host("prod-1").state(), before[1]);
    fleet.does(&["change", "approve", "e1", "--as", "boss"]);
    fleet.does(&["change", "follow"]);
    assert!(fleet.ask("prod-1").contains("installed"));
    fleet.until("e1", "prod-1", "verified");
    assert_eq!(HOSTS.map(|(id, _)| fleet.host(id).version_of(PACKAGE)), ["2", "2"]);
    assert!(fleet.world.text(&["change", "log", "e1", "prod-1"]).contains("log sha256:"));
    fleet.does(&["change", "rollback", "e1", "--why", "it is slow after all", "--as", "otto"]);
    for (number, (id, _)) in HOSTS.iter().enumerate() {
        assert!(fleet.ask(id).contains("rolled back"), "{id}");
        fleet.until("e1", id, "rolled back");
        assert_eq!(fleet.host(id).state(), before[number], "{id}");
    }
    assert_eq!(fleet.world.code(&["ledger", "replay"]), 0);
}

#[test]
fn hosts_of_rpm_are_patched_by_ssh_and_through_ansible_and_brought_back_to_the_byte() {
    let made = |key: &str| fleet("rpm-driven", &["openssh-server", "python3-minimal"], |host| let_in(host, key));
    let Some(driven) = Driven::of("rpm-driven", made) else { return };
    let config = driven.fleet.world.path("config");
    driven.journey(["e1", "e2"], &["--over", "ssh", "--ssh-config", &config]);
    driven.fleet.host("stage-1").write("etc/plimsoll/agent.toml", rolling::ALLOWED);
    let inventory = driven.fleet.world.path("inventory.ini");
    driven.journey(["e3", "e4"], &["--over", "ansible", "--inventory", &inventory]);
}
