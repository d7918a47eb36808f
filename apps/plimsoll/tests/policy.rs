//! A policy's way from the command line: begun, broken, proven, compared, simulated, put in force.
#![allow(clippy::expect_used, reason = "tests")]

use std::path::PathBuf;
use std::process::{Command, Output};

struct World {
    folder: PathBuf,
}

impl World {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("plimsoll-policy-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Says something otherwise in a policy.
    fn edit(&self, name: &str, from: &str, to: &str) {
        let path = self.folder.join(name).join("policy.toml");
        let text = std::fs::read_to_string(&path).expect("a policy");
        assert!(text.contains(from), "{from}");
        std::fs::write(path, text.replace(from, to)).expect("written");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.env("USER", "olaf").env_remove("PLIMSOLL_STORE").env_remove("PLIMSOLL_PERSON");
        command.arg("--data").arg(self.folder.join("data")).args(arguments).output().expect("it runs")
    }

    fn code(&self, arguments: &[&str]) -> i32 {
        self.run(arguments).status.code().expect("a code")
    }

    fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stdout).expect("UTF-8")
    }

    fn said(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stderr).expect("UTF-8")
    }

    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.text(arguments)).expect("JSON")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_policy_is_begun_broken_and_told_where() {
    let world = World::new("begun");
    let own = world.path("own");
    assert_eq!(world.code(&["policy", "init", &own, "--profile", "bakery"]), 64);
    assert_eq!(world.code(&["policy", "init", &own, "--profile", "finance"]), 0);
    assert_eq!(world.code(&["policy", "init", &own]), 64, "what is there is not written over");
    let checked = world.text(&["policy", "check", &own]);
    assert_eq!(world.code(&["policy", "check", &own]), 0, "{checked}");
    assert!(checked.contains("Nothing is wrong with it") && checked.contains("all 17 sections"), "{checked}");
    world.edit("own", "due = \"60 days\"", "due = \"20 days\"");
    let checked = world.text(&["policy", "check", &own]);
    assert_eq!(world.code(&["policy", "check", &own]), 1);
    assert!(checked.contains("own/policy.toml:17: error policy/loosens") && checked.contains("case  "), "{checked}");
    let json = world.json(&["policy", "check", &own, "--format", "json"]);
    assert_eq!((json["has_errors"].as_bool(), json["problems"][0]["line"].as_u64()), (Some(true), Some(17)), "{json}");
    assert_eq!(world.code(&["policy", "check", &world.path("nowhere")]), 2);
}

#[test]
fn what_a_draft_changes_is_said_in_words() {
    let world = World::new("diff");
    let (old, new) = (world.path("old"), world.path("new"));
    assert_eq!(world.code(&["policy", "init", &old]) + world.code(&["policy", "init", &new]), 0);
    assert_eq!(world.text(&["policy", "diff", &old, &new]), "They say the same.\n");
    world.edit("new", "due = \"60 days\"", "due = \"45 days\"");
    world.edit("new", "exposed = \"7 days\"", "exposed = \"1 day\"");
    let text = world.text(&["policy", "diff", &old, &new]);
    let sooner = "Findings that must be remediated sooner\n  not listed as exploited, CVSS 7, below 9: high (60 days) → high (45 days)";
    assert!(text.contains(sooner) && text.contains("scanning.exposed: 7 days → 1 day"), "{text}");
    let back = world.json(&["policy", "diff", &new, &old, "--format", "json"]);
    assert_eq!(back["cases"][0]["direction"], "later", "{back}");
}

