//! dpkg's database: `/var/lib/dpkg/status`, and `status.d` of distroless images (deb822, dpkg(1)).

use super::{Access, Document, Reader};
use crate::control::{Paragraph, paragraphs};
use crate::directory::{Directory, EntryKind};
use crate::model::{Inventory, Package, PackageType, SourcePackage};
use ecow::EcoString;

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader { id: "dpkg", title: "dpkg database", access: Access::Database(read) };

const MOST_BYTES: u64 = 512 << 20;

fn read(root: &Directory, inventory: &mut Inventory) {
    read_file(root, "var/lib/dpkg/status", false, inventory);
    match root.list("var/lib/dpkg/status.d") {
        Ok(entries) => {
            for entry in entries.iter().filter(|entry| !entry.name.ends_with(".md5sums")) {
                let path = format!("var/lib/dpkg/status.d/{}", entry.name);
                match entry.kind {
                    EntryKind::File | EntryKind::Link if entry.is_utf8 => read_file(root, &path, true, inventory),
                    _ => inventory.unreadable(path, "it is no file that can be opened by its name"),
                }
            }
        }
        Err(error) => inventory.unreadable("var/lib/dpkg/status.d", error),
    }
}

fn read_file(root: &Directory, path: &str, is_listed: bool, inventory: &mut Inventory) {
    match root.read(path, MOST_BYTES) {
        Ok(Some(bytes)) => {
            if is_listed && bytes.trim_ascii().is_empty() {
                inventory.unreadable(path, "it is empty");
            }
            read_status(&Document { name: path, bytes: &bytes }, inventory);
        }
        Ok(None) if is_listed => inventory.unreadable(path, "it is a link that leads nowhere below the root"),
        Ok(None) => {}
        Err(error) => inventory.unreadable(path, error),
    }
}

/// Says whether bytes begin as a status file does.
pub(super) fn looks_like_status(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    let has = |wanted: &[u8]| head.windows(wanted.len()).any(|window| window == wanted);
    head.trim_ascii_start().starts_with(b"Package:") && (has(b"\nStatus:") || has(b"\nVersion:"))
}

/// Reads a status file: what is installed, also where it is not configured yet; nothing else.
pub(super) fn read_status(document: &Document<'_>, inventory: &mut Inventory) {
    let ecosystem = inventory.os.as_ref().map(|os| os.ecosystem_of(crate::PackageType::Deb)).unwrap_or_default();
    let has_states = looks_like_database(document.bytes);
    let mut paragraphs = paragraphs(document.bytes).enumerate().peekable();
    while let Some((at, paragraph)) = paragraphs.next() {
        if has_states && paragraph.get("Status").is_none() && paragraph.get("Package").is_some() {
            let (place, what) = (format!("{} paragraph {}", document.name, at + 1), "a package without a status");
            // dpkg takes such a package for one that is not installed; at the end, the file may be cut off.
            match paragraphs.peek() {
                Some(_) => inventory.problem(place, what),
                None => inventory.unreadable(place, what),
            }
            continue;
        }
        match package_of(&paragraph, &ecosystem, document.name) {
            Ok(Some(package)) => inventory.packages.push(package),
            Ok(None) => {}
            Err(what) => inventory.unreadable(format!("{} paragraph {}", document.name, at + 1), what),
        }
    }
}

/// Whether a file's paragraphs have a status, as the database's do and those of `status.d` do not.
fn looks_like_database(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"\nStatus: ").is_some()
}

/// The fields that are read, taken in one pass.
#[derive(Default)]
struct Fields<'a> {
    package: &'a [u8],
    status: &'a [u8],
    version: &'a [u8],
    architecture: &'a [u8],
    source: &'a [u8],
    origin: &'a [u8],
    maintainer: &'a [u8],
}

