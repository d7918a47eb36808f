//! The commands that apply patches, as words. Names go in as words of their own, never through a shell.

use super::Patch;
use inventory::host::Kernel;
use inventory::{Inventory, Package, PackageType};
use std::collections::BTreeSet;

/// The words of the command that applies a patch; none where no command is known to do it.
pub(super) fn of(patch: &Patch, inventory: &Inventory, native: Option<&str>) -> Vec<String> {
    let Some(target) = &patch.target else { return Vec::new() };
    let packages: Vec<&Package> = patch.needs.keys().map(|place| &inventory.packages[*place]).collect();
    let Some(first) = packages.first() else { return Vec::new() };
    let names: BTreeSet<String> = match patch.kind {
        Some(PackageType::Deb) => packages
            .iter()
            // The package of a kernel is never upgraded: another one comes beside it.
            .filter(|package| Kernel::of(package).is_none())
            .map(|package| with_architecture(package, native))
            .chain(patch.instead.iter().map(ToString::to_string))
            .collect(),
        _ => packages.iter().map(|package| package.name.to_string()).collect(),
    };
    // A name that could be an option, or no name at all, belongs into no command.
    if names.is_empty() || !names.iter().map(String::as_str).chain([patch.name.as_str(), target]).all(is_plain) {
        return Vec::new();
    }
    let with = |head: &[&str]| head.iter().map(|word| (*word).to_owned()).chain(names.iter().cloned()).collect();
    match patch.kind {
        Some(PackageType::Deb) => with(&["apt-get", "install", "--only-upgrade"]),
        Some(PackageType::Rpm) => with(rpm_tool(&first.ecosystem)),
        Some(PackageType::Apk) => with(&["apk", "add", "--upgrade"]),
        _ => of_language(patch, target, &packages),
    }
}

/// The architecture of apt itself: dpkg's.
pub(super) fn native_architecture(inventory: &Inventory) -> Option<&str> {
    let dpkg = inventory.packages.iter().find(|own| own.kind == PackageType::Deb && own.name == "dpkg");
    dpkg.map(|dpkg| dpkg.architecture.as_str())
}

/// `wine32:i386`: apt takes a name alone for one of its own architecture.
fn with_architecture(package: &Package, native: Option<&str>) -> String {
    let is_native = native.is_none_or(|native| native == package.architecture);
    match is_native || matches!(package.architecture.as_str(), "" | "all") {
        true => package.name.to_string(),
        false => format!("{}:{}", package.name, package.architecture),
    }
}

fn rpm_tool(ecosystem: &str) -> &'static [&'static str] {
    match ecosystem {
        name if name.starts_with("SUSE") || name.starts_with("openSUSE") => &["zypper", "update"],
        name if name.starts_with("Photon OS") || name.starts_with("Azure Linux") => &["tdnf", "update"],
        "Red Hat:6" | "Red Hat:7" | "CentOS:6" | "CentOS:7" | "Oracle Linux:6" | "Oracle Linux:7"
        | "Amazon Linux:1" | "Amazon Linux:2" => &["yum", "update"],
        _ => &["dnf", "upgrade"],
    }
}

/// Languages: the tool that keeps the document in which the package stands. What stands in two documents, or in an image
/// or a program that is built elsewhere, has no one command.
fn of_language(patch: &Patch, target: &str, packages: &[&Package]) -> Vec<String> {
    let Some(first) = packages.first() else { return Vec::new() };
    let file = first.location.rsplit('/').next().unwrap_or_default();
    if packages.iter().any(|package| package.location != first.location) {
        return Vec::new();
    }
    let name = patch.name.as_str();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match (patch.kind, file) {
        (Some(PackageType::Npm), "package-lock.json" | "npm-shrinkwrap.json") => {
            words(&["npm", "install", &format!("{name}@{target}")])
        }
        (Some(PackageType::Npm), "pnpm-lock.yaml") => words(&["pnpm", "update", name]),
        (Some(PackageType::Npm), "yarn.lock") => words(&["yarn", "upgrade", &format!("{name}@{target}")]),
        (Some(PackageType::PyPi), "uv.lock") => words(&["uv", "lock", "--upgrade-package", name]),
        (Some(PackageType::PyPi), "poetry.lock") => words(&["poetry", "update", name]),
        (Some(PackageType::PyPi), "Pipfile.lock") => words(&["pipenv", "update", name]),
        (Some(PackageType::PyPi), "METADATA") => words(&["pip", "install", &format!("{name}>={target}")]),
        (Some(PackageType::Cargo), "Cargo.lock") if packages.len() == 1 && is_plain(&first.version) => {
            words(&["cargo", "update", "-p", &format!("{name}@{}", first.version), "--precise", target])
        }
        (Some(PackageType::Golang), "go.mod") if name != "stdlib" => {
            words(&["go", "get", &format!("{name}@v{target}")])
        }
        (Some(PackageType::Gem), "Gemfile.lock") => words(&["bundle", "update", name]),
        (Some(PackageType::Composer), "composer.lock") => words(&["composer", "update", name]),
        (Some(PackageType::NuGet), "packages.lock.json" | "project.assets.json") => {
            words(&["dotnet", "add", "package", name, "--version", target])
        }
        _ => Vec::new(),
    }
}

/// Whether a name or version holds only what the names and versions of packages hold.
fn is_plain(word: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._:~/@^!".contains(&byte);
    !word.is_empty() && !word.starts_with('-') && word.bytes().all(is_usual)
}
