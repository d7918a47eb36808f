//! zypper: SUSE Linux Enterprise, openSUSE.

use super::{Driver, PATIENCE, rpm};
use crate::root::{CommandError, Root};
use change::Upgrade;
use quick_xml::events::{BytesStart, Event};
use std::fs::File;
use std::time::{Duration, Instant};

pub(super) const DRIVER: Driver = Driver {
    id: "zypper",
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

/// Nobody answers it, and what it knows is what was ordered.
const OPTIONS: &[&str] = &["zypper", "--non-interactive", "--no-refresh"];
/// What is only recommended is nobody's order.
const INSTALL: &[&str] = &["install", "--no-recommends"];
/// "The system is locked by another application" (zypper(8), Exit Codes).
const LOCKED: i32 = 7;
/// "A reboot is needed", "a restart of zypper itself is": both ended well (zypper(8), Exit Codes).
const ENDED_WELL: &[i32] = &[0, 102, 103];

fn is_there(root: &Root) -> bool {
    root.below("usr/bin/zypper").exists() && root.below("etc/zypp").exists() && rpm::is_there(root)
}

/// `NAME.ARCHITECTURE=VERSION`.
fn exactly(package: &str, version: &str) -> String {
    match rpm::parts(package) {
        (name, Some(architecture)) => format!("{name}.{architecture}={version}"),
        (name, None) => format!("{name}={version}"),
    }
}

fn all(upgrades: &[&Upgrade]) -> Vec<String> {
    upgrades.iter().map(|upgrade| exactly(&upgrade.package, &upgrade.to)).collect()
}

/// Runs it as soon as nobody else does; what it says.
fn run(root: &Root, words: &[&[&str]], wanted: &[String], log: &mut File) -> Result<String, CommandError> {
    let words: Vec<&str> = words.concat().into_iter().chain(wanted.iter().map(String::as_str)).collect();
    let begun = Instant::now();
    loop {
        let (status, told, complaints) = root.ask(&words, log)?;
        match status.code() {
            Some(code) if ENDED_WELL.contains(&code) => return rpm::check_scripts(&words, told + &complaints),
            Some(LOCKED) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_secs(1)),
            _ => {
                let words = words.iter().map(|word| (*word).to_owned()).collect();
                return Err(CommandError::Ended { words, status, said: crate::root::ending(&(told + &complaints)) });
            }
        }
    }
}