/// Takes a policy from its draft into force, by the hands that the policy in force asks for.
fn published(world: &World, draft: &str) {
    let alone = world.said(&["fleet", "policy", draft, "--as", "silas.security-lead"]);
    assert!(alone.contains("asks that a new version is approved by"), "{alone}");
    let steps: &[(&str, &[&str])] = &[
        ("olaf.operator", &["draft", "v1", draft, "--why", "less is covered", "--transition", "keep"]),
        ("olaf.operator", &["submit", "v1"]),
        ("silas.security-lead", &["say", "v1", "sound"]),
        ("edda.approver", &["say", "v1", "approved", "--words", "go on"]),
        ("edgar.approver", &["say", "v1", "approved"]),
        ("silas.security-lead", &["publish", "v1"]),
    ];
    for (who, step) in steps {
        let all: Vec<&str> = ["fleet", "version"].iter().chain(*step).chain(&["--as", who]).copied().collect();
        assert_eq!(world.code(&all), 0, "{all:?}: {}", world.said(&all));
    }
    let listed = world.json(&["fleet", "version", "list", "--format", "json"]);
    let own = listed.as_array().and_then(|all| all.iter().find(|version| version["version"] == "v1")).expect("listed");
    assert_eq!((own["state"].as_str(), own["lacks"].as_str()), (Some("published"), Some("")), "{own}");
    assert!(world.text(&["fleet", "version", "show", "v1"]).contains("Patch management policy"));
    let duties = world.json(&["fleet", "duty", "list", "--format", "json", "--person", "emil.employee"]);
    assert!(duties.to_string().contains("acknowledge#policy#emil.employee"), "{duties}");
}

#[test]
fn a_draft_is_simulated_on_what_was_recorded_and_put_in_force_only_if_nothing_is_wrong() {
    let world = World::new("simulated");
    assert_eq!(world.code(&["demo", "--assets", "20", "--months", "3", "--quiet"]), 0);
    let draft = world.path("draft");
    assert_eq!(world.code(&["policy", "init", &draft]), 0);
    let same = world.json(&["policy", "simulate", &world.path("draft"), "--format", "json", "--months", "2"]);
    let (current, drafted) = (&same["current"]["counts"], &same["draft"]["counts"]);
    assert!(current["owed"].as_u64().expect("a number") > 0, "{same}");
    assert_eq!(current["owed"], drafted["owed"], "no policy finds more than there is");
    let moves = &same["moves"];
    let moved: u64 = ["sooner", "later", "same"].iter().map(|name| moves[*name].as_u64().expect("a number")).sum();
    assert_eq!(Some(moved), current["owed"].as_u64(), "each finding is moved once: {moves}");
    assert_eq!(same["months"].as_array().map(Vec::len), Some(3), "{same}");
    let months = same["months"].as_array().expect("months");
    let last = months.last().expect("now");
    assert_eq!(last["draft_overdue"], drafted["overdue"]);
    let teams: u64 =
        same["teams"].as_array().expect("teams").iter().filter_map(|team| team["draft_overdue"].as_u64()).sum();
    assert_eq!(Some(teams), drafted["overdue"].as_u64(), "every team, and those that have none");
    assert!(world.text(&["policy", "simulate", &draft]).contains("Overdue, month by month"));
    // What is wrong is not put in force, and what is in force stays.
    world.edit("draft", "due = \"60 days\"", "due = \"20 days\"");
    let before = world.json(&["fleet", "summary", "--format", "json"]);
    let said = world.said(&["fleet", "policy", &draft, "--as", "silas.security-lead"]);
    assert!(said.contains("nothing is done with it") && said.contains("on line 17"), "{said}");
    assert_eq!(world.json(&["fleet", "summary", "--format", "json"])["classes"], before["classes"]);
    world.edit("draft", "due = \"20 days\"", "due = \"60 days\"");
    world.edit("draft", "tag = [\"isolated\"]", "environment = [\"test\", \"development\"]");
    published(&world, &draft);
    let assets = world.json(&["fleet", "assets", "--format", "json", "--limit", "500"]);
    let assets = assets["items"].as_array().expect("assets");
    let uncovered = assets.iter().filter(|asset| asset["uncovered_because"].is_string());
    assert!(uncovered.clone().count() > 0, "the draft leaves some out");
    assert!(uncovered.clone().all(|asset| asset["counts"]["findings"] == 0 && asset["scan_due_at"].is_null()));
    assert_eq!(world.code(&["ledger", "replay"]), 0);
}
