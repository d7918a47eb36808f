//! SPDX 2.2 and 2.3, JSON and tag-value (<https://spdx.github.io/spdx-spec/v2.3/>).

use super::{Access, Document, Reader, file_name, has_too_many_objects, head_contains, text_of};
use crate::bill;
use crate::model::{Inventory, Package, PackageType};
use crate::purl::package_named;
use serde::Deserialize;

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "spdx",
    title: "SPDX 2 document",
    access: Access::Document {
        by_name: |path| file_name(path).ends_with(".spdx.json") || file_name(path).ends_with(".spdx"),
        by_content: |document| head_contains(document, "\"spdxVersion\"") || head_contains(document, "SPDXVersion:"),
        read,
    },
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Spdx {
    #[serde(rename = "spdxVersion")]
    version: String,
    packages: Option<Vec<Entry>>,
    predicate: Option<Box<Spdx>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Entry {
    name: String,
    version_info: Option<String>,
    source_info: Option<String>,
    supplier: Option<String>,
    originator: Option<String>,
    primary_package_purpose: Option<String>,
    #[serde(rename = "SPDXID")]
    id: String,
    annotations: Option<Vec<Annotation>>,
    external_refs: Option<Vec<Reference>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Annotation {
    comment: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Reference {
    reference_type: String,
    reference_locator: String,
}

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let bytes = document.bytes;
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        let text = text_of(document, inventory);
        if !text.contains("SPDXVersion:") {
            return inventory.unreadable(
                document.name,
                "it is neither SPDX JSON nor SPDX tag-value (RDF, YAML and tables are not read)",
            );
        }
        let entries = tag_value(&text, document.name, inventory);
        return finish(entries, document.name, inventory);
    }
    if has_too_many_objects(document, inventory) {
        return;
    }
    match serde_json::from_slice::<Spdx>(bytes) {
        Ok(spdx) => {
            let spdx = match spdx.predicate {
                Some(inner) if spdx.version.is_empty() => *inner,
                _ => spdx,
            };
            if spdx.version.is_empty() {
                inventory.unreadable(document.name, "it does not say its SPDX version");
            }
            finish(spdx.packages.unwrap_or_default(), document.name, inventory);
        }
        Err(error) => inventory.unreadable(document.name, format!("it is not a readable SPDX document: {error}")),
    }
}

/// Reads `Tag: value` lines; a package begins with `PackageName:`.
fn tag_value(text: &str, place: &str, inventory: &mut Inventory) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut is_inside_text = false;
    for line in text.lines() {
        // Texts over several lines stand between <text> and </text>; nothing in them is a tag.
        let was_inside = is_inside_text;
        is_inside_text = match (line.rfind("<text>"), line.rfind("</text>")) {
            (Some(open), Some(close)) => open > close,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => was_inside,
        };
        if was_inside {
            continue;
        }
        let Some((tag, value)) = line.trim().split_once(':') else { continue };
        let (tag, value) = (tag.trim(), value.trim());
        let is_misspelt = |known: &&str| tag.eq_ignore_ascii_case(known) && tag != *known;
        if ["PackageName", "PackageVersion", "ExternalRef"].iter().any(is_misspelt) {
            inventory.unreadable(place, format!("`{tag}` is no tag: tags have a case"));
            continue;
        }
        if tag == "PackageName" {
            entries.push(Entry { name: value.to_owned(), ..Entry::default() });
        }
        let Some(entry) = entries.last_mut() else { continue };
        match tag {
            "PackageVersion" => entry.version_info = Some(value.to_owned()),
            "PackageSourceInfo" => {
                entry.source_info = Some(value.trim_start_matches("<text>").trim_end_matches("</text>").to_owned())
            }
            "PackageSupplier" => entry.supplier = Some(value.to_owned()),
            "PackageOriginator" => entry.originator = Some(value.to_owned()),
            "PrimaryPackagePurpose" => entry.primary_package_purpose = Some(value.to_owned()),
            "ExternalRef" => {
                let mut words = value.split_whitespace().skip(1);
                if let (Some(kind), Some(locator)) = (words.next(), words.next()) {
                    let reference =
                        Reference { reference_type: kind.to_owned(), reference_locator: locator.to_owned() };
                    entry.external_refs.get_or_insert_default().push(reference);
                }
            }
            _ => {}
        }
    }
    if is_inside_text {
        inventory.unreadable(place, "a <text> is not closed; what follows it was not read");
    }
    entries
}

