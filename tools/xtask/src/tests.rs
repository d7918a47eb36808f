//! Running the tests: the programs that hold them, two at a time, since most of them wait for something most of the time.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How many run at a time.
const AT_ONCE: usize = 2;

/// What cargo says of something that it has built.
#[derive(Deserialize)]
struct Built {
    #[serde(default)]
    executable: Option<PathBuf>,
    #[serde(default)]
    manifest_path: PathBuf,
    profile: Option<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// A program that holds tests, and the folder of its package.
struct Program {
    path: PathBuf,
    folder: PathBuf,
}

/// Builds all tests, and says which programs hold them.
fn programs(root: &Path) -> Result<Vec<Program>> {
    let arguments =
        ["test", "--workspace", "--locked", "--quiet", "--no-run", "--message-format=json-render-diagnostics"];
    let mut command = Command::new(env!("CARGO"));
    let output = command.args(arguments).current_dir(root).stderr(Stdio::inherit()).output();
    let output = output.context("failed to run cargo")?;
    if !output.status.success() {
        bail!("building the tests ended with {}", output.status);
    }
    let mut programs = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(built) = serde_json::from_str::<Built>(line) else { continue };
        let is_test = built.profile.is_some_and(|profile| profile.test);
        if let Some(path) = built.executable.filter(|_| is_test) {
            let folder = built.manifest_path.parent().map(Path::to_owned).unwrap_or_default();
            programs.push(Program { path, folder });
        }
    }
    // What stands highest takes longest: it begins first.
    programs.reverse();
    Ok(programs)
}

/// How a program ended.
struct Ended {
    name: String,
    is_success: bool,
    took: Duration,
}

/// Runs all tests. What a program prints is shown when it has ended.
pub(crate) fn run(root: &Path) -> Result<()> {
    let programs = Mutex::new(programs(root)?.into_iter());
    let ended: Mutex<Vec<Ended>> = Mutex::default();
    let next = || programs.lock().ok().and_then(|mut programs| programs.next());
    let work = || -> Result<()> {
        while let Some(program) = next() {
            let one = one(&program)?;
            if let Ok(mut ended) = ended.lock() {
                ended.push(one);
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(done) => done,
            Err(_) => bail!("a thread that ran tests ended before its time"),
        })
    })?;
    let mut ended = ended.into_inner().unwrap_or_default();
    ended.sort_by_key(|one| std::cmp::Reverse(one.took));
    for one in ended.iter().take(10) {
        println!("{:6.1} s  {}", one.took.as_secs_f64(), one.name);
    }
    let failed: Vec<&str> = ended.iter().filter(|one| !one.is_success).map(|one| one.name.as_str()).collect();
    if failed.is_empty() { Ok(()) } else { bail!("tests failed in {}", failed.join(", ")) }
}

fn one(program: &Program) -> Result<Ended> {
    let begun = Instant::now();
    let mut command = Command::new(&program.path);
    let command = command.current_dir(&program.folder).env("CARGO_MANIFEST_DIR", &program.folder);
    let output = command.output().with_context(|| format!("failed to run {}", program.path.display()))?;
    let took = begun.elapsed();
    let package = program.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = program.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = format!("{package}: {}", file.rsplit_once('-').map_or(file.as_str(), |(name, _)| name));
    let shown = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)];
    println!("==> {name}: {:.1} s\n{}{}", took.as_secs_f64(), shown[0], shown[1]);
    Ok(Ended { name, is_success: output.status.success(), took })
}
