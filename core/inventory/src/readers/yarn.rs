//! `yarn.lock`, classic (v1) and Berry (YAML).

use super::{Access, Document, Reader, file_name, head_contains, text_of};
use crate::model::{Inventory, Package, PackageType};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "yarn",
    title: "yarn.lock",
    access: Access::Document {
        by_name: |path| file_name(path) == "yarn.lock",
        by_content: |document| head_contains(document, "# yarn lockfile v1"),
        read,
    },
};

/// Both forms have a head `"name@range", "name@other":` and an indented line `version`.
fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let text = text_of(document, inventory);
    let mut head: Option<(usize, &str)> = None;
    for (at, line) in text.lines().enumerate() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if !line.starts_with([' ', '\t']) {
            without_version(head, document.name, inventory);
            head = Some((at + 1, line.trim_end().trim_end_matches(':')));
            continue;
        }
        let line = line.trim();
        let version = line
            .strip_prefix("version ")
            .or_else(|| line.strip_prefix("version:"))
            .map(|rest| rest.trim().trim_matches('"'));
        let (Some((line_number, entry)), Some(version)) = (head, version) else { continue };
        head = None;
        match name_of(entry) {
            // Berry lists the workspace itself, and its own settings.
            _ if entry == "__metadata" || entry.contains("@workspace:") => {}
            Some(name) => inventory.packages.push(Package::language(PackageType::Npm, name, version, document.name)),
            None => inventory
                .unreadable(format!("{} line {line_number}", document.name), format!("no package name in `{entry}`")),
        }
    }
    without_version(head, document.name, inventory);
}

/// An entry that ended before its version came.
fn without_version(head: Option<(usize, &str)>, place: &str, inventory: &mut Inventory) {
    if let Some((line, entry)) = head.filter(|(_, entry)| *entry != "__metadata" && !entry.contains("@workspace:")) {
        inventory.unreadable(format!("{place} line {line}"), format!("`{entry}` has no version"));
    }
}

/// `"@scope/name@npm:^1.0.0, @scope/name@npm:^1.1.0"` → `@scope/name`; an alias names its target.
fn name_of(entry: &str) -> Option<&str> {
    let first = entry.trim_matches('"').split(", ").next()?.trim_matches('"');
    let at = first.get(1..)?.find('@')? + 1;
    let (name, range) = (&first[..at], &first[at + 1..]);
    let target = range.strip_prefix("npm:").and_then(|rest| rest.get(1..)?.find('@').map(|end| &rest[..=end]));
    Some(target.unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_both_forms() {
        assert_eq!(name_of("\"@babel/core@^7.0.0\", \"@babel/core@^7.1.0\""), Some("@babel/core"));
        assert_eq!(name_of("lodash@^4.17.0"), Some("lodash"));
        assert_eq!(name_of("\"wrap-cjs@npm:wrap-ansi@^7.0.0\""), Some("wrap-ansi"));
        assert_eq!(name_of("\"lodash@npm:^4.0.0\""), Some("lodash"));
    }
}
