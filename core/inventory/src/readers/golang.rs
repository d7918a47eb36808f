//! `go.mod` with its selected versions (<https://go.dev/ref/mod#go-mod-file>). Since Go 1.17 it lists all that is built.

use super::{Access, Document, Reader, file_name, never, text_of};
use crate::model::{Inventory, Package, PackageType};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "golang",
    title: "go.mod",
    access: Access::Document { by_name: |path| file_name(path) == "go.mod", by_content: never, read },
};

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let text = text_of(document, inventory);
    let mut block = "";
    let mut found: Vec<(String, String)> = Vec::new();
    let mut replaced: Vec<(String, Option<(String, String)>)> = Vec::new();
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or(line).trim();
        let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches(['"', '`'])).collect();
        let words = match (block, words.as_slice()) {
            (_, []) => continue,
            ("", [name, "("]) => {
                block = if *name == "require" {
                    "require"
                } else if *name == "replace" {
                    "replace"
                } else {
                    "other"
                };
                continue;
            }
            (_, [")"]) => {
                block = "";
                continue;
            }
            ("", [first, rest @ ..]) => {
                if *first == "go" || *first == "toolchain" {
                    if let Some(version) = rest.first().filter(|_| *first == "toolchain") {
                        found.push(("stdlib".to_owned(), version.trim_start_matches("go").to_owned()));
                    }
                    continue;
                }
                (*first, rest)
            }
            (block, rest) => (block, rest),
        };
        match words {
            ("require", [module, version, ..]) => found.push(((*module).to_owned(), plain(version))),
            ("replace", rest) => {
                let Some(arrow) = rest.iter().position(|word| *word == "=>") else { continue };
                let target = rest
                    .get(arrow + 1)
                    .zip(rest.get(arrow + 2))
                    .map(|(module, version)| ((*module).to_owned(), plain(version)));
                replaced.push((rest[0].to_owned(), target));
            }
            _ => {}
        }
    }
    for (module, version) in found {
        let (module, version) = match replaced.iter().find(|(from, _)| *from == module) {
            Some((_, Some((module, version)))) => (module.clone(), version.clone()),
            // Replaced by a local folder: its version is not known.
            Some((_, None)) => (module, String::new()),
            None => (module, version),
        };
        inventory.packages.push(Package::language(PackageType::Golang, module, version, document.name));
    }
}

fn plain(version: &str) -> String {
    version.trim_start_matches('v').to_owned()
}
