//! The repositories that apt asks: `sources.list`, `sources.list.d` (sources.list(5)). Their lists' names follow from them.

use super::config;
use crate::control::paragraphs;
use crate::directory::Directory;
use crate::model::Inventory;
use crate::pending::read_settings;

/// A suite of a repository.
struct Source {
    /// What the names of all its files begin with.
    prefix: String,
    /// As they stand in names of files; none for a repository without suites.
    components: Vec<String>,
    /// What a person wrote.
    words: String,
    path: String,
}

/// All repositories that are set up.
#[derive(Default)]
pub(super) struct Sources {
    sources: Vec<Source>,
    /// Whether one is of a kind whose lists have other names.
    has_others: bool,
}

impl Sources {
    pub(super) fn read(root: &Directory, native: &str, inventory: &mut Inventory) -> Self {
        let mut sources = Self::default();
        let mut files = vec!["etc/apt/sources.list".to_owned()];
        files.extend(config::parts(root, "etc/apt/sources.list.d", "list", false, inventory));
        for path in files {
            for (at, line) in read_settings(root, &path, inventory).lines().enumerate() {
                sources.add_line(line, native, &format!("{path} line {}", at + 1), inventory);
            }
        }
        for path in config::parts(root, "etc/apt/sources.list.d", "sources", false, inventory) {
            let text = read_settings(root, &path, inventory);
            for (at, paragraph) in paragraphs(text.as_bytes()).enumerate() {
                let words = |field: &str| {
                    let words = paragraph.whole(field);
                    words.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
                };
                let is_enabled = is_true(&paragraph.whole("Enabled")).unwrap_or(true);
                if !is_enabled || !words("Types").iter().any(|kind| kind == "deb") {
                    continue;
                }
                let place = format!("{path} paragraph {}", at + 1);
                let (suites, components) = (words("Suites"), words("Components"));
                for (uri, suite) in words("URIs").iter().flat_map(|uri| suites.iter().map(move |suite| (uri, suite))) {
                    sources.add((uri, suite), &components, native, &place);
                }
            }
        }
        sources
    }

    /// `deb [option=value …] uri suite component …`
    fn add_line(&mut self, line: &str, native: &str, place: &str, inventory: &mut Inventory) {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(rest) = line.strip_prefix("deb").filter(|rest| rest.starts_with(char::is_whitespace)) else { return };
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']').map_or("", |(_, rest)| rest),
            None => rest,
        };
        let mut words = rest.split_whitespace().map(|word| word.trim_matches('"').to_owned());
        let (Some(uri), Some(suite)) = (words.next(), words.next()) else {
            return inventory.unreadable(place, "a source without address or suite");
        };
        self.add((&uri, &suite), &words.collect::<Vec<_>>(), native, place);
    }

    fn add(&mut self, (uri, suite): (&str, &str), components: &[String], native: &str, path: &str) {
        self.has_others |= uri.starts_with("cdrom:") || uri.starts_with("mirror");
        let suite = suite.replace("$(ARCH)", native);
        let base = format!("{}/", uri.trim_end_matches('/'));
        let place = match suite.strip_suffix('/') {
            Some("") => base,
            Some(_) => base + &suite,
            None => format!("{base}dists/{suite}/"),
        };
        self.sources.push(Source {
            prefix: file_name_of(&place),
            components: if suite.ends_with('/') {
                Vec::new()
            } else {
                components.iter().map(|component| quoted(component)).collect()
            },
            words: format!("{uri} {suite}"),
            path: path.to_owned(),
        });
    }

    /// Whether a list belongs to a repository that is set up. Without any, whatever lies there counts.
    pub(super) fn has(&self, list: &str) -> bool {
        let stem = list.split("_Packages").next().unwrap_or(list);
        let is_of = |source: &Source| {
            let rest = format!("{stem}_");
            let Some(rest) = rest.strip_prefix(&source.prefix) else { return false };
            let component = rest.split("_binary-").next().unwrap_or_default();
            rest.is_empty() || source.components.iter().any(|own| own == component)
        };
        self.sources.is_empty() || self.has_others || self.sources.iter().any(is_of)
    }

    /// Names the repositories of which no file is there, so that nothing is known of what they offer.
    pub(super) fn note_missing(&self, files: &[String], inventory: &mut Inventory) {
        for source in &self.sources {
            let is_other = source.words.starts_with("cdrom:") || source.words.starts_with("mirror");
            if !is_other && !files.iter().any(|file| file.starts_with(&source.prefix)) {
                let what = format!("the lists of `{}` are not there: run apt-get update", source.words);
                inventory.unreadable(source.path.as_str(), what);
            }
        }
    }
}

/// A word that stands for yes or no, as apt reads them.
pub(super) fn is_true(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "yes" | "true" | "with" | "on" | "enable" | "1" => Some(true),
        "no" | "false" | "without" | "off" | "disable" | "0" => Some(false),
        _ => None,
    }
}

/// The name under which apt keeps a file (`URItoFileName`): without scheme and user, `/` as `_`.
fn file_name_of(uri: &str) -> String {
    let rest = uri.split_once("://").map(|(_, rest)| rest).or_else(|| uri.split_once(':').map(|(_, rest)| rest));
    let rest = rest.unwrap_or(uri);
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    quoted(host) + &quoted(path)
}

fn quoted(text: &str) -> String {
    let mut name = String::new();
    for byte in text.bytes() {
        match byte {
            b'/' => name.push('_'),
            byte if !byte.is_ascii_graphic() || b"\\|{}[]<>\"^~_=!@#$%&*".contains(&byte) => {
                name.push_str(&format!("%{byte:02x}"));
            }
            byte => name.push(char::from(byte)),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_follow_from_sources() {
        let mut sources = Sources::default();
        let mut inventory = Inventory::default();
        for line in [
            "deb [arch=amd64 signed-by=/x] http://user:word@deb.example:8080/debian/ bookworm main non-free # more",
            "deb https://flat.example/a_b ./",
            "deb file:/srv/repo stable main",
            "deb-src http://src.example/ bookworm main",
            "# deb http://off.example/ bookworm main",
        ] {
            sources.add_line(line, "amd64", "x", &mut inventory);
        }
        assert!(sources.has("deb.example:8080_debian_dists_bookworm_main_binary-amd64_Packages"));
        assert!(sources.has("deb.example:8080_debian_dists_bookworm_non-free_binary-amd64_Packages.lz4"));
        assert!(!sources.has("deb.example:8080_debian_dists_bookworm_contrib_binary-amd64_Packages"));
        assert!(!sources.has("deb.example:8080_debian_dists_bookworm-updates_main_binary-amd64_Packages"));
        assert!(sources.has("flat.example_a%5fb_._Packages"));
        assert!(sources.has("_srv_repo_dists_stable_main_binary-amd64_Packages"));
        assert!(!sources.has("off.example_dists_bookworm_main_binary-amd64_Packages"));
    }
}
