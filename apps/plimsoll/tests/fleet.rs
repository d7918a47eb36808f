//! The record from the command line: assets, inventories, questions, decisions, the ledger, backups.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use std::path::PathBuf;
use std::process::Command;
use world::World;

#[test]
fn a_fleet_is_registered_pushed_asked_patched_and_verified() {
    let world = World::new("journey");
    assert_eq!(world.code(&["fleet", "register", "--file", &world.path("assets.csv")]), 0);
    assert_eq!(world.code(&["feeds", "import", &world.path("feeds")]), 0);
    assert_eq!(world.push("web-1", "old", "2026-11-01"), 0);
    assert_eq!(world.push("db-1", "old", "2026-11-01"), 0);
    let listed = world.json(&["fleet", "findings", "-f", "json"]);
    assert_eq!((listed["total"].as_u64(), listed["overdue"].as_u64()), (Some(4), Some(4)), "{listed}");
    assert_eq!(world.code(&["fleet", "summary"]), 1);
    let own = world.json(&["fleet", "findings", "-f", "json", "--owner", "WEB", "--package", "libexample"]);
    assert_eq!(own["total"], 2);
    let groups = world.json(&["fleet", "findings", "-f", "json", "--group-by", "package"]);
    assert_eq!((&groups["items"][0]["name"], &groups["items"][0]["assets"]), (&"example".into(), &2.into()));
    let why = world.text(&["fleet", "why", "cve_2026_1", "web-1"]);
    assert!(why.contains("does not have it"), "{why}");
    let why = world.text(&["fleet", "why", "CVE-2026-0001", "web-1"]);
    assert!(
        why.contains("libexample1 1.2-3 since ") && why.contains("still there") && why.contains("OVERDUE"),
        "{why}"
    );
    // The patch comes in; what was owed before is still told.
    assert_eq!(world.code(&["fleet", "push", "web-1", &world.path("new"), "--release", "debian-12"]), 0);
    assert_eq!(world.json(&["fleet", "findings", "-f", "json", "--asset", "web-1"])["total"], 0);
    assert!(world.text(&["fleet", "why", "CVE-2026-0001", "web-1"]).contains("state: closed "));
    assert!(
        world
            .said(&["fleet", "push", "web-1", &world.path("new"), "--release", "debian-12"])
            .contains("nothing has changed")
    );
    assert!(
        world
            .said(&["fleet", "push", "web-1", &world.path("old"), "--release", "debian-12", "--taken-at", "2026-11-10"])
            .contains("older than the newest")
    );
    assert_eq!(world.code(&["ledger", "verify"]), 0);
    assert_eq!(world.code(&["ledger", "replay"]), 0);
    assert_eq!(world.code(&["fleet", "retire", "db-1", "--reason", "sold"]), 0);
    // The feeds of this test are old, which nothing hides.
    let summary = world.run(&["fleet", "summary"]);
    assert_eq!(summary.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&summary.stdout).contains("is stale"), "{summary:?}");
    assert_eq!(world.code(&["fleet", "findings"]), 3);
    // Nothing that is read is written: a copy without its keys can be looked at.
    std::fs::rename(world.path("data/keys/ledger.key"), world.path("ledger.key")).expect("moved");
    assert_eq!(world.code(&["fleet", "summary"]), 3);
    assert_eq!(world.code(&["ledger", "verify"]), 0);
    let said = world.said(&["fleet", "register", "web-2"]);
    assert!(said.contains("put the saved folder `keys` back"), "{said}");
    assert!(!std::path::Path::new(&world.path("data/keys/ledger.key")).exists(), "no key is made up");
}

