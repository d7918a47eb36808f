//! Every scheme against its table of answers, real comparators and the laws of a total order.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests touch the world"
)]

use plimsoll_versions::{SCHEMES, Scheme};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::path::Path;

fn sign(order: Ordering) -> &'static str {
    match order {
        Ordering::Less => "<",
        Ordering::Equal => "=",
        Ordering::Greater => ">",
    }
}

/// Compares a table of `a op b` rows; returns rows that differ and rows that were refused.
fn check_table(scheme: Scheme, table: &str) -> (Vec<String>, Vec<String>, usize) {
    let (mut wrong, mut refused, mut rows) = (Vec::new(), Vec::new(), 0);
    for line in table.lines().filter(|line| !line.is_empty() && *line != "a\top\tb") {
        let cells: Vec<&str> = line.split('\t').collect();
        let [a, op, b] = cells[..] else { panic!("{}: not a row: {line:?}", scheme.id()) };
        rows += 1;
        match (scheme.compare(a, b), scheme.compare(b, a)) {
            (Ok(order), Ok(mirror)) if sign(order) == op && mirror == order.reverse() => {}
            (Ok(order), Ok(_)) => wrong.push(format!("{a} {} {b}, should be {op}", sign(order))),
            _ => refused.push(line.to_owned()),
        }
    }
    (wrong, refused, rows)
}

#[test]
fn own_tables_hold() {
    for scheme in SCHEMES {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cases/{}.tsv", scheme.id()));
        let table = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let (wrong, refused, rows) = check_table(*scheme, &table);
        assert!(rows >= 8, "{} has too few rows", file.display());
        assert!(wrong.is_empty() && refused.is_empty(), "{}: {wrong:#?} refused {refused:#?}", scheme.id());
    }
}

/// Where a row and a total order exclude each other (docs/accuracy.md).
///
/// Maven: `1.1.0.Beta1` < `1.1.0` < `1.1.0-01` is Maven's own order, so the first row cannot hold; likewise the others.
/// PHP takes upper-case `ALPHA` and `BETA` for unknown words and so for equal; Composer itself reads them without case.
const EXCEPTIONS: &[&str] = &[
    "maven-real-releases: 1.1.0-01-glassfish > 1.1.0.Beta1, should be <",
    "maven-real-releases: 3.5.0-CR-2 > 3.5.0.Beta-1, should be <",
    "maven-real-releases: 1.0.0-RC16 > 1.0.0.RC8-beta, should be <",
    "maven-real-releases: 2.0.0-M4 > 2.0.0.M5, should be <",
    "maven-real-releases: 1.0.0-gradle-rework-beta3 > 1.0.0.RC7-3, should be <",
    "packagist-real-releases: v1.9.0-ALPHA.1 < v1.9.0-BETA.1, should be =",
    "packagist-real-releases: v1.9.0-BETA.1 > v1.9.0-ALPHA.2, should be <",
];

#[test]
fn reference_tables_hold() {
    let tables = [
        (Scheme::Alpine, "alpine"),
        (Scheme::Cran, "cran"),
        (Scheme::Debian, "debian"),
        (Scheme::Hackage, "hackage"),
        (Scheme::Maven, "maven"),
        (Scheme::NuGet, "nuget"),
        (Scheme::Packagist, "packagist"),
        (Scheme::Pub, "pub"),
        (Scheme::Pep440, "pypi"),
        (Scheme::Rpm, "redhat"),
        (Scheme::RubyGems, "rubygems"),
        (Scheme::SemVer, "semver"),
        (Scheme::Npm, "semver"),
        (Scheme::Go, "semver"),
        (Scheme::Alpine, "alpine-real-releases"),
        (Scheme::Cran, "cran-real-releases"),
        (Scheme::Debian, "debian-real-releases"),
        (Scheme::Debian, "debian-dpkg-answers"),
        (Scheme::Debian, "debian-dpkg-answers-synthetic"),
        (Scheme::Maven, "maven-real-releases"),
        (Scheme::Packagist, "packagist-real-releases"),
        (Scheme::Pep440, "pypi-real-releases"),
        (Scheme::Rpm, "redhat-rpm-answers-real"),
        (Scheme::Rpm, "redhat-rpm-answers-synthetic"),
        (Scheme::RubyGems, "rubygems-real-releases"),
    ];
    let (mut all_wrong, mut all_refused) = (Vec::new(), 0);
    for (scheme, name) in tables {
        let plain = format!("versions/{name}.tsv");
        let file = if name.contains('-') { format!("{plain}.zst") } else { plain };
        let Some(table) = testkit::reference::text(&file) else { return };
        let (wrong, refused, rows) = check_table(scheme, &table);
        println!("{name} as {}: {rows} rows, {} differ, {} refused", scheme.id(), wrong.len(), refused.len());
        for row in &refused {
            println!("  refused: {row}");
        }
        all_refused += refused.len();
        all_wrong.extend(wrong.into_iter().map(|row| format!("{name}: {row}")));
    }
    all_wrong.retain(|row| !EXCEPTIONS.contains(&row.as_str()));
    // Malformed Alpine texts and PHP's `#`, listed in docs/accuracy.md: refused, never "equal".
    assert_eq!(all_refused, 17, "the number of refused rows changed");
    assert!(all_wrong.is_empty(), "{} rows differ: {all_wrong:#?}", all_wrong.len());
}

