//! Plans: which assets come into which ring, with which hours and bounds.
#![allow(clippy::expect_used, reason = "tests")]

use jiff::{SignedDuration, Timestamp};
use plimsoll_change::{
    Candidate, Due, Exclusion, Hours, Needs, Plan, Precedence, Said, Upgrade, Wanted, conforms, plan, propose,
};
use policy::Policy;
use policy::promises::ChangeType;

const RINGS: &str = r#"
[testing]
environments = ["staging"]
tests = ["it starts"]
soak = "2 days"

[deployment]
failure-threshold = 5
at-once = 30
blast-radius = 2
automatic = { criticality = ["low"] }

[emergency]
classes = ["emergency"]
within = "72 hours"
skips = ["soak"]

[[ring]]
id = "test"
environment = ["staging"]
soak = "1 day"

[[ring]]
id = "canary"
share = 5
soak = "1 day"

[[ring]]
id = "wide"
soak = "1 day"

[[window]]
id = "sundays"
starts = "2026-01-04T02:00:00"
rule = "FREQ=WEEKLY;BYDAY=SU"
lasts = "4 hours"
environment = ["production"]

[[freeze]]
from = "2026-03-14"
until = "2026-03-16"
reason = "quarter end"
except = ["emergency"]
"#;

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn policy(more: &str) -> Policy {
    let baseline = policy::PRESETS.iter().find(|preset| preset.id == "baseline").expect("a preset");
    Policy::parse(&format!("{}\n{more}", baseline.text)).expect("a policy")
}

fn wanted(kind: ChangeType) -> Wanted {
    Wanted {
        kind,
        title: "march".to_owned(),
        way_back: "what was installed is kept".to_owned(),
        until: at("2026-04-15T00:00:00Z"),
        left_out: Vec::new(),
        precedence: Vec::new(),
        health: std::collections::BTreeSet::new(),
        trigger: None,
    }
}

fn upgrade(package: &str) -> Upgrade {
    Upgrade { package: package.to_owned(), from: Some("1".to_owned()), to: "2".to_owned() }
}

fn fleet(count: usize) -> Vec<Candidate> {
    (0..count)
        .map(|number| Candidate {
            asset: format!("host-{number}"),
            environment: Some(if number % 10 == 0 { "staging" } else { "production" }.to_owned()),
            group: (number % 10 > 7).then(|| format!("pair-{}", number / 10)),
            upgrades: vec![upgrade("openssl"), upgrade(if number % 2 == 0 { "curl" } else { "bash" })],
            ..Candidate::default()
        })
        .collect()
}

const NOW: &str = "2026-03-09T12:00:00Z";

#[test]
fn test_environments_come_first_then_a_canary_then_the_rest() {
    let plan = plan(&fleet(1000), wanted(ChangeType::Normal), &policy(RINGS), at(NOW)).expect("a plan");
    let rings: Vec<(&str, bool, usize)> =
        plan.rings.iter().map(|ring| (ring.id.as_str(), ring.is_test, ring.members.len())).collect();
    assert_eq!(rings, [("test", true, 100), ("canary", false, 45), ("wide", false, 855)]);
    assert_eq!(plan.test_rings(), 1);
    assert_eq!(plan.upgrades.len(), 2, "each set of upgrades once");
    assert_eq!((plan.limits.at_once, plan.limits.at_risk, plan.limits.failure_threshold), (30, 20, 5));
}

#[test]
fn no_two_of_a_group_are_canaries_and_another_title_has_others() {
    let policy = policy(RINGS);
    let canaries = |title: &str| {
        let wanted = Wanted { title: title.to_owned(), ..wanted(ChangeType::Normal) };
        let plan = plan(&fleet(1000), wanted, &policy, at(NOW)).expect("a plan");
        plan.rings[1].members.clone()
    };
    let march = canaries("march");
    let mut groups: Vec<&String> = march.iter().filter_map(|member| member.group.as_ref()).collect();
    groups.sort();
    let count = groups.len();
    groups.dedup();
    assert_eq!(groups.len(), count);
    assert_eq!(march, canaries("march"), "the same plan twice is the same");
    let april = canaries("april");
    assert!(march.iter().filter(|member| april.contains(member)).count() < 20, "the same hosts are not always first");
}