#[test]
fn decisions_take_two_people_and_set_findings_aside_visibly() {
    let world = World::new("decisions");
    assert_eq!(world.code(&["fleet", "register", "web-1", "--exposure", "internal"]), 0);
    assert_eq!(world.code(&["feeds", "import", &world.path("feeds")]), 0);
    assert_eq!(world.push("web-1", "old", "2026-11-01"), 0);
    assert_eq!(world.code(&["fleet", "person", "edda", "--role", "approver"]), 0);
    let until = "2027-03-01";
    let ask = [
        "fleet",
        "decision",
        "request",
        "D-1",
        "--kind",
        "exception",
        "--vulnerability",
        "CVE-2026-0001",
        "--reason",
        "segmented",
        "--until",
        until,
    ];
    assert_eq!(world.code(&ask), 0);
    assert_eq!(world.code(&["fleet", "decision", "approve", "D-1"]), 2, "not by who asked, nor without the role");
    assert_eq!(world.code(&["fleet", "--as", "edda", "decision", "approve", "D-1"]), 0);
    assert_eq!(world.json(&["fleet", "findings", "-f", "json"])["total"], 1);
    assert_eq!(world.json(&["fleet", "findings", "-f", "json", "--state", "suppressed"])["total"], 1);
    assert!(world.text(&["fleet", "why", "CVE-2026-0001", "web-1"]).contains("approved by edda: segmented"));
    assert_eq!(
        world.json(&["fleet", "findings", "-f", "json", "--at", "2027-03-02"])["total"],
        2,
        "it is over by then"
    );
    assert_eq!(world.code(&["fleet", "decision", "revoke", "D-1"]), 0);
    assert_eq!(world.json(&["fleet", "findings", "-f", "json"])["total"], 2);
}

#[test]
fn what_is_wrong_is_named_and_changes_nothing() {
    let world = World::new("wrong");
    assert_eq!(world.code(&["fleet", "summary"]), 64, "there is no record");
    assert_eq!(world.code(&["fleet", "register", "web 1"]), 64);
    world.write("bad.csv", "asset,exposure\nweb-1,exposed\nweb-2,sometimes\n");
    let said = world.said(&["fleet", "register", "--file", &world.path("bad.csv")]);
    assert!(said.contains("line 3") && said.contains("sometimes"), "{said}");
    assert_eq!(world.json(&["fleet", "assets", "-f", "json"])["total"], 0, "all of it or nothing");
    assert_eq!(world.code(&["fleet", "push", "nobody", &world.path("old"), "--release", "debian-12"]), 64);
    assert_eq!(world.code(&["fleet", "findings", "--class", "urgent"]), 64);
    assert_eq!(world.code(&["fleet", "register", "web-1"]), 0);
    let said = world.said(&["fleet", "register", "web-1"]);
    assert!(said.contains("the asset `web-1` is there already"), "{said}");
    let said = world.said(&[
        "fleet",
        "push",
        "web-1",
        &world.path("old"),
        "--release",
        "debian-12",
        "--taken-at",
        "2126-01-01",
    ]);
    assert!(said.contains("lies ahead"), "{said}");
}

#[test]
fn a_backup_is_restored_verified_and_a_proof_stands_by_itself() {
    let world = World::new("backup");
    assert_eq!(world.code(&["fleet", "register", "web-1"]), 0);
    let proof = world.text(&["ledger", "prove", "2"]);
    world.write("proof.json", &proof);
    let key = world.text(&["ledger", "key"]);
    assert_eq!(world.code(&["ledger", "check", &world.path("proof.json"), "--key", key.trim()]), 0);
    world.write("forged.json", &proof.replace("web-1", "web-2"));
    assert_eq!(world.code(&["ledger", "check", &world.path("forged.json"), "--key", key.trim()]), 1);
    world.write("kept", &world.text(&["ledger", "checkpoint"]));
    assert_eq!(world.code(&["backup", &world.path("backup")]), 0);
    assert_eq!(world.code(&["backup", &world.path("backup")]), 64, "nothing is written over");
    let other = world.path("elsewhere.sqlite");
    assert_eq!(world.code(&["restore", &world.path("backup"), "--store", &other]), 0);
    assert_eq!(world.code(&["ledger", "--store", &other, "verify", "--checkpoint", &world.path("kept")]), 0);
    assert_eq!(world.code(&["ledger", "rotate-key"]), 0);
    assert_eq!(world.code(&["fleet", "register", "web-2"]), 0);
    assert_eq!(world.code(&["ledger", "verify", "--checkpoint", &world.path("kept")]), 0);
    // What the first key vouches for proves as well.
    world.write("later.json", &world.text(&["ledger", "prove", "2"]));
    assert_eq!(world.code(&["ledger", "check", &world.path("later.json"), "--key", key.trim()]), 0);
    // A backup of before the change goes on with the key of then.
    let old = world.path("old.sqlite");
    assert_eq!(world.code(&["restore", &world.path("backup"), "--store", &old]), 0);
    assert_eq!(world.code(&["restore", &world.path("backup"), "--store", &old]), 64, "there is one already");
    let lost = std::fs::read(world.path("backup")).expect("read");
    std::fs::write(world.path("cut"), &lost[..lost.len() / 2]).expect("written");
    assert_eq!(world.code(&["restore", &world.path("cut"), "--store", &world.path("third.sqlite")]), 2);
    assert!(!PathBuf::from(world.path("third.sqlite")).exists(), "what is not whole is not left behind");
}

