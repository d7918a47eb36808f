//! Changes of real hosts on which no agent runs: by SSH, and through Ansible, with keys, configuration and inventory of their own. Needs
//! root, mmdebstrap, the machine's own mirror, OpenSSH and ansible-core; says so where they are missing.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

mod rolling;
mod world;

use rolling::driven::Driven;

#[test]
fn two_hosts_are_patched_by_ssh_and_brought_back_to_the_byte() {
    let Some(driven) = Driven::new("ssh") else { return };
    let config = driven.fleet.world.path("config");
    driven.journey(["e1", "e2"], &["--over", "ssh", "--ssh-config", &config]);
    // Who cannot be reached has not begun.
    let unknown = ["--over", "ssh", "--ssh-config", &config, "--target", "prod-1=nowhere.invalid"];
    assert_eq!(driven.code(&["fleet", "look", "prod-1"], &unknown), 2);
}

#[test]
fn two_hosts_are_patched_through_ansible_and_brought_back_to_the_byte() {
    let Some(driven) = Driven::new("ansible") else { return };
    let inventory = driven.fleet.world.path("inventory.ini");
    driven.journey(["e1", "e2"], &["--over", "ansible", "--inventory", &inventory]);
    let unknown = ["--over", "ansible", "--inventory", &inventory, "--target", "prod-1=nobody"];
    assert_eq!(driven.code(&["fleet", "look", "prod-1"], &unknown), 2);
}
