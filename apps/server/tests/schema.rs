//! The API against its own description: schemathesis asks all that the description allows, and much that it does not.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

mod world;

use lifecycle::{Role, TokenScope};
use std::path::Path;
use std::process::Command;
use world::{World, thing};

#[tokio::test(flavor = "multi_thread")]
async fn the_api_does_what_its_description_says() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/schemathesis/bin/schemathesis");
    if !program.exists() {
        eprintln!("SKIPPED: schemathesis is not installed (./test installs it into target/tools)");
        return;
    }
    let world = World::new("schema").await;
    for number in 0..3 {
        world.host(&format!("host-{number}"), "web", vec![thing("openssl", "3.0.1"), thing("nginx", "1.22")]).await;
    }
    world.somebody("everything", Role::ALL, &["web"]).await;
    let token = world.token("everything", TokenScope::ALL).await;
    let (base, header) = (world.base.clone(), format!("Authorization: Bearer {token}"));
    let asked = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(program);
        command.arg("--config-file").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis.toml"));
        command.args(["run", &format!("{base}/api/v1/openapi.json"), "--header", &header, "--no-color"]);
        command.args(["--max-examples", "15", "--seed", "1", "--workers", "1", "--request-timeout", "20"]);
        // What takes back the token that is asked with, or the person, would end the run.
        command.args(["--exclude-operation-id", "delete_token", "--exclude-operation-id", "delete_person"]);
        command.args([
            "--exclude-checks",
            "missing_required_header,positive_data_acceptance,unsupported_method,negative_data_rejection",
        ]);
        command.output().expect("run")
    });
    let done = asked.await.expect("run");
    let words = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{words}");
    let line =
        words.lines().rev().find(|line| line.contains("passed") || line.contains("generated")).unwrap_or_default();
    eprintln!("schemathesis: {line}");
}
