//! Documents that say something which cannot be read: each must be counted as unread, or kept as a package without a
//! version. None of them may look like a document that holds less.
#![allow(clippy::expect_used, clippy::disallowed_methods, reason = "tests touch the world")]

use plimsoll_inventory::readers::{self, Document, read_database_file, read_document};
use plimsoll_inventory::{Directory, Inventory, Os};
use std::io::Write;
use std::path::PathBuf;

fn read(name: &str, bytes: &[u8]) -> Inventory {
    let os = Os { id: "debian".to_owned(), version: "12".to_owned(), ..Os::default() };
    let mut inventory = Inventory { os: Some(os), ..Inventory::default() };
    let document = Document { name, bytes };
    if !read_database_file(&document, &[], &mut inventory) {
        read_document(&document, &mut inventory).expect("a known kind");
    }
    inventory
}

const LOST: &[(&str, &[u8])] = &[
    ("status", b"Package: a\nStatus: install ok installed\nVersion: 1\nPackage: b\nStatus: install ok installed\nVersion: 2\n"),
    ("status", b"Package: a\nStatus: install ok installed\nVersion: 1\n\nStatus: install ok installed\nVersion: 2\n"),
    ("installed", b"P:musl\nV:1.2.5-r0\nP:zlib\nV:1.3-r0\n\n"),
    ("go.mod", b"module m\nrequire (\n\texample.org/a v1.0.0\n"),
    ("go.mod", b"module m\nrequire example.org/a\n"),
    ("pom.xml", b"<project><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>1</version>"),
    ("package-lock.json", br#"{"lockfileVersion":3,"packages":[{"name":"a","version":"1.0.0"}]}"#),
    ("package-lock.json", br#"{"lockfileVersion":1,"dependencies":[]}"#),
    ("package-lock.json", b"{}"),
    ("composer.lock", br#"{"packages":{"a/b":{"version":"1.0.0"}}}"#),
    ("composer.lock", b"{}"),
    ("Pipfile.lock", br#"{"default":[{"a":"==1"}]}"#),
    ("Pipfile.lock", b"{}"),
    ("packages.lock.json", br#"{"dependencies":[]}"#),
    ("packages.lock.json", b"{}"),
    ("Cargo.lock", b"version = 3\n[[packages]]\nname = \"a\"\nversion = \"1.0.0\"\n"),
    ("poetry.lock", b"[metadata]\nlock-version = \"2.0\"\n"),
    ("pnpm-lock.yaml", b"settings: {}\n"),
    ("yarn.lock", b"# yarn lockfile v1\n\na@^1.0.0:\n  resolved \"https://example.org\"\n\nb@^1.0.0:\n  version \"1.0.0\"\n"),
    ("yarn.lock", b"# yarn lockfile v1\n\na@^1.0.0:\n"),
    ("requirements.txt", b"-r other.txt\n"),
    ("requirements.txt", b"a==1\n--editable ./x\n"),
    ("app.deps.json", br#"{"libraries":{"Broken":{"type":"package"}}}"#),
    ("status", b"Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: zz\nSta"),
    ("requirements.txt", b"\xff\xfea"),
    ("requirements.txt", b"caf\xe9==1.0\n"),
    ("bom.xml", b"<bom xmlns=\"http://cyclonedx.org/schema/bom/1.5\"><components><component type=\"library\"><name>a</name></components></bom>"),
    ("x.spdx", b"hello"),
    ("gradle.lockfile", b"nonsense=compile\n"),
    ("poetry.lock", b"[[package]]\nname = \"a\"\nversion = \"1\"\n"),
    ("pnpm-lock.yaml", b"lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: ^1.0.0\n        version: 1.0.0\n"),
    ("pnpm-lock.yaml", b"lockfileVersion: '9.0'\nsnapshots:\n  a@1.0.0: {}\n"),
    ("package-lock.json", br#"{"lockfileVersion":3}"#),
    ("package-lock.json", br#"{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"^1.0.0"}}}}"#),
    ("package-lock.json", br#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":[]}}}"#),
    ("go.mod", b"module m\ngo 1.16\nrequire example.org/a v1.0.0\n"),
    ("go.mod", b"module m\ngo 1.21\nRequire example.org/a v1.0.0\n"),
    ("composer.lock", br#"{"packages":null,"packages-dev":[]}"#),
    ("packages.lock.json", br#"{"version":1,"dependencies":{"net6.0":[]}}"#),
    ("Gemfile.lock", b"gem\n  specs:\n    a (1.0)\n"),
    ("pom.xml", b"<project><parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent></project>"),
    ("x.spdx", b"SPDXVersion: SPDX-2.3\nPackageName: a\npackagename: b\n"),
    ("tool", b"\x7fELF\x02\x01\x01\0 and no more"),
    ("x.whl", b"PK"),
    ("tool", b"\x7fELF\x02\x01\x01\0UPX!"),
];

#[test]
fn what_is_lost_is_counted() {
    for (name, bytes) in LOST {
        let inventory = read(name, bytes);
        let text = String::from_utf8_lossy(bytes);
        assert!(inventory.unread > 0 && !inventory.problems.is_empty(), "{name}: {text}");
    }
}

/// Odd, but readable: nothing may be lost, and nothing is wrong.
const READABLE: &[(&str, &[u8], &str)] = &[
    ("go.mod", b"module m\ngo 1.21\nrequire(\n\texample.org/a v1.0.0 // indirect\n)\n", "example.org/a 1.0.0"),
    ("go.mod", b"module m\ngo 1.21\nrequire example.org/a v1.0.0\nreplace example.org/a v2.0.0 => example.org/b v3.0.0\n", "example.org/a 1.0.0"),
    ("go.mod", b"module m\ngo 1.21\nrequire example.org/a v1.0.0\nreplace example.org/a v1.0.0 => example.org/b v3.0.0\n", "example.org/b 3.0.0"),
    ("package-lock.json", br#"{"lockfileVersion":1,"requires":true}"#, ""),
    ("package-lock.json", br#"{"lockfileVersion":3,"packages":{"":{},"node_modules\\a":{"version":"1.0.0"}}}"#, "a 1.0.0"),
    ("ensurepip/pip-24.0-py3-none-any.whl", b"PK", "pip 24.0"),
    ("pylock.dev.toml", b"lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\n", "a 1"),
    ("app/requirements/base.txt", b"a==1\n", "a 1"),
    ("gradle/dependency-locks/compile.lockfile", b"g:a:1\n", "g:a 1"),
    ("x.spdx", b"SPDXVersion: SPDX-2.3\nPackageName: a\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\nExternalRef: PACKAGE-MANAGER purl pkg:npm/b@2\n", "a 1, b 2"),
    ("x.spdx3.json", br#"{"@graph":[{"type":"Relationship","to":[{"type":"https://spdx.org/rdf/3.0.1/terms/Software/Package","name":"a","software_packageUrl":"pkg:npm/a@1"}]}]}"#, "a 1"),
    ("package-lock.json", br#"{"lockfileVersion":2,"packages":{},"dependencies":{"a":{"version":"1.0.0"}}}"#, "a 1.0.0"),
    ("packages.lock.json", br#"{"version":1,"dependencies":{"net6.0":{"A":{"type":"Direct","requested":"[1.0.0, )"}}}}"#, "A "),
    ("pnpm-lock.yaml", b"lockfileVersion: '9.0'\npackages:\n  a@https://example.org/a.tgz:\n    version: 1.2.0\n  b@file:../b: {}\n", "a 1.2.0, b "),
    ("node_modules/a/package.json", br#"{"name":"a"}"#, "a "),
    ("requirements.txt", b"\xff\xfea\0=\0=\x001\0\n\0", "a 1"),
    ("requirements.txt", b"\xfe\xff\0a\0=\0=\x001", "a 1"),
];

#[test]
fn odd_documents_lose_nothing() {
    for (name, bytes, expected) in READABLE {
        let inventory = read(name, bytes);
        let found: Vec<String> =
            inventory.packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect();
        assert_eq!(found.join(", "), *expected, "{name}");
        assert_eq!(inventory.unread, 0, "{name}: {:?}", inventory.problems);
    }
}

fn jar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("started");
        writer.write_all(content).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

#[test]
fn an_archive_without_a_version_is_kept() {
    for name in ["plain.jar", "PLAIN.JAR"] {
        let inventory = read(name, &jar(&[("A.class", b"x")]));
        assert_eq!(inventory.packages.len(), 1, "{name}");
        assert_eq!(inventory.packages[0].version, "");
    }
    let bomb = jar(&[("META-INF/MANIFEST.MF", &vec![b'a'; 5 << 20])]);
    assert_eq!(read("x-1.0.jar", &bomb).unread, 1);
    let broken = jar(&[("META-INF/maven/g/a/pom.properties", b"groupId=g\n")]);
    assert_eq!(read("x-1.0.jar", &broken).unread, 1);
}

struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("plimsoll-lost-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(root.join("var/lib/dpkg/status.d")).expect("created");
        Self(root)
    }

    fn databases(&self) -> Inventory {
        let root = Directory::new(std::fs::File::open(&self.0).expect("opens").into());
        let mut inventory = Inventory::default();
        readers::read_databases(&root, &mut inventory);
        inventory
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_entry_of_a_database_in_parts_is_read_or_counted() {
    use std::os::unix::ffi::OsStrExt;
    let tree = Tree::new("status.d");
    let folder = tree.0.join("var/lib/dpkg/status.d");
    std::fs::write(tree.0.join("elsewhere"), "Package: linked\nVersion: 1\n").expect("written");
    std::os::unix::fs::symlink("/elsewhere", folder.join("linked")).expect("linked");
    let inventory = tree.databases();
    assert_eq!((inventory.packages.len(), inventory.unread), (1, 0));
    std::os::unix::fs::symlink("/nowhere", folder.join("dangling")).expect("linked");
    std::fs::write(folder.join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "Package: cafe\nVersion: 1\n")
        .expect("written");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .expect("a pipe");
    let inventory = tree.databases();
    assert_eq!((inventory.packages.len(), inventory.unread), (1, 3), "{:?}", inventory.problems);
}

#[test]
fn a_problem_that_no_longer_fits_the_list_still_counts() {
    let mut text = b"Package: a\nStatus: install ok installed\nVersion: 1\n\n".to_vec();
    for _ in 0..1500 {
        text.extend_from_slice(b"Status: install ok installed\nVersion: 1\n\n");
    }
    let inventory = read("status", &text);
    assert_eq!((inventory.unread, inventory.problems.len()), (1500, 1001));
}

/// Two bytes of JSON can take hundreds in memory: such documents are refused before they are taken apart.
#[test]
fn documents_that_would_grow_beyond_memory_are_refused() {
    let components = format!(r#"{{"bomFormat":"CycloneDX","components":[{}{{}}]}}"#, "[],".repeat(4_000_000));
    let lock = format!(r#"{{"lockfileVersion":3,"packages":[{}0]}}"#, "0,".repeat(70 << 20));
    for (name, text) in [("x.cdx.json", components), ("package-lock.json", lock)] {
        let inventory = read(name, text.as_bytes());
        assert_eq!((inventory.unread, inventory.packages.len()), (1, 0), "{name}: {:?}", inventory.problems);
    }
}

/// Found by an attack: each of these once lost packages without a word.
#[test]
fn what_an_attack_found_to_be_lost_is_counted() {
    let lost: &[(&str, &[u8])] = &[
        ("Gemfile.lock", b"GEM\n  specs:\n    rack\n    rake (13.0.0)\n"),
        ("Gemfile.lock", b"GEM\n  specs:\n<<<<<<< HEAD\n    rack (2.0.0)\n=======\n    rack (2.1.0)\n>>>>>>> other\n"),
        ("Gemfile.lock", b""),
        ("x.spdx", b"SPDXVersion: SPDX-2.3\nPackageName: a\nPackageComment: <text>open\nPackageName: b\n"),
        ("requirements.txt", b"django (==3.0)\n"),
        ("requirements.txt", b"'django'==3.0\n"),
        ("bom.json", b"{}"),
        ("x.spdx.json", br#"{"spdxVersion":"SPDX-2.3","Packages":[]}"#),
        ("status", b"Package: a\nStatus: install ok installed\nStatus: deinstall ok config-files\nVersion: 1\n"),
    ];
    for (name, bytes) in lost {
        assert!(read(name, bytes).unread > 0, "{name}: {}", String::from_utf8_lossy(bytes));
    }
    let kept: &[(&str, &[u8], &str)] = &[
        ("status", b"Package: c\nStatus: install ok installed\nVersion: 1\n\npackage: a\nstatus: install ok installed\nversion: 1\nsource: b (2)\n", "c 1, a 1"),
        ("package-lock.json", br#"{"lockfileVersion":2,"packages":{"":{"name":"own"}},"dependencies":{"a":{"version":"1.0.0"}}}"#, "a 1.0.0"),
        ("app.deps.json", br#"{"libraries":{"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1":{"type":"runtimepack"}}}"#, "Microsoft.NETCore.App.Runtime.linux-x64 8.0.1"),
        ("pom.xml", b"<project><profiles><profile><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>1</version></dependency></dependencies></profile></profiles></project>", "g:a 1"),
        ("project.assets.json", br#"{"libraries":{"A/1.0.0":{}}}"#, "A 1.0.0"),
        ("x.cdx.json", br#"{"bomFormat":"CycloneDX","metadata":{"component":{"type":"application","name":"own","components":[{"name":"a","purl":"pkg:npm/a@1.0.0"}]}},"components":[{"name":"b","purl":"pkg:npm/b@1.0.0"}]}"#, "a 1.0.0, b 1.0.0"),
        ("x.spdx.json", br#"{"spdxVersion":"SPDX-2.3","packages":[{"name":"a","primaryPackagePurpose":"FILE","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/a@1.0.0"}]}]}"#, "a 1.0.0"),
        ("bom.json", br#"{"spdxVersion":"SPDX-2.3","packages":[{"name":"a","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/a@1.0.0"}]}]}"#, "a 1.0.0"),
        ("requirements.txt", b"a==1\rb==2\r", "a 1, b 2"),
    ];
    for (name, bytes, expected) in kept {
        let inventory = read(name, bytes);
        let found: Vec<String> =
            inventory.packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect();
        assert_eq!(found.join(", "), *expected, "{name}: {:?}", inventory.problems);
    }
    // A cut archive whose end is the end of an archive inside it.
    let inner = jar(&[("META-INF/maven/g/inner/pom.properties", b"groupId=g\nartifactId=inner\nversion=1\n")]);
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in [("lib/inner.jar", inner.as_slice()), ("A.class", b"x")] {
        writer.start_file(name, stored).expect("started");
        writer.write_all(content).expect("written");
    }
    let whole = writer.finish().expect("finished").into_inner();
    let end = whole.windows(inner.len()).position(|window| window == inner).expect("inside") + inner.len();
    assert_eq!(read("app-1.0.jar", &whole[..end]).unread, 1);
    assert_eq!(read("app-1.0.jar", &whole).unread, 0);
}

/// A page of the database that was zeroed held packages: never a smaller answer without a word.
#[test]
fn a_zeroed_page_of_a_database_is_noticed() {
    let packed = include_bytes!("cases/rpm-sqlite/rpmdb.sqlite.zst");
    let whole =
        plimsoll_inventory::unpack(packed.to_vec(), plimsoll_inventory::Limits { bytes: 1 << 26 }).expect("unpacked");
    let expected = read("rpmdb.sqlite", &whole).packages.len();
    assert!(expected > 0);
    let page_bytes = usize::from(u16::from_be_bytes([whole[16], whole[17]]));
    let mut noticed = 0;
    for page in 1..whole.len() / page_bytes {
        let mut damaged = whole.clone();
        damaged[page * page_bytes..(page + 1) * page_bytes].fill(0);
        let found = read("rpmdb.sqlite", &damaged);
        noticed += usize::from(found.unread > 0);
        assert!(found.unread > 0 || found.packages.len() == expected, "page {page}");
    }
    assert!(noticed > 0);
}

/// Whatever byte of a database is damaged: never fewer packages without a word.
#[test]
fn no_damaged_byte_of_a_database_hides_a_package() {
    let databases: [(&str, &[u8]); 2] = [
        ("Packages", include_bytes!("cases/rpm-berkeley/Packages")),
        ("Packages.db", include_bytes!("cases/rpm-ndb/Packages.db")),
    ];
    for (name, whole) in databases {
        let expected = read(name, whole).packages.len();
        let mut damaged = whole.to_vec();
        let mut noticed = 0;
        for at in 32..whole.len() {
            for value in [0, 0xff] {
                let own = std::mem::replace(&mut damaged[at], value);
                let mut inventory = Inventory::default();
                if read_database_file(&Document { name, bytes: &damaged }, &[], &mut inventory) {
                    noticed += usize::from(inventory.unread > 0);
                    assert!(inventory.unread > 0 || inventory.packages.len() >= expected, "{name} byte {at}: {value}");
                }
                damaged[at] = own;
            }
        }
        assert!(noticed > 0 && expected > 0, "{name}");
    }
}

/// Advisories stand under a source package's name: where a document does not say it, a binary's own name is no answer.
#[test]
fn documents_say_their_sources_or_leave_them_unknown() {
    let sources = |name: &str, text: &str| {
        let inventory = read(name, text.as_bytes());
        let source = |package: &plimsoll_inventory::Package| match &package.source {
            Some(source) => format!("{} < {} {}", package.name, source.name, source.version),
            None => format!("{} < ?", package.name),
        };
        assert_eq!(inventory.unread, 0, "{:?}", inventory.problems);
        inventory.packages.iter().map(source).collect::<Vec<_>>().join(", ")
    };
    let cyclonedx = |components: &str| format!(r#"{{"bomFormat":"CycloneDX","components":[{components}]}}"#);
    let bare = r#"{"name":"libcurl4","purl":"pkg:deb/debian/libcurl4@7.88?distro=debian-12"}"#;
    let named = r#"{"name":"libssl3","purl":"pkg:deb/debian/libssl3@3.0?distro=debian-12&upstream=openssl"}"#;
    let syft = r#"{"name":"tzdata","purl":"pkg:deb/debian/tzdata@1","properties":[{"name":"syft:package:type","value":"deb"}]}"#;
    assert_eq!(sources("x.cdx.json", &cyclonedx(bare)), "libcurl4 < ?");
    assert_eq!(
        sources("x.cdx.json", &cyclonedx(&format!("{bare},{named}"))),
        "libcurl4 < libcurl4 7.88, libssl3 < openssl 3.0"
    );
    assert_eq!(sources("x.cdx.json", &cyclonedx(syft)), "tzdata < tzdata 1");
    let spdx3 = r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"software_Package","name":"debian","software_packageVersion":"12","software_primaryPurpose":"operatingSystem"},{"type":"software_Package","name":"libcurl4","software_packageUrl":"pkg:deb/debian/libcurl4@7.88.1-10","software_sourceInfo":"built package from: curl 7.88.1-10"}]}"#;
    assert_eq!(sources("x.spdx3.json", spdx3), "libcurl4 < curl 7.88.1-10");
}

#[test]
fn systems_that_documents_name_in_their_own_ways_are_known() {
    for (name, version, expected) in [
        ("redhat", "9.2", "Red Hat:9"),
        ("alma", "9.2", "AlmaLinux:9"),
        ("oracle", "8.9", "Oracle Linux:8"),
        ("amazon", "2 (Karoo)", "Amazon Linux:2"),
        ("suse linux enterprise server", "15.5", "SUSE:Linux Enterprise Server 15 SP5"),
        ("opensuse.leap", "15.6", "openSUSE:Leap 15.6"),
    ] {
        let text = format!(
            r#"{{"bomFormat":"CycloneDX","components":[{{"type":"operating-system","name":"{name}","version":"{version}"}},{{"name":"tiny","purl":"pkg:rpm/x/tiny@1-1"}}]}}"#
        );
        let mut inventory = Inventory::default();
        read_document(&Document { name: "x.cdx.json", bytes: text.as_bytes() }, &mut inventory);
        assert_eq!(inventory.packages[0].ecosystem, expected, "{name}");
    }
}

#[test]
fn what_made_a_document_and_what_came_before_is_not_installed() {
    let text = r#"<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><metadata><tools><components><component type="application"><name>cdxgen</name><version>9</version><purl>pkg:npm/cdxgen@9.0.0</purl></component></components></tools><component type="application" bom-ref="own"><name>own</name></component></metadata><components><component type="library"><name>x</name><version>2.0.1</version><purl>pkg:npm/x@2.0.1</purl><pedigree><ancestors><component type="library"><name>x</name><version>2.0.0</version><purl>pkg:npm/x@2.0.0</purl></component></ancestors></pedigree><components><component type="library"><name>y</name><purl>pkg:npm/y@1.0.0</purl></component></components></component></components></bom>"#;
    let inventory = read("x.cdx.xml", text.as_bytes());
    let found: Vec<String> =
        inventory.packages.iter().map(|package| format!("{}@{}", package.name, package.version)).collect();
    assert_eq!((found.join(" "), inventory.described), ("x@2.0.1 y@1.0.0".to_owned(), vec!["own".to_owned()]));
}

/// Files of one endless line, and names that no package bears: a problem each, and no package called so.
#[test]
fn endless_lines_and_names_are_problems() {
    let long = "a".repeat(2 << 20);
    let name = "b".repeat(5000);
    for (file, text, left) in [
        ("requirements.txt", format!("flask==1.0\n{long}==1\n"), 0),
        ("yarn.lock", format!("# yarn lockfile v1\n\n{long}@1:\n  version \"1\"\n"), 0),
        ("go.mod", format!("module m\nrequire {long} v1.0.0\n"), 0),
        (
            "bom.cdx.json",
            format!(
                r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{{"type":"library","name":"{name}","purl":"pkg:npm/{name}@1.0.0"}},{{"type":"library","name":"a","purl":"pkg:npm/a@1.0.0"}}]}}"#
            ),
            1,
        ),
    ] {
        let mut found = Inventory::default();
        readers::read_document(&Document { name: file, bytes: text.as_bytes() }, &mut found);
        assert_eq!((found.packages.len(), found.unread > 0), (left, true), "{file}: {:?}", found.problems);
    }
}