#[test]
fn a_demonstration_says_that_it_is_one() {
    let world = World::new("demo");
    assert_eq!(world.code(&["demo", "--assets", "10", "--months", "1"]), 0);
    assert_eq!(world.code(&["demo", "--assets", "10", "--months", "1"]), 64, "a record is there already");
    assert!(world.text(&["fleet", "summary"]).contains("DEMONSTRATION"));
    for page in [&["assets"][..], &["findings"], &["decision", "list"], &["why", "CVE-2026-1", "web-01"]] {
        assert!(world.text(&[&["fleet"], page].concat()).contains("DEMONSTRATION"), "{page:?}");
    }
    let programs = world.run(&["fleet", "findings", "-f", "json"]);
    assert!(String::from_utf8_lossy(&programs.stderr).contains("DEMONSTRATION"));
    serde_json::from_slice::<serde_json::Value>(&programs.stdout).expect("JSON");
}

/// What is not known is never shown as safe, whatever is asked.
#[test]
fn what_is_not_known_is_said_with_every_answer() {
    let world = World::new("unknown");
    assert_eq!(world.code(&["fleet", "register", "web-1", "--exposure", "internal"]), 0);
    for list in ["findings", "assets", "summary"] {
        let answer = world.run(&["fleet", list]);
        assert_eq!(answer.status.code(), Some(3), "{list}: nobody has looked");
        let said = [answer.stdout, answer.stderr].concat();
        assert!(String::from_utf8_lossy(&said).contains("1 asset that nobody has looked at"), "{list}");
    }
    assert_eq!(world.push("web-1", "old", "2026-11-20"), 0);
    let said = world.said(&["fleet", "findings"]);
    assert!(said.contains("nothing was held against advisories yet"), "{said}");
    assert_eq!(world.code(&["fleet", "findings", "--asset", "wbe-1"]), 64, "a slip of the pen is no all-clear");
    assert_eq!(world.code(&["fleet", "why", "CVE-2026-0001", "wbe-1"]), 64);
    let undetermined = world.text(&["fleet", "undetermined"]);
    assert!(
        undetermined.contains("libexample1 1.2-3") && undetermined.contains("not held against any"),
        "{undetermined}"
    );
    assert_eq!(world.code(&["feeds", "import", &world.path("feeds")]), 0);
    assert_eq!(world.code(&["fleet", "judge"]), 0);
    assert_eq!(world.json(&["fleet", "findings", "-f", "json"])["total"], 2);
    // An empty folder, as one that is not mounted, takes nothing away.
    std::fs::create_dir_all(world.path("empty")).expect("a folder");
    let said = world.said(&["fleet", "push", "web-1", &world.path("empty")]);
    assert!(said.contains("no package at all"), "{said}");
    assert_eq!(world.json(&["fleet", "findings", "-f", "json"])["total"], 2);
    // Weeks later the scan is overdue, whether or not anybody told it.
    let day =
        |days: i64| (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days)).strftime("%F").to_string();
    let later = world.run(&["fleet", "summary", "--at", &day(70)]);
    assert!(String::from_utf8_lossy(&later.stdout).contains("1 asset whose scan is overdue"), "{later:?}");
    let assets = world.json(&["fleet", "assets", "-f", "json", "--at", &day(0)]);
    assert!(assets["items"][0]["scanned_at"].as_str().expect("a day").starts_with("2026-11-20"), "{assets}");
}