#[test]
fn hours_are_windows_without_freezes_and_emergencies_wait_for_neither() {
    let policy = policy(RINGS);
    let plan_of = |kind| {
        let mut fleet = fleet(20);
        let due = Due { class: "emergency".to_owned(), count: 1, first: at(NOW) };
        fleet.iter_mut().for_each(|candidate| candidate.due = vec![due.clone()]);
        let until = if kind == ChangeType::Emergency { "2026-03-12T00:00:00Z" } else { "2026-04-15T00:00:00Z" };
        plan(&fleet, Wanted { until: at(until), ..wanted(kind) }, &policy, at(NOW)).expect("a plan")
    };
    let normal = plan_of(ChangeType::Normal);
    let of = |plan: &Plan, environment: &str| {
        let number = if environment == "staging" { "host-0" } else { "host-1" };
        let (_, member) = plan.members().find(|(_, member)| member.asset == number).expect("it is there");
        plan.hours[member.hours].clone()
    };
    let Hours::Within(spans) = of(&normal, "production") else { panic!("production has windows") };
    // The fifteenth of March is frozen.
    assert_eq!(spans[0], (at("2026-03-22T02:00:00Z"), at("2026-03-22T06:00:00Z")));
    let Hours::Within(spans) = of(&normal, "staging") else { panic!("a freeze is for all") };
    let thaws = at("2026-03-17T00:00:00Z");
    assert_eq!(spans, [(at(NOW), at("2026-03-14T00:00:00Z")), (thaws, at("2026-04-15T00:00:00Z"))]);
    let emergency = plan_of(ChangeType::Emergency);
    assert_eq!(of(&emergency, "production"), Hours::Always);
    assert!(emergency.rings.iter().all(|ring| ring.soak_hours == 0), "it need not soak");
    assert!(normal.rings.iter().all(|ring| ring.soak_hours == 24));
}

#[test]
fn what_would_run_into_the_end_of_a_window_waits_for_the_next() {
    let spans = vec![
        (at("2026-03-15T02:00:00Z"), at("2026-03-15T06:00:00Z")),
        (at("2026-03-22T02:00:00Z"), at("2026-03-22T06:00:00Z")),
    ];
    let (hours, takes) = (Hours::Within(spans), SignedDuration::from_hours(1));
    for (text, allowed, next) in [
        ("2026-03-15T01:59:59Z", false, "2026-03-15T02:00:00Z"),
        ("2026-03-15T02:00:00Z", true, "2026-03-15T02:00:00Z"),
        ("2026-03-15T05:00:00Z", true, "2026-03-15T05:00:00Z"),
        ("2026-03-15T05:00:01Z", false, "2026-03-22T02:00:00Z"),
        ("2026-03-15T06:00:00Z", false, "2026-03-22T02:00:00Z"),
    ] {
        assert_eq!((hours.allow(at(text), takes), hours.next(at(text), takes)), (allowed, Some(at(next))), "{text}");
    }
    assert_eq!(hours.next(at("2026-03-22T05:00:01Z"), takes), None);
    assert_eq!(hours.next(at(NOW), SignedDuration::from_hours(5)), None, "no window is long enough");
}

#[test]
fn what_falls_due_is_one_change_of_each_type_and_each_asset_is_in_one() {
    let mut fleet = fleet(100);
    let due = |class: &str, count: u64| Due { class: class.to_owned(), count, first: at("2026-03-20T00:00:00Z") };
    for (number, candidate) in fleet.iter_mut().enumerate() {
        candidate.criticality = (number < 50).then(|| "low".to_owned());
        candidate.due = match number {
            0..5 => vec![due("emergency", 1), due("high", 2)],
            5..80 => vec![due("high", 3)],
            _ => Vec::new(),
        };
    }
    fleet[79].upgrades.clear();
    let proposals = propose(&fleet, &policy(RINGS));
    let told: Vec<(ChangeType, usize, u64)> =
        proposals.iter().map(|one| (one.kind, one.candidates.len(), one.due_count)).collect();
    assert_eq!(
        told,
        [(ChangeType::Standard, 45, 135), (ChangeType::Normal, 29, 87), (ChangeType::Emergency, 5, 15)],
        "79 assets in three changes; one misses nothing that is offered"
    );
}

