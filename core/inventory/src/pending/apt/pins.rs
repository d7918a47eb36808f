//! Pins: `/etc/apt/preferences`, `preferences.d`, and the default release (apt_preferences(5)).

use super::config;
use super::release::Release;
use crate::control::paragraphs;
use crate::directory::Directory;
use crate::model::Inventory;
use crate::pattern::Pattern;
use crate::pending::read_settings;

/// A version of a package with the files that have it: releases' lists, and dpkg's status for what is installed.
pub(super) struct Offered<'a> {
    pub(super) package: &'a str,
    pub(super) architecture: &'a str,
    pub(super) source: Option<&'a str>,
    pub(super) version: &'a str,
    pub(super) from: &'a [&'a Release],
}

/// All pins of a host.
#[derive(Default)]
pub(super) struct Pins {
    /// Those on all packages, which give releases their priority; the first that fits counts.
    general: Vec<(Criterion, i32)>,
    /// Those on packages that they name.
    specific: Vec<Pin>,
    native: String,
}

struct Pin {
    names: Vec<Name>,
    criterion: Criterion,
    priority: i32,
}

/// `linux-*`, `src:linux`, `a:any`.
struct Name {
    text: String,
    /// Only patterns are blind to case.
    pattern: Option<Pattern>,
    is_source: bool,
    architecture: Option<String>,
}

/// What a pin looks at.
enum Criterion {
    /// `version 1.2*`
    Version { text: String, is_prefix: bool, pattern: Pattern },
    /// `release a=stable,o=Debian`
    Release(Vec<(char, Pattern)>),
    /// `release *`
    All,
    /// `origin "host"`
    Origin(Pattern),
}

/// What `never` stands for: nothing outranks it.
const NEVER: i32 = i16::MIN as i32;
/// The most pins that are looked at for each version of each package.
const MOST_PINS: usize = 10_000;

impl Pins {
    /// Reads the preferences and the default release.
    pub(super) fn read(root: &Directory, native: &str, inventory: &mut Inventory) -> Self {
        let mut pins = Self { native: native.to_owned(), ..Self::default() };
        let default_release = config::value_of(root, "APT::Default-Release", inventory);
        if !default_release.is_empty() {
            match release(&default_release) {
                Some(criterion) => pins.general.push((criterion, 990)),
                None => inventory
                    .unreadable("etc/apt", format!("a default release that cannot be read: `{default_release}`")),
            }
        }
        let mut files = vec!["etc/apt/preferences".to_owned()];
        files.extend(config::parts(root, "etc/apt/preferences.d", "pref", true, inventory));
        for path in files {
            pins.add(&read_settings(root, &path, inventory), &path, inventory);
        }
        pins
    }

    fn add(&mut self, text: &str, path: &str, inventory: &mut Inventory) {
        for (at, paragraph) in paragraphs(text.as_bytes()).enumerate() {
            if paragraph.fields().next().is_none() {
                continue;
            }
            let (packages, pin) = (paragraph.whole("Package"), paragraph.whole("Pin"));
            let place = || format!("{path} paragraph {}", at + 1);
            if packages.is_empty() {
                inventory.unreadable(place(), "a pin without a package");
                continue;
            }
            if pin.is_empty() {
                continue;
            }
            if self.specific.len() + self.general.len() >= MOST_PINS {
                return inventory.unreadable(path, format!("more than {MOST_PINS} pins; the rest was not read"));
            }
            let is_general = packages == "*";
            let priority = priority(&paragraph.whole("Pin-Priority"), is_general);
            let names: Option<Vec<Name>> = packages.split_whitespace().map(name).collect();
            match (priority, criterion(&pin), names) {
                (Some(_), Some(Criterion::Version { .. }), _) if is_general => {
                    inventory.problem(place(), "a pin of all packages to one version, which apt does not obey");
                }
                (Some(priority), Some(criterion), _) if is_general => self.general.push((criterion, priority)),
                (Some(priority), Some(criterion), Some(names)) => {
                    self.specific.push(Pin { names, criterion, priority });
                }
                _ => inventory.unreadable(place(), format!("a pin that cannot be read: `{pin}`")),
            }
        }
    }

    /// The priority of a version (`pkgPolicy::GetPriority`).
    pub(super) fn priority(&self, offered: &Offered<'_>) -> i32 {
        let pinned = self
            .specific
            .iter()
            .find(|pin| pin.names.iter().any(|name| name.is(offered, &self.native)) && pin.criterion.fits(offered));
        let of_files = || offered.from.iter().map(|release| self.of_release(release));
        match pinned {
            // A pin on a package does not help where all that offer it are never to be taken.
            Some(pin) if of_files().any(|priority| priority != NEVER) => pin.priority,
            _ => of_files().max().unwrap_or(0),
        }
    }

