//! What the settings of DNF, YUM and zypper leave out: disabled repositories, excluded packages, locked versions
//! (dnf.conf(5), `dnf-versionlock(8)`, `zypper(8)`).

use super::repodata::Offer;
use crate::directory::Directory;
use crate::model::Inventory;
use crate::pattern::Pattern;
use crate::pending::{read_settings, settings_in};
use std::collections::{HashMap, HashSet};
use versions::Scheme;

const REPOSITORIES: &[&str] =
    &["etc/yum.repos.d", "etc/distro.repos.d", "etc/yum/repos.d", "etc/zypp/repos.d", "etc/dnf/repos.override.d"];
const MAIN: &[&str] = &["etc/dnf/dnf.conf", "etc/yum.conf"];
const VERSION_LOCKS: &[&str] = &["etc/dnf/plugins/versionlock.list", "etc/yum/pluginconf.d/versionlock.list"];
const DNF5_LOCKS: &str = "etc/dnf/versionlock.toml";
const ZYPPER_LOCKS: &str = "etc/zypp/locks";

/// What a repository without a priority has.
const USUAL_PRIORITY: i32 = 99;

/// What may be taken from which repository.
#[derive(Default)]
pub(super) struct Settings {
    repositories: HashMap<String, Repository>,
    /// A repository whose name is made of variables cannot be told from one that nobody lists.
    has_variables: bool,
    excluded: Vec<Pattern>,
    /// Only these versions of the packages that they name.
    locked: Vec<Pattern>,
    locked_names: HashSet<String>,
    conditions: Vec<Condition>,
}

struct Repository {
    is_enabled: bool,
    priority: i32,
    excluded: Vec<Pattern>,
    included: Vec<Pattern>,
}

/// A condition of DNF 5's lock on a package's version.
struct Condition {
    name: String,
    /// Comparator and version; none for what cannot be read: it then holds the package where it is.
    wanted: Option<(String, String)>,
}

impl Settings {
    pub(super) fn read(root: &Directory, inventory: &mut Inventory) -> Self {
        let mut settings = Self::default();
        for path in MAIN {
            for (section, key, value) in ini(&read_settings(root, path, inventory)) {
                if section == "main" && matches!(key.as_str(), "exclude" | "excludepkgs") {
                    settings.excluded.extend(patterns(&value, path, inventory));
                }
            }
        }
        for folder in REPOSITORIES {
            for path in settings_in(root, folder, inventory).into_iter().filter(|path| path.ends_with(".repo")) {
                settings.add_repositories(&read_settings(root, &path, inventory), &path, inventory);
            }
        }
        for path in VERSION_LOCKS {
            settings.add_version_locks(&read_settings(root, path, inventory), path, inventory);
        }
        settings.add_dnf5_locks(&read_settings(root, DNF5_LOCKS, inventory), inventory);
        for line in read_settings(root, ZYPPER_LOCKS, inventory).lines() {
            if let Some(name) = line.trim().strip_prefix("solvable_name:") {
                settings.excluded.extend(patterns(name, ZYPPER_LOCKS, inventory));
            }
        }
        settings
    }

    fn add_repositories(&mut self, text: &str, path: &str, inventory: &mut Inventory) {
        for (section, key, value) in ini(text) {
            self.has_variables |= section.contains('$');
            // zypp's caches bear the alias as the name of a folder.
            let section = section.replace('/', "_");
            let repository = self.repositories.entry(section).or_insert_with(|| Repository {
                is_enabled: true,
                priority: USUAL_PRIORITY,
                excluded: Vec::new(),
                included: Vec::new(),
            });
            match key.as_str() {
                "enabled" => {
                    repository.is_enabled = !["0", "no", "false", "off"].contains(&value.to_lowercase().as_str());
                }
                "priority" => repository.priority = value.parse().unwrap_or(USUAL_PRIORITY),
                "exclude" | "excludepkgs" => repository.excluded.extend(patterns(&value, path, inventory)),
                "includepkgs" => repository.included.extend(patterns(&value, path, inventory)),
                _ => {}
            }
        }
    }

