//! Rollouts, step by step: each case is one that was once wrong.
#![allow(clippy::expect_used, reason = "tests")]

use jiff::{SignedDuration, Timestamp};
use plimsoll_change::{Hours, Limits, Member, Phase, Place, Plan, RingPlan, Rollout, RolloutEvent, Upgrade, Wait};
use policy::promises::ChangeType;
use std::sync::Arc;

fn now(minutes: i64) -> Timestamp {
    "2026-03-02T00:00:00Z".parse::<Timestamp>().expect("an instant") + SignedDuration::from_mins(minutes)
}

/// Rings of so many assets, watched for an hour each, always open, with a threshold of 50 percent.
fn rollout(rings: &[usize]) -> Rollout {
    let mut next = 0;
    let mut member = || {
        next += 1;
        Member { asset: format!("host-{next}"), upgrades: 0, hours: 0, group: None }
    };
    let rings = rings.iter().enumerate().map(|(number, count)| RingPlan {
        id: format!("ring-{number}"),
        is_test: false,
        soak_hours: 1,
        members: (0..*count).map(|_| member()).collect(),
    });
    let plan = Plan {
        form: Plan::FORM,
        kind: ChangeType::Normal,
        title: "t".to_owned(),
        made_at: now(0),
        until: now(60 * 24 * 30),
        rings: rings.collect(),
        upgrades: vec![vec![Upgrade { package: "openssl".to_owned(), from: None, to: "1".to_owned() }]],
        hours: vec![Hours::Always],
        precedence: Vec::new(),
        needs: Vec::new(),
        health: std::collections::BTreeSet::new(),
        trigger: None,
        teams: None,
        limits: Limits {
            failure_threshold: 50,
            at_once: 10,
            at_risk: 3,
            takes_minutes: 60,
            patience_minutes: 60,
            restart_hours: 24,
            restarts: None,
        },
        left_out: Vec::new(),
        way_back: "back".to_owned(),
    };
    plan.check().expect("a plan");
    let mut rollout = Rollout::new(Arc::new(plan));
    assert!(rollout.apply(&RolloutEvent::Opened, now(0)));
    rollout
}

fn done(rollout: &mut Rollout, event: RolloutEvent, minutes: i64) {
    assert!(rollout.apply(&event, now(minutes)), "{event:?} after {minutes} minutes");
}

fn verified(rollout: &mut Rollout, asset: usize, minutes: i64) {
    done(rollout, RolloutEvent::Begun(asset), minutes);
    done(rollout, RolloutEvent::Installed(asset), minutes);
    done(rollout, RolloutEvent::Shown(asset, true), minutes);
}

#[test]
fn who_was_passed_over_may_come_once_all_rings_are_through() {
    let mut rollout = rollout(&[2]);
    verified(&mut rollout, 0, 0);
    assert_eq!(rollout.passed_over_by(now(59)), (Vec::new(), Some(now(60))));
    assert_eq!(rollout.passed_over_by(now(60)).0, [1]);
    done(&mut rollout, RolloutEvent::PassedOver(1), 60);
    assert!(!rollout.is_over(now(60 * 24)), "it may still come");
    verified(&mut rollout, 1, 60 * 24);
    assert!(rollout.is_over(now(60 * 25)));
}

#[test]
fn nobody_is_passed_over_before_it_began_or_while_others_stand_in_the_way() {
    let mut rollout = rollout(&[4, 1]);
    done(&mut rollout, RolloutEvent::Started, 600);
    assert_eq!(rollout.passed_over_by(now(650)).0, Vec::<usize>::new(), "an hour from its start on");
    verified(&mut rollout, 0, 610);
    done(&mut rollout, RolloutEvent::Begun(1), 611);
    done(&mut rollout, RolloutEvent::Failed(1, false), 612);
    verified(&mut rollout, 2, 613);
    // One is lost and two more would be three at risk: nothing stands in the way of the last one yet.
    assert_eq!(rollout.passed_over_by(now(700)).0, [3]);
}