    fn of_release(&self, release: &Release) -> i32 {
        let mut pins = self.general.iter().filter(|(criterion, _)| criterion.fits_release(release));
        if let Some((_, first)) = pins.next() {
            return if pins.any(|(_, priority)| *priority == NEVER) { NEVER } else { *first };
        }
        match (release.is_status, release.is_not_automatic, release.but_upgrades) {
            (true, ..) | (_, true, true) => 100,
            (_, true, false) => 1,
            _ => 500,
        }
    }
}

impl Name {
    fn is(&self, offered: &Offered<'_>, native: &str) -> bool {
        let is_architecture = match self.architecture.as_deref() {
            None | Some("native") => offered.architecture == native,
            Some("any") => true,
            Some(wanted) => offered.architecture == wanted,
        };
        let name = if self.is_source { offered.source } else { Some(offered.package) };
        is_architecture
            && name.is_some_and(|name| match &self.pattern {
                Some(pattern) => pattern.matches(name),
                None => self.text == name,
            })
    }
}

impl Criterion {
    fn fits(&self, offered: &Offered<'_>) -> bool {
        match self {
            Self::Version { text, is_prefix, pattern } => {
                let head = offered.version.get(..text.len());
                let is_same = head.is_some_and(|head| head.eq_ignore_ascii_case(text));
                (*is_prefix && is_same) || pattern.matches(offered.version)
            }
            _ => offered.from.iter().any(|release| self.fits_release(release)),
        }
    }

    fn fits_release(&self, release: &Release) -> bool {
        // What a release does not say fits no pattern, not even `*`.
        let is = |pattern: &Pattern, text: &str| !text.is_empty() && pattern.matches(text);
        match self {
            Self::Version { .. } => false,
            Self::All => true,
            Self::Origin(host) => is(host, &release.host),
            // Where it looks at nothing that apt knows, only dpkg's record is left.
            Self::Release(wanted) if wanted.is_empty() => release.is_status,
            Self::Release(wanted) => wanted.iter().all(|(key, pattern)| match key {
                'a' => is(pattern, &release.suite),
                'n' => is(pattern, &release.codename),
                'o' => is(pattern, &release.origin),
                'l' => is(pattern, &release.label),
                'c' => is(pattern, &release.component),
                'v' => is(pattern, &release.version),
                'b' => is(pattern, &release.architecture),
                _ => is(pattern, &release.suite) || is(pattern, &release.codename),
            }),
        }
    }
}

fn name(word: &str) -> Option<Name> {
    let (is_source, rest) = word.strip_prefix("src:").map_or((false, word), |rest| (true, rest));
    let (rest, architecture) = match rest.rsplit_once(':') {
        Some((rest, architecture)) => (rest, Some(architecture.to_owned())),
        None => (rest, None),
    };
    let pattern = match rest.starts_with('/') || rest.contains(['*', '?', '[']) {
        true => Some(Pattern::shell_or_regular(rest)?),
        false => None,
    };
    Some(Name { text: rest.to_owned(), pattern, is_source, architecture })
}

/// A number as C reads one, whatever follows it; zero is no priority.
fn priority(text: &str, is_general: bool) -> Option<i32> {
    if text == "never" {
        return is_general.then_some(NEVER);
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '-' && c != '+').unwrap_or(text.len());
    text[..end].parse::<i16>().ok().filter(|priority| *priority != 0).map(i32::from)
}

fn criterion(text: &str) -> Option<Criterion> {
    let (kind, rest) = text.split_once(char::is_whitespace)?;
    let rest = rest.trim();
    match kind.to_ascii_lowercase().as_str() {
        "version" => {
            let (text, is_prefix) = rest.strip_suffix('*').map_or((rest, false), |text| (text, true));
            Some(Criterion::Version { text: text.to_owned(), is_prefix, pattern: Pattern::shell_or_regular(text)? })
        }
        "origin" => {
            let quoted = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            Some(Criterion::Origin(Pattern::shell_or_regular(quoted.unwrap_or(rest))?))
        }
        "release" => release(rest),
        _ => None,
    }
}

/// `*`, a name or number of a release, or `key=pattern` with commas between.
fn release(text: &str) -> Option<Criterion> {
    if text == "*" {
        return Some(Criterion::All);
    }
    if !text.contains('=') {
        let key = if text.starts_with(|first: char| first.is_ascii_digit()) { 'v' } else { '*' };
        return Some(Criterion::Release(vec![(key, Pattern::shell_or_regular(text)?)]));
    }
    let mut wanted = Vec::new();
    for pair in text.split(',').map(str::trim) {
        let Some((key, value)) = pair.split_once('=').filter(|(key, value)| key.len() == 1 && !value.is_empty()) else {
            continue;
        };
        let key = key.to_ascii_lowercase().chars().next().filter(|key| "voanlcb".contains(*key));
        wanted.extend(key.zip(Pattern::shell_or_regular(value)));
        Pattern::shell_or_regular(value)?;
    }
    Some(Criterion::Release(wanted))
}