    /// `name-epoch:version-release.arch`, with patterns; `!` in front excludes.
    fn add_version_locks(&mut self, text: &str, path: &str, inventory: &mut Inventory) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.strip_prefix('!') {
                Some(excluded) => self.excluded.extend(patterns(excluded, path, inventory)),
                None => {
                    let stem = line.rsplit_once('-').and_then(|(rest, _)| rest.rsplit_once('-'));
                    // YUM writes `epoch:name-version-release`.
                    let name = stem.map_or(line, |(name, _)| name.split_once(':').map_or(name, |(_, name)| name));
                    self.locked_names.insert(name.to_owned());
                    self.locked.extend(patterns(line, path, inventory));
                }
            }
        }
    }

    fn add_dnf5_locks(&mut self, text: &str, inventory: &mut Inventory) {
        if text.is_empty() {
            return;
        }
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => return inventory.unreadable(DNF5_LOCKS, error.to_string().trim_end()),
        };
        for package in table.get("packages").and_then(toml::Value::as_array).into_iter().flatten() {
            let text = |value: &toml::Value, key: &str| value.get(key).and_then(toml::Value::as_str).map(str::to_owned);
            let Some(name) = text(package, "name") else { continue };
            for condition in package.get("conditions").and_then(toml::Value::as_array).into_iter().flatten() {
                if text(condition, "key").as_deref() == Some("arch") {
                    continue;
                }
                let is_version = text(condition, "key").as_deref() == Some("evr");
                let wanted = text(condition, "comparator").zip(text(condition, "value")).filter(|_| is_version);
                self.conditions.push(Condition { name: name.clone(), wanted });
            }
        }
    }

    /// Whether the package manager asks a repository at all. Where no repository is set up, whatever lies there counts.
    pub(super) fn is_asked(&self, repository: &str) -> bool {
        match self.repositories.get(repository) {
            Some(own) => own.is_enabled,
            None => self.repositories.is_empty() || self.has_variables,
        }
    }

    /// Lower numbers go before higher ones.
    pub(super) fn priority(&self, repository: &str) -> i32 {
        self.repositories.get(repository).map_or(USUAL_PRIORITY, |own| own.priority)
    }

    /// Whether the settings hold an offer back.
    pub(super) fn holds_back(&self, offer: &Offer, repository: &str) -> bool {
        let forms = forms(offer);
        let is_among = |patterns: &[Pattern]| patterns.iter().any(|own| forms.iter().any(|form| own.matches(form)));
        let own = self.repositories.get(repository);
        let is_left_out =
            own.is_some_and(|own| is_among(&own.excluded) || !own.included.is_empty() && !is_among(&own.included));
        let is_locked_out = self.locked_names.contains(offer.name.as_str()) && !is_among(&self.locked);
        let violates = |condition: &Condition| {
            condition.name == offer.name.as_str()
                && !condition.wanted.as_ref().is_some_and(|(comparator, version)| {
                    let order = Scheme::Rpm.compare(&offer.version, version);
                    order.is_ok_and(|order| match comparator.as_str() {
                        "=" | "==" => order.is_eq(),
                        "<" => order.is_lt(),
                        "<=" => order.is_le(),
                        ">" => order.is_gt(),
                        ">=" => order.is_ge(),
                        "!=" => order.is_ne(),
                        _ => false,
                    })
                })
        };
        is_among(&self.excluded) || is_left_out || is_locked_out || self.conditions.iter().any(violates)
    }
}

/// All forms in which a pattern may name a package (dnf(8), "Specifying Packages").
fn forms(offer: &Offer) -> [String; 8] {
    let Offer { name, architecture, version, .. } = offer;
    let (epoch, plain) = version.split_once(':').unwrap_or(("0", version));
    let short = plain.rsplit_once('-').map_or(plain, |(version, _)| version);
    [
        name.to_string(),
        format!("{name}.{architecture}"),
        format!("{name}-{short}"),
        format!("{name}-{plain}"),
        format!("{name}-{plain}.{architecture}"),
        format!("{name}-{epoch}:{plain}"),
        format!("{name}-{epoch}:{plain}.{architecture}"),
        format!("{epoch}:{name}-{plain}.{architecture}"),
    ]
}

fn patterns(words: &str, path: &str, inventory: &mut Inventory) -> Vec<Pattern> {
    let words = words.split([' ', '\t', ',', '\n']).filter(|word| !word.is_empty());
    words
        .filter_map(|word| {
            let pattern = Pattern::shell(word);
            if pattern.is_none() {
                inventory.unreadable(path, format!("a pattern that cannot be read: `{word}`"));
            }
            pattern
        })
        .collect()
}

/// The settings of a file as section, key and value; indented lines continue the one before.
fn ini(text: &str) -> Vec<(String, String, String)> {
    let mut found: Vec<(String, String, String)> = Vec::new();
    let mut section = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with(['#', ';'])) {
        if let Some(name) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
        } else if line.starts_with([' ', '\t'])
            && let Some((_, _, value)) = found.last_mut()
        {
            value.push(' ');
            value.push_str(line.trim());
        } else if let Some((key, value)) = line.split_once('=') {
            found.push((section.clone(), key.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    found
}
