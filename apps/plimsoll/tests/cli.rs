//! The program as a whole: exit codes, formats, and what a person sees.
#![allow(clippy::expect_used, reason = "tests")]

use std::path::PathBuf;
use std::process::{Command, Output};

struct World {
    folder: PathBuf,
}

impl World {
    /// A folder with feeds for an invented Debian package, and a host that lacks its patch.
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("plimsoll-cli-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("feeds")).expect("a folder");
        let world = Self { folder };
        world.write("feeds/DSA-list", "[12 Feb 2026] DSA-9999-1 example - security update\n\t{CVE-2026-0001 CVE-2026-0002}\n\t[bookworm] - example 1.2-3+deb12u1\n");
        world.write("feeds/kev.json", r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2026-0001","dateAdded":"2026-03-01","dueDate":"2026-03-22"}]}"#);
        world.write("status", "Package: libexample1\nStatus: install ok installed\nArchitecture: amd64\nSource: example\nVersion: 1.2-3\n\nPackage: other\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n");
        world.write("os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian 12\"\n");
        assert_eq!(world.run(&["feeds", "import", &world.path("feeds")]).status.code(), Some(0));
        world
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).expect("written");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.arg("--data").arg(self.folder.join("data")).args(arguments).output().expect("it runs")
    }

    fn code(&self, arguments: &[&str]) -> i32 {
        self.run(arguments).status.code().expect("a code")
    }

    fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stdout).expect("UTF-8")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn exit_codes_say_what_the_policy_says() {
    let world = World::new("codes");
    let status = world.path("status");
    assert_eq!(world.code(&["scan", &status]), 1);
    assert_eq!(world.code(&["scan", &status, "--at", "2026-02-13", "--fail-on", "none"]), 0);
    // The feeds are half a year old by then: whatever they say, nobody can call the system clean.
    assert_eq!(world.code(&["scan", &status, "--at", "2026-09-01", "--fail-on", "none"]), 3);
    assert_eq!(world.code(&["scan", &status, "--at", "2026-02-13", "--fail-on", "overdue"]), 0);
    assert_eq!(world.code(&["scan", &status, "--at", "2026-02-13", "--fail-on", "critical"]), 1);
    assert_eq!(world.code(&["scan", &status, "--fail-on", "nonsense"]), 64);
    assert_eq!(world.code(&["scan", &status, "--nonsense"]), 64);
    assert_eq!(world.code(&["scan", &status, "--at", "2026-02-30"]), 64);
    assert_eq!(world.code(&["scan", &status, "--policy", "/does/not/exist"]), 2);
    assert_eq!(world.code(&["scan", &world.path("missing")]), 2);
    assert_eq!(world.code(&["scan", &world.path("os-release")]), 64);
    world.write("empty.cdx.json", r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[]}"#);
    assert_eq!(world.code(&["scan", &world.path("empty.cdx.json")]), 3);
    assert_eq!(world.code(&["feeds", "verify"]), 0);
    assert_eq!(world.code(&["--version"]), 0);
}

#[test]
fn a_tree_with_one_unreadable_lock_file_is_not_called_clean() {
    let world = World::new("tree");
    std::fs::create_dir_all(world.folder.join("tree/a")).expect("created");
    world.write("tree/Gemfile.lock", "GEM\n  specs:\n    rack (2.2.4)\n");
    world.write("feeds/osv.json", r#"{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"RubyGems","name":"other"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#);
    assert_eq!(world.code(&["feeds", "import", &world.path("feeds")]), 0);
    let code = |world: &World| world.code(&["scan", &world.path("tree"), "--at", "2026-01-02"]);
    assert_eq!(code(&world), 0);
    world.write("tree/a/Cargo.lock", "[[package]\nname = 1");
    assert_eq!(code(&world), 3);
}

#[test]
fn links_and_odd_names_in_a_tree_are_read_or_counted() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new("links");
    let tree = world.folder.join("tree");
    std::fs::create_dir_all(tree.join("a")).expect("created");
    world.write("lock", "GEM\n  specs:\n    outside (1.0.0)\n");
    world.write("tree/a/lock", "GEM\n  specs:\n    rack (2.2.4)\n");
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, tree.join(name)).expect("linked");
    let json = |world: &World| -> serde_json::Value {
        serde_json::from_str(&world.text(&["scan", &world.path("tree"), "-f", "json"])).expect("JSON")
    };
    link("a/lock", "Gemfile.lock");
    link("..", "a/above");
    let inside = json(&world);
    assert_eq!((&inside["coverage"]["packages"], &inside["coverage"]["unread"]), (&1.into(), &0.into()));
    link("../lock", "a/Gemfile.lock");
    std::fs::write(tree.join(std::ffi::OsStr::from_bytes(b"caf\xe9-requirements.txt")), "a==1\n").expect("written");
    std::fs::create_dir(tree.join(std::ffi::OsStr::from_bytes(b"\xff"))).expect("created");
    let odd = json(&world);
    assert_eq!((&odd["coverage"]["packages"], &odd["coverage"]["unread"]), (&1.into(), &3.into()), "{odd}");
}

