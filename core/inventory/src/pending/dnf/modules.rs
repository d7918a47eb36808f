//! Module streams of a repository (`modules.yaml`): DNF offers a package of a stream only where that stream is in use.
//!
//! The files are written by libmodulemd, always in the same layout, and hold tens of thousands of lines: they are read by
//! the line (<https://github.com/fedora-modularity/libmodulemd/blob/main/yaml_specs/modulemd_stream_v2.yaml>).

use super::repodata::Offer;
use crate::model::Package;
use ecow::{EcoString, eco_format};
use std::collections::{HashMap, HashSet};

/// Which packages belong to which streams.
#[derive(Default)]
pub(super) struct Streams {
    /// By name, version with release, and architecture.
    of: HashMap<(EcoString, EcoString, EcoString), HashSet<EcoString>>,
}

impl Streams {
    /// Takes in a repository's file.
    pub(super) fn read(&mut self, text: &str) {
        let (mut name, mut stream, mut is_inside) = ("", "", false);
        for line in text.lines() {
            let indent = line.len() - line.trim_start().len();
            let (key, value) = line.trim().split_once(':').unwrap_or((line.trim(), ""));
            match (indent, key) {
                (0, "---") => (name, stream, is_inside) = ("", "", false),
                (2, "name") => name = unquoted(value),
                (2, "stream") => stream = unquoted(value),
                (2, key) => is_inside = key == "artifacts",
                _ => {}
            }
            let package = line.trim().strip_prefix("- ").map(unquoted).filter(|_| is_inside && indent >= 4);
            if let Some(key) = package.and_then(split_nevra) {
                self.of.entry(key).or_default().insert(eco_format!("{name}:{stream}"));
            }
        }
    }

    /// Whether DNF would replace an installed package by an offer, as far as streams go.
    pub(super) fn allow(&self, offer: &Offer, installed: &Package) -> bool {
        let is_modular = |version: &str| version.contains(".module");
        if is_modular(&offer.version) != is_modular(&installed.version) {
            return false;
        }
        let key = (offer.name.clone(), offer.version.clone(), offer.architecture.clone());
        match (&installed.module, self.of.get(&key)) {
            (Some(stream), Some(streams)) => streams.contains(stream),
            _ => true,
        }
    }
}

fn unquoted(value: &str) -> &str {
    value.trim().trim_matches(['"', '\''])
}

/// `nodejs-1:18.12.1-2.module_el8+1.x86_64` → name, version as the package database writes it, architecture.
fn split_nevra(text: &str) -> Option<(EcoString, EcoString, EcoString)> {
    let (rest, architecture) = text.rsplit_once('.')?;
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let version = version.strip_prefix("0:").unwrap_or(version);
    Some((name.into(), eco_format!("{version}-{release}"), architecture.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PackageType;

    #[test]
    fn only_the_stream_in_use_offers_updates() {
        let mut streams = Streams::default();
        streams.read("---\ndocument: modulemd\nversion: 2\ndata:\n  name: nodejs\n  stream: \"18\"\n  api:\n    rpms:\n    - nodejs\n  artifacts:\n    rpms:\n    - nodejs-1:18.2-1.module_el9.x86_64\n    - npm-0:8-1.module_el9.x86_64\n...\n---\ndata:\n  name: nodejs\n  stream: \"20\"\n  artifacts:\n    rpms:\n    - nodejs-1:20.1-1.module_el9.x86_64\n...\n");
        let offer = |version: &str| Offer {
            name: "nodejs".into(),
            architecture: "x86_64".into(),
            version: version.into(),
            ..Offer::default()
        };
        let installed = |version: &str, stream: Option<&str>| {
            let mut package = Package::new(PackageType::Rpm, "Red Hat:9", "nodejs", version, "rpmdb");
            package.module = stream.map(Into::into);
            package
        };
        let (of_18, of_20, plain) = ("1:18.2-1.module_el9", "1:20.1-1.module_el9", "1:16.20-1.el9");
        let in_18 = installed("1:18.1-1.module_el9", Some("nodejs:18"));
        assert!(streams.allow(&offer(of_18), &in_18));
        assert!(!streams.allow(&offer(of_20), &in_18));
        assert!(!streams.allow(&offer(plain), &in_18));
        assert!(!streams.allow(&offer(of_20), &installed(plain, None)));
        assert!(streams.allow(&offer("1:16.21-1.el9"), &installed(plain, None)));
        assert!(streams.allow(&offer(of_20), &installed("1:18.1-1.module_el9", None)), "a stream that is not known");
        assert_eq!(streams.of.len(), 3);
    }
}
