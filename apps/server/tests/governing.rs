//! The policy from draft to force through the pages, what follows from it for people, and the register.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use lifecycle::{Role, TokenScope};
use world::{World, day, person, problem, shown};

/// A service whose policy asks for two executives' approval, and people of every role.
async fn governed(name: &str) -> (World, String) {
    let world = World::new(name).await;
    for (who, role) in [
        ("lea", Role::SecurityLead),
        ("bob", Role::Approver),
        ("eve", Role::Approver),
        ("olaf", Role::Operator),
        ("emma", Role::Employee),
    ] {
        world.somebody(who, &[role], &[]).await;
    }
    let text = policy::PROFILES[0].whole().expect("a profile");
    world.organisation.adopt(&person("root"), ("saas", &text), day(0)).await.expect("adopted");
    world.host("web-1", "platform", vec![world::thing("openssl", "3.0.1")]).await;
    (world, text)
}

async fn sent(world: &World, who: &str, path: &str, fields: &[(&str, &str)]) -> String {
    let cookie = world.cookie(who).await;
    let answer = world.form(path, &cookie, fields).await;
    let status = answer.status().as_u16();
    let to = answer.headers().get("location").map(|to| to.to_str().expect("text").to_owned()).unwrap_or_default();
    let text = answer.text().await.expect("a body");
    assert_eq!(status, 303, "{who} {path}: {text}");
    to
}