#[test]
fn what_is_longer_than_the_terminal_is_paged() {
    let world = World::new("pager");
    let program = env!("CARGO_BIN_EXE_plimsoll");
    let shown = |rows: u8, pager: &str| {
        let scan = format!(
            "stty rows {rows} cols 100; PLIMSOLL_PAGER='{pager}' {program} --data {} scan {}",
            world.path("data"),
            world.path("status")
        );
        // A terminal of its own, by a tool that every Debian has.
        let output = Command::new("script").args(["-qec", &scan, "/dev/null"]).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Some(paged) = shown(5, "sed s/^/PAGED:/") else {
        println!("SKIPPED: there is no script(1)");
        return;
    };
    assert!(paged.contains("PAGED:") && paged.contains("example"), "{paged}");
    for (rows, pager) in [(100, "sed s/^/PAGED:/"), (5, "cat"), (5, ""), (5, "/does/not/exist"), (5, "false")] {
        let plain = shown(rows, pager).expect("runs");
        assert!(!plain.contains("PAGED:") && plain.contains("example"), "{rows} {pager}: {plain}");
    }
}

#[test]
fn a_stale_feed_counts_only_where_it_could_speak_of_something() {
    let world = World::new("concerns");
    world.write("feeds/osv.json", r#"{"id":"GHSA-1","modified":"2026-02-12T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"other"},"versions":["1.0.0"]}]}"#);
    assert_eq!(world.code(&["feeds", "import", &world.path("feeds")]), 0);
    world.write("npm.cdx.json", r#"{"bomFormat":"CycloneDX","components":[{"name":"a","purl":"pkg:npm/a@1.0.0"}]}"#);
    let gaps = |name: &str| {
        let text = world.text(&["scan", &world.path(name), "--at", "2026-09-01", "-f", "json"]);
        let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        report["coverage"]["gaps"].to_string()
    };
    assert!(gaps("status").contains("debian_lists is stale"), "{}", gaps("status"));
    assert!(!gaps("npm.cdx.json").contains("debian_lists") && gaps("npm.cdx.json").contains("osv is stale"));
}

#[test]
fn a_reader_that_goes_away_changes_nothing() {
    let world = World::new("closed");
    world.write("feeds/osv.json", r#"{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"late"},"versions":["1.0.0"]}]}"#);
    world.write(
        "late.cdx.json",
        r#"{"bomFormat":"CycloneDX","components":[{"name":"late","purl":"pkg:npm/late@1.0.0"}]}"#,
    );
    let program = env!("CARGO_BIN_EXE_plimsoll");
    let closed = |arguments: &str| {
        let script =
            format!("{{ {program} --data {} {arguments}; echo $? >&2; }} | (exec <&-; sleep 1)", world.path("data"));
        let output = Command::new("sh").args(["-c", &script]).output().expect("runs");
        String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(closed(&format!("feeds import {}", world.path("feeds"))), "0");
    assert!(world.text(&["scan", &world.path("late.cdx.json"), "-f", "json"]).contains("GHSA-1"), "it was compiled");
    assert_eq!(closed("generate completions bash"), "0");
    let stored = world.folder.join("data/feeds/kev");
    let document = std::fs::read_dir(&stored).expect("listed").flatten().map(|entry| entry.path());
    let document = document.into_iter().find(|path| !path.ends_with("documents.json")).expect("a document");
    std::fs::write(document, "damaged").expect("written");
    assert_eq!(closed("feeds verify"), "2");
}

#[test]
fn what_an_ended_program_left_behind_is_swept() {
    let world = World::new("sweep");
    world.write("data/index/x.new-1", "half");
    world.write("data/feeds/kev/y.new-2", "half");
    assert_eq!(world.code(&["feeds", "compile"]), 0);
    let left = ["data/index/x.new-1", "data/feeds/kev/y.new-2"].map(|name| world.folder.join(name).exists());
    assert_eq!(left, [false, false]);
}

#[test]
fn a_tree_hides_no_packages_behind_names() {
    let world = World::new("hidden");
    let json = |world: &World, tree: &str| -> serde_json::Value {
        serde_json::from_str(&world.text(&["scan", &world.path(tree), "-f", "json"])).expect("JSON")
    };
    let bill = r#"{"bomFormat":"CycloneDX","components":[{"name":"a","purl":"pkg:npm/a@1"}]}"#;
    for (tree, file, text, unread) in [
        ("bill", "app-sbom.json", bill, 0),
        ("other-bill", "bombs.json", "{}", 0),
        ("bun", "bun.lock", "{}", 1),
        ("wheel", "a-1.whl", "PK", 1),
        ("directory", "vendored/mix.lock", "%{}", 1),
        ("dist", "a-1.dist-info/RECORD", "", 1),
        ("program", "tool.bin", "\u{7f}ELF cut off", 1),
    ] {
        let path = world.folder.join(tree).join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        std::fs::write(&path, text).expect("written");
        let found = json(&world, tree);
        assert_eq!(found["coverage"]["unread"], unread, "{file}: {}", found["problems"]);
        assert_eq!(found["coverage"]["packages"], usize::from(tree == "bill"), "{file}");
    }
    std::fs::create_dir_all(world.folder.join("out")).expect("created");
    std::os::unix::fs::symlink("/nowhere", world.folder.join("out/node_modules")).expect("linked");
    assert_eq!(json(&world, "out")["coverage"]["unread"], 1);
}

#[test]
fn what_is_not_known_is_not_called_clean() {
    let world = World::new("unknown");
    let at = ["--at", "2026-02-13"];
    let code = |name: &str, more: &[&str]| {
        let path = world.path(name);
        world.code(&[&["scan", path.as_str()], &at[..], more].concat())
    };
    let status = "Package: example2\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n";
    world.write("one", status);
    assert_eq!(code("one", &[]), 0);
    // One package that nobody can judge is enough, unless somebody accepts that.
    world.write("two", &format!("{status}\nPackage: foreign\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nMaintainer: D <x@docker.com>\n"));
    assert_eq!(code("two", &[]), 3);
    assert_eq!(code("two", &["--allow-undetermined"]), 0);
    let output = world.run(&[&["scan", world.path("two").as_str()], &at[..]].concat());
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 package could not be judged"));
    // No index, and a list that offers nothing.
    std::fs::create_dir_all(world.folder.join("root/var/lib/apt/lists")).expect("created");
    std::fs::create_dir_all(world.folder.join("root/var/lib/dpkg")).expect("created");
    world.write(
        "root/var/lib/dpkg/status",
        "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n",
    );
    world.write("root/var/lib/apt/lists/m_Packages", "");
    let bare = |world: &World| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(["--data", &world.path("nothing"), "scan", "--root", &world.path("root")]);
        command.output().expect("it runs").status.code().expect("a code")
    };
    assert_eq!(bare(&world), 3);
}

#[test]
fn a_reader_that_goes_away_changes_no_answer() {
    let world = World::new("pipe");
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg("--data").arg(world.folder.join("data")).args(["scan", &world.path("status"), "-f", "json"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("it runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}

#[test]
fn a_standard_error_that_cannot_be_written_changes_no_code() {
    let world = World::new("full");
    let full = || std::process::Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").expect("opens"));
    for (arguments, code) in [(["scan", "/nonexistent"], 2), (["policy", "nonsense"], 64)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        let status = command.arg("--data").arg(&world.folder).args(arguments).stderr(full()).status();
        assert_eq!(status.expect("it runs").code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn devices_and_folders_are_no_documents() {
    let world = World::new("devices");
    for arguments in [
        ["scan", "/dev/zero", "-q"],
        ["scan", "--policy", "/dev/zero"],
        ["scan", "--vex", "/dev/zero"],
        ["scan", "--index", "/dev/zero"],
        ["scan", "--ignore-file", "/dev/zero"],
        ["scan", "--asset", "/dev/zero"],
    ] {
        let status = world.path("status");
        let target: &[&str] = if arguments[1] == "/dev/zero" { &[] } else { &[&status] };
        assert_eq!(world.code(&[&arguments[..], target].concat()), 2, "{arguments:?}");
    }
}

#[test]
fn no_format_changes_the_code_and_each_is_whole() {
    let world = World::new("formats");
    let status = world.path("status");
    for format in ["table", "json", "sarif", "cyclonedx", "openvex", "csv", "markdown", "html"] {
        let output = world.run(&["scan", &status, "--format", format, "--at", "2026-11-23"]);
        assert_eq!(output.status.code(), Some(1), "{format}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(
            text.contains("CVE-2026-0001") || (format == "table" && text.contains("2 vulnerabilities")),
            "{format}: {text}"
        );
        assert!(!text.contains('\u{1b}'), "{format} has escapes although it is no terminal");
        if matches!(format, "json" | "sarif" | "cyclonedx" | "openvex") {
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert!(value.is_object());
        }
    }
}

#[test]
fn the_listing_is_the_stricter_class_and_why_says_so() {
    let world = World::new("why");
    let json: serde_json::Value =
        serde_json::from_str(&world.text(&["scan", &world.path("status"), "-f", "json", "--at", "2026-11-23"]))
            .expect("JSON");
    let finding = json["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|finding| finding["id"] == "CVE-2026-0001")
        .expect("there");
    assert_eq!(
        (finding["class"].as_str(), finding["due_at"].as_str()),
        (Some("emergency"), Some("2026-03-04T00:00:00Z"))
    );
    assert_eq!(json["coverage"]["judged"], 2);
    let why = world.text(&["why", "cve-2026-0001", &world.path("status"), "--at", "2026-11-23"]);
    assert!(why.contains("72 hours from 2026-03-01") && why.contains("OVERDUE") && why.contains("DSA-9999-1"), "{why}");
    assert_eq!(world.code(&["why", "CVE-2020-12345", &world.path("status")]), 3);
    for id in [" 2026-0001 ", "cve_2026_0001", "dsa-9999", "DSA-9999-1"] {
        assert!(world.text(&["why", id, &world.path("status")]).contains("CVE-2026-0001"), "{id}");
    }
    // Not affected: what was compared, as an auditor asks.
    world.write(
        "patched",
        "Package: example\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.2-3+deb12u2\n",
    );
    let output = world.run(&["why", "CVE-2026-0001", &world.path("patched"), "--at", "2026-02-13"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("1.2-3+deb12u2 is not before 1.2-3+deb12u1 (DSA-9999-1)"), "{text}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn names_with_escapes_and_formulas_are_made_harmless() {
    let world = World::new("escapes");
    world.write("evil.cdx.json", &serde_json::json!({ "bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
        { "type": "library", "name": "\u{1b}[31mred", "version": "1" }, { "type": "library", "name": "=cmd()", "version": "1" }, { "type": "library", "name": "<script>x</script>", "version": "1" }] }).to_string());
    for format in ["table", "csv", "markdown", "html"] {
        let text = world.text(&["scan", &world.path("evil.cdx.json"), "--verbose", "-f", format]);
        // A terminal and a spreadsheet take no markup.
        let is_markup = matches!(format, "html" | "markdown");
        assert!(!text.contains('\u{1b}'), "{format}: {text}");
        assert!(!is_markup || !text.contains("<script>"), "{format}: {text}");
        assert!(!text.lines().any(|line| line.starts_with('=')), "{format}: {text}");
    }
}

#[test]
fn ignore_files_beside_the_target_are_applied_and_shown() {
    let world = World::new("ignore");
    world.write(".trivyignore.yaml", "vulnerabilities:\n  - id: CVE-2026-0002\n    statement: not reachable here\n    expired_at: 2027-01-01\n  - id: CVE-2020-0000\n");
    let scan = |folder: &str, at: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.current_dir(folder).arg("--data").arg(world.folder.join("data"));
        let output = command.args(["scan", &world.path("status"), "--at", at]).output().expect("it runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let text = scan(&world.path(""), "2026-11-23");
    assert!(
        text.contains("not reachable here") && text.contains("without effect") && text.contains("1 overdue"),
        "{text}"
    );
    let later = scan(&world.path(""), "2027-02-01");
    assert!(later.contains("2 overdue"), "{later}");
    // What came with a target from elsewhere decides nothing about it.
    let foreign = scan("/", "2026-11-23");
    assert!(foreign.contains("2 overdue") && foreign.contains("--ignore-file"), "{foreign}");
    // A link that leads out of the folder is not followed.
    std::fs::remove_file(world.folder.join(".trivyignore.yaml")).expect("removed");
    std::os::unix::fs::symlink("/etc/passwd", world.folder.join(".trivyignore.yaml")).expect("linked");
    let linked = scan(&world.path(""), "2026-11-23");
    assert!(linked.contains("2 overdue") && !linked.contains("root:"), "{linked}");
}

#[test]
fn a_damaged_index_is_an_error_and_not_a_clean_system() {
    let world = World::new("damaged");
    let pointer = std::fs::read_to_string(world.folder.join("data/index/current")).expect("a digest");
    let index = world.folder.join(format!("data/index/{pointer}.index"));
    let mut bytes = std::fs::read(&index).expect("read");
    bytes.truncate(bytes.len() - 10);
    std::fs::write(&index, bytes).expect("written");
    assert_eq!(world.code(&["scan", &world.path("status")]), 2);
    assert_eq!(world.code(&["feeds", "verify"]), 2);
}

/// One bit, anywhere: an error, or (in the room between sections) exactly what the whole index says.
#[test]
fn a_flipped_bit_never_makes_a_system_clean() {
    let world = World::new("flipped");
    let pointer = std::fs::read_to_string(world.folder.join("data/index/current")).expect("a digest");
    let whole = std::fs::read(world.folder.join(format!("data/index/{pointer}.index"))).expect("read");
    let scan = || {
        let arguments = ["scan", &world.path("status"), "-f", "csv", "--at", "2026-11-23", "--index", &world.path("x")];
        let output = world.run(&arguments);
        (output.status.code(), output.stdout)
    };
    std::fs::write(world.folder.join("x"), &whole).expect("written");
    let expected = scan();
    assert_eq!(expected.0, Some(1));
    let mut noticed = 0;
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut damaged = whole.clone();
        damaged[at] ^= 4;
        std::fs::write(world.folder.join("x"), damaged).expect("written");
        let found = scan();
        noticed += usize::from(found.0 == Some(2));
        assert!(found.0 == Some(2) || found == expected, "byte {at}: {:?}", found.0);
    }
    assert!(noticed > 50, "{noticed}");
}

#[test]
fn imports_that_bring_nothing_replace_nothing() {
    let world = World::new("imports");
    let index = || std::fs::read_to_string(world.folder.join("data/index/current")).expect("a digest");
    let before = index();
    world.write("broken.json", "{\"schema_version\": \"1.6\", \"id\": ");
    assert_eq!(world.code(&["feeds", "import", &world.path("broken.json")]), 2);
    assert_eq!(world.code(&["feeds", "import", "--feed", "epss", &world.path("status")]), 2);
    assert_eq!(index(), before);
    // A file of the store's own name beside others.
    world.write("documents.json", r#"{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}"#);
    world.write("other.json", r#"{"id":"GHSA-2","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"b"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}"#);
    assert_eq!(world.code(&["feeds", "import", &world.path("documents.json"), &world.path("other.json")]), 0);
    let after = index();
    assert_ne!(after, before);
    // A cut copy of what is stored does not take its place.
    let whole = std::fs::read_to_string(world.folder.join("other.json")).expect("read");
    world.write("other.json", &whole[..whole.len() - 30]);
    assert_eq!(world.code(&["feeds", "import", &world.path("other.json")]), 2);
    assert_eq!(index(), after);
    world.write("other.json", &whole);
    // The same bytes again are known, and taking documents out leads back to where it began.
    world.write("copy.json", &std::fs::read_to_string(world.folder.join("other.json")).expect("read"));
    assert!(world.text(&["feeds", "import", &world.path("copy.json")]).contains("(known)"));
    assert_eq!(index(), after);
    assert_eq!(world.code(&["feeds", "remove", "osv", "nothing"]), 64);
    assert_eq!(world.code(&["feeds", "remove", "osv", "other.json"]), 0);
    assert_eq!(world.code(&["feeds", "verify"]), 0);
    // A document that was changed in the store is not compiled, and said to be damaged.
    let stored = std::fs::read_dir(world.folder.join("data/feeds/osv"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let stored =
        stored.into_iter().find(|path| path.display().to_string().ends_with("-documents.json")).expect("stored");
    std::fs::write(&stored, std::fs::read_to_string(&stored).expect("read").replace("\"a\"", "\"b\""))
        .expect("changed");
    assert_eq!(world.code(&["feeds", "compile"]), 2);
    assert!(
        std::fs::read_to_string(world.folder.join("data/index/problems.tsv"))
            .expect("read")
            .contains("not those that were stored")
    );
}

#[test]
fn presets_and_generated_texts_are_whole() {
    let world = World::new("presets");
    let list = world.text(&["policy", "list"]);
    assert!(list.contains("cisa-bod-26-04") && list.contains("still to be checked"));
    world.write("own.toml", &world.text(&["policy", "show", "baseline"]));
    assert_eq!(world.code(&["policy", "check", &world.path("own.toml")]), 0);
    assert!(world.text(&["generate", "completions", "bash"]).contains("plimsoll"));
    assert_eq!(world.code(&["generate", "man", &world.path("man")]), 0);
    assert!(world.folder.join("man/plimsoll-scan.1").is_file());
}

#[test]
fn an_archive_of_packed_documents_of_two_feeds_is_read_whole() {
    let world = World::new("packed");
    let record = |id: &str, name: &str| {
        format!(
            r#"{{"id":"{id}","modified":"2026-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"npm","name":"{name}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}}]}}]}}]}}"#
        )
    };
    let mut archive = tar::Builder::new(Vec::new());
    let epss = "#model_version:v1,score_date:2026-02-12T00:00:00Z\ncve,epss,percentile\nCVE-2026-0001,0.5,0.9\n";
    for (name, text) in [
        ("a.json.zst", record("GHSA-1", "a")),
        ("b.json.zst", record("GHSA-2", "b")),
        ("epss.csv.zst", epss.to_owned()),
    ] {
        let bytes = zstd::stream::encode_all(text.as_bytes(), 1).expect("packed");
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, &bytes[..]).expect("appended");
    }
    std::fs::write(world.folder.join("all.tar"), archive.into_inner().expect("finished")).expect("written");
    assert_eq!(world.code(&["feeds", "import", &world.path("all.tar")]), 0);
    let status: serde_json::Value = serde_json::from_str(&world.text(&["feeds", "status", "--json"])).expect("JSON");
    let records = |feed: &str| {
        status.as_array().expect("a list").iter().find(|row| row["feed"] == feed).expect("there")["records"].as_u64()
    };
    assert_eq!((records("osv"), records("epss")), (Some(2), Some(1)));
    assert!(
        !world.text(&["feeds", "status"]).lines().any(|line| line.starts_with("epss") && line.contains("not loaded"))
    );
}

/// A feed of which a part could not be read may have said something about this very package.
#[test]
fn a_feed_that_was_not_read_whole_calls_nothing_clean() {
    let world = World::new("partly");
    world.write("clean", "Package: example2\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n");
    let code = |world: &World| world.code(&["scan", &world.path("clean"), "--at", "2026-02-13"]);
    assert_eq!(code(&world), 0);
    world.write("x.jsonl", concat!(
        r#"{"id":"X-1","modified":"2026-02-12T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"other2"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#,
        "\n",
        r#"{"id":"X-2","modified":"2026-02-12T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"exam"#,
    ));
    world.code(&["feeds", "import", &world.path("x.jsonl")]);
    assert_eq!(code(&world), 3);
    // What lies beside the records in an archive loses nothing.
    let other = World::new("beside");
    other.write("clean", "Package: example2\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n");
    let mut archive = tar::Builder::new(Vec::new());
    let record = r#"{"id":"X-1","modified":"2026-02-12T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"other2"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#;
    for (name, text) in [("x.json", record), ("README.md", "# Read me\n")] {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, text.as_bytes()).expect("appended");
    }
    std::fs::write(other.folder.join("x.tar"), archive.into_inner().expect("finished")).expect("written");
    assert_eq!(other.code(&["feeds", "import", &other.path("x.tar")]), 0);
    assert_eq!(code(&other), 0);
}

#[test]
fn imports_at_the_same_time_lose_nothing() {
    let world = World::new("together");
    let children: Vec<_> = (0..6)
        .map(|number| {
            let name = format!("r{number}.json");
            world.write(&name, &format!(r#"{{"id":"X-{number}","modified":"2026-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"npm","name":"p{number}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}}]}}]}}]}}"#));
            let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
            command.arg("--quiet").arg("--data").arg(world.folder.join("data"));
            command.args(["feeds", "import", &world.path(&name)]).stdout(std::process::Stdio::null());
            command.spawn().expect("it runs")
        })
        .collect();
    for mut child in children {
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
    }
    let status: serde_json::Value = serde_json::from_str(&world.text(&["feeds", "status", "--json"])).expect("JSON");
    let osv = status.as_array().expect("a list").iter().find(|row| row["feed"] == "osv").expect("there").clone();
    assert_eq!((osv["documents"].as_u64(), osv["records"].as_u64()), (Some(6), Some(6)));
    assert_eq!(world.code(&["feeds", "verify"]), 0);
}

/// A system whose package database is gone is not one without packages.
#[test]
fn a_root_without_its_database_is_not_clean() {
    let world = World::new("nodb");
    std::fs::create_dir_all(world.folder.join("root/etc")).expect("created");
    std::fs::create_dir_all(world.folder.join("root/opt/app")).expect("created");
    std::fs::create_dir_all(world.folder.join("root/var/lib/dpkg")).expect("created");
    world.write("root/etc/os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian 12\"\n");
    world.write("root/opt/app/Gemfile.lock", "GEM\n  specs:\n    rack (2.2.4)\n");
    world.write("osv.json", r#"{"id":"GHSA-1","modified":"2026-02-12T00:00:00Z","affected":[{"package":{"ecosystem":"RubyGems","name":"other"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#);
    assert_eq!(world.code(&["feeds", "import", &world.path("osv.json")]), 0);
    let code = |world: &World| {
        world.code(&["scan", "--root", &world.path("root"), "--at", "2026-02-13", "--allow-undetermined"])
    };
    assert_eq!(code(&world), 3, "no database");
    world.write("root/var/lib/dpkg/status", "");
    assert_eq!(code(&world), 3, "an empty one");
    world.write(
        "root/var/lib/dpkg/status",
        "Package: example2\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n",
    );
    assert_eq!(code(&world), 0, "a database");
}

/// Without advisories a host's own repositories may vouch for it, but only for what they mark.
#[test]
fn repositories_that_mark_nothing_of_security_vouch_for_nothing() {
    let world = World::new("vouch");
    std::fs::create_dir_all(world.folder.join("empty")).expect("created");
    let code = |files: &[(&str, &str)]| {
        let root = world.folder.join("root");
        let _ = std::fs::remove_dir_all(&root);
        for (path, text) in files {
            std::fs::create_dir_all(root.join(path).parent().expect("a folder")).expect("created");
            std::fs::write(root.join(path), text).expect("written");
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.arg("--data").arg(world.folder.join("empty")).args(["scan", "--at", "2026-11-22", "--root"]).arg(root);
        command.output().expect("it runs").status.code().expect("a code")
    };
    let os = ("etc/os-release", "ID=debian\nVERSION_ID=12\n");
    let status =
        ("var/lib/dpkg/status", "Package: dpkg\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n");
    let list = |version: &str| format!("Package: dpkg\nVersion: {version}\nArchitecture: amd64\n");
    let (same, newer) = (list("1"), list("2"));
    let main = "var/lib/apt/lists/m_dists_bookworm_main_binary-amd64_Packages";
    let release =
        ("var/lib/apt/lists/m_dists_bookworm_Release", "Suite: stable\nDate: Sat, 21 Nov 2026 08:28:25 UTC\n");
    let security = "var/lib/apt/lists/m_dists_bookworm-security_main_binary-amd64_Packages";
    let of_security = (
        "var/lib/apt/lists/m_dists_bookworm-security_Release",
        "Suite: stable-security\nDate: Sat, 21 Nov 2026 08:28:25 UTC\n",
    );
    assert_eq!(code(&[os, status, (main, &same), release]), 3, "the release's fixes lie elsewhere");
    assert_eq!(code(&[os, status, (main, &newer), release]), 3);
    assert_eq!(code(&[os, status, (main, &same), release, (security, ""), of_security]), 0);
    assert_eq!(code(&[os, status, (main, &newer), release, (security, &same), of_security]), 0);
}

/// A program that may not be opened may hold packages; so may the log of a database that was given as a file.
#[test]
fn what_may_not_be_opened_is_counted() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let world = World::new("unopened");
    std::fs::create_dir_all(world.folder.join("tree")).expect("created");
    world.write("tree/Gemfile.lock", "GEM\n  specs:\n    rack (2.2.4)\n");
    world.write("tree/tool", "\u{7f}ELF");
    std::fs::set_permissions(world.folder.join("tree/tool"), PermissionsExt::from_mode(0o000)).expect("closed");
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg("--data").arg(world.folder.join("empty")).args(["scan", "-f", "json", &world.path("tree")]);
    if rustix::process::geteuid().is_root() {
        // Nothing is closed to root.
        command.uid(65_534).gid(65_534);
    }
    let report: serde_json::Value =
        serde_json::from_slice(&command.output().expect("it runs").stdout).expect("a report");
    assert_eq!(report["coverage"]["unread"], 1, "{}", report["problems"]);
    std::fs::create_dir_all(world.folder.join("status-wal")).expect("created");
    let report: serde_json::Value =
        serde_json::from_str(&world.text(&["scan", &world.path("status"), "-f", "json"])).expect("a report");
    assert_eq!(report["coverage"]["unread"], 1, "{}", report["problems"]);
}

/// A folder of links was once imported as if it were empty.
#[test]
fn an_import_follows_links_to_files_and_names_the_others() {
    let world = World::new("import-links");
    std::fs::create_dir_all(world.folder.join("linked")).expect("created");
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(to, world.folder.join("linked").join(name)).expect("linked");
    };
    world.write("osv.json", r#"{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":["1.0.0"]}]}"#);
    link("../osv.json", "osv.json");
    assert_eq!(world.code(&["feeds", "import", &world.path("linked")]), 0);
    world.write("a.cdx.json", r#"{"bomFormat":"CycloneDX","components":[{"name":"a","purl":"pkg:npm/a@1.0.0"}]}"#);
    assert!(world.text(&["scan", &world.path("a.cdx.json"), "-f", "json"]).contains("GHSA-1"));
    link("/nowhere", "dangling.json");
    assert_eq!(world.code(&["feeds", "import", &world.path("linked")]), 2);
}
