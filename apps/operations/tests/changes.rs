//! A change of three hosts from what they miss to what an inventory shows, and back; read again in the middle.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use change::{Came, Change, Happening, Place, Stage, Wanted};
use fleet::{Offer, Thing};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{AssetId, Attributes, ChangeId, Command, PersonId, Role};
use plimsoll_operations::{Advisories, HandedOut, Scope};
use policy::promises::ChangeType;
use std::collections::BTreeSet;
use world::{World, advisories, day, observed, thing};

/// A whole policy, without windows, with one ring behind that of the test environment, whose normal changes need no notice.
fn policy() -> String {
    let mut text = policy::PROFILES[0].whole().expect("a profile");
    let mut cut = |from: &str, until: &str| {
        let begins = text.find(from).expect("it is in the profile");
        let ends = begins + text[begins..].find(until).expect("it is in the profile");
        text.replace_range(begins..ends, "");
    };
    cut("[[window]]", "# 7.");
    cut("[[ring]]\nid = \"canary\"", "[[ring]]\nid = \"wide\"");
    let tests = "tests = [\"the service starts\", \"its health checks pass\", \"its regression tests pass\"]";
    for (old, new) in [
        (tests, "tests = [\"it starts\"]"),
        ("soak = \"2 days\"", "soak = \"1 day\""),
        ("\"rollback-plan\", \"notice\"]", "\"rollback-plan\"]"),
    ] {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    text
}

const HOSTS: [(&str, &str); 3] = [("stage-1", "staging"), ("prod-1", "production"), ("prod-2", "production")];

fn asset(id: &str) -> AssetId {
    AssetId::new(id).expect("an id")
}

fn person(id: &str) -> PersonId {
    PersonId::new(id).expect("an id")
}

fn change_id() -> ChangeId {
    ChangeId::new("march").expect("an id")
}

fn after(from: Timestamp, minutes: i64) -> Timestamp {
    from + SignedDuration::from_mins(minutes)
}

/// `example` in version 1, and that the repositories offer 2.
fn missing() -> Vec<Thing> {
    let offer = Offer {
        version: "2".to_owned(),
        source: ("example".to_owned(), "2".to_owned()),
        suite: "bookworm-security".to_owned(),
        size_bytes: 1_250_000,
        ..Offer::default()
    };
    vec![thing("example", "1"), Thing { offer: Some(Box::new(offer)), ..thing("example", "1") }]
}

struct Rolling {
    world: World,
    advisories: Advisories,
}

impl Rolling {
    /// Three hosts that miss an update, under the policy above, with people.
    async fn new(name: &str) -> Self {
        let world = World::new(name).await;
        let (organisation, olaf) = (&world.organisation, &world.person);
        organisation.adopt(olaf, ("p", &policy()), day(0)).await.expect("adopted");
        for (who, role) in [("boss", Role::Approver), ("otto", Role::Operator)] {
            let given = Command::SetRoles(person(who), BTreeSet::from([role]), BTreeSet::new());
            organisation.act(olaf, day(0), given).await.expect("given");
        }
        for (host, environment) in HOSTS {
            let environment = Some(environment.to_owned());
            let registered = Command::RegisterAsset(asset(host), Attributes { environment, ..Attributes::default() });
            organisation.act(olaf, day(0), registered).await.expect("registered");
        }
        let advisories = advisories();
        organisation.judge(olaf, &advisories, day(1), |_, _| {}).await.expect("judged");
        let rolling = Self { world, advisories };
        for (host, _) in HOSTS {
            rolling.push(host, missing(), day(1)).await;
        }
        rolling
    }

    async fn push(&self, host: &str, things: Vec<Thing>, at: Timestamp) {
        let input = (observed(things), at);
        let known = (Some(&self.advisories), at);
        self.world.organisation.push(&self.world.person, asset(host), input, known).await.expect("taken in");
        self.world.organisation.follow_changes(at).await.expect("followed");
    }

    async fn happens(&self, by: &str, what: Happening, at: Timestamp) -> Result<(), String> {
        let command = Command::Change(change_id(), what);
        self.world.organisation.act(&person(by), at, command).await.map_err(|error| format!("{error:?}"))?;
        self.world.organisation.follow_changes(at).await.expect("followed");
        Ok(())
    }

    async fn hand_out(&self, at: Timestamp) -> Vec<HandedOut> {
        self.world.organisation.hand_out(&person("otto"), &change_id(), (9, at)).await.expect("handed out")
    }

    async fn change(&self) -> Change {
        self.world.organisation.store.record().await.expect("read").state.changes[&change_id()].clone()
    }

    async fn place(&self, host: &str) -> Option<Place> {
        let record = self.world.organisation.store.record().await.expect("read");
        let rolled = record.rollouts.get(&change_id())?;
        rolled.rollout.place(rolled.number(&asset(host)).expect("it is in the plan"))
    }

    async fn plan(&self, at: Timestamp) {
        let organisation = &self.world.organisation;
        let scope = Scope::default();
        let missing = organisation.view(None, at, |view| view.candidates(&scope)).await.expect("asked");
        assert_eq!((missing.without, missing.due_without), (0, 0));
        let candidates = missing.candidates;
        let hosts: Vec<&str> = candidates.iter().map(|candidate| candidate.asset.as_str()).collect();
        assert_eq!(hosts, ["prod-1", "prod-2", "stage-1"]);
        assert_eq!((candidates[0].upgrades[0].to.as_str(), candidates[0].due[0].count), ("2", 1));
        let wanted = Wanted {
            kind: ChangeType::Normal,
            title: "example 2".to_owned(),
            way_back: "what was installed is kept".to_owned(),
            until: day(60),
            left_out: Vec::new(),
            precedence: Vec::new(),
            health: std::collections::BTreeSet::new(),
            trigger: None,
        };
        let planned = organisation.plan_change(&person("otto"), change_id(), (&candidates, wanted), at).await;
        let plan = planned.expect("planned").1;
        assert_eq!(plan.assets(), 3);
        let words = plimsoll_operations::needs_words(&plan);
        assert_eq!(words[0], ("Download", "3.7 MB over all assets".to_owned()));
        assert!(words[1].1.starts_with("no reboot is to be expected; services"), "{words:?}");
    }

    /// Through the test ring and the gate.
    async fn opened(&self) {
        self.plan(day(2)).await;
        self.happens("otto", Happening::Started {}, day(2)).await.expect("started");
        let handed = self.hand_out(day(2)).await;
        assert_eq!(handed.iter().map(|out| out.asset.as_str()).collect::<Vec<_>>(), ["stage-1"], "the gate is closed");
        self.push("stage-1", vec![thing("example", "2")], after(day(2), 5)).await;
        assert_eq!(self.place("stage-1").await, Some(Place::Verified));
        let (test, words) = ("it starts".to_owned(), String::new());
        let tested = Happening::Tested { test, has_passed: true, words, evidence: None };
        self.happens("otto", tested, day(2)).await.expect("tested");
        let plan = self.change().await.planned.plan;
        self.happens("boss", Happening::Approved { plan }, after(day(2), 60)).await.expect("approved");
        assert!(self.change().await.opened.is_none(), "it has not run for a day");
        self.world.organisation.follow_changes(after(day(3), 6)).await.expect("followed");
        assert!(self.change().await.opened.is_some(), "nothing is missing any more");
    }
}

#[tokio::test]
async fn from_what_is_missing_to_what_an_inventory_shows() {
    let rolling = Rolling::new("journey").await;
    rolling.opened().await;
    let at = after(day(3), 10);
    let first = rolling.hand_out(at).await;
    assert_eq!(first.len(), 1, "a ring begins with one");
    let again = rolling.hand_out(at).await;
    assert!(again.is_empty(), "nothing is handed out twice");
    let name = first[0].asset.to_string();
    let other = if name == "prod-1" { "prod-2" } else { "prod-1" };
    // An inventory of before proves nothing, and one that shows the old version either.
    rolling.push(&name, missing(), after(at, 1)).await;
    assert_eq!(rolling.place(&name).await, Some(Place::Begun));
    rolling.push(&name, vec![thing("example", "2")], after(at, 2)).await;
    assert_eq!(rolling.place(&name).await, Some(Place::Verified));

    let second = rolling.hand_out(after(at, 3)).await;
    assert_eq!(second[0].asset.as_str(), other);
    let old_runs = Thing { still_runs: Some("example.service".to_owned()), ..thing("example", "1") };
    rolling.push(other, vec![thing("example", "2"), old_runs], after(at, 4)).await;
    assert_eq!(rolling.place(other).await, Some(Place::RestartPending), "on disk is not in memory");
    assert_eq!(rolling.change().await.stage, Stage::RollingOut);
    rolling.push(other, vec![thing("example", "2")], after(at, 5)).await;
    assert_eq!(rolling.place(other).await, Some(Place::Verified));
    assert_eq!(rolling.change().await.stage, Stage::RollingOut, "the last ring is watched too");
    rolling.world.organisation.follow_changes(after(at, 24 * 60 + 6)).await.expect("followed");
    let change = rolling.change().await;
    assert_eq!((change.stage, change.came[&Came::Verified]), (Stage::Ended, 3));
    let steps = rolling.world.organisation.change_steps(&change_id()).await.expect("read");
    assert_eq!(steps.iter().filter(|step| matches!(step.what, Happening::Asset { .. })).count(), 3 * 3 + 1);

    let (replayed, again) = rolling.world.organisation.store.replay(|_| {}).await.expect("replayed");
    assert_eq!((replayed.differences.len(), replayed.unlawful.len(), replayed.stopped), (0, 0, None));
    assert_eq!(again.state, rolling.world.organisation.store.record().await.expect("read").state);
}

#[tokio::test]
async fn who_is_silent_has_failed_and_what_was_done_is_taken_back() {
    let rolling = Rolling::new("back").await;
    rolling.opened().await;
    let at = after(day(3), 10);
    let name = rolling.hand_out(at).await[0].asset.to_string();
    // An hour to do it in, and an hour of patience.
    rolling.world.organisation.follow_changes(after(at, 119)).await.expect("followed");
    assert_eq!(rolling.place(&name).await, Some(Place::Begun));
    rolling.world.organisation.follow_changes(after(at, 120)).await.expect("followed");
    assert_eq!(rolling.place(&name).await, Some(Place::Silent));
    let change = rolling.change().await;
    assert_eq!(change.stage, Stage::Stopped, "one of two is more than five percent");
    assert!(change.reason.contains("have failed in ring `wide`"), "{}", change.reason);
    let refused = rolling.world.organisation.hand_out(&person("otto"), &change_id(), (9, after(at, 121))).await;
    assert!(refused.is_err(), "what has stopped hands nothing out");

    let taken_back = Happening::TakenBack { reason: "it was the patch".to_owned() };
    rolling.happens("otto", taken_back, after(at, 130)).await.expect("taken back");
    let back = rolling.hand_out(after(at, 131)).await;
    assert!(back.iter().all(|out| out.is_back), "{back:?}");
    let hosts: BTreeSet<&str> = back.iter().map(|out| out.asset.as_str()).collect();
    assert_eq!(hosts, BTreeSet::from(["stage-1", name.as_str()]));
    for host in ["stage-1", name.as_str()] {
        rolling.push(host, missing(), after(at, 140)).await;
    }
    let change = rolling.change().await;
    assert_eq!((change.stage, change.came[&Came::RolledBack]), (Stage::Ended, 2));
}

#[tokio::test]
async fn a_rollout_that_is_read_again_goes_on_where_it_was() {
    let rolling = Rolling::new("again").await;
    rolling.opened().await;
    let at = after(day(3), 10);
    let name = rolling.hand_out(at).await[0].asset.to_string();
    let url = rolling.world.url();
    let options = store::Options::new(&url, world::signer());
    let again = store::Store::open(options, |_| {}).await.expect("opened again");
    let (one, other) =
        (rolling.world.organisation.store.record().await.expect("read"), again.record().await.expect("read"));
    assert_eq!(one.state, other.state);
    let rolled = |record: &store::Record| record.rollouts[&change_id()].rollout.clone();
    assert_eq!(rolled(&one), rolled(&other));
    assert_eq!(other.state.changing(&asset(&name)), Some(&change_id()));
}

#[tokio::test]
async fn what_the_plan_does_not_let_happen_is_refused_by_the_record_itself() {
    let rolling = Rolling::new("lawful").await;
    rolling.plan(day(2)).await;
    rolling.happens("otto", Happening::Started {}, day(2)).await.expect("started");
    let came = |host: &str, came: Came| Happening::Asset { asset: asset(host), came, words: String::new(), log: None };
    let told = rolling.happens("otto", came("prod-1", Came::Begun), day(2)).await.expect_err("the test ring is first");
    assert!(told.contains("the end of ring `test`"), "{told}");
    let told = rolling.happens("otto", came("web-1", Came::Begun), day(2)).await.expect_err("it is not in the plan");
    assert!(told.contains("asset in this change"), "{told}");
    let told = rolling.happens("otto", came("stage-1", Came::Verified), day(2)).await.expect_err("it never began");
    assert!(told.contains("an inventory that is newer"), "{told}");
    // A plan that is not the one that was told of.
    let mut planned = rolling.change().await.planned;
    planned.assets = 9;
    let lie = Command::Change(ChangeId::new("lie").expect("an id"), Happening::Planned(planned.clone()));
    let bytes = rolling.world.organisation.store.document(&planned.plan).await.expect("it is there");
    let plan = store::Plan { commands: vec![lie], documents: vec![bytes], ..store::Plan::default() };
    let told = rolling.world.organisation.store.commit(&person("otto"), day(2), move |_| Ok(plan)).await;
    assert!(format!("{told:?}").contains("something else of its plan"), "{told:?}");
}

#[tokio::test]
async fn a_plan_is_one_of_the_policy_or_none() {
    let rolling = Rolling::new("policy").await;
    let organisation = &rolling.world.organisation;
    let at = day(2);
    let missing = organisation.view(None, at, |view| view.candidates(&Scope::default())).await.expect("asked");
    let wanted = |kind: ChangeType| Wanted {
        kind,
        title: "example 2".to_owned(),
        way_back: "what was installed is kept".to_owned(),
        until: after(at, 60 * 48),
        left_out: Vec::new(),
        precedence: Vec::new(),
        health: std::collections::BTreeSet::new(),
        trigger: None,
    };
    // None of them is one that is patched without anybody's word.
    let standard = (&missing.candidates[..], wanted(ChangeType::Standard));
    let told = organisation.plan_change(&person("otto"), change_id(), standard, at).await;
    assert!(format!("{told:?}").contains("no asset misses anything that a standard change could bring"), "{told:?}");
    // Whoever writes a plan past the program is refused by the record.
    let record = organisation.store.record().await.expect("read");
    let policy = record.facts.policy().expect("a policy");
    drop(record);
    let good = change::plan(&missing.candidates, wanted(ChangeType::Normal), &policy, at).expect("a plan");
    let cheat = |change: fn(&mut change::Plan)| {
        let mut plan = good.clone();
        change(&mut plan);
        plan
    };
    for (plan, expected) in [
        (cheat(|plan| plan.kind = ChangeType::Standard), "patched without anybody's word"),
        (cheat(|plan| plan.limits.at_once = 9_999), "its bounds are not those of the policy"),
        (cheat(|plan| plan.rings.iter_mut().for_each(|ring| ring.is_test = true)), "is in no test environment"),
        (cheat(|plan| plan.hours = vec![change::Hours::Within(Vec::new())]), "are not those of the policy"),
    ] {
        let bytes = serde_json::to_vec(&plan).expect("JSON");
        let what = Happening::Planned(plan.planned(&store::digest(&bytes)));
        let commands = vec![Command::Change(change_id(), what)];
        let to_keep = store::Plan { commands, documents: vec![bytes], ..store::Plan::default() };
        let told = organisation.store.commit(&person("otto"), at, move |_| Ok(to_keep)).await;
        assert!(format!("{told:?}").contains(expected), "{expected}: {told:?}");
    }
}

#[tokio::test]
async fn leaving_out_proves_nothing_and_words_are_no_inventory() {
    let rolling = Rolling::new("words").await;
    rolling.plan(day(2)).await;
    rolling.happens("otto", Happening::Started {}, day(2)).await.expect("started");
    let came = |host: &str, came: Came| Happening::Asset {
        asset: asset(host),
        came,
        words: "it is being rebuilt".to_owned(),
        log: None,
    };
    let left = rolling.happens("otto", came("stage-1", Came::LeftOut), day(2)).await;
    assert!(left.is_err(), "the one asset of the test ring is not left out");
    let handed = rolling.hand_out(day(2)).await;
    assert_eq!(handed.len(), 1);
    rolling.happens("otto", came("stage-1", Came::Installed), after(day(2), 1)).await.expect("said");
    let told = rolling.happens("otto", came("stage-1", Came::Verified), after(day(2), 2)).await.expect_err("said only");
    assert!(told.contains("an inventory that is newer"), "{told}");
    let told = rolling.happens("otto", came("stage-1", Came::Silent), after(day(2), 3)).await.expect_err("too soon");
    assert!(told.contains("the time for it"), "{told}");
}

#[tokio::test]
async fn what_is_retired_holds_nobody_up() {
    let rolling = Rolling::new("retired").await;
    rolling.opened().await;
    let at = after(day(3), 10);
    let retire = Command::RetireAsset(asset("prod-1"), "sold".to_owned());
    rolling.world.organisation.act(&person("otto"), at, retire).await.expect("retired");
    let handed = rolling.hand_out(at).await;
    assert_eq!(handed.iter().map(|out| out.asset.as_str()).collect::<Vec<_>>(), ["prod-2"]);
    rolling.push("prod-2", vec![thing("example", "2")], after(at, 2)).await;
    assert_eq!(rolling.place("prod-1").await, Some(Place::Excluded));
    let retire = Command::RetireAsset(asset("prod-2"), "sold too".to_owned());
    rolling.world.organisation.act(&person("otto"), after(at, 3), retire).await.expect("retired");
    let taken_back = Happening::TakenBack { reason: "it was the patch".to_owned() };
    rolling.happens("otto", taken_back, after(at, 4)).await.expect("taken back");
    let back = rolling.hand_out(after(at, 5)).await;
    assert_eq!(back.iter().map(|out| out.asset.as_str()).collect::<Vec<_>>(), ["stage-1"]);
    rolling.push("stage-1", missing(), after(at, 6)).await;
    assert_eq!(rolling.change().await.stage, Stage::Ended);
}

#[tokio::test]
async fn what_needs_nobodys_word_is_planned_and_started_by_itself_and_waits_where_it_failed() {
    let rolling = Rolling::new("automatic").await;
    let organisation = &rolling.world.organisation;
    let none = organisation.plan_automatic(day(2)).await.expect("asked");
    assert_eq!(none, None, "none of them is one that is patched without anybody's word");
    let low = |environment: &str| Attributes {
        environment: Some(environment.to_owned()),
        criticality: Some("low".to_owned()),
        ..Attributes::default()
    };
    let set = async |host: &str, environment: &str| {
        let command = Command::ChangeAsset(asset(host), low(environment));
        organisation.act(&rolling.world.person, day(2), command).await.expect("set");
    };
    set("stage-1", "staging").await;
    set("prod-1", "production").await;
    let (id, assets) = organisation.plan_automatic(day(3)).await.expect("planned").expect("there is something");
    assert_eq!((id.as_str(), assets), ("automatic-2026-01-04", 2));
    let known = async || organisation.store.record().await.expect("read").state.changes[&id].clone();
    assert_eq!((known().await.stage, known().await.planned.kind), (Stage::RollingOut, ChangeType::Standard));
    assert_eq!(organisation.plan_automatic(day(4)).await.expect("asked"), None, "one is on its way");
    // Where it stops those who operate are told: nobody has planned it.
    let stop = Happening::Stopped { reason: "it fails".to_owned() };
    organisation.act(&person("otto"), day(4), Command::Change(id.clone(), stop)).await.expect("stopped");
    {
        let record = organisation.store.record().await.expect("read");
        let people = BTreeSet::from([person("otto"), person("boss")]);
        let told = plimsoll_operations::notices(&record, &people, (&[], &[]), day(4));
        let is_stop = |one: &plimsoll_operations::Notice| one.words.contains("has stopped: it fails");
        assert!(told[&person("otto")].iter().any(is_stop), "{told:?}");
        assert!(!told.get(&person("boss")).is_some_and(|own| own.iter().any(is_stop)), "{told:?}");
    }
    // Somebody ends it: nothing begins by itself until somebody could have looked.
    let abort = Happening::Aborted { reason: "not now".to_owned() };
    organisation.act(&person("otto"), day(4), Command::Change(id.clone(), abort)).await.expect("aborted");
    organisation.follow_changes(day(12)).await.expect("followed");
    assert!(known().await.is_over());
    let ended = known().await.ended_at.expect("it has ended");
    assert_eq!(organisation.plan_automatic(after(ended, 60 * 24 * 6)).await.expect("asked"), None);
    let next = organisation.plan_automatic(after(ended, 60 * 24 * 8)).await.expect("planned");
    assert_eq!(next.map(|(_, assets)| assets), Some(2));
    let replayed = organisation.store.replay(|_| {}).await.expect("replayed").0;
    assert_eq!((replayed.differences.len(), replayed.unlawful.len()), (0, 0));
}
