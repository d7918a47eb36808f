//! What the program says of itself, written down: the help of every command, the description of the API, who may use which address;
//! checked against the program.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

const COMMANDS: &[&[&str]] = &[
    &[],
    &["scan"],
    &["why"],
    &["patch"],
    &["patch", "plan"],
    &["patch", "apply"],
    &["patch", "resume"],
    &["patch", "rollback"],
    &["patch", "list"],
    &["change"],
    &["change", "propose"],
    &["change", "automatic"],
    &["change", "plan"],
    &["change", "list"],
    &["change", "show"],
    &["change", "test"],
    &["change", "notice"],
    &["change", "approve"],
    &["change", "decline"],
    &["change", "start"],
    &["change", "drive"],
    &["change", "document"],
    &["change", "log"],
    &["change", "key"],
    &["change", "sign"],
    &["change", "signed"],
    &["change", "hand-out"],
    &["change", "failed"],
    &["change", "leave-out"],
    &["change", "pause"],
    &["change", "resume"],
    &["change", "abort"],
    &["change", "rollback"],
    &["change", "settle"],
    &["change", "follow"],
    &["change", "calendar"],
    &["feeds"],
    &["feeds", "sync"],
    &["feeds", "import"],
    &["feeds", "remove"],
    &["feeds", "compile"],
    &["feeds", "status"],
    &["feeds", "verify"],
    &["policy"],
    &["policy", "list"],
    &["policy", "show"],
    &["policy", "init"],
    &["policy", "check"],
    &["policy", "diff"],
    &["policy", "render"],
    &["policy", "simulate"],
    &["policy", "schema"],
    &["fleet"],
    &["fleet", "register"],
    &["fleet", "set"],
    &["fleet", "retire"],
    &["fleet", "push"],
    &["fleet", "look"],
    &["fleet", "judge"],
    &["fleet", "assets"],
    &["fleet", "findings"],
    &["fleet", "undetermined"],
    &["fleet", "summary"],
    &["fleet", "why"],
    &["fleet", "policy"],
    &["fleet", "person"],
    &["fleet", "people"],
    &["fleet", "version"],
    &["fleet", "version", "draft"],
    &["fleet", "version", "submit"],
    &["fleet", "version", "say"],
    &["fleet", "version", "publish"],
    &["fleet", "version", "show"],
    &["fleet", "version", "withdraw"],
    &["fleet", "version", "list"],
    &["fleet", "duty"],
    &["fleet", "duty", "list"],
    &["fleet", "duty", "excuse"],
    &["fleet", "duty", "import-people"],
    &["fleet", "duty", "import-training"],
    &["fleet", "attest"],
    &["fleet", "vendor-notice"],
    &["fleet", "alerts"],
    &["fleet", "violation"],
    &["fleet", "violation", "list"],
    &["fleet", "violation", "answer"],
    &["fleet", "violation", "excuse"],
    &["fleet", "decision"],
    &["fleet", "decision", "request"],
    &["fleet", "decision", "approve"],
    &["fleet", "decision", "review"],
    &["fleet", "decision", "decline"],
    &["fleet", "decision", "revoke"],
    &["fleet", "decision", "list"],
    &["ledger"],
    &["ledger", "verify"],
    &["ledger", "prove"],
    &["ledger", "check"],
    &["ledger", "replay"],
    &["ledger", "checkpoint"],
    &["ledger", "show"],
    &["ledger", "records"],
    &["ledger", "key"],
    &["ledger", "rotate-key"],
    &["serve"],
    &["agent"],
    &["agent", "enrol"],
    &["agent", "list"],
    &["agent", "revoke"],
    &["backup"],
    &["restore"],
    &["demo"],
    &["generate"],
    &["generate", "completions"],
    &["generate", "api"],
    &["generate", "man"],
];

/// Commands of the agent.
const AGENT_COMMANDS: &[&[&str]] =
    &[&[], &["enrol"], &["run"], &["once"], &["look"], &["status"], &["orders"], &["carry-out"]];

/// Writes the pages anew.
pub(crate) fn write(root: &Path) -> Result<()> {
    super::cargo(root, &["build", "--quiet", "--locked", "-p", "plimsoll", "-p", "plimsoll-agent"])?;
    for (path, text) in pages(root)? {
        std::fs::write(root.join(path), text).with_context(|| format!("failed to write {path}"))?;
    }
    Ok(())
}

/// Fails where a page and the program that the tests were built with differ.
pub(crate) fn check(root: &Path) -> Result<()> {
    for (path, text) in pages(root)? {
        if std::fs::read_to_string(root.join(path)).unwrap_or_default() != text {
            bail!("{path} is not what the program prints: run `cargo xtask help`");
        }
    }
    Ok(())
}

fn pages(root: &Path) -> Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("docs/commands.md", page(root)?),
        ("docs/access.md", printed(root, "plimsoll", &["generate", "api", "--access"])?),
        ("docs/openapi.json", printed(root, "plimsoll", &["generate", "api"])?),
    ])
}

/// What a program prints.
fn printed(root: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(root.join("target/debug").join(program));
    command.args(arguments).env("COLUMNS", "100");
    // Help shows what variables say: those of whoever runs this are none of it.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PLIMSOLL_")) {
        command.env_remove(name);
    }
    let output = command.output().context("failed to run the program")?;
    if !output.status.success() {
        bail!("`{program} {}` ended with {}", arguments.join(" "), output.status);
    }
    String::from_utf8(output.stdout).context("what it prints is not UTF-8")
}

fn page(root: &Path) -> Result<String> {
    let mut page = String::from("# Commands\n\nGenerated by `cargo xtask help`.\n");
    let all = COMMANDS.iter().map(|command| ("plimsoll", *command));
    for (program, command) in all.chain(AGENT_COMMANDS.iter().map(|command| ("plimsoll-agent", *command))) {
        let text = printed(root, program, &[command, &["--help"]].concat())?;
        let name = [program].iter().chain(command).copied().collect::<Vec<_>>().join(" ");
        let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
        page.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", lines.join("\n")));
    }
    Ok(page)
}
