//! Bundler's `Gemfile.lock`.

use super::{Access, Document, Reader, file_name, never, text_of};
use crate::model::{Inventory, Package, PackageType};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "bundler",
    title: "Gemfile.lock",
    access: Access::Document {
        by_name: |path| matches!(file_name(path), "Gemfile.lock" | "gems.locked"),
        by_content: never,
        read,
    },
};

/// What a lock file is made of.
const SECTIONS: &[&str] =
    &["GEM", "GIT", "PATH", "PLUGIN SOURCE", "PLATFORMS", "DEPENDENCIES", "CHECKSUMS", "RUBY VERSION", "BUNDLED WITH"];

/// Gems stand four spaces deep under `specs:`; what they depend on stands deeper.
fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let text = text_of(document, inventory);
    let mut section = "";
    for line in text.lines() {
        if !line.starts_with(' ') {
            section = line.trim();
            if !section.is_empty() && !SECTIONS.contains(&section) {
                inventory.unreadable(document.name, format!("`{section}` is no section that is known"));
            }
        }
        let Some(entry) = line.strip_prefix("    ").filter(|entry| !entry.starts_with(' ')) else { continue };
        // PATH is the project's own code.
        if !matches!(section, "GEM" | "GIT" | "PLUGIN SOURCE") {
            continue;
        }
        if let Some((name, version)) = entry.trim_end().trim_end_matches(')').split_once(" (") {
            inventory.packages.push(Package::language(
                PackageType::Gem,
                name,
                version_without_platform(version),
                document.name,
            ));
        } else if section == "GEM" {
            inventory.unreadable(document.name, format!("a gem without a version: `{}`", entry.trim()));
        }
    }
}

/// `1.15.4-x86_64-linux` → `1.15.4`.
fn version_without_platform(version: &str) -> &str {
    let is_platform = |rest: &str| {
        rest.starts_with("x86")
            || rest.starts_with("java")
            || rest.starts_with("arm")
            || rest.starts_with("aarch64")
            || rest.starts_with("x64")
    };
    version.split_once('-').filter(|(_, rest)| is_platform(rest)).map_or(version, |(version, _)| version)
}