#[test]
fn a_restart_that_is_pending_is_a_risk_and_can_be_lost() {
    let mut rollout = rollout(&[5, 1]);
    verified(&mut rollout, 0, 0);
    for asset in [1, 2, 3] {
        done(&mut rollout, RolloutEvent::Begun(asset), 1);
        done(&mut rollout, RolloutEvent::Installed(asset), 1);
        done(&mut rollout, RolloutEvent::Shown(asset, false), 1);
    }
    assert_eq!(rollout.may_begin(4, now(2)), Err(Wait::AtRisk), "three could be lost at their restart");
    assert_eq!(rollout.silent_by(now(60 * 24)).count(), 0);
    assert_eq!(rollout.silent_by(now(60 * 24 + 1)).collect::<Vec<_>>(), [1, 2, 3]);
    done(&mut rollout, RolloutEvent::Silent(1), 60 * 24 + 1);
    done(&mut rollout, RolloutEvent::Silent(2), 60 * 24 + 1);
    assert!(matches!(rollout.phase(), Phase::Stopped(_)), "two were lost");
}

#[test]
fn who_is_heard_of_again_makes_no_room_for_others_to_fail() {
    let mut rollout = rollout(&[30]);
    verified(&mut rollout, 0, 0);
    verified(&mut rollout, 1, 0);
    for asset in [2, 3] {
        done(&mut rollout, RolloutEvent::Begun(asset), 1);
    }
    for asset in [2, 3] {
        done(&mut rollout, RolloutEvent::Silent(asset), 200);
    }
    assert!(matches!(rollout.phase(), Phase::Stopped(_)));
    done(&mut rollout, RolloutEvent::Resumed, 201);
    for asset in [2, 3] {
        done(&mut rollout, RolloutEvent::Installed(asset), 202);
        done(&mut rollout, RolloutEvent::Shown(asset, true), 202);
    }
    for asset in [4, 5] {
        done(&mut rollout, RolloutEvent::Begun(asset), 203);
        done(&mut rollout, RolloutEvent::Failed(asset, false), 203);
    }
    assert!(matches!(rollout.phase(), Phase::Stopped(_)), "two others are lost now");
}

#[test]
fn what_comes_late_does_not_halt_the_rings_behind() {
    let mut rollout = rollout(&[2, 3]);
    verified(&mut rollout, 0, 0);
    done(&mut rollout, RolloutEvent::Begun(1), 1);
    done(&mut rollout, RolloutEvent::Installed(1), 1);
    done(&mut rollout, RolloutEvent::Shown(1, false), 1);
    verified(&mut rollout, 2, 90);
    done(&mut rollout, RolloutEvent::Shown(1, true), 91);
    assert_eq!(rollout.may_begin(3, now(92)), Ok(()));
}

#[test]
fn what_was_aborted_can_be_taken_back_for_a_week_and_no_ring_is_emptied() {
    let mut rollout = rollout(&[1, 2]);
    assert!(!rollout.apply(&RolloutEvent::Excluded(0), now(0)), "the first ring would prove nothing");
    done(&mut rollout, RolloutEvent::Excluded(1), 0);
    verified(&mut rollout, 0, 1);
    done(&mut rollout, RolloutEvent::Aborted, 2);
    assert!(!rollout.is_over(now(60 * 24)) && rollout.is_over(now(60 * 24 * 8)));
    done(&mut rollout, RolloutEvent::TakenBack, 60);
    done(&mut rollout, RolloutEvent::RollingBack(0), 61);
    done(&mut rollout, RolloutEvent::RolledBack(0), 62);
    assert_eq!(rollout.place(0), Some(Place::RolledBack));
    assert!(rollout.is_over(now(63)));
}

#[test]
fn what_is_over_can_be_taken_back_for_a_week() {
    let mut rollout = rollout(&[2]);
    verified(&mut rollout, 0, 1);
    verified(&mut rollout, 1, 2);
    done(&mut rollout, RolloutEvent::Ended, 3);
    assert!(!rollout.apply(&RolloutEvent::RollingBack(0), now(4)), "it was not asked for");
    assert!(!rollout.clone().apply(&RolloutEvent::TakenBack, now(3 + 60 * 24 * 7)), "a week is over");
    done(&mut rollout, RolloutEvent::TakenBack, 3 + 60 * 24 * 7 - 1);
    done(&mut rollout, RolloutEvent::RollingBack(0), 60 * 24 * 7 + 3);
    assert!(rollout.may_begin(1, now(60 * 24 * 7 + 3)).is_err(), "nothing begins any more");
}
