//! Exceptions as the policy allows them, violations, attestations, excuses and alerts, on pages and for programs.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use lifecycle::{Attributes, Breach, BreachKind, Command, Party, Role, TokenScope};
use serde_json::{Value, json};
use world::{World, asset, day, main_of, person, problem, shown, thing};

/// A service whose policy says what follows, people of every role, and a service that its vendor manages.
async fn overseen(name: &str) -> World {
    let world = World::new(name).await;
    let teams = ["platform"];
    for (who, role, teams) in [
        ("lea", Role::SecurityLead, &[][..]),
        ("bob", Role::Approver, &[]),
        ("olaf", Role::Operator, &[]),
        ("dora", Role::Developer, &teams),
        ("emma", Role::Employee, &[]),
    ] {
        world.somebody(who, &[role], teams).await;
    }
    let text = policy::PROFILES[0].whole().expect("a profile");
    world.organisation.adopt(&person("root"), ("saas", &text), day(0)).await.expect("adopted");
    world.host("web-1", "platform", vec![thing("openssl", "3.0.1")]).await;
    let managed = Attributes { tags: ["vendor-managed".to_owned()].into(), ..Attributes::default() };
    world.act("olaf", Command::RegisterAsset(asset("crm"), managed)).await;
    world
}

/// Tells what was broken up to the day before, with two missed deadlines of the team `platform`.
async fn tell(world: &World) -> String {
    let state = world.organisation.store.record().await.expect("a record").state.clone();
    let (first, last) = state.days_to_tell(world.now()).expect("a day is over");
    let party = Party::Team("platform".to_owned());
    let breach = Breach { day: last, kind: BreachKind::Deadline, party, count: 2 };
    let id = breach.id();
    world.act("root", Command::TellViolations(first, last, vec![breach])).await;
    id
}

async fn sent(world: &World, who: &str, path: &str, fields: &[(&str, &str)]) -> u16 {
    let cookie = world.cookie(who).await;
    world.form(path, &cookie, fields).await.status().as_u16()
}

async fn bearer(world: &World, who: &str) -> String {
    format!("Bearer {}", world.token(who, TokenScope::ALL).await)
}

async fn asked(world: &World, who: &str, path: &str) -> Value {
    let answer = world.get(path).header("authorization", bearer(world, who).await).send().await.expect("answered");
    assert_eq!(answer.status(), 200, "{who} {path}");
    serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON")
}

async fn posted(world: &World, who: &str, path: &str, body: &Value) -> reqwest::Response {
    let request = world.post(path).header("authorization", bearer(world, who).await);
    let request = request.header("content-type", "application/json").body(body.to_string());
    request.send().await.expect("answered")
}