#[test]
fn plans_that_could_not_be_carried_out_are_none() {
    let policy = policy(RINGS);
    let good = plan(&fleet(20), wanted(ChangeType::Normal), &policy, at(NOW)).expect("a plan");
    let broken = |change: fn(&mut Plan)| {
        let mut plan = good.clone();
        change(&mut plan);
        plan.check().expect_err("it is none").to_string()
    };
    let told = [
        broken(|plan| plan.form = 9),
        broken(|plan| plan.rings[1].members[0].asset = plan.rings[0].members[0].asset.clone()),
        broken(|plan| plan.rings[1].members[0].upgrades = 7),
        broken(|plan| plan.rings[2].is_test = true),
        broken(|plan| plan.rings[2].id = "canary".to_owned()),
        broken(|plan| plan.limits.at_once = 0),
        broken(|plan| plan.upgrades[0][0].package = "--force".to_owned()),
        broken(|plan| plan.left_out.push(Exclusion { asset: "host-1".to_owned(), reason: "no".to_owned() })),
        broken(|plan| {
            let edge = |first: &str, then: &str| Precedence { first: first.to_owned(), then: then.to_owned() };
            for (member, group) in plan.rings[2].members.iter_mut().zip(["a", "b", "c"]) {
                member.group = Some(group.to_owned());
            }
            plan.precedence = vec![edge("a", "b"), edge("b", "c"), edge("c", "b")];
        }),
        broken(|plan| {
            let edge = |first: &str, then: &str| Precedence { first: first.to_owned(), then: then.to_owned() };
            plan.precedence = vec![edge("nowhere", "nowhere")];
        }),
    ];
    let expected = [
        "the plan has form 9, and this program knows 2",
        "is in it twice",
        "gets what is not in it",
        "a ring of a test environment comes after one that is none",
        "two of its rings have one name",
        "its limits leave nothing that could be done, or bound nothing",
        "`--force` is no name or version of a package",
        "is in it and left out",
        "group `b` waits for itself",
        "none of its assets is in group `nowhere`",
    ];
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.contains(expected), "{told}");
    }
    let nothing = plan(&[], wanted(ChangeType::Normal), &policy, at(NOW)).expect_err("nothing to do");
    assert_eq!(nothing.to_string(), "the plan is none: no asset misses anything that a normal change could bring");
}

#[test]
fn a_plan_is_read_as_it_was_written_and_knows_no_more() {
    let plan = plan(&fleet(50), wanted(ChangeType::Normal), &policy(RINGS), at(NOW)).expect("a plan");
    let text = serde_json::to_string(&plan).expect("JSON");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("a plan"), plan);
    let more = text.replacen('{', "{\"more\":1,", 1);
    assert!(serde_json::from_str::<Plan>(&more).is_err());
}

#[test]
fn what_passes_fewer_gates_is_for_those_assets_alone_that_the_policy_lets() {
    let mut fleet = fleet(20);
    fleet[3].criticality = Some("low".to_owned());
    fleet[5].due = vec![Due { class: "emergency".to_owned(), count: 1, first: at(NOW) }];
    let plan_of = |kind| {
        let wanted = Wanted { until: at("2026-03-11T00:00:00Z"), ..wanted(kind) };
        let plan = plan(&fleet, wanted, &policy(RINGS), at(NOW)).expect("a plan");
        (plan.members().map(|(_, member)| member.asset.clone()).collect::<Vec<_>>(), plan.left_out.len())
    };
    assert_eq!(plan_of(ChangeType::Standard), (vec!["host-3".to_owned()], 19));
    assert_eq!(plan_of(ChangeType::Emergency), (vec!["host-5".to_owned()], 19));
    assert_eq!(plan_of(ChangeType::Normal).0.len(), 20, "what passes every gate is for all");
    let late = plan(&fleet, wanted(ChangeType::Emergency), &policy(RINGS), at(NOW)).expect_err("it is over by then");
    assert!(late.to_string().contains("an emergency is over within 72 hours"), "{late}");
}

#[test]
fn of_an_asset_whose_environment_nobody_knows_the_hours_of_all_count() {
    let mut fleet = fleet(3);
    fleet[1].environment = None;
    let plan = plan(&fleet, wanted(ChangeType::Normal), &policy(RINGS), at(NOW)).expect("a plan");
    let (_, member) = plan.members().find(|(_, member)| member.asset == "host-1").expect("it is there");
    let Hours::Within(spans) = &plan.hours[member.hours] else { panic!("production has windows") };
    assert_eq!(spans[0], (at("2026-03-22T02:00:00Z"), at("2026-03-22T06:00:00Z")));
}

/// What is known of the assets of `fleet`.
fn said<'f>(fleet: &'f [Candidate]) -> impl Fn(&str) -> Option<Said<'f>> {
    move |asset| {
        let known = fleet.iter().find(|known| known.asset == asset)?;
        let [environment, criticality, owner] =
            [&known.environment, &known.criticality, &known.owner].map(|one| one.as_deref());
        Some(Said { environment, criticality, owner })
    }
}

