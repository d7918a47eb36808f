//! A host that is killed while dpkg works on it: at two hundred points of one real run and more, each a call by which dpkg changes
//! something. Whoever goes on brings the order to its end or takes all of it back; a host is never called patched that is not.
//! Needs root, mmdebstrap, the machine's own mirror and leave to mount; says so where they are missing.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::hosts::{Host, State};

/// Real updates that are small and have scripts, configuration and triggers; beside them the case of the small repository.
const WANTED: [&str; 6] =
    ["libpam0g", "libpam-modules-bin", "libpam-modules", "libpam-runtime", "liblzma5", "plimsoll-case"];
/// Every so-manieth call is a point.
const EVERY: usize = 6;
const MOST_NOT_REPAIRED: usize = 2;

fn patch(host: &Host, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg("patch").args(words).arg("--root").arg(&host.root).stdin(Stdio::null());
    command
}

fn said(host: &Host, words: &[&str]) -> (Option<i32>, String) {
    let output = patch(host, words).output().expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn killed_at_two_hundred_points_of_a_dpkg_run_no_host_is_called_patched_that_is_not() {
    let Some(base) = Host::debian_with("killed", &["strace"]) else { return };
    base.offer("1", "exit 0");
    base.inside(&["apt-get", "-qq", "-y", "install", "plimsoll-case"]);
    base.offer("2", "exit 0");
    base.fetch_updates();
    base.step_dpkg(EVERY);
    let Some(host) = base.layered("stepped", None) else { return };
    let before = host.state();
    let apply: Vec<&str> = ["apply", "--yes"].into_iter().chain(WANTED).collect();
    let points = stepped(&host, &apply, "installing");
    let after = host.state();
    assert!(points.len() >= 200, "{} points", points.len());
    // On the way back fewer of them are played.
    let back = stepped(&host, &["rollback", "--yes"], "rolling back");
    assert_eq!(differences(&host.state(), &before), "");
    assert!(back.len() >= 100, "{} points of the way back", back.len());
    let points: Vec<Point> = points.into_iter().chain(back.into_iter().step_by(5)).collect();
    let (next, not_repaired) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    // Two at a time: what is at each of them is another host.
    let go_on = || {
        while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (name, step) = (point.kept.file_name().expect("a name").to_string_lossy(), point.step);
            let host = base.layered(&name, Some(&point.kept)).expect("made once already");
            host.stop_dpkg(false);
            if let Err(why) = repaired(&host, step, (&before, &after)) {
                eprintln!("{name}: {why}");
                not_repaired.lock().expect("held").push(name.into_owned());
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(go_on);
        scope.spawn(go_on);
    });
    let not_repaired = not_repaired.into_inner().expect("held");
    eprintln!("{} points were played, {} of them not repaired by themselves", points.len(), not_repaired.len());
    assert!(not_repaired.len() <= MOST_NOT_REPAIRED, "of {} points: {not_repaired:?}", points.len());
}

/// A host as it was at one instant.
struct Point {
    kept: PathBuf,
    /// What it was at, as it says itself.
    step: &'static str,
}

/// Has an order be carried out or taken back call by call, and keeps what the host is at each.
fn stepped(host: &Host, words: &[&str], step: &'static str) -> Vec<Point> {
    host.stop_dpkg(true);
    let mut running = patch(host, words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let mut points = Vec::new();
    host.at_each_stop(&mut running, || {
        let name = format!("{}-{}", step.replace(' ', "-"), points.len());
        points.push(Point { kept: host.kept_layer(&name), step });
    });
    // What runs on a root that is only mounted nobody knows; what is back is back.
    let ends = if step == "installing" { 3 } else { 0 };
    assert_eq!(running.wait().expect("it ends").code(), Some(ends));
    host.stop_dpkg(false);
    points
}

/// What a host says after it was killed, and what came of going on; why it was not repaired by itself, if it was not.
fn repaired(host: &Host, step: &str, (before, after): (&State, &State)) -> Result<(), String> {
    let (code, list) = said(host, &["list"]);
    assert_eq!(code, Some(1), "what was cut short is not told: {list}");
    assert!(list.contains(step), "{list}");
    let (code, words) = said(host, &["resume"]);
    let now = host.state();
    match (code, step) {
        (Some(3), "installing") => {
            assert_eq!(differences(&now, after), "", "it is called patched, and is not: {words}");
        }
        (Some(0), "rolling back") => {
            assert_eq!(differences(&now, before), "", "it is called back, and is not: {words}");
        }
        (Some(1), "installing") if differences(&now, before).is_empty() => {}
        _ => return Err(format!("{code:?}: {words}")),
    }
    Ok(())
}

/// What differs between two states, in words.
fn differences(one: &State, other: &State) -> String {
    let mut words = String::new();
    for (name, one, other) in [("packages", &one.0, &other.0), ("marks", &one.1, &other.1)] {
        let only = |here: &str, there: &str| {
            here.lines().filter(|line| !there.lines().any(|other| other == *line)).collect::<Vec<_>>().join(", ")
        };
        if one != other {
            words += &format!("{name}: {} instead of {}; ", only(one, other), only(other, one));
        }
    }
    let bytes =
        |files: &State, path: &PathBuf| files.2.iter().find(|(at, _)| at == path).map(|(_, bytes)| bytes.clone());
    let paths: BTreeSet<_> = one.2.iter().chain(&other.2).map(|(path, _)| path).collect();
    for path in paths.into_iter().filter(|path| bytes(one, path) != bytes(other, path)) {
        words += &format!(
            "{}: {:?} instead of {:?}; ",
            path.display(),
            bytes(one, path).map(|bytes| bytes.len()),
            bytes(other, path).map(|bytes| bytes.len())
        );
    }
    words
}
