//! Which repositories apk asks, and what its world asks for (apk-repositories(5), apk-world(5)).

use super::super::{list, read_settings};
use crate::directory::Directory;
use crate::model::Inventory;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use std::cmp::Ordering;
use versions::Scheme;

/// A line of the list of repositories.
struct Repository {
    tag: Option<String>,
    /// The first eight digits of the digests under which apk may keep its index.
    digests: Vec<String>,
}

/// What a package must be, by the world.
struct Wish {
    name: String,
    /// Comparator and version.
    wanted: Option<(String, String)>,
    tag: Option<String>,
}

/// The settings of apk.
#[derive(Default)]
pub(super) struct Settings {
    repositories: Vec<Repository>,
    wishes: Vec<Wish>,
}

/// What is known of an index.
pub(super) enum Origin<'a> {
    /// A repository that is listed, with its tag.
    Listed(Option<&'a str>),
    /// Nobody lists it any more.
    Left,
}

impl Settings {
    pub(super) fn read(root: &Directory, architecture: &str, inventory: &mut Inventory) -> Self {
        let mut settings = Self::default();
        let mut files = vec!["etc/apk/repositories".to_owned()];
        for entry in list(root, "etc/apk/repositories.d", inventory) {
            if entry.name.ends_with(".list") {
                files.push(format!("etc/apk/repositories.d/{}", entry.name));
            }
        }
        for path in files {
            for line in read_settings(root, &path, inventory).lines() {
                settings.add_repository(line, architecture);
            }
        }
        let world = read_settings(root, "etc/apk/world", inventory);
        settings.wishes = world.split_whitespace().map(wish).collect();
        settings
    }

    fn add_repository(&mut self, line: &str, architecture: &str) {
        let line = line.trim();
        let (tag, url) = match line.strip_prefix('@').and_then(|rest| rest.split_once(char::is_whitespace)) {
            Some((tag, url)) => (Some(tag.to_owned()), url.trim()),
            None => (None, line),
        };
        if url.is_empty() || url.starts_with('#') {
            return;
        }
        let bare = url.trim_end_matches('/');
        let index = format!("{bare}/{architecture}/APKINDEX.tar.gz");
        let of = |text: &str| {
            let digits = |bytes: &[u8]| bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>();
            [digits(&Sha1::digest(text.as_bytes())), digits(&Sha256::digest(text.as_bytes()))]
        };
        let digests = [of(url), of(bare), of(&index)].concat();
        self.repositories.push(Repository { tag, digests });
    }

    /// Where the index in a file of this name comes from; `APKINDEX.4a6a0840.tar.gz`.
    pub(super) fn origin(&self, file: &str) -> Origin<'_> {
        let digest = file.split('.').nth(1).unwrap_or_default();
        match self.repositories.iter().find(|own| own.digests.iter().any(|known| known == digest)) {
            Some(own) => Origin::Listed(own.tag.as_deref()),
            None => Origin::Left,
        }
    }

    /// Whether the world lets a package have a version out of a repository with a tag.
    pub(super) fn allows(&self, name: &str, version: &str, tag: Option<&str>) -> bool {
        let mut own = self.wishes.iter().filter(|wish| wish.name == name);
        let is_version_allowed = own.clone().all(|wish| wish.allows(version));
        is_version_allowed && (tag.is_none() || own.any(|wish| wish.tag.as_deref() == tag))
    }
}

impl Wish {
    fn allows(&self, version: &str) -> bool {
        let Some((comparator, wanted)) = &self.wanted else { return true };
        if comparator == "~" || comparator == "=~" {
            let rest = version.strip_prefix(wanted.as_str());
            return rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()));
        }
        let order = Scheme::Alpine.compare(version, wanted);
        order.is_ok_and(|order| match order {
            Ordering::Less => comparator.contains('<'),
            Ordering::Equal => comparator.contains('='),
            Ordering::Greater => comparator.contains('>'),
        })
    }
}

/// `musl`, `musl=1.2.5-r0`, `musl<1.3`, `musl~1.2`, `musl@edge`; a leading `!` is a conflict, which installs nothing.
fn wish(word: &str) -> Wish {
    let (rest, tag) = match word.split_once('@') {
        Some((rest, tag)) => (rest, Some(tag.to_owned())),
        None => (word, None),
    };
    let at = rest.find(['<', '>', '=', '~']).unwrap_or(rest.len());
    let (name, wanted) = rest.split_at(at);
    let version = wanted.trim_start_matches(['<', '>', '=', '~']);
    let comparator = &wanted[..wanted.len() - version.len()];
    let wanted = (!wanted.is_empty()).then(|| (comparator.to_owned(), version.to_owned()));
    Wish { name: name.to_owned(), wanted, tag }
}