#[test]
fn who_has_no_role_is_told_which_it_takes() {
    let world = World::new("roles");
    assert_eq!(world.code(&["fleet", "register", "web-1"]), 0);
    assert_eq!(world.code(&["fleet", "person", "aino", "--role", "auditor"]), 0);
    for command in
        [&["retire", "web-1", "--reason", "x"][..], &["set", "web-1", "--exposure", "internal"], &["register", "web-2"]]
    {
        let arguments = [&["fleet", "--as", "aino"], command].concat();
        let said = world.said(&arguments);
        assert!(said.contains("it takes the role operator, security-lead, administrator"), "{said}");
    }
    assert!(world.said(&["ledger", "--as", "aino", "rotate-key"]).contains("it takes the role administrator"));
    assert!(world.text(&["fleet", "people"]).contains("aino    auditor"));
}

/// A list for programs is whole, and does nothing to whoever opens it.
#[test]
fn what_programs_read_is_whole_and_harmless() {
    let world = World::new("whole");
    let rows: String = (0..120).map(|number| format!("host-{number},=1+1\n")).collect();
    world.write("many.csv", &format!("asset,owner\n{rows}"));
    assert_eq!(world.code(&["fleet", "register", "--file", &world.path("many.csv")]), 0);
    let csv = world.text(&["fleet", "assets", "-f", "csv"]);
    assert_eq!(csv.lines().count(), 121);
    assert!(csv.contains("'=1+1") && !csv.contains(",=1+1"), "{csv}");
    assert_eq!(world.json(&["fleet", "assets", "-f", "json"])["items"].as_array().map(Vec::len), Some(120));
    assert_eq!(world.text(&["fleet", "assets"]).lines().filter(|line| line.starts_with("host-")).count(), 50);
    assert_eq!(world.code(&["fleet", "set", "host-1", "--owner", "a\u{9b}31mb"]), 0);
    let shown = world.text(&["ledger", "show", "--from", "0", "--count", "1000"]);
    assert!(!shown.contains('\u{9b}') && shown.contains("\\u009b"), "{shown}");
    assert!(shown.starts_with("{\"number\":0,"), "{shown}");
}

#[test]
fn a_decision_speaks_of_the_package_that_was_named() {
    let world = World::new("package");
    world.write("bom.json", r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"example","version":"1.2-3","purl":"pkg:deb/debian/example@1.2-3?arch=amd64&distro=debian-12"}]}"#);
    assert_eq!(world.code(&["fleet", "register", "app"]), 0);
    assert_eq!(world.code(&["feeds", "import", &world.path("feeds")]), 0);
    assert_eq!(world.code(&["fleet", "push", "app", &world.path("bom.json")]), 0);
    assert_eq!(world.code(&["fleet", "person", "edda", "--role", "approver"]), 0);
    let decide = |id: &str, package: &str| {
        let until = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 90)).strftime("%F").to_string();
        let ask = [
            "fleet",
            "decision",
            "request",
            id,
            "--kind",
            "exception",
            "--vulnerability",
            "cve_2026_0001",
            "--package",
            package,
            "--reason",
            "x",
            "--until",
            &until,
        ];
        assert_eq!(world.code(&ask), 0);
        assert_eq!(world.code(&["fleet", "--as", "edda", "decision", "approve", id]), 0);
        world.json(&["fleet", "findings", "-f", "json"])["total"].as_u64()
    };
    assert_eq!(decide("D-1", "pkg:npm/%40evil/example"), Some(2), "another package of the same last name");
    assert_eq!(decide("D-2", "pkg:deb/debian/example"), Some(1));
    assert_eq!(
        world.code(&[
            "fleet",
            "decision",
            "request",
            "D-3",
            "--kind",
            "exception",
            "--vulnerability",
            "CVE-2026-0002",
            "--asset",
            "nosuch",
            "--reason",
            "x",
            "--until",
            "2027-03-01"
        ]),
        2
    );
}