#[test]
fn an_incident_makes_an_emergency_where_the_policy_says_so() {
    let rings = RINGS.replace("skips = [\"soak\"]", "skips = [\"soak\"]\ntriggers = [\"an incident\"]");
    let (policy, fleet) = (policy(&rings), fleet(10));
    let until = at("2026-03-11T00:00:00Z");
    let asked = |kind: ChangeType, trigger: Option<&str>| {
        let wanted = Wanted { until, trigger: trigger.map(str::to_owned), ..wanted(kind) };
        plan(&fleet, wanted, &policy, at(NOW))
    };
    let made = asked(ChangeType::Emergency, Some("an incident")).expect("a plan");
    assert_eq!((made.assets(), made.trigger.as_deref()), (10, Some("an incident")));
    conforms(&made, &policy, said(&fleet)).expect("it is one of the policy");
    let words = |result: Result<Plan, plimsoll_change::Error>| result.expect_err("it is none").to_string();
    assert!(words(asked(ChangeType::Emergency, None)).contains("no asset misses anything that an emergency"));
    assert!(words(asked(ChangeType::Emergency, Some("boredom"))).contains("what does: an incident"));
    assert!(words(asked(ChangeType::Normal, Some("an incident"))).contains("nothing has to make a normal change"));
    let cheat = Plan { trigger: Some("boredom".to_owned()), ..made };
    assert!(conforms(&cheat, &policy, said(&fleet)).is_err());
}

#[test]
fn a_plan_says_what_it_needs_whose_it_is_and_what_holds() {
    let mut fleet = fleet(20);
    for (number, candidate) in fleet.iter_mut().enumerate() {
        candidate.owner = Some(if number < 10 { "web" } else { "shop" }.to_owned());
        let mut needs = Needs::default();
        needs.add("openssl", "openssl", 1_500_000);
        if number % 2 == 0 {
            needs.add("curl", "linux-signed-amd64", 0)
        } else {
            needs.add("bash", "bash", 500_000)
        };
        candidate.needs = needs;
    }
    let reboots = "[deployment.reboot]\nwithin = \"7 days\"\nmost = 0\n";
    let policy = policy(&RINGS.replace("[[ring]]\nid = \"test\"", &format!("{reboots}[[ring]]\nid = \"test\"")));
    let wanted =
        Wanted { health: ["unit:nginx.service".parse().expect("it holds")].into(), ..wanted(ChangeType::Normal) };
    let plan = plan(&fleet, wanted, &policy, at(NOW)).expect("a plan");
    assert_eq!(plan.needs.len(), plan.upgrades.len());
    let (bytes, of_no_size, assets) = plan.needs_together().expect("it says so");
    assert_eq!((bytes, of_no_size.into_iter().collect::<Vec<_>>(), assets), (35_000_000, vec!["curl"], 10));
    assert_eq!(plan.limits.restarts, Some(0));
    let teams = plan.planned("digest").teams.expect("each is somebody's");
    assert_eq!(teams.into_iter().collect::<Vec<_>>(), ["shop", "web"]);
    let text = serde_json::to_string(&plan).expect("JSON");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("read back"), plan);
    conforms(&plan, &policy, said(&fleet)).expect("it is one of the policy");
    // Another team's assets, or bounds that are not the policy's, are no plan of it.
    let other = Plan { teams: Some(["web".to_owned()].into()), ..plan.clone() };
    assert!(conforms(&other, &policy, said(&fleet)).is_err());
    let mut other = plan.clone();
    other.limits.restarts = None;
    assert!(conforms(&other, &policy, said(&fleet)).is_err());
    let other = Plan { needs: plan.needs[..1].to_vec(), ..plan.clone() };
    assert!(other.check().is_err(), "it is silent on some");
    // Whose an asset is that nobody owns, nobody says.
    fleet[3].owner = None;
    let orphaned = Plan { teams: None, ..plan.clone() };
    conforms(&orphaned, &policy, said(&fleet)).expect("it names no team");
    assert!(conforms(&plan, &policy, said(&fleet)).is_err());
    // Plans of the first form said none of it.
    let mut first = Plan { form: 1, needs: Vec::new(), teams: None, health: Default::default(), ..plan };
    first.limits.restarts = None;
    first.check().expect("a plan");
    conforms(&first, &policy, said(&fleet)).expect("one of the policy");
    let claims = Plan { teams: Some(["web".to_owned()].into()), ..first.clone() };
    assert!(conforms(&claims, &policy, said(&fleet)).is_err(), "and gives nobody a right");
    assert!(Plan { form: Plan::FORM + 1, ..first }.check().is_err());
}
