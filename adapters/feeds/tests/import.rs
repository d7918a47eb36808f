//! Snapshots that are imported one after the other: the later replaces the earlier, and nothing else.
#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

use jiff::Timestamp;
use plimsoll_feeds::{Imported, Silent, Store, Visitor, compile, import, visit};
use std::io::Write;
use std::path::PathBuf;

/// A data directory and files beside it, removed at the end.
struct World {
    folder: PathBuf,
    store: Store,
}

impl World {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("plimsoll-import-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self { store: Store::new(folder.join("data")), folder }
    }

    /// Imports a file of this content, and says which documents it replaced.
    fn import(&self, path: &str, content: &str) -> Vec<String> {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        std::fs::write(&path, content).expect("written");
        match import(&self.store, &[path], None, now()).expect("imported").pop() {
            Some(Imported::Stored { replaces, .. }) => replaces,
            other => panic!("{other:?}"),
        }
    }

    fn documents(&self, feed: &str) -> Vec<String> {
        self.store.documents(feed).expect("listed").into_keys().collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn now() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().expect("an instant")
}

fn kev(id: &str) -> String {
    format!(r#"{{"catalogVersion":"1","vulnerabilities":[{{"cveID":"{id}","dateAdded":"2026-01-05"}}]}}"#)
}

#[test]
fn a_later_snapshot_of_a_catalogue_replaces_the_earlier_one() {
    let world = World::new("catalogue");
    assert!(world.import("january/kev.json", &kev("CVE-2026-0001")).is_empty());
    assert_eq!(world.import("february/kev.json", &kev("CVE-2026-0002")), ["kev.json"]);
    let [name] = world.documents("kev").try_into().expect("one document");
    assert!(!world.store.feed_folder("kev").join("kev.json").exists() && name.ends_with("-kev.json"));
    assert_eq!(world.import("march/other.json", &kev("CVE-2026-0003")), [name]);
    let compiled = compile(&world.store, &plimsoll_feeds::Silent).expect("compiled");
    assert_eq!(compiled.states.iter().map(|state| state.records).collect::<Vec<_>>(), [1]);
}

/// Two snapshots in one go, the newer one first: the order of their names must not put the older one in force.
#[test]
fn an_older_snapshot_does_not_replace_a_newer_one() {
    let world = World::new("older");
    let dated = |id: &str, day: &str| kev(id).replace("2026-01-05", day);
    assert!(world.import("february/kev.json", &dated("CVE-2026-0002", "2026-02-05")).is_empty());
    let path = world.folder.join("january/kev.json");
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
    std::fs::write(&path, dated("CVE-2026-0001", "2026-01-05")).expect("written");
    let outcome = import(&world.store, &[path], None, now()).expect("imported");
    assert!(matches!(outcome.as_slice(), [Imported::Older { than, .. }] if than == "kev.json"), "{outcome:?}");
    assert_eq!(world.documents("kev"), ["kev.json"]);
    // The very file that was imported, with other content: that is what its owner wants to have.
    assert!(world.import("february/kev.json", &dated("CVE-2026-0003", "2026-01-01")).is_empty());
    assert_eq!(world.documents("kev"), ["kev.json"]);
}

/// A piece of a catalogue is no later state of it.
#[test]
fn a_piece_does_not_replace_the_whole() {
    let world = World::new("piece");
    let entry = |at: u32| format!(r#"{{"cveID":"CVE-2026-{at:04}","dateAdded":"2026-01-05"}}"#);
    let of = |count: u32| {
        let entries: Vec<String> = (0..count).map(entry).collect();
        format!(r#"{{"catalogVersion":"1","vulnerabilities":[{}]}}"#, entries.join(","))
    };
    assert!(world.import("all.json", &of(9)).is_empty());
    assert!(world.import("piece.json", &of(4)).is_empty());
    assert_eq!(world.documents("kev").len(), 2);
    assert_eq!(world.import("most.json", &of(8)), ["all.json", "piece.json"]);
}

/// An archive of a catalogue and of advisories: a later catalogue must not take the advisories away.
#[test]
fn what_holds_more_than_a_catalogue_is_not_replaced_by_one() {
    let world = World::new("mixed");
    let mut archive = tar::Builder::new(Vec::new());
    let osv = r#"{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z","affected":[]}"#;
    for (name, text) in [("kev.json", kev("CVE-2026-0001").as_str()), ("licence", "MIT"), ("osv.json", osv)] {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_cksum();
        archive.append_data(&mut header, name, text.as_bytes()).expect("added");
    }
    let archive = archive.into_inner().expect("an archive");
    let path = world.folder.join("all.tar");
    std::fs::create_dir_all(&world.folder).expect("created");
    std::fs::write(&path, archive).expect("written");
    import(&world.store, &[path], None, now()).expect("imported");
    assert!(world.import("kev.json", &kev("CVE-2026-0002")).is_empty());
    assert_eq!(world.documents("kev"), ["all.tar", "kev.json"]);
}

/// Takes everything, and counts what could not be read.
struct Count(usize);

impl Visitor for Count {
    fn document(&mut self, _: &str, _: Vec<u8>) -> bool {
        true
    }

    fn may_split(&self, name: &str) -> bool {
        name.ends_with(".jsonl")
    }

    fn problem(&mut self, _: &str, _: &str) {
        self.0 += 1;
    }
}

/// Archives and compressed files, changed at random: documents or problems, never a panic.
#[test]
fn fuzz_archives() {
    let world = World::new("fuzz");
    let text = kev("CVE-2026-0001");
    let mut header = tar::Header::new_ustar();
    header.set_size(text.len() as u64);
    header.set_cksum();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, "kev.json", text.as_bytes()).expect("added");
    let archive = archive.into_inner().expect("an archive");
    let packed = |level| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
        packer.write_all(&archive).expect("packed");
        packer.finish().expect("packed")
    };
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("a.jsonl", zip::write::SimpleFileOptions::default()).expect("begun");
    zip.write_all(text.as_bytes()).expect("written");
    let zip = zip.finish().expect("a zip").into_inner();
    let zstd = zstd::encode_all(archive.as_slice(), 3).expect("packed");
    let seeds = [archive.clone(), packed(6), packed(0), zip, zstd, text.into_bytes()];
    std::fs::create_dir_all(&world.folder).expect("created");
    let path = world.folder.join("input");
    testkit::fuzz::run(&seeds, |input| {
        std::fs::write(&path, input).expect("written");
        visit(&path, &mut Count(0)).expect("it can be opened");
    });
    // What is whole has no problem, and what is cut off has one.
    let problems = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("written");
        let mut count = Count(0);
        visit(&path, &mut count).expect("it can be opened");
        count.0
    };
    for seed in &seeds[1..5] {
        assert_eq!(problems(seed), 0);
        assert!(problems(&seed[..seed.len() / 2]) > 0);
    }
}

#[test]
fn what_is_imported_is_as_old_as_its_file() {
    let world = World::new("age");
    let day = Timestamp::UNIX_EPOCH;
    let path = world.folder.join("kev.json");
    std::fs::create_dir_all(&world.folder).expect("created");
    std::fs::write(&path, kev("CVE-2026-0001")).expect("written");
    std::fs::File::options().write(true).open(&path).expect("open").set_modified(day.into()).expect("dated");
    import(&world.store, &[path], None, now()).expect("imported");
    let fetched: Vec<_> =
        world.store.documents("kev").expect("listed").into_values().map(|one| one.fetched_at).collect();
    assert_eq!(fetched, [Some(day)]);
}

#[test]
fn parts_of_a_catalogue_stand_beside_each_other() {
    let world = World::new("parts");
    let alpine = |release: &str, fixed: &str| {
        format!(
            r#"{{"distroversion":"{release}","reponame":"main","packages":[{{"pkg":{{"name":"a","secfixes":{{"{fixed}":["CVE-2026-0001"]}}}}}}]}}"#
        )
    };
    assert!(world.import("v3.20/main.json", &alpine("v3.20", "1.0-r0")).is_empty());
    assert!(world.import("v3.21/main.json", &alpine("v3.21", "1.0-r0")).is_empty());
    assert_eq!(world.documents("alpine").len(), 2);
    assert_eq!(world.import("new/v3.20/main.json", &alpine("v3.20", "1.0-r1")), ["main.json"]);
    assert_eq!(world.documents("alpine").len(), 2);
    // Records with an instant of their own replace each other inside the index.
    let osv = |modified: &str| format!(r#"{{"id":"GHSA-1","modified":"{modified}","affected":[]}}"#);
    assert!(world.import("a/all.json", &osv("2026-01-01T00:00:00Z")).is_empty());
    assert!(world.import("b/all.json", &osv("2026-02-01T00:00:00Z")).is_empty());
    assert_eq!(world.documents("osv").len(), 2);
}

#[test]
fn an_index_is_owed_from_the_first_change_until_it_is_kept() {
    let world = World::new("owed");
    assert!(!world.store.is_index_owed());
    world.import("kev.json", &kev("CVE-2026-0001"));
    assert!(world.store.is_index_owed(), "a program that ends here compiles it the next time");
    let compiled = compile(&world.store, &Silent).expect("compiled");
    assert!(world.store.is_index_owed());
    world.store.keep(&compiled, str::to_owned).expect("kept");
    assert!(!world.store.is_index_owed() && world.store.problems().exists());
    let name = world.documents("kev").into_iter().next().expect("a document");
    world.store.remove("kev", &name).expect("removed");
    assert!(world.store.is_index_owed());
}
