//! `go.mod` with its selected versions (<https://go.dev/ref/mod#go-mod-file>). Since Go 1.17 it lists all that is built.

use super::{Access, Document, Reader, file_name, never, text_of};
use crate::model::{Inventory, Package, PackageType};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "golang",
    title: "go.mod",
    access: Access::Document { by_name: |path| file_name(path) == "go.mod", by_content: never, read },
};

/// A `replace` line: what it replaces, in which version if it says one, and by what; a local folder has no version.
struct Replacement {
    from: String,
    version: Option<String>,
    target: Option<(String, String)>,
}

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let text = text_of(document, inventory);
    let mut block = String::new();
    let mut required: Vec<(String, String)> = Vec::new();
    let mut replaced: Vec<Replacement> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        // Parentheses are words of their own, also without spaces around them.
        let line = line.split("//").next().unwrap_or(line).replace('(', " ( ").replace(')', " ) ");
        let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches(['"', '`'])).collect();
        let is_read = match (block.as_str(), words.as_slice()) {
            (_, []) => true,
            ("", [name, "("]) => {
                block = (*name).to_owned();
                true
            }
            (_, [")"]) => {
                block.clear();
                true
            }
            ("", [verb, rest @ ..]) => directive(verb, rest, &mut required, &mut replaced),
            (verb, rest) => directive(verb, rest, &mut required, &mut replaced),
        };
        if !is_read {
            inventory.unreadable(format!("{} line {}", document.name, at + 1), format!("`{}`", line.trim()));
        }
    }
    if !block.is_empty() {
        inventory.unreadable(document.name, format!("the file ends inside `{block} (`"));
    }
    if lists_direct_modules_only(&text) && !required.is_empty() {
        inventory
            .unreadable(document.name, "before Go 1.17 it names the direct requirements only; the rest is not known");
    }
    for (module, version) in required {
        let is_meant =
            |line: &&Replacement| line.from == module && line.version.as_ref().is_none_or(|wanted| *wanted == version);
        let (module, version) = match replaced.iter().find(is_meant) {
            Some(Replacement { target: Some(target), .. }) => target.clone(),
            // Replaced by a local folder: its version is not known.
            Some(_) => (module, String::new()),
            None => (module, version),
        };
        inventory.packages.push(Package::language(PackageType::Golang, module, version, document.name));
    }
}

/// Whether the `go` line is of a version that leaves indirect requirements out, or there is none (Go 1.16 is then meant).
fn lists_direct_modules_only(text: &str) -> bool {
    let mut versions = text.lines().filter_map(|line| line.trim().strip_prefix("go "));
    let minor = versions
        .find_map(|version| version.trim().strip_prefix("1.")?.split(['.', 'r', 'b', ' ']).next()?.parse::<u32>().ok());
    minor.is_none_or(|minor| minor < 17)
}

/// Reads one directive; `false` if it should say something and does not.
fn directive(
    verb: &str,
    words: &[&str],
    required: &mut Vec<(String, String)>,
    replaced: &mut Vec<Replacement>,
) -> bool {
    let plain = |version: &str| version.trim_start_matches('v').to_owned();
    match (verb, words) {
        ("require", [module, version, ..]) => required.push(((*module).to_owned(), plain(version))),
        ("toolchain", [version]) => required.push(("stdlib".to_owned(), version.trim_start_matches("go").to_owned())),
        ("replace", [from, rest @ ..]) => {
            let (version, target) = match rest {
                ["=>", target @ ..] => (None, target),
                [version, "=>", target @ ..] => (Some(plain(version)), target),
                _ => return false,
            };
            let target = match target {
                [module, version] => Some(((*module).to_owned(), plain(version))),
                _ => None,
            };
            replaced.push(Replacement { from: (*from).to_owned(), version, target });
        }
        ("module" | "go", [_, _, ..]) => return false,
        ("module" | "go" | "toolchain" | "exclude" | "retract" | "godebug" | "tool" | "ignore", _) => {}
        _ => return false,
    }
    true
}
