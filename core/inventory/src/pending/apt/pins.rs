//! Pins: `/etc/apt/preferences`, `preferences.d`, and the default release (apt_preferences(5)).

use super::release::Release;
use crate::control::paragraphs;
use crate::directory::{Directory, EntryKind};
use crate::model::Inventory;

/// What a pin looks at.
enum Criterion {
    /// `version 1.2*`
    Version(String),
    /// `release a=stable,o=Debian`
    Release(Vec<(char, String)>),
    /// `origin "host"`
    Origin(String),
}

struct Pin {
    packages: Vec<String>,
    criterion: Criterion,
    priority: i32,
}

/// All pins of a host.
#[derive(Default)]
pub(super) struct Pins {
    pins: Vec<Pin>,
    default_release: Option<String>,
}

/// A version of a package with the releases that offer it.
pub(super) struct Offered<'a> {
    pub(super) package: &'a str,
    pub(super) source: Option<&'a str>,
    pub(super) version: &'a str,
    pub(super) from: &'a [&'a Release],
    pub(super) is_installed: bool,
}

impl Pins {
    /// Reads the preferences and the default release.
    pub(super) fn read(root: &Directory, inventory: &mut Inventory) -> Self {
        let mut pins = Self::default();
        let mut files = vec!["etc/apt/preferences".to_owned()];
        files.extend(parts(root, "etc/apt/preferences.d", "pref", inventory));
        for path in files {
            pins.add(&read_settings(root, &path, inventory), &path, inventory);
        }
        let mut files = parts(root, "etc/apt/apt.conf.d", "conf", inventory);
        files.push("etc/apt/apt.conf".to_owned());
        for path in files {
            let bytes = read_settings(root, &path, inventory);
            if let Some(release) = default_release(&String::from_utf8_lossy(&bytes)) {
                pins.default_release = Some(release);
            }
        }
        pins
    }

    fn add(&mut self, bytes: &[u8], path: &str, inventory: &mut Inventory) {
        for (at, paragraph) in paragraphs(bytes).enumerate() {
            let (Some(packages), Some(pin)) = (paragraph.get("Package"), paragraph.get("Pin")) else { continue };
            let priority = paragraph.get("Pin-Priority").and_then(|text| text.parse().ok());
            if self.pins.len() >= MOST_PINS {
                return inventory.unreadable(path, format!("more than {MOST_PINS} pins; the rest was not read"));
            }
            match priority.zip(criterion(&pin)) {
                Some((priority, criterion)) => {
                    let packages = packages.split_whitespace().map(str::to_owned).collect();
                    self.pins.push(Pin { packages, criterion, priority });
                }
                None => inventory
                    .unreadable(format!("{path} paragraph {}", at + 1), format!("a pin that cannot be read: `{pin}`")),
            }
        }
    }

    /// The priority of a version that these releases offer (`pkgPolicy::GetPriority`).
    pub(super) fn priority(&self, offered: &Offered<'_>) -> i32 {
        let specific = self.pins.iter().filter(|pin| !pin.is_general() && pin.names(offered.package, offered.source));
        let pinned = specific.into_iter().find(|pin| pin.matches(offered.version, offered.from));
        if let Some(pin) = pinned
            && (pin.priority < 0
                || offered.is_installed
                || offered.from.iter().any(|release| self.of_release(release) >= 0))
        {
            return pin.priority;
        }
        // dpkg's own record of what is installed counts as 100.
        let installed = if offered.is_installed { 100 } else { i32::MIN };
        offered.from.iter().map(|release| self.of_release(release)).max().unwrap_or(i32::MIN).max(installed)
    }

    fn of_release(&self, release: &Release) -> i32 {
        if let Some(pin) = self.pins.iter().filter(|pin| pin.is_general()).find(|pin| pin.matches("", &[release])) {
            return pin.priority;
        }
        if self.default_release.as_deref().is_some_and(|wanted| release.is_called(wanted)) {
            return 990;
        }
        match (release.is_not_automatic, release.but_upgrades) {
            (true, true) => 100,
            (true, false) => 1,
            (false, _) => 500,
        }
    }
}

/// The most bytes of a file of settings; people write them.
const MOST_BYTES: u64 = 1 << 20;
/// The most pins that are looked at for each version of each package.
const MOST_PINS: usize = 10_000;

/// A file of settings; most hosts lack most of them.
fn read_settings(root: &Directory, path: &str, inventory: &mut Inventory) -> Vec<u8> {
    root.read(path, MOST_BYTES).map(Option::unwrap_or_default).unwrap_or_else(|error| {
        inventory.unreadable(path, error);
        Vec::new()
    })
}

impl Release {
    fn is_called(&self, name: &str) -> bool {
        self.suite == name || self.codename == name || self.version == name
    }
}

impl Pin {
    fn is_general(&self) -> bool {
        self.packages.iter().any(|name| name == "*") && !matches!(self.criterion, Criterion::Version(_))
    }

