//! Executables that say what they were built from: Go's build information, and Rust's where built with `cargo auditable`.

use super::{Access, Document, Reader};
use crate::model::{Inventory, Package, PackageType};
use memchr::memmem;
use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::{FileKind, Object, ObjectSection};
use std::io::Read;

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "binaries",
    title: "Go or Rust executable",
    access: Access::Document { by_name: |_| false, by_content: |document| is_executable(document.bytes), read },
};

/// Says whether bytes begin as an ELF, PE or Mach-O file does, for one machine or several.
#[must_use]
pub(crate) fn is_executable(bytes: &[u8]) -> bool {
    match bytes.get(..4) {
        Some(b"\x7fELF" | [0xcf | 0xce, 0xfa, 0xed, 0xfe] | [0xfe, 0xed, 0xfa, 0xcf | 0xce]) => true,
        // Java classes begin as files for several machines do, and then have a version that is higher than any count.
        Some([0xca, 0xfe, 0xba, 0xbe]) => matches!(bytes.get(4..8), Some([0, 0, 0, 1..45])),
        _ => bytes.starts_with(b"MZ"),
    }
}

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let (bytes, name) = (document.bytes, document.name);
    let go = go_build_information(bytes);
    let is_go = matches!(go, Some(Ok(_)));
    match go {
        Some(Ok((version, modules))) => add_go(&version, &modules, name, inventory),
        Some(Err(what)) => inventory.unreadable(name, what),
        None => {}
    }
    // The packer's mark stands near the beginning, before what it packed.
    if memmem::find(&bytes[..bytes.len().min(4096)], b"UPX!").is_some() {
        inventory.unreadable(name, "it is packed by UPX: what it was built from is not seen");
    }
    match crate_lists(bytes) {
        Ok(lists) => lists.into_iter().for_each(|list| add_rust(list, name, inventory)),
        // Old programs begin like new ones; what is none of ours need not be read.
        Err(error) if !is_go && bytes.starts_with(b"\x7fELF") || memmem::find(bytes, CRATES).is_some() => {
            inventory.unreadable(name, format!("the program is cut off or damaged: {error}"));
        }
        Err(_) => {}
    }
}

/// The section in which `cargo auditable` leaves the list of crates.
const CRATES: &[u8] = b".dep-v0";

/// The lists of crates in a program: one for each machine that it was built for.
fn crate_lists(bytes: &[u8]) -> Result<Vec<&[u8]>, object::Error> {
    let parts: Vec<&[u8]> = match FileKind::parse(bytes)? {
        FileKind::MachOFat32 => {
            let file = MachOFatFile32::parse(bytes)?;
            file.arches().iter().map(|machine| machine.data(bytes)).collect::<Result<_, _>>()?
        }
        FileKind::MachOFat64 => {
            let file = MachOFatFile64::parse(bytes)?;
            file.arches().iter().map(|machine| machine.data(bytes)).collect::<Result<_, _>>()?
        }
        _ => vec![bytes],
    };
    let mut lists = Vec::new();
    for part in parts {
        if let Some(section) = object::File::parse(part)?.section_by_name_bytes(CRATES) {
            lists.push(section.data()?);
        }
    }
    Ok(lists)
}

/// Finds the inline form that Go has written since 1.18 (`debug/buildinfo`): magic, flags, two strings with lengths.
///
/// Programs that read others' build information hold the magic as a text of their own, so each place is tried.
fn go_build_information(bytes: &[u8]) -> Option<Result<(String, String), &'static str>> {
    let places = memmem::find_iter(bytes, b"\xff Go buildinf:").filter(|at| at + 32 <= bytes.len());
    let mut found = places.map(|at| go_information_at(bytes, at));
    let first = found.next()?;
    match first {
        Ok(_) => Some(first),
        Err(_) => Some(found.find(Result::is_ok).unwrap_or(first)),
    }
}

fn go_information_at(bytes: &[u8], at: usize) -> Result<(String, String), &'static str> {
    if bytes[at + 15] & 2 == 0 {
        return Err("it was built by Go before 1.18, whose build information is not read");
    }
    let mut place = at + 32;
    let mut next = || {
        let mut length = 0_usize;
        for shift in (0..28).step_by(7) {
            let byte = *bytes.get(place)?;
            place += 1;
            length |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        let text = bytes.get(place..place.checked_add(length)?)?;
        place += length;
        Some(text)
    };
    let (Some(version), Some(modules)) = (next(), next()) else {
        return Err("its Go build information is cut off");
    };
    let version = String::from_utf8_lossy(version).into_owned();
    if !version.starts_with("go") && !version.starts_with("devel") {
        return Err("its Go build information is damaged");
    }
    // Sentinels of 16 bytes stand on both sides of the list of modules.
    let modules = modules.get(16..modules.len().saturating_sub(16)).unwrap_or_default();
    if modules.is_empty() {
        return Err("its Go build information names no modules");
    }
    Ok((version, String::from_utf8_lossy(modules).into_owned()))
}

fn add_go(version: &str, modules: &str, place: &str, inventory: &mut Inventory) {
    inventory.packages.push(Package::language(PackageType::Golang, "stdlib", version.trim_start_matches("go"), place));
    let mut last: Option<Package> = None;
    for line in modules.lines() {
        let mut cells = line.split('\t');
        match (cells.next(), cells.next(), cells.next()) {
            (Some("dep" | "mod"), Some(module), version) => {
                inventory.packages.extend(last.take());
                let version = version.unwrap_or_default().trim_start_matches('v');
                let version = if version == "(devel)" { "" } else { version };
                last = Some(Package::language(PackageType::Golang, module, version, place));
            }
            // A replacement stands on the line after what it replaces.
            (Some("=>"), Some(module), version) => {
                last = Some(Package::language(
                    PackageType::Golang,
                    module,
                    version.unwrap_or_default().trim_start_matches('v'),
                    place,
                ));
            }
            _ => {}
        }
    }
    inventory.packages.extend(last);
}

/// The list of crates that `cargo auditable` embeds: zlib-compressed JSON.
fn add_rust(section: &[u8], place: &str, inventory: &mut Inventory) {
    let mut text = Vec::new();
    let limit = 8 << 20;
    let read = flate2::read::ZlibDecoder::new(section).take(limit + 1).read_to_end(&mut text);
    if read.is_err() || text.len() as u64 > limit {
        return inventory.unreadable(place, "its list of crates cannot be unpacked");
    }
    let value: serde_json::Value = match serde_json::from_slice(&text) {
        Ok(value) => value,
        Err(error) => return inventory.unreadable(place, format!("its list of crates is not readable: {error}")),
    };
    if !value["packages"].is_array() {
        inventory.unreadable(place, "its list of crates is no list");
    }
    for entry in value["packages"].as_array().into_iter().flatten() {
        let is_registry = entry["source"].as_str().is_none_or(|source| source != "local");
        match (entry["name"].as_str(), entry["version"].as_str()) {
            _ if !is_registry => {}
            (Some(name), version) => {
                let version = version.unwrap_or_default();
                inventory.packages.push(Package::language(PackageType::Cargo, name, version, place));
            }
            (None, _) => inventory.unreadable(place, "a crate without a name"),
        }
    }
}