fn package_of(paragraph: &Paragraph<'_>, ecosystem: &str, location: &str) -> Result<Option<Package>, String> {
    let mut fields = Fields::default();
    let mut has_folded_source = false;
    for (name, value) in paragraph.fields() {
        // Field names have no case (deb822(5)).
        let places: [(&[u8], &mut &[u8]); 7] = [
            (b"Package", &mut fields.package),
            (b"Status", &mut fields.status),
            (b"Version", &mut fields.version),
            (b"Architecture", &mut fields.architecture),
            (b"Source", &mut fields.source),
            (b"Origin", &mut fields.origin),
            (b"Maintainer", &mut fields.maintainer),
        ];
        for (field, place) in places {
            if !field.eq_ignore_ascii_case(name) {
                continue;
            }
            if !place.is_empty() {
                return Err(format!("two fields `{}`: an empty line is missing", String::from_utf8_lossy(field)));
            }
            *place = value;
            has_folded_source |= field == b"Source" && value.is_empty();
        }
    }
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let name = text(fields.package);
    if name.is_empty() {
        return Err("a paragraph without a package's name".to_owned());
    }
    if !is_on_disk(fields.status) {
        return Ok(None);
    }
    let version = text(fields.version);
    if version.is_empty() {
        // Listed with no version: it cannot be judged, and is not left out.
        return Ok(Some(Package::new(PackageType::Deb, ecosystem, name, version, location)));
    }
    let mut package = Package::new(PackageType::Deb, ecosystem, name, version, location);
    package.architecture = text(fields.architecture).into();
    package.is_held = fields.status.starts_with(b"hold ");
    let source = if has_folded_source { paragraph.whole("Source").replace('\n', " ") } else { text(fields.source) };
    package.source = Some(source_of(&source, &package.name, &package.version));
    let vendor = if fields.origin.is_empty() { fields.maintainer } else { fields.origin };
    package.vendor = Some(text(vendor).into()).filter(|vendor: &EcoString| !vendor.is_empty());
    Ok(Some(package))
}

/// `want error status`: anything whose files are (partly) on disk counts; `status.d` files have no status.
fn is_on_disk(status: &[u8]) -> bool {
    let state = status.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    !matches!(state, b"not-installed" | b"config-files")
}

/// `Source: name (version)`; without it the binary package's own.
pub(crate) fn source_of(field: &str, name: &str, version: &str) -> SourcePackage {
    if field.is_empty() {
        return SourcePackage { name: name.into(), version: version.into() };
    }
    let (source, own) = field.split_once('(').unwrap_or((field, ""));
    let own = own.trim_end_matches(')').trim();
    SourcePackage::new(source.trim(), if own.is_empty() { version } else { own }, version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_kernel_was_built_from_the_kernels_source() {
        let source = |field: &str, name: &str, version: &str| {
            let source = source_of(field, name, version);
            format!("{} {}", source.name, source.version)
        };
        let debian = source("linux-signed-amd64 (6.1.76+1)", "linux-image-6.1.0-18-amd64", "6.1.76-1");
        assert_eq!(debian, "linux 6.1.76-1");
        assert_eq!(source("linux-signed", "linux-image-6.8.0-31-generic", "6.8.0-31.31"), "linux 6.8.0-31.31");
        let aws = source("linux-signed-aws-6.5", "linux-image-6.5.0-1014-aws", "6.5.0-1014.14~22.04.1");
        assert_eq!(aws, "linux-aws-6.5 6.5.0-1014.14~22.04.1");
    }

    #[test]
    fn a_source_on_the_next_line_is_the_source() {
        let status =
            b"Package: a\nStatus: install ok installed\nVersion: 2\nSource:\n aa\n (2-1)\nArchitecture: amd64\n";
        let mut inventory = Inventory::default();
        read_status(&Document { name: "status", bytes: status }, &mut inventory);
        assert_eq!(inventory.packages[0].source, Some(SourcePackage { name: "aa".into(), version: "2-1".into() }));
    }

    #[test]
    fn removed_packages_are_not_installed_and_half_configured_ones_are() {
        let status = b"Package: a\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: b\nStatus: install ok half-configured\nVersion: 2\nSource: bb (2-1)\nArchitecture: amd64\n\nStatus: install ok installed\n\nPackage: c\nStatus: install ok installed\n";
        let mut inventory = Inventory::default();
        read_status(&Document { name: "status", bytes: status }, &mut inventory);
        let names: Vec<_> =
            inventory.packages.iter().map(|package| (package.name.as_str(), package.version.as_str())).collect();
        assert_eq!(names, [("b", "2"), ("c", "")]);
        assert_eq!(inventory.packages[0].source, Some(SourcePackage { name: "bb".into(), version: "2-1".into() }));
        assert_eq!(inventory.problems.len(), 1);
    }
}