async fn refused(world: &World, who: &str, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let cookie = world.cookie(who).await;
    let answer = world.form(path, &cookie, fields).await;
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

/// The digest of what a version's page shows, as its forms send it.
fn terms(page: &str) -> String {
    let after = page.split("name=\"terms\" value=\"").nth(1).expect("a form");
    after.split('"').next().expect("a value").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_drafted_approved_by_two_published_and_read() {
    let (world, text) = governed("governed").await;
    let editor = shown(&world, "olaf", "/documents/policy/draft").await;
    assert!(editor.contains("hx-post=\"/policy/check\"") && editor.contains("no errors"), "{editor}");
    let broken = text.replace("due = \"72 hours\"", "due = \"72 hurs\"");
    let (status, checked) = refused(&world, "olaf", "/policy/check", &[("text", &broken)]).await;
    assert!(status == 200 && checked.contains("1 error<") && checked.contains("line "), "{checked}");
    let stricter = text.replace("72 hours", "48 hours");
    assert_ne!(stricter, text);
    let fields = |text: &str| {
        [
            ("text", text.to_owned()),
            ("rationale", "attackers are faster now".to_owned()),
            ("transition", "keep".to_owned()),
        ]
    };
    let broken_fields = fields(&broken);
    let as_sent: Vec<(&str, &str)> = broken_fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let place = sent(&world, "olaf", "/documents/policy/draft", &as_sent).await;
    assert_eq!(place, "/versions/policy-1");
    let (status, why) = refused(&world, "olaf", "/versions/policy-1/submit", &[("people", ""), ("until", "")]).await;
    assert!(status == 422 && why.contains("has errors"), "a draft with errors is not handed in: {status} {why}");
    let mut good = fields(&stricter).to_vec();
    good.push(("version", "policy-1".to_owned()));
    let as_sent: Vec<(&str, &str)> = good.iter().map(|(name, value)| (*name, value.as_str())).collect();
    sent(&world, "olaf", "/documents/policy/draft", &as_sent).await;
    sent(&world, "olaf", "/versions/policy-1/submit", &[("people", "emma"), ("until", "2026-11-20")]).await;
    let compared = shown(&world, "bob", "/versions/policy-1/compare").await;
    assert!(compared.contains("must be remediated sooner") && compared.contains("48 hours"), "{compared}");
    let simulated = shown(&world, "bob", "/versions/policy-1/simulation").await;
    assert!(simulated.contains("Overdue, month by month"), "{simulated}");
    assert!(shown(&world, "emma", "/tasks").await.contains("Say what you think"));
    let terms = terms(&shown(&world, "emma", "/versions/policy-1").await);
    let say = |verdict: &'static str| [("verdict", verdict), ("words", ""), ("terms", "")];
    let notes = "/versions/policy-1/notes";
    let with_terms = |verdict: &'static str| {
        let mut fields = say(verdict).map(|(name, value)| (name, value.to_owned()));
        fields[2].1.clone_from(&terms);
        fields
    };
    for (who, verdict) in [("emma", "input"), ("lea", "sound"), ("bob", "approved")] {
        let fields = with_terms(verdict);
        sent(&world, who, notes, &fields.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    }
    let again = with_terms("approved");
    let again = again.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(refused(&world, "bob", notes, &again).await.0, 403, "one person takes one seat");
    assert_eq!(refused(&world, "lea", "/versions/policy-1/publish", &[]).await.0, 409, "one executive is not two");
    assert!(shown(&world, "eve", "/tasks").await.contains("waits for your approval"));
    sent(&world, "eve", notes, &again).await;
    assert_eq!(refused(&world, "bob", "/versions/policy-1/publish", &[]).await.0, 403);
    world.set_clock(day(1));
    sent(&world, "lea", "/versions/policy-1/publish", &[]).await;
    let page = shown(&world, "emma", "/policy").await;
    assert!(page.contains("48 hours") && !page.contains("72 hours</td>"), "{page}");
    let history = shown(&world, "emma", "/documents/policy").await;
    assert!(history.contains("attackers are faster now") && history.contains("bob, eve"), "{history}");
    let past = shown(&world, "emma", "/policy?at=2026-11-01T18:00:00Z").await;
    assert!(past.contains("72 hours"), "any past version can be shown");
    sign_and_see(&world, &page).await;
}

/// Emma reads the new version and says so; who looks after it sees that.
async fn sign_and_see(world: &World, page: &str) {
    assert!(page.contains("Have you read it?"), "{page}");
    let digest = page.split("name=\"text\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a digest");
    let wrong = refused(world, "emma", "/documents/policy/acknowledge", &[("text", digest), ("name", " ")]).await;
    assert_eq!(wrong.0, 422, "nobody signs without a name");
    sent(world, "emma", "/documents/policy/acknowledge", &[("text", digest), ("name", "Emma Example")]).await;
    let other = refused(world, "emma", "/documents/policy/acknowledge", &[("text", digest), ("name", "Eve")]).await;
    assert_eq!(other.0, 422, "nor with another's");
    let campaign = shown(world, "lea", "/campaigns/policy").await;
    assert!(campaign.contains("Emma Example"), "{campaign}");
    let cookie = world.cookie("lea").await;
    let table = world.get("/campaigns/policy/people.csv").header("cookie", &cookie).send().await.expect("answered");
    let table = table.text().await.expect("a body");
    assert!(table.contains("emma,Emma Example,,done,") && table.contains("bob,,,due,"), "{table}");
    assert_eq!(
        world.get("/campaigns").header("cookie", world.cookie("emma").await).send().await.expect("answered").status(),
        403
    );
    assert!(shown(world, "lea", "/campaigns").await.contains("The policy in force"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_policy_waits_for_its_day() {
    let (world, text) = governed("its-day").await;
    let stricter = text.replace("72 hours", "48 hours");
    let fields =
        [("text", stricter.as_str()), ("rationale", "r"), ("effective", "2026-11-04"), ("transition", "from-switch")];
    sent(&world, "olaf", "/documents/policy/draft", &fields).await;
    sent(&world, "olaf", "/versions/policy-1/submit", &[]).await;
    let terms = terms(&shown(&world, "lea", "/versions/policy-1").await);
    for (who, verdict) in [("lea", "sound"), ("bob", "approved"), ("eve", "approved")] {
        sent(&world, who, "/versions/policy-1/notes", &[("verdict", verdict), ("words", ""), ("terms", &terms)]).await;
    }
    sent(&world, "lea", "/versions/policy-1/publish", &[]).await;
    assert!(shown(&world, "lea", "/documents").await.contains("published"));
    assert!(shown(&world, "lea", "/policy").await.contains("72 hours"), "its day is still to come");
    world.set_clock(day(3));
    // The work that nobody has to ask for puts it in force.
    let mut tries = 0;
    while !shown(&world, "lea", "/policy").await.contains("48 hours") {
        tries += 1;
        assert!(tries < 40, "it was not put in force on its day");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    let change = world.organisation.store.record().await.expect("read").state.documents
        [&lifecycle::DocumentId::policy()]
        .texts
        .clone();
    assert_eq!(change.len(), 3, "the preset, the profile, the version");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_files_with_figures_of_the_organisation_where_they_are_wanted() {
    let (world, _) = governed("files").await;
    let cookie = world.cookie("olaf").await;
    for (format, begins) in [("pdf", "%PDF-"), ("docx", "PK"), ("md", "# Patch"), ("html", "<!DOCTYPE html>")] {
        for document in ["whole", "applicability"] {
            let path = format!("/policy/documents/{document}/files/{format}?examples=1");
            let answer = world.get(&path).header("cookie", &cookie).send().await.expect("answered");
            assert_eq!(answer.status(), 200, "{path}");
            let disposition = answer.headers()["content-disposition"].to_str().expect("text").to_owned();
            assert_eq!(disposition, format!("attachment; filename=\"{document}.{format}\""));
            let bytes = answer.bytes().await.expect("a body");
            let begins = if document == "applicability" && format == "md" { "# Statement" } else { begins };
            assert!(bytes.starts_with(begins.as_bytes()), "{path}");
        }
    }
    let whole = world.get("/policy/documents/whole/files/md?examples=1").header("cookie", &cookie);
    let whole = whole.send().await.expect("answered").text().await.expect("a body");
    assert!(whole.contains("## Cross-references") && whole.contains("CC7.1"), "{whole}");
    assert!(whole.contains("## How it stands in the organisation"), "{whole}");
    let soa = world.get("/policy/documents/applicability/files/md").header("cookie", &cookie);
    let soa = soa.send().await.expect("answered").text().await.expect("a body");
    assert!(
        soa.contains("| CC7.1 |") && soa.contains("the policy names it") && soa.contains("does not name it"),
        "{soa}"
    );
    // Whoever sees no asset sees none as an example either.
    let emma = world.cookie("emma").await;
    let path = "/policy/documents/technical/files/md";
    assert_eq!(world.get(path).header("cookie", &emma).send().await.expect("answered").status(), 200);
    let asked = world.get(&format!("{path}?examples=1")).header("cookie", &emma);
    assert_eq!(asked.send().await.expect("answered").status(), 403);
    let nothing = world.get("/policy/documents/whole/files/exe").header("cookie", &emma);
    assert_eq!(nothing.send().await.expect("answered").status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn standards_stand_below_the_policy_and_take_their_figures_from_it() {
    let (world, _) = governed("standards").await;
    let described = [
        ("document", "hardening"),
        ("title", "Hardening of hosts"),
        ("level", "standard"),
        ("owner", "olaf"),
        ("implements", "policy"),
        ("review_every", "6 months"),
    ];
    assert_eq!(sent(&world, "lea", "/documents", &described).await, "/documents/hardening");
    assert_eq!(refused(&world, "olaf", "/documents", &described).await.0, 403);
    let text = "# Hardening\n\nExposed hosts are looked at every {{ scanning.exposed }}.\n<script>alert(1)</script>";
    let unknown = [("text", "{{ scanning.nothing }}"), ("rationale", "r")];
    sent(&world, "olaf", "/documents/hardening/draft", &unknown).await;
    let (status, why) = refused(&world, "olaf", "/versions/hardening-1/submit", &[]).await;
    assert!(status == 422 && why.contains("scanning.nothing"), "{status} {why}");
    sent(
        &world,
        "olaf",
        "/documents/hardening/draft",
        &[("text", text), ("rationale", "r"), ("version", "hardening-1")],
    )
    .await;
    sent(&world, "olaf", "/versions/hardening-1/submit", &[]).await;
    let terms = terms(&shown(&world, "lea", "/versions/hardening-1").await);
    for (who, verdict) in [("lea", "sound"), ("bob", "approved"), ("eve", "approved")] {
        sent(&world, who, "/versions/hardening-1/notes", &[("verdict", verdict), ("words", ""), ("terms", &terms)])
            .await;
    }
    sent(&world, "olaf", "/versions/hardening-1/publish", &[]).await;
    let page = shown(&world, "emma", "/documents/hardening").await;
    assert!(page.contains("looked at every 7 days") && !page.contains("<script>alert"), "{page}");
    sent(&world, "lea", "/campaigns", &[("document", "hardening"), ("groups", ""), ("due", "2026-11-20")]).await;
    assert!(shown(&world, "emma", "/documents/hardening").await.contains("Have you read it?"));
    let register = shown(&world, "emma", "/documents").await;
    assert!(register.contains("Hardening of hosts") && register.contains("standard"), "{register}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_completions_come_from_files() {
    let (world, _) = governed("files-of-people").await;
    let csv = "person,name,email,roles,teams,groups\nnina,Nina New,nina@example.org,operator,platform;web,night\nolaf,Olaf Old,olaf@example.org,operator,,night\n";
    let wrong = refused(&world, "root", "/people/import", &[("csv", "person,roles\nx y,operator\nz,king\n")]).await;
    assert!(wrong.0 == 422 && wrong.1.contains("line 2") && wrong.1.contains("line 3"), "{wrong:?}");
    let (status, page) = refused(&world, "root", "/people/import", &[("csv", csv)]).await;
    assert!(status == 200 && page.contains("2 people"), "{page}");
    let groups = shown(&world, "root", "/groups").await;
    assert!(groups.contains("night") && groups.contains("nina, olaf") && groups.contains("a file"), "{groups}");
    let token = world.token("lea", TokenScope::ALL).await;
    assert_eq!(world.status_with(&token).await, 200);
    let told = "email,course,completed_at\nnina@example.org,patch-operations,2026-10-30\nnobody@example.org,patch-operations,2026-10-30\nnina@example.org,knitting,2026-10-30\n";
    let cookie = world.cookie("root").await;
    let page = world.form("/training", &cookie, &[("text", told)]).await.text().await.expect("a body");
    assert!(
        page.contains("3 completions were told, 1 of them are new")
            && page.contains("line 3")
            && page.contains("knitting"),
        "{page}"
    );
    let statement = serde_json::json!([
        { "actor": { "mbox": "mailto:OLAF@example.org" }, "verb": { "id": "http://adlnet.gov/expapi/verbs/passed" },
          "object": { "id": "https://lms.example.org/courses/patch-operations" }, "result": { "success": true }, "timestamp": "2026-10-31T10:00:00Z" },
        { "actor": { "account": { "homePage": "https://lms.example.org", "name": "nina" } }, "verb": { "id": "http://adlnet.gov/expapi/verbs/attempted" },
          "object": { "id": "patch-operations" }, "timestamp": "2026-10-31T10:00:00Z" },
        { "actor": { "mbox_sha1sum": "0" }, "verb": { "id": "http://adlnet.gov/expapi/verbs/completed" }, "object": { "id": "patch-operations" }, "timestamp": "2026-10-31T10:00:00Z" },
    ]);
    let page =
        world.form("/training", &cookie, &[("text", &statement.to_string())]).await.text().await.expect("a body");
    assert!(
        page.contains("3 completions were told, 1 of them are new")
            && page.contains("2</strong>") | page.contains("2 could not"),
        "{page}"
    );
    let training = shown(&world, "lea", "/training/patch-operations").await;
    assert_eq!(training.matches("pill ok").count(), 2, "{training}");
    // What is kept beside the ledger names nobody but by their ids.
    let record = world.organisation.store.record().await.expect("read");
    let state = record.state.clone();
    drop(record);
    assert!(state.people[&person("nina")].completed.contains_key("patch-operations"));
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_do_the_same_over_the_api() {
    let (world, text) = governed("governing-api").await;
    let tokens = [
        ("olaf", world.token("olaf", TokenScope::ALL).await),
        ("lea", world.token("lea", TokenScope::ALL).await),
        ("bob", world.token("bob", TokenScope::ALL).await),
        ("eve", world.token("eve", TokenScope::ALL).await),
    ];
    let token = |who: &str| format!("Bearer {}", tokens.iter().find(|(name, _)| *name == who).expect("one").1);
    let post = async |who: &str, path: &str, body: serde_json::Value| {
        let request = world.post(path).header("authorization", token(who)).header("content-type", "application/json");
        request.body(body.to_string()).send().await.expect("answered")
    };
    let checked = post("olaf", "/api/v1/policy/check", serde_json::json!({ "text": text })).await;
    let checked: serde_json::Value = serde_json::from_str(&checked.text().await.expect("a body")).expect("JSON");
    assert!(
        checked["problems"].as_array().is_some_and(|all| all.iter().all(|one| one["is_error"] == false)),
        "{checked}"
    );
    let draft =
        serde_json::json!({ "document": "policy", "text": text.replace("72 hours", "60 hours"), "rationale": "r" });
    let put = world.client.put(format!("{}/api/v1/versions/v1", world.base)).header("authorization", token("olaf"));
    let put = put.header("content-type", "application/json").body(draft.to_string()).send().await.expect("answered");
    assert_eq!(put.status(), 200);
    assert_eq!(post("olaf", "/api/v1/versions/v1/submit", serde_json::json!({})).await.status(), 200);
    let shown = world.get("/api/v1/versions/v1").header("authorization", token("bob")).send().await.expect("answered");
    let shown: serde_json::Value = serde_json::from_str(&shown.text().await.expect("a body")).expect("JSON");
    let terms = shown["version"]["terms"].as_str().expect("terms").to_owned();
    let lacking = shown["version"]["approvals_lacking"][0].as_str().unwrap_or_default();
    assert!(lacking.starts_with("2 people of: "), "{shown}");
    let note = |verdict: &str| serde_json::json!({ "verdict": verdict, "terms": terms });
    let early = post("lea", "/api/v1/versions/v1/publish", serde_json::json!({})).await;
    assert_eq!(problem(early).await, (409, "refusal/not-ready".to_owned()));
    let own = post("olaf", "/api/v1/versions/v1/notes", note("sound")).await;
    assert_eq!(problem(own).await, (403, "refusal/own-draft".to_owned()));
    for (who, verdict) in [("lea", "sound"), ("bob", "approved"), ("eve", "approved")] {
        assert_eq!(post(who, "/api/v1/versions/v1/notes", note(verdict)).await.status(), 201, "{who}");
    }
    assert_eq!(post("lea", "/api/v1/versions/v1/publish", serde_json::json!({})).await.status(), 200);
    let duties = world.get("/api/v1/duties").header("authorization", token("lea")).send().await.expect("answered");
    let duties = duties.text().await.expect("a body");
    assert!(duties.contains("acknowledge#policy#emma") && duties.contains("review#policy"), "{duties}");
    let tasks = world.get("/api/v1/tasks").header("authorization", token("bob")).send().await.expect("answered");
    assert!(tasks.text().await.expect("a body").contains("\"kind\":\"acknowledge\""));
}