/// A timestamp by an authority that openssl plays, beside the checkpoint that it is of.
#[test]
fn a_kept_checkpoint_is_stamped_and_looked_at() {
    let world = World::new("stamp");
    assert_eq!(world.code(&["fleet", "register", "web-1"]), 0);
    assert_eq!(world.code(&["ledger", "timestamp", &world.path("kept")]), 0);
    assert_ne!(world.code(&["ledger", "timestamp", &world.path("kept")]), 0, "nothing is written over");
    world.write("tsa.cnf", "[req]\ndistinguished_name=dn\n[dn]\n[tsa]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n[tsa_config]\nserial=serial\nsigner_cert=tsa.pem\nsigner_key=tsa.key\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\naccuracy=secs:1\nordering=no\ntsa_name=no\ness_cert_id_chain=no\ness_cert_id_alg=sha256\n");
    world.write("serial", "01");
    let openssl = |arguments: &str| {
        let run =
            Command::new("openssl").args(arguments.split(' ')).current_dir(&world.folder).output().expect("openssl");
        assert!(run.status.success(), "{arguments}: {}", String::from_utf8_lossy(&run.stderr));
    };
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.pem -days 30 -subj /CN=Test-TSA -config tsa.cnf -extensions tsa",
    );
    openssl("ts -reply -config tsa.cnf -section tsa_config -queryfile kept.tsq -out kept.tsr");
    let (kept, authority) = (world.path("kept"), world.path("tsa.pem"));
    let verify = ["ledger", "verify", "--checkpoint", &kept, "--authority", &authority];
    assert_eq!(world.code(&verify), 0, "{}", world.text(&verify));
    assert!(
        world.text(&verify).contains("STAMPED  the checkpoint of 3 entries was there at"),
        "{}",
        world.text(&verify)
    );
    assert_eq!(world.code(&["ledger", "verify", "--checkpoint", &kept]), 2, "whom to trust has to be said");
    // An answer of another checkpoint proves nothing.
    assert_eq!(world.code(&["fleet", "register", "web-2"]), 0);
    world.write("kept", &world.text(&["ledger", "checkpoint"]));
    assert_eq!(world.code(&verify), 1);
    assert!(world.text(&verify).contains("NO TIMESTAMP"), "{}", world.text(&verify));
}

/// An auditor's copy may lie where nobody can write, not even beside it.
#[test]
fn a_copy_where_nothing_can_be_written_is_read_all_the_same() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let world = World::new("still");
    assert_eq!(world.code(&["fleet", "register", "web-1"]), 0);
    assert_eq!(world.code(&["backup", &world.path("backup")]), 0);
    let record = world.path("still/record.sqlite");
    std::fs::create_dir_all(world.path("still/keys")).expect("a folder");
    std::fs::copy(world.path("data/keys/ledger.pub"), world.path("still/keys/ledger.pub")).expect("copied");
    assert_eq!(world.code(&["restore", &world.path("backup"), "--store", &record]), 0);
    let allow = |path: &str, mode: u32| {
        std::fs::set_permissions(world.path(path), std::fs::Permissions::from_mode(mode)).expect("changed");
    };
    allow("still/record.sqlite", 0o444);
    allow("still/keys/ledger.pub", 0o444);
    allow("still/keys", 0o555);
    allow("still", 0o555);
    let is_root = std::fs::metadata("/proc/self").expect("a process").uid() == 0;
    for arguments in [["ledger", "verify"], ["ledger", "replay"], ["fleet", "people"]] {
        // Nothing is closed to root: somebody else looks.
        let mut command = match is_root {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_plimsoll")]);
                command
            }
            false => Command::new(env!("CARGO_BIN_EXE_plimsoll")),
        };
        command.env("USER", "nobody").env_remove("PLIMSOLL_STORE").arg("--data").arg(world.path("still"));
        let answer = command.args(arguments).output().expect("it runs");
        assert_eq!(answer.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&answer.stderr));
    }
    allow("still", 0o755);
    allow("still/keys", 0o755);
}