fn finish(entries: Vec<Entry>, place: &str, inventory: &mut Inventory) {
    if entries.is_empty() {
        inventory.unreadable(place, "the document lists no packages");
    }
    let purpose = |entry: &Entry, wanted: &str| {
        entry
            .primary_package_purpose
            .as_deref()
            .is_some_and(|purpose| purpose.replace('_', "-").eq_ignore_ascii_case(wanted))
    };
    if let Some(system) = entries.iter().find(|entry| purpose(entry, "operating-system")) {
        bill::remember_os(&system.name, system.version_info.as_deref().unwrap_or_default(), inventory);
    }
    let before = inventory.packages.len();
    let mut inputs = 0;
    for entry in &entries {
        let is_aside = purpose(entry, "container") || purpose(entry, "file") || entry.is_pseudo();
        if is_aside {
            inventory.described.extend(entry.package_urls().into_iter().map(str::to_owned));
        }
        if purpose(entry, "operating-system") || (is_aside && !entry.has_package_url()) {
            continue;
        }
        if entry.is_build_input() {
            inputs += 1;
            continue;
        }
        let urls = entry.package_urls();
        if urls.is_empty() {
            match entry.name.is_empty() {
                true => inventory.unreadable(place, "a package without name and purl"),
                false => inventory.packages.push(Package::new(
                    PackageType::Generic,
                    "",
                    entry.name.as_str(),
                    entry.version().unwrap_or_default(),
                    place,
                )),
            }
        }
        for url in urls {
            match package_of(entry, url, place) {
                Ok(package) => inventory.packages.push(package),
                Err(what) => inventory.unreadable(format!("{place}: {}", entry.name), what),
            }
        }
    }
    // Syft says from which database it took a package, and names a source only where it has another name.
    let is_of_syft =
        |entry: &Entry| entry.source_info.as_ref().is_some_and(|info| info.starts_with("acquired package info from"));
    bill::settle(inventory, before, entries.iter().any(is_of_syft));
    if inputs > 0 {
        inventory
            .problem(place, format!("{inputs} packages are inputs of the build, not installed; they were left out"));
    }
}

impl Entry {
    /// Older generators say by the id alone that an element is no package.
    fn is_pseudo(&self) -> bool {
        let kind = self.id.strip_prefix("SPDXRef-").unwrap_or_default();
        ["OperatingSystem-", "ContainerImage-", "Filesystem-", "DocumentRoot-"].iter().any(|p| kind.starts_with(p))
    }

    /// Its version, if it says one.
    fn version(&self) -> Option<&str> {
        self.version_info.as_deref().filter(|version| !matches!(*version, "NOASSERTION" | "NONE"))
    }

    /// The package URLs that stand beside it, each once.
    fn package_urls(&self) -> Vec<&str> {
        let references = self.external_refs.iter().flatten();
        let urls = references.filter(|reference| reference.reference_type.ends_with("purl"));
        let mut urls: Vec<&str> = urls.map(|reference| reference.reference_locator.as_str()).collect();
        urls.sort_unstable();
        urls.dedup();
        urls
    }

    /// Whether a package URL of something that has advisories stands beside it.
    fn has_package_url(&self) -> bool {
        self.package_urls().iter().any(|url| !url.starts_with("pkg:oci/") && !url.starts_with("pkg:docker/"))
    }

    /// Hermeto lists what a build may fetch, for all architectures, beside what its image has installed.
    fn is_build_input(&self) -> bool {
        let is_found_installed =
            self.source_info.as_ref().is_some_and(|info| info.starts_with("acquired package info from"));
        let by_hermeto =
            self.annotations.iter().flatten().any(|annotation| annotation.comment.contains("hermeto:found_by"));
        by_hermeto && !is_found_installed
    }
}

fn package_of(entry: &Entry, url: &str, place: &str) -> Result<Package, String> {
    let mut package = package_named(url, place)?;
    if package.version.is_empty() {
        package.version = entry.version().unwrap_or_default().into();
    }
    if matches!(package.kind, PackageType::Deb | PackageType::Rpm | PackageType::Apk) {
        // `Organization: Debian Curl Maintainers (team@…)` tells what others built for the distribution.
        let makers = [&entry.supplier, &entry.originator].into_iter().flatten().filter(|maker| *maker != "NOASSERTION");
        let maker = makers.map(|maker| maker.split_once(": ").map_or(maker.as_str(), |(_, name)| name)).next();
        package.vendor = maker.map(Into::into);
        if package.source.is_none() {
            let info = entry.source_info.as_deref();
            package.source = info.and_then(|info| bill::built_from(info, &package.version));
        }
    }
    Ok(package)
}