#[test]
fn what_is_no_version_is_an_error_and_never_equal() {
    for (scheme, text) in [
        (Scheme::Debian, ""),
        (Scheme::Debian, "a:1"),
        (Scheme::Debian, "1-"),
        (Scheme::Debian, "1 2"),
        (Scheme::Rpm, ""),
        (Scheme::Rpm, "1 2"),
        (Scheme::Alpine, "1.0_nonsense"),
        (Scheme::Alpine, ""),
        (Scheme::SemVer, "latest"),
        (Scheme::Npm, ""),
        (Scheme::Npm, "*"),
        (Scheme::Go, "(devel)"),
        (Scheme::Pep440, ""),
        (Scheme::Maven, ""),
        (Scheme::RubyGems, "main"),
        (Scheme::NuGet, "x"),
        (Scheme::Packagist, "#"),
        (Scheme::Cran, "a"),
        (Scheme::Hackage, "1.a"),
        (Scheme::Pub, "any"),
    ] {
        assert!(scheme.compare(text, text).is_err(), "{}: {text:?} was taken for a version", scheme.id());
    }
    let long = "1".repeat(plimsoll_versions::LONGEST_VERSION_BYTES + 1);
    assert!(SCHEMES.iter().all(|scheme| scheme.compare(&long, "1").is_err()));
}

/// Texts that look like versions of some scheme, with awkward places.
fn version_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[0-9]{1,3}",
        "0{1,3}",
        "[a-z]{1,3}",
        Just("rc".to_owned()),
        Just("alpha".to_owned()),
        Just("dev".to_owned()),
        Just("post".to_owned()),
        Just("_p".to_owned()),
        Just("_rc".to_owned()),
        Just("-r1".to_owned()),
        Just("SNAPSHOT".to_owned()),
    ];
    let joint = prop_oneof![Just("."), Just("-"), Just("~"), Just("+"), Just("^"), Just(""), Just("_")];
    ("[0-9]{1,2}", proptest::collection::vec((joint, piece), 0..5))
        .prop_map(|(head, tail)| tail.into_iter().fold(head, |text, (joint, piece)| text + joint + &piece))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_order_is_total(a in version_text(), b in version_text(), c in version_text()) {
        for scheme in SCHEMES {
            let (Ok(()), Ok(()), Ok(())) = (scheme.check(&a), scheme.check(&b), scheme.check(&c)) else { continue };
            let compare = |x: &str, y: &str| scheme.compare(x, y).expect("both were readable");
            prop_assert_eq!(compare(&a, &a), Ordering::Equal);
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse(), "{} mirror: {} {}", scheme.id(), a, b);
            let mut sorted = [&a, &b, &c];
            sorted.sort_by(|x, y| compare(x, y));
            prop_assert_ne!(compare(sorted[0], sorted[2]), Ordering::Greater, "{}: {:?}", scheme.id(), sorted);
            if compare(&a, &b).is_eq() {
                prop_assert_eq!(compare(&a, &c), compare(&b, &c), "{} equality: {} {} {}", scheme.id(), a, b, c);
            }
        }
    }
}
