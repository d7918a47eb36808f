//! What is worth a note when the feeds change.
#![allow(clippy::expect_used, reason = "tests")]

use jiff::Timestamp;
use lifecycle::Event;
use plimsoll_fleet::{Facts, JudgedDocument, Signals};

fn known(epss: f64, title: &str) -> Signals {
    Signals { id: "CVE-2026-1".to_owned(), epss: Some((epss, 0.5)), title: title.to_owned(), ..Signals::default() }
}

/// Whether a new state is noted after an old one.
fn is_noted(old: Signals, new: Signals) -> bool {
    let mut facts = Facts::default();
    let document = JudgedDocument { signals: vec![old], ..JudgedDocument::default() };
    let (index, digest) = (String::new(), String::new());
    let event = Event::AdvisoriesJudged { index, document: digest, packages: 0, vulnerabilities: 1 };
    facts.apply(&event, Timestamp::UNIX_EPOCH, Some(&document.write().expect("written"))).expect("applied");
    !facts.plan_judged([], [new], false).is_empty(&facts)
}

#[test]
fn epss_is_noted_where_it_crosses_a_hundredth() {
    assert!(!is_noted(known(0.0311, "a"), known(0.0389, "a")));
    assert!(is_noted(known(0.0999, "a"), known(0.1, "a")), "a policy's threshold is crossed");
    assert!(is_noted(known(0.1, "a"), Signals { epss: None, ..known(0.1, "a") }));
    assert!(is_noted(known(0.1, "a"), Signals { listed: Some(Timestamp::UNIX_EPOCH), ..known(0.1, "a") }));
}

#[test]
fn another_title_alone_is_not_noted_and_a_first_one_is() {
    assert!(!is_noted(known(0.1, "of one package"), known(0.1, "of another package")));
    assert!(is_noted(known(0.1, ""), known(0.1, "a title")));
}
