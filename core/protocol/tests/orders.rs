//! Orders: what is believed, by whom it must be signed, and when it may begin.
#![allow(clippy::expect_used, reason = "tests")]

use change::{Hours, Limits, Member, Plan, RingPlan, Upgrade};
use jiff::{SignedDuration, Timestamp};
use ledger::{KeyKind, Signer};
use lifecycle::ChangeId;
use plimsoll_protocol::{AssetOrder, Errand, PlanTree, Slip};
use policy::promises::ChangeType;

fn at(minutes: i64) -> Timestamp {
    "2026-12-01T02:00:00Z".parse::<Timestamp>().expect("an instant") + SignedDuration::from_mins(minutes)
}

fn signer(name: &str) -> Signer {
    Signer::from_seed(name, KeyKind::Note, &[name.len() as u8; 32]).expect("a key")
}

fn id() -> ChangeId {
    ChangeId::new("december").expect("an id")
}

/// A plan of so many hosts, whose window is open for three hours.
fn plan(hosts: usize) -> Plan {
    let upgrade = Upgrade { package: "openssl".to_owned(), from: Some("1".to_owned()), to: "2".to_owned() };
    let member = |number: usize| Member { asset: format!("web-{number}"), upgrades: 0, hours: 0, group: None };
    Plan {
        form: Plan::FORM,
        kind: ChangeType::Normal,
        title: "December".to_owned(),
        made_at: at(-600),
        until: at(60 * 24),
        upgrades: vec![vec![upgrade]],
        hours: vec![Hours::Within(vec![(at(0), at(180))])],
        rings: vec![RingPlan {
            id: "all".to_owned(),
            is_test: false,
            soak_hours: 0,
            members: (0..hosts).map(member).collect(),
        }],
        precedence: Vec::new(),
        needs: Vec::new(),
        health: std::collections::BTreeSet::new(),
        trigger: None,
        teams: None,
        limits: Limits {
            failure_threshold: 5,
            at_once: 10,
            at_risk: 10,
            takes_minutes: 60,
            patience_minutes: 60,
            restart_hours: 72,
            restarts: None,
        },
        left_out: Vec::new(),
        way_back: String::new(),
    }
}

fn order(plan: &Plan, number: usize) -> AssetOrder {
    let member = &plan.rings[0].members[number];
    let slip = Slip::of(&id(), (plan, "sha256:0"), member).expect("a slip");
    AssetOrder { errand: Errand::Upgrade, slip, begun_at: at(10), expires_at: at(20), proof: None }
}

#[test]
fn what_is_not_signed_by_whom_it_must_be_is_not_believed() {
    let (server, other) = (signer("server"), signer("another"));
    let order = order(&plan(3), 1);
    let note = order.sign(&server).expect("signed");
    assert_eq!(AssetOrder::open(&note, &[other.verifier(), server.verifier()], &[]).expect("believed"), order);
    assert!(AssetOrder::open(&note, &[other.verifier()], &[]).is_err());
    assert!(AssetOrder::open(&note, &[], &[]).is_err());
    for (from, to) in [("openssl", "telnetd"), ("web-1", "web-2"), ("upgrade\"", "roll-back\""), ("\"2\"", "\"3\"")] {
        assert!(note.contains(from), "{from}: {note}");
        assert!(AssetOrder::open(&note.replacen(from, to, 1), &[server.verifier()], &[]).is_err(), "{from}");
    }
    // A signature of something else is none of an order.
    let tree = PlanTree::new(&id(), &plan(3), "sha256:0").expect("a tree");
    assert!(AssetOrder::open(&tree.sign(&server).expect("signed"), &[server.verifier()], &[]).is_err());
}

#[test]
fn where_plans_are_signed_elsewhere_only_what_is_part_of_one_is_believed() {
    let (server, planner, other) = (signer("server"), signer("planner"), signer("another"));
    for hosts in [1, 2, 7, 64] {
        let plan = plan(hosts);
        let mut tree = PlanTree::new(&id(), &plan, "sha256:0").expect("a tree");
        let note = tree.sign(&planner).expect("signed");
        assert!(tree.check(&note).is_ok());
        for number in 0..hosts {
            let mut order = order(&plan, number);
            order.proof = Some(tree.prove(number as u64, &note).expect("it is part of it"));
            let open = |order: &AssetOrder, planners: &[_]| {
                AssetOrder::open(&order.sign(&server).expect("signed"), &[server.verifier()], planners)
            };
            assert!(open(&order, &[planner.verifier()]).is_ok(), "{number} of {hosts}");
            assert!(open(&order, &[other.verifier()]).is_err());
            // A server that was taken over makes something up: another version, later hours, another host's part.
            let mut made_up = order.clone();
            made_up.slip.upgrades[0].to = "3".to_owned();
            assert!(open(&made_up, &[planner.verifier()]).is_err());
            let mut late = order.clone();
            late.slip.hours = Hours::Always;
            assert!(open(&late, &[planner.verifier()]).is_err());
            let mut unsigned = order.clone();
            unsigned.proof = None;
            assert!(open(&unsigned, &[planner.verifier()]).is_err());
            if hosts > 1 {
                let mut others = order.clone();
                others.proof = Some(tree.prove(((number + 1) % hosts) as u64, &note).expect("it is part of it"));
                assert!(open(&others, &[planner.verifier()]).is_err());
            }
        }
        let another = PlanTree::new(&ChangeId::new("january").expect("an id"), &plan, "sha256:0").expect("a tree");
        assert!(another.check(&note).is_err(), "it is of another change");
    }
}

#[test]
fn what_would_bring_something_new_or_never_ends_is_no_order() {
    let server = signer("server");
    let opens = |order: &AssetOrder| AssetOrder::open(&order.sign(&server).expect("signed"), &[server.verifier()], &[]);
    let whole = order(&plan(1), 0);
    assert!(opens(&whole).is_ok());
    let mut new = whole.clone();
    new.slip.upgrades[0].from = None;
    assert!(opens(&new).is_err(), "no plan brings what was never there");
    for minutes in [0, -1, i64::MIN, i64::MAX, 7 * 24 * 60 + 1] {
        let mut endless = whole.clone();
        endless.slip.takes_minutes = minutes;
        assert!(opens(&endless).is_err(), "{minutes}");
    }
    for word in ["--force-yes", "../x.deb", "openssl=1", "openssl; reboot"] {
        let mut odd = whole.clone();
        odd.slip.upgrades[0].package = word.to_owned();
        assert!(opens(&odd).is_err(), "{word}");
    }
}

#[test]
fn an_order_begins_in_its_hours_and_before_it_expires() {
    let order = order(&plan(1), 0);
    assert!(order.is_in_time(at(10)).is_ok() && order.is_in_time(at(20)).is_ok());
    assert_eq!(order.is_in_time(at(21)), Err("it has expired"));
    assert!(order.is_in_time(at(9)).is_ok(), "clocks differ a little");
    assert!(order.is_in_time(at(7)).is_err(), "and not by much");
    assert!(order.slip.may_begin(at(0)).is_ok() && order.slip.may_begin(at(120)).is_ok());
    assert!(order.slip.may_begin(at(-30)).is_err(), "its window is not open");
    assert!(order.slip.may_begin(at(130)).is_err(), "too little of it is left");
    assert!(order.slip.may_begin(at(60 * 25)).is_err(), "its change is over");
}
