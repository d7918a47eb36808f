//! DNF 4: Red Hat Enterprise Linux 8 to 10 and what is made of it, Amazon Linux 2023, Fedora up to 40.

use super::{Driver, rpm};
use crate::root::{CommandError, Root};
use change::Upgrade;
use std::collections::BTreeMap;
use std::fs::File;

pub(super) const DRIVER: Driver = Driver {
    id: "dnf",
    is_there,
    repair: rpm::repair,
    closure,
    download,
    keep,
    install,
    restore: rpm::restore,
    state: rpm::state,
    hand,
};

/// DNF 5 takes other words, and answers with others.
const PROGRAM: &str = "dnf-3";
/// What is only recommended is nobody's order, and nothing goes for what comes.
const OPTIONS: &[&str] =
    &["--assumeyes", "--setopt=install_weak_deps=False", "--setopt=clean_requirements_on_remove=False"];

fn is_there(root: &Root) -> bool {
    root.below("usr/bin").join(PROGRAM).exists() && rpm::is_there(root)
}

fn exactly(upgrades: &[&Upgrade]) -> Vec<String> {
    upgrades.iter().map(|upgrade| rpm::exactly(&upgrade.package, &upgrade.to)).collect()
}

fn with<'w>(words: &[&[&'w str]], more: &'w [String]) -> Vec<&'w str> {
    words.concat().into_iter().chain(more.iter().map(String::as_str)).collect()
}