    fn names(&self, package: &str, source: Option<&str>) -> bool {
        self.packages.iter().any(|pattern| match pattern.strip_prefix("src:") {
            Some(pattern) => source.is_some_and(|source| glob(pattern, source)),
            None => glob(pattern, package),
        })
    }

    fn matches(&self, version: &str, from: &[&Release]) -> bool {
        match &self.criterion {
            Criterion::Version(pattern) => glob(pattern, version),
            Criterion::Origin(host) => from.iter().any(|release| glob(host, &release.host)),
            Criterion::Release(wanted) => {
                from.iter().any(|release| wanted.iter().all(|(key, value)| release_matches(release, *key, value)))
            }
        }
    }
}

fn release_matches(release: &Release, key: char, value: &str) -> bool {
    match key {
        'a' => glob(value, &release.suite),
        'n' => glob(value, &release.codename),
        'o' => glob(value, &release.origin),
        'l' => glob(value, &release.label),
        'c' => glob(value, &release.component),
        'v' => glob(value, &release.version),
        '*' => release.is_called(value),
        _ => false,
    }
}

fn criterion(text: &str) -> Option<Criterion> {
    let (kind, rest) = text.trim().split_once(char::is_whitespace)?;
    let rest = rest.trim();
    match kind {
        "version" => Some(Criterion::Version(rest.to_owned())),
        "origin" => Some(Criterion::Origin(rest.trim_matches('"').to_owned())),
        "release" => {
            let pairs = rest.split(',').map(|pair| {
                let (key, value) = pair.trim().split_once('=').unwrap_or(("*", pair.trim()));
                (key.chars().next().unwrap_or('*'), value.trim_matches('"').to_owned())
            });
            Some(Criterion::Release(pairs.collect()))
        }
        _ => None,
    }
}

/// A pin's pattern: shell patterns with `*` and `?`, and `/regular/` expressions as far as `.*` and anchors.
fn glob(pattern: &str, text: &str) -> bool {
    if let Some(inner) = pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        let (start, end) = (inner.starts_with('^'), inner.ends_with('$'));
        let inner = inner.trim_start_matches('^').trim_end_matches('$').replace("\\.", ".").replace(".*", "*");
        return shell(&format!("{}{inner}{}", if start { "" } else { "*" }, if end { "" } else { "*" }), text);
    }
    shell(pattern, text)
}

/// A shell pattern with `*` and `?`.
fn shell(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => (p, t) = (p + 1, t + 1),
            Some(byte) if *byte == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    (p, t) = (at + 1, from + 1);
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Files of a `.d` folder in their order; those with another extension are not read, as apt does it.
fn parts(root: &Directory, folder: &str, extension: &str, inventory: &mut Inventory) -> Vec<String> {
    let entries = root.list(folder).unwrap_or_else(|error| {
        inventory.unreadable(folder, error);
        Vec::new()
    });
    let fits = |name: &str| match name.rsplit_once('.') {
        Some((_, found)) => found == extension,
        None => true,
    };
    let kept = entries.into_iter().filter(|entry| entry.kind != EntryKind::Folder && fits(&entry.name));
    kept.map(|entry| format!("{folder}/{}", entry.name)).collect()
}

/// `APT::Default-Release "stable";`, in one line or inside `APT { … }`.
fn default_release(text: &str) -> Option<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.starts_with('#'));
    let line = lines.into_iter().rfind(|line| line.contains("Default-Release"))?;
    line.split('"').nth(1).map(str::to_owned).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_shells_do() {
        assert!(glob("linux-*", "linux-image-amd64") && glob("1.2*", "1.2-3") && glob("*", "") && glob("a?c", "abc"));
        assert!(!glob("linux", "linux-image") && !glob("a?c", "ac"));
        assert!(glob("/^linux-.*$/", "linux-x") && glob("/image/", "linux-image") && !glob("/^image/", "linux-image"));
    }

    fn priority(pins: &Pins, version: &str, from: &[&Release], is_installed: bool) -> i32 {
        pins.priority(&Offered { package: "a", source: None, version, from, is_installed })
    }

    #[test]
    fn backports_are_taken_only_for_what_came_from_there() {
        let backports = Release {
            is_not_automatic: true,
            but_upgrades: true,
            suite: "bookworm-backports".to_owned(),
            ..Release::default()
        };
        let main = Release { suite: "stable".to_owned(), codename: "bookworm".to_owned(), ..Release::default() };
        let mut pins = Pins::default();
        assert_eq!(priority(&pins, "2", &[&backports], false), 100);
        assert_eq!(priority(&pins, "1", &[&main], true), 500);
        pins.add(b"Package: *\nPin: release n=bookworm-backports\nPin-Priority: 900\n", "x", &mut Inventory::default());
        assert_eq!(priority(&pins, "1", &[&main], true), 500);
        pins.add(b"Package: a\nPin: version 1*\nPin-Priority: 1001\n", "x", &mut Inventory::default());
        assert_eq!(priority(&pins, "1.5", &[&main], false), 1001);
    }
}