fn encoded(id: &str) -> String {
    id.replace('#', "%23").replace('/', "%2F")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_comes_with_what_the_policy_asks_and_is_looked_at_again() {
    let world = overseen("exceptions").await;
    let form = shown(&world, "olaf", "/decisions?vulnerability=CVE-2026-0001").await;
    assert!(form.contains("exceptions of 90 days at the most, looked at again every 30 days"), "{form}");
    let fields = [
        ("kind", "exception"),
        ("vulnerability", "CVE-2026-0001"),
        ("assets", "web-1"),
        ("reason", "the vendor has no patch"),
        ("until", "2027-01-20"),
    ];
    assert_eq!(sent(&world, "olaf", "/decisions", &fields).await, 409, "it lacks what the policy asks for");
    let with = |controls: &'static str| {
        let more = [("risk", "an account is needed"), ("controls", controls), ("plan", "a patch comes in December")];
        fields.into_iter().chain(more).collect::<Vec<_>>()
    };
    assert_eq!(sent(&world, "olaf", "/decisions", &with("hope")).await, 422);
    assert_eq!(sent(&world, "olaf", "/decisions", &with("segmentation, intrusion prevention")).await, 303);
    let listed = asked(&world, "bob", "/api/v1/decisions").await;
    let one = &listed["items"][0];
    assert_eq!(one["controls"], json!(["intrusion prevention", "segmentation"]));
    assert_eq!(
        (&one["state"], &one["approvals_missing"]),
        (&json!("requested"), &json!(["Chief technology officer or vice president"]))
    );
    let id = one["id"].as_str().expect("an id").to_owned();
    let page = shown(&world, "bob", "/decisions").await;
    assert!(page.contains("approval missing of") && page.contains("a patch comes in December"), "{page}");
    assert_eq!(sent(&world, "lea", &format!("/decisions/{id}/approve"), &[]).await, 403, "the policy names executives");
    // Whose affair it is not is told the same as of one that there is none of.
    world.somebody("dan", &[Role::Developer], &["data"]).await;
    for (who, decision) in [("dan", id.as_str()), ("dan", "none"), ("emma", id.as_str()), ("emma", "none")] {
        assert_eq!(sent(&world, who, &format!("/decisions/{decision}/approve"), &[]).await, 404, "{who} {decision}");
        let words = json!({ "words": "still no patch" });
        let answer = posted(&world, who, &format!("/api/v1/decisions/{decision}/review"), &words).await;
        assert_eq!(problem(answer).await, (404, "refusal/unknown".to_owned()), "{who} {decision}");
    }
    let renewing = json!({ "kind": "exception", "vulnerability": "CVE-2026-0001", "reason": "r", "until": "2027-01-20", "renews": id });
    assert_eq!(problem(posted(&world, "dan", "/api/v1/decisions", &renewing).await).await.0, 404);
    assert_eq!(sent(&world, "bob", &format!("/decisions/{id}/approve"), &[]).await, 303);
    world.set_clock(day(28));
    assert!(shown(&world, "bob", "/tasks").await.contains("Look at the exception"));
    let review = format!("/api/v1/decisions/{id}/review");
    let words = json!({ "words": "still no patch" });
    assert_eq!(problem(posted(&world, "olaf", &review, &words).await).await.0, 403);
    assert_eq!(posted(&world, "bob", &review, &words).await.status(), 200);
    assert!(!shown(&world, "bob", "/tasks").await.contains("Look at the exception"));
    let too_far = json!({ "id": "far", "kind": "exception", "vulnerability": "CVE-2026-0002", "reason": "r", "until": "2027-06-01",
        "risk": "r", "controls": ["segmentation"], "plan": "p" });
    let refused = problem(posted(&world, "olaf", "/api/v1/decisions", &too_far).await).await;
    assert_eq!(refused, (422, "refusal/too-far".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_violation_is_seen_to_by_whom_the_policy_names_or_excused_by_others() {
    let world = overseen("violations").await;
    let (status, before) = main_of(&world, "lea", "/violations").await;
    assert!(status == 200 && before.contains("No day was told yet"), "{before}");
    world.set_clock(day(2));
    let id = tell(&world).await;
    let page = shown(&world, "olaf", "/violations").await;
    assert!(page.contains("which deadlines were missed is not known"), "nothing was judged: {page}");
    for expected in
        ["team platform", "2 findings passed their deadlines", "training", "Operations engineer", "Say what was done"]
    {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains("Excuse it"), "operations excuse nothing");
    assert!(shown(&world, "olaf", "/tasks").await.contains("See to a violation: training for team platform"));
    let emma = shown(&world, "emma", "/violations").await;
    assert!(emma.contains("None of yours") && !emma.contains("team platform"), "{emma}");
    assert!(shown(&world, "dora", "/violations").await.contains("team platform"), "it is her team's");
    assert_eq!(asked(&world, "emma", "/api/v1/violations").await["total"], 0);
    let listed = asked(&world, "lea", "/api/v1/violations").await;
    assert_eq!((&listed["total"], &listed["told_until"]), (&json!(1), &json!("2026-11-02")));
    let expected = json!({ "id": id, "day": "2026-11-02", "kind": "deadline", "person": null, "team": "platform", "role": null, "count": 2, "subjects": [],
        "number": 1, "step": "training", "by": "operations", "state": "open", "told_at": "2026-11-03T12:00:00Z",
        "answered_by": null, "answered_at": null, "answer": null });
    assert_eq!(listed["items"][0], expected);
    let answer = format!("/violations/{}/answer", encoded(&id));
    assert_eq!(sent(&world, "bob", &answer, &[("words", "done")]).await, 403, "operations see to it");
    assert_eq!(sent(&world, "olaf", &answer, &[("words", " ")]).await, 422);
    assert_eq!(sent(&world, "olaf", &answer, &[("words", "the team was trained")]).await, 303);
    assert!(shown(&world, "lea", "/violations").await.contains("the team was trained"));
    world.set_clock(day(3));
    let id = tell(&world).await;
    let excuse = format!("/api/v1/violations/{}/excuse", encoded(&id));
    let words = json!({ "words": "the data centre was without power" });
    // The second one is for the policy's owner to see to: of what is not theirs people are not told that it is there.
    assert_eq!(problem(posted(&world, "olaf", &excuse, &words).await).await.0, 404);
    let excused = posted(&world, "bob", &excuse, &words).await;
    assert_eq!(excused.status(), 200);
    let excused: Value = serde_json::from_str(&excused.text().await.expect("a body")).expect("JSON");
    assert_eq!((&excused["state"], &excused["number"]), (&json!("excused"), &json!(2)));
    let again = problem(posted(&world, "bob", &excuse, &words).await).await;
    assert_eq!(again, (409, "refusal/state".to_owned()));
    let metrics = world.get("/metrics").header("authorization", bearer(&world, "lea").await).send().await;
    let metrics = metrics.expect("answered").text().await.expect("a body");
    assert!(metrics.contains("plimsoll_violations_open 0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_attests_on_the_page_of_its_service() {
    let world = overseen("attests").await;
    assert!(shown(&world, "olaf", "/tasks").await.contains("Have the vendor of “crm” attest that it patches"));
    let page = shown(&world, "olaf", "/assets/crm").await;
    assert!(page.contains("Its vendor has said nothing yet"), "{page}");
    assert!(!shown(&world, "olaf", "/assets/web-1").await.contains("Attested by its vendor"));
    let fields = [("vendor", "Acme"), ("statement", "we patch within 14 days"), ("evidence", "report 7")];
    assert_eq!(sent(&world, "olaf", "/assets/crm/attest", &fields).await, 303);
    assert_eq!(sent(&world, "olaf", "/assets/web-1/attest", &fields).await, 409);
    let page = shown(&world, "olaf", "/assets/crm").await;
    let digest = ledger::digest(b"report 7");
    assert!(page.contains("we patch within 14 days") && page.contains(&digest), "{page}");
    assert!(!shown(&world, "olaf", "/tasks").await.contains("Have the vendor"));
    let said = json!({ "vendor": "Acme", "statement": "still", "evidence": "x".repeat((1 << 20) + 1) });
    let answer = problem(posted(&world, "olaf", "/api/v1/assets/crm/attestation", &said).await).await;
    assert!([413, 422].contains(&answer.0), "{answer:?}");
    let said = json!({ "vendor": "Acme", "statement": "still" });
    assert_eq!(posted(&world, "olaf", "/api/v1/assets/crm/attestation", &said).await.status(), 204);
    // What it tells of vulnerabilities of its own comes in time or late.
    let told =
        [("vendor", "Acme"), ("vulnerability", "CVE-2026-7"), ("known_since", "2026-01-01"), ("statement", "<b>")];
    assert_eq!(sent(&world, "olaf", "/assets/crm/vendor-notices", &told).await, 303);
    let page = shown(&world, "olaf", "/assets/crm").await;
    assert!(page.contains("CVE-2026-7, known to it since 2026-01-01") && page.contains("&lt;b&gt;"), "{page}");
    assert!(page.contains("late"), "{page}");
    let known_since = world.now().to_string();
    let said =
        json!({ "vendor": "Acme", "vulnerability": "A-1", "known_since": known_since, "statement": "all of it" });
    assert_eq!(posted(&world, "olaf", "/api/v1/assets/crm/vendor-notices", &said).await.status(), 204);
    assert_eq!(problem(posted(&world, "olaf", "/api/v1/assets/web-1/vendor-notices", &said).await).await.0, 409);
    assert!(shown(&world, "olaf", "/policy").await.contains("50.0 % of 2 vulnerabilities, promised within 3 days"));
    assert_eq!(world.organisation.store.replay(|_| {}).await.expect("replayed").0.differences, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_excused_and_who_is_new_sees_what_comes_first() {
    let world = overseen("excused").await;
    assert!(shown(&world, "emma", "/tasks").await.contains("You are new here."));
    let training = shown(&world, "lea", "/training").await;
    assert!(training.contains("New people") && training.contains("emma"), "{training}");
    let fields = [("duty", "acknowledge#policy#emma"), ("until", "2026-12-24"), ("reason", "on leave")];
    assert_eq!(sent(&world, "olaf", "/duties/excuse", &fields).await, 403);
    assert_eq!(sent(&world, "lea", "/duties/excuse", &fields).await, 303);
    let page = shown(&world, "lea", "/campaigns/policy").await;
    assert!(page.contains("on leave") && page.contains("excused"), "{page}");
    let own = json!({ "duty": "acknowledge#policy#lea", "until": "2026-12-24", "reason": "busy" });
    let refused = problem(posted(&world, "lea", "/api/v1/duties/excuse", &own).await).await;
    assert_eq!(refused, (403, "refusal/own-duty".to_owned()));
    assert_eq!(posted(&world, "bob", "/api/v1/duties/excuse", &own).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_of_what_is_theirs() {
    let world = overseen("alerts").await;
    world.set_clock(day(9));
    let kinds = |list: &Value| {
        let items = list["items"].as_array().expect("a list");
        items.iter().map(|item| item["kind"].as_str().expect("a kind").to_owned()).collect::<Vec<_>>()
    };
    let all = asked(&world, "lea", "/api/v1/alerts").await;
    assert!(kinds(&all).contains(&"scan-overdue".to_owned()), "{all}");
    assert!(kinds(&all).contains(&"feed-stale".to_owned()), "{all}");
    let own = asked(&world, "dora", "/api/v1/alerts").await;
    assert!(kinds(&own).contains(&"scan-overdue".to_owned()), "her team's: {own}");
    assert!(!kinds(&own).contains(&"feed-stale".to_owned()), "{own}");
    assert_eq!(asked(&world, "emma", "/api/v1/alerts").await, json!({ "items": [] }));
    let page = shown(&world, "olaf", "/tasks").await;
    assert!(page.contains("What you are told of") && page.contains("of team platform"), "{page}");
    let metrics = world.get("/metrics").header("authorization", bearer(&world, "lea").await).send().await;
    let metrics = metrics.expect("answered").text().await.expect("a body");
    assert!(metrics.contains("plimsoll_alerts{kind=\"scan-overdue\"} 1"), "{metrics}");
}
