//! The project's chores: `cargo xtask check` is what CI runs.

mod floors;
mod help;
mod registries;
mod sizes;
mod tests;

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = root();
    match arguments.first().map(String::as_str) {
        Some("check") => check(&root),
        Some("bench") => bench(&root, &arguments[1..]),
        Some("help") => help::write(&root),
        Some("fast") => structure(&root),
        Some("tests") => tests::run(&root),
        _ => bail!("usage: cargo xtask check|fast|tests|help|bench"),
    }
}

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Measures, with a program of its own: what it is made of nothing else here needs.
fn bench(root: &Path, arguments: &[String]) -> Result<()> {
    let run = ["run", "--release", "--locked", "--quiet", "-p", "bench", "--"];
    let rest = arguments.iter().map(String::as_str);
    cargo(root, &run.into_iter().chain(rest).collect::<Vec<_>>())
}

/// What needs no build: sizes, floors, registries.
fn structure(root: &Path) -> Result<()> {
    sizes::check(root)?;
    floors::check(root)?;
    registries::check(root)
}

/// Everything that proves the project.
fn check(root: &Path) -> Result<()> {
    step("sizes, floors and lists", || structure(root))?;
    step("format", || cargo(root, &["fmt", "--all", "--check"]))?;
    step("lints", || {
        cargo(root, &["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"])
    })?;
    step("documentation", || documentation(root))?;
    step("core without the world, on wasm32", || wasm(root))?;
    step("dependencies", || dependencies(root))?;
    step("the agent as one static file", || agent_for(root, "x86_64-unknown-linux-musl", "musl-gcc"))?;
    step("the agent for Windows", || agent_for(root, "x86_64-pc-windows-gnu", "x86_64-w64-mingw32-gcc"))?;
    step("building the tests", || cargo(root, &["test", "--workspace", "--locked", "--quiet", "--no-run"]))?;
    step("help texts", || help::check(root))?;
    step("tests", || tests::run(root))?;
    step("examples in the documentation", || cargo(root, &["test", "--workspace", "--locked", "--quiet", "--doc"]))?;
    println!("all checks passed");
    Ok(())
}

/// Public documentation builds, and its links lead somewhere.
fn documentation(root: &Path) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .current_dir(root)
        .status()
        .context("failed to run cargo doc")?;
    if status.success() { Ok(()) } else { bail!("cargo doc ended with {status}") }
}

fn has_target(target: &str) -> bool {
    let installed = Command::new("rustup").args(["target", "list", "--installed"]).output();
    let has = installed.is_ok_and(|installed| String::from_utf8_lossy(&installed.stdout).contains(target));
    if !has {
        println!("SKIPPED: the target {target} is not installed");
    }
    has
}

/// The agent for another system: the tests run what comes of it.
fn agent_for(root: &Path, target: &str, compiler: &str) -> Result<()> {
    if !has_target(target) {
        return Ok(());
    }
    if !Command::new(compiler).arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: {compiler} is not installed");
        return Ok(());
    }
    let of_target = target.replace('-', "_");
    let status = Command::new(env!("CARGO"))
        .args(["build", "-p", "plimsoll-agent", "--locked", "--quiet", "--target", target])
        // What is built here runs a few times only: building it takes longer than it runs.
        .args(["--config", "profile.dev.package.\"*\".opt-level=0"])
        .env(format!("CC_{of_target}"), compiler)
        // What only this system's parts say is heard here alone.
        .env(format!("CARGO_TARGET_{}_RUSTFLAGS", of_target.to_uppercase()), "-D warnings")
        .current_dir(root)
        .status()
        .context("failed to run cargo")?;
    if status.success() { Ok(()) } else { bail!("building the agent for {target} ended with {status}") }
}

/// The crates of `core` that read no directory build where there is neither a system nor threads.
fn wasm(root: &Path) -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    if !has_target(TARGET) {
        return Ok(());
    }
    let crates = ["-p", "plimsoll-versions", "-p", "plimsoll-advisories", "-p", "plimsoll-policy"];
    cargo(root, &[&["check", "--locked", "--quiet", "--target", TARGET], &crates[..]].concat())
}

/// Licences, sources and duplicates of dependencies, by `deny.toml`.
fn dependencies(root: &Path) -> Result<()> {
    if !Command::new(env!("CARGO")).args(["deny", "--version"]).output().is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: cargo-deny is not installed");
        return Ok(());
    }
    cargo(root, &["deny", "--locked", "--log-level", "error", "check", "bans", "licenses", "sources"])
}

fn step(name: &str, act: impl FnOnce() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    eprintln!("==> {name}");
    act().with_context(|| format!("the step `{name}` failed"))?;
    eprintln!("==> {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    let status =
        Command::new(env!("CARGO")).args(arguments).current_dir(root).status().context("failed to run cargo")?;
    if !status.success() {
        bail!("cargo {} ended with {status}", arguments.join(" "));
    }
    Ok(())
}

/// All Rust files below a folder, in order.
fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