fn closure(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<Vec<Upgrade>, CommandError> {
    if upgrades.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = exactly(&upgrades.iter().collect::<Vec<_>>());
    // It says what it would do, and no to it: that is how it ends.
    let words = [&[PROGRAM, "--verbose", "--assumeno"], &OPTIONS[1..], &["install"]];
    let words = with(&words, &wanted);
    let (status, told, complaints) = root.ask(&words, log)?;
    if !status.success() && !told.contains("Dependencies resolved.") {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        return Err(CommandError::Ended { words, status, said: format!("{told}{complaints}").trim().to_owned() });
    }
    let there = rpm::installed(root, log)?;
    would(&told, upgrades, &there)
}

/// What it says that it would do: `---> Package NAME.ARCHITECTURE VERSION will be installed`, or `upgraded` and `an upgrade` for the
/// version before and the one after, or something that nobody ordered.
fn would(told: &str, ordered: &[Upgrade], there: &BTreeMap<String, Vec<String>>) -> Result<Vec<Upgrade>, CommandError> {
    let mut before: BTreeMap<String, String> = BTreeMap::new();
    let mut after: Vec<(String, String)> = Vec::new();
    for line in told.lines() {
        let Some((package, rest)) = line.strip_prefix("---> Package ").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        let Some((version, what)) = rest.split_once(" will be ") else { continue };
        let package = match package.rsplit_once('.') {
            Some((name, "noarch")) if ordered.iter().any(|upgrade| upgrade.package == name) => name.to_owned(),
            Some((name, architecture)) => format!("{name}:{architecture}"),
            None => package.to_owned(),
        };
        match what {
            "upgraded" | "downgraded" => drop(before.insert(package, version.to_owned())),
            "an upgrade" | "a downgrade" | "installed" => after.push((package, version.to_owned())),
            "reinstalled" => {}
            what => return Err(CommandError::Refused { what: format!("{package} {version} would be {what}") }),
        }
    }
    let from = |package: &String| {
        // A kernel comes beside the one before.
        let beside = || {
            let own = ordered.iter().find(|upgrade| upgrade.package == *package)?.from.clone()?;
            rpm::has(there, (package, &own)).then_some(own)
        };
        before.get(package).cloned().or_else(beside)
    };
    Ok(after.into_iter().map(|(package, to)| Upgrade { from: from(&package), package, to }).collect())
}

fn download(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<(), CommandError> {
    let wanted = exactly(&upgrades.iter().collect::<Vec<_>>());
    let words = [&[PROGRAM], OPTIONS, &["--downloadonly", "install"]];
    root.run(&with(&words, &wanted), log).map(|_| ())
}

fn keep(root: &Root, upgrades: &[Upgrade], folder: &str, log: &mut File) -> Result<(), CommandError> {
    // The transaction to which its own history would go back.
    let _ = root.run(&[PROGRAM, "history", "info", "last"], log);
    let into = format!("--destdir={folder}");
    let fetch = |wanted: &[String], log: &mut File| {
        let words = [&[PROGRAM], OPTIONS, &["--downloadonly", &into, "reinstall"]];
        match root.run(&with(&words, wanted), log) {
            Ok(_) => Ok(()),
            // One that no repository has any more keeps the others from coming.
            Err(CommandError::Ended { .. }) => {
                wanted.iter().try_for_each(|one| root.ask(&with(&words, std::slice::from_ref(one)), log).map(|_| ()))
            }
            Err(error) => Err(error),
        }
    };
    rpm::keep(root, (upgrades, folder), fetch, log)
}

fn install(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<(), CommandError> {
    rpm::wait_for_others(root);
    let there = rpm::installed(root, log)?;
    // What was written down as installed when it was cut short may lack its last script.
    let (done, rest): (Vec<&Upgrade>, Vec<&Upgrade>) =
        upgrades.iter().partition(|upgrade| rpm::has(&there, (&upgrade.package, &upgrade.to)));
    for (verb, some) in [("install", rest), ("reinstall", done)] {
        if some.is_empty() {
            continue;
        }
        let wanted = exactly(&some);
        // What was fetched is there, and what was known then is what was ordered.
        let words = [&[PROGRAM, "--cacheonly"], OPTIONS, &[verb]];
        let words = with(&words, &wanted);
        let (status, told, complaints) = root.ask(&words, log)?;
        let said = format!("{told}{complaints}");
        if !status.success() {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            return Err(CommandError::Ended { words, status, said: crate::root::ending(&said) });
        }
        rpm::check_scripts(&words, said)?;
    }
    Ok(())
}

/// `    12 | upgrade -y | 2026-12-01 06:18 | I, U | 3`: the newest transaction that is of a package.
fn hand(root: &Root, upgrade: &Upgrade, log: &mut File) -> Option<String> {
    let (name, _) = rpm::parts(&upgrade.package);
    let told = root.run(&[PROGRAM, "history", "list", name], log).ok()?;
    let newest = told.lines().find(|line| line.trim_start().starts_with(|first: char| first.is_ascii_digit()))?;
    let id = newest.split('|').next()?.trim().to_owned();
    let told = root.run(&[PROGRAM, "history", "info", &id], log).ok()?;
    let field = |name: &str| {
        let mut lines = told.lines().filter_map(|line| line.split_once(':'));
        lines.find_map(|(key, value)| (key.trim() == name).then(|| value.trim().to_owned()))
    };
    let by = field("Command Line").filter(|words| !words.is_empty());
    // The service's own program leaves no words of a command there.
    Some(match by {
        Some(words) if !words.contains("dnf-automatic") => format!("DNF's transaction {id} (`dnf {words}`)"),
        _ => format!("DNF's transaction {id} (dnf-automatic, or another program without a command line)"),
    })
}

#[cfg(test)]
mod tests {
    use super::would;
    use change::Upgrade;
    use std::collections::BTreeMap;

    fn upgrade(package: &str, from: Option<&str>, to: &str) -> Upgrade {
        Upgrade { package: package.to_owned(), from: from.map(str::to_owned), to: to.to_owned() }
    }

    #[test]
    fn what_it_would_do_is_read_from_its_lines() {
        let told = "--> Starting dependency resolution\n---> Package case-c.noarch 1.0-1 will be installed\n---> Package bind.x86_64 32:9.1-1 will be upgraded\n---> Package bind.x86_64 32:9.2-1 will be an upgrade\n---> Package kernel-core.x86_64 5.2-1 will be installed\n--> Finished dependency resolution\nDependencies resolved.\n";
        let ordered = [
            upgrade("bind:x86_64", Some("32:9.1-1"), "32:9.2-1"),
            upgrade("kernel-core:x86_64", Some("5.1-1"), "5.2-1"),
        ];
        let there = BTreeMap::from([("kernel-core:x86_64".to_owned(), vec!["5.1-1".to_owned(), "5.0-1".to_owned()])]);
        let found = would(told, &ordered, &there).expect("nothing goes");
        assert_eq!(found, [upgrade("case-c:noarch", None, "1.0-1"), ordered[0].clone(), ordered[1].clone()],);
        let gone = told.replace("5.2-1 will be installed", "5.0-1 will be erased");
        assert!(would(&gone, &ordered, &there).is_err(), "nobody ordered that");
    }
}
