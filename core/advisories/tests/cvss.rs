//! Every table of CVSS scores.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests touch the world"
)]

use plimsoll_advisories::severity::scores;

fn check(name: &str) -> Option<(usize, Vec<String>)> {
    let table = testkit::reference::text(name)?;
    let (mut rows, mut wrong) = (0, Vec::new());
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [vector, base, rest @ ..] = &cells[..] else { panic!("{name}: not a row: {line}") };
        rows += 1;
        let Some(scores) = scores(vector) else {
            wrong.push(format!("{vector} was not read"));
            continue;
        };
        let cell = |at: usize| rest.get(at).copied().unwrap_or_default();
        for (what, expected, found) in [
            ("base", *base, Some(scores.base)),
            ("temporal", cell(0), scores.temporal),
            ("environmental", cell(1), scores.environmental),
        ] {
            if !expected.is_empty()
                && expected != "None"
                && found.map(|score| format!("{score:.1}"))
                    != expected.parse::<f64>().ok().map(|score| format!("{score:.1}"))
            {
                wrong.push(format!("{vector}: {what} is {found:?}, should be {expected}"));
            }
        }
    }
    Some((rows, wrong))
}

#[test]
fn all_tables_of_scores_hold() {
    let mut all_wrong = Vec::new();
    for version in ["v2", "v3.0", "v3.1", "v4.0"] {
        for name in [format!("cvss/cvss-{version}.tsv"), format!("cvss/cvss-{version}-random.tsv.zst")] {
            let Some((rows, wrong)) = check(&name) else { return };
            println!("{name}: {rows} vectors, {} differ", wrong.len());
            assert!(rows > 100);
            all_wrong.extend(wrong);
        }
    }
    assert!(all_wrong.is_empty(), "{} scores differ: {:#?}", all_wrong.len(), &all_wrong[..all_wrong.len().min(20)]);
}

#[test]
fn scores_are_computed_and_nonsense_is_refused() {
    let base = |vector| scores(vector).map(|scores| scores.base);
    assert_eq!(base("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"), Some(9.8));
    assert_eq!(base("AV:N/AC:L/Au:N/C:P/I:P/A:P"), Some(7.5));
    assert_eq!(base("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"), Some(9.3));
    for nonsense in ["", "high", "CVSS:3.1/AV:N", "CVSS:9.9/AV:N", "AV:N/AC:L"] {
        assert_eq!(base(nonsense), None, "{nonsense}");
    }
}