fn closure(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<Vec<Upgrade>, CommandError> {
    if upgrades.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = all(&upgrades.iter().collect::<Vec<_>>());
    let told = run(root, &[OPTIONS, &["--xmlout"], INSTALL, &["--dry-run"]], &wanted, log)?;
    let there = rpm::installed(root, log)?;
    let mut found = would(&told, upgrades)?;
    for upgrade in found.iter_mut().filter(|upgrade| upgrade.from.is_none()) {
        // A kernel comes beside the one before.
        let own = upgrades.iter().find(|ordered| ordered.package == upgrade.package);
        upgrade.from =
            own.and_then(|own| own.from.clone()).filter(|version| rpm::has(&there, (&upgrade.package, version)));
    }
    Ok(found)
}

/// What it would do, from its summary: an element for each kind of work, with what that is of inside it.
fn would(told: &str, ordered: &[Upgrade]) -> Result<Vec<Upgrade>, CommandError> {
    const COMES: &[&str] = &["to-upgrade", "to-install", "to-downgrade", "to-upgrade-change-arch"];
    let unread = |what: String| CommandError::Refused { what: format!("zypper's answer cannot be read: {what}") };
    let mut reader = quick_xml::Reader::from_str(told);
    let mut work: Option<String> = None;
    let mut found = Vec::new();
    loop {
        let event = reader.read_event().map_err(|error| unread(error.to_string()))?;
        match event {
            Event::Eof if told.trim_end().ends_with("</stream>") => return Ok(found),
            Event::Eof => return Err(unread("it ends before its end".to_owned())),
            Event::Start(tag) if tag.name().as_ref().starts_with("to-") => work = Some(tag.name().as_ref().to_owned()),
            Event::End(tag) if tag.name().as_ref().starts_with("to-") => work = None,
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == "solvable" => {
                let Some(work) = &work else { continue };
                let upgrade = upgrade_of(&tag, ordered).ok_or_else(|| unread("a package without a name".to_owned()))?;
                if COMES.contains(&work.as_str()) {
                    found.push(upgrade);
                } else if work != "to-reinstall" {
                    let words = work.replace("to-", "it would ");
                    return Err(CommandError::Refused { what: format!("{words} {}", upgrade.package) });
                }
            }
            _ => {}
        }
    }
}

fn upgrade_of(tag: &BytesStart<'_>, ordered: &[Upgrade]) -> Option<Upgrade> {
    let attribute = |name: &str| {
        let found = tag.try_get_attribute(name).ok()??;
        Some(found.value.into_owned())
    };
    let (name, architecture) = (attribute("name")?, attribute("arch")?);
    let package = match ordered.iter().any(|upgrade| upgrade.package == name) {
        true => name,
        false => format!("{name}:{architecture}"),
    };
    Some(Upgrade { package, from: attribute("edition-old"), to: attribute("edition")? })
}

fn download(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<(), CommandError> {
    let wanted = all(&upgrades.iter().collect::<Vec<_>>());
    run(root, &[OPTIONS, INSTALL, &["--download-only"]], &wanted, log).map(|_| ())
}

fn keep(root: &Root, upgrades: &[Upgrade], folder: &str, log: &mut File) -> Result<(), CommandError> {
    // It fetches into its own cache. What it names is `name-version.architecture` here and `name.architecture=version` there.
    let of = |full: &String| {
        let own = upgrades
            .iter()
            .find(|upgrade| upgrade.from.as_ref().is_some_and(|from| rpm::exactly(&upgrade.package, from) == *full))?;
        Some(exactly(&own.package, own.from.as_ref()?))
    };
    let fetch = |wanted: &[String], log: &mut File| {
        let wanted: Vec<String> = wanted.iter().filter_map(of).collect();
        run(root, &[OPTIONS, &["download"]], &wanted, log).map(|_| ())
    };
    rpm::keep(root, (upgrades, folder), fetch, log)
}

fn install(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<(), CommandError> {
    rpm::wait_for_others(root);
    let there = rpm::installed(root, log)?;
    // What was written down as installed when it was cut short may lack its last script.
    let (done, rest): (Vec<&Upgrade>, Vec<&Upgrade>) =
        upgrades.iter().partition(|upgrade| rpm::has(&there, (&upgrade.package, &upgrade.to)));
    for (again, some) in [(&[][..], rest), (&["--force"][..], done)] {
        if !some.is_empty() {
            run(root, &[OPTIONS, INSTALL, again], &all(&some), log)?;
        }
    }
    Ok(())
}

/// `2026-12-01 06:18:11|install|case-a|2.0-1|noarch|root@host|case|…`: its own history (zypper(8), `/var/log/zypp/history`).
fn hand(root: &Root, upgrade: &Upgrade, _: &mut File) -> Option<String> {
    let text = std::fs::read_to_string(root.below("var/log/zypp/history")).ok()?;
    let is_it = |line: &&str| {
        let mut fields = line.split('|').skip(1);
        fields.next() == Some("install")
            && fields.next() == Some(rpm::parts(&upgrade.package).0)
            && fields.next() == Some(upgrade.to.as_str())
    };
    let line = text.lines().rev().find(is_it)?;
    let by = line.split('|').nth(5).filter(|by| !by.is_empty());
    Some(by.map_or_else(|| "zypper, without a user (a service)".to_owned(), |by| format!("zypper, by {by}")))
}

#[cfg(test)]
mod tests {
    use super::would;
    use change::Upgrade;

    #[test]
    fn what_it_would_do_is_read_from_its_summary() {
        let told = r#"<?xml version='1.0'?><stream><message type="info">Loading &amp; reading</message><install-summary packages-to-change="2"><to-upgrade><solvable type="package" name="case-a" edition="1:2.0-1" arch="x86_64" edition-old="1.0-1" arch-old="x86_64" summary="a"><description>a</description></solvable></to-upgrade><to-install><solvable type="package" name="case-c" edition="1-1" arch="noarch"/></to-install></install-summary></stream>"#;
        let found = would(told, &[]).expect("nothing goes");
        let expected = [
            Upgrade { package: "case-a:x86_64".to_owned(), from: Some("1.0-1".to_owned()), to: "1:2.0-1".to_owned() },
            Upgrade { package: "case-c:noarch".to_owned(), from: None, to: "1-1".to_owned() },
        ];
        assert_eq!(found, expected);
        assert!(would(&told.replace("to-install>", "to-remove>"), &[]).is_err(), "nobody ordered that");
        assert!(would("<stream></stream>\n", &[]).is_ok_and(|found| found.is_empty()));
        for broken in ["<stream><to-install>", "<stream></other>", ""] {
            assert!(would(broken, &[]).is_err(), "what cannot be read says nothing: {broken}");
        }
    }
}
