//! Executables that say what they were built from: Go's build information, and Rust's where built with `cargo auditable`.

use super::{Access, Document, Reader};
use crate::model::{Inventory, Package, PackageType};
use std::io::Read;

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "binaries",
    title: "Go or Rust executable",
    access: Access::Document { by_name: |_| false, by_content: |document| is_executable(document.bytes), read },
};

/// Says whether bytes begin as an ELF, PE or Mach-O file does.
fn is_executable(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF")
        || bytes.starts_with(b"MZ")
        || matches!(bytes.get(..4), Some([0xcf | 0xce, 0xfa, 0xed, 0xfe]))
}

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    match go_build_information(document.bytes) {
        Some(Ok((version, modules))) => add_go(&version, &modules, document.name, inventory),
        Some(Err(what)) => inventory.unreadable(document.name, what),
        None => {}
    }
    if is_cut_off(document.bytes) == Some(true) {
        inventory.unreadable(document.name, "the program is cut off: its sections lie beyond its end");
    }
    if let Some(section) = elf_section(document.bytes, b".dep-v0") {
        add_rust(section, document.name, inventory);
    }
}

/// Finds the inline form that Go has written since 1.18 (`debug/buildinfo`): magic, flags, two strings with lengths.
fn go_build_information(bytes: &[u8]) -> Option<Result<(String, String), &'static str>> {
    const MAGIC: &[u8] = b"\xff Go buildinf:";
    let step = 16;
    let at = (0..bytes.len().saturating_sub(32)).step_by(step).find(|at| bytes[*at..].starts_with(MAGIC))?;
    if bytes[at + 15] & 2 == 0 {
        return Some(Err("it was built by Go before 1.18, whose build information is not read"));
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
        return Some(Err("its Go build information is cut off"));
    };
    // Sentinels of 16 bytes stand on both sides of the list of modules.
    let modules = modules.get(16..modules.len().saturating_sub(16)).unwrap_or_default();
    Some(Ok((String::from_utf8_lossy(version).into_owned(), String::from_utf8_lossy(modules).into_owned())))
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
        if let (Some(name), Some(version), true) = (entry["name"].as_str(), entry["version"].as_str(), is_registry) {
            inventory.packages.push(Package::language(PackageType::Cargo, name, version, place));
        }
    }
}

/// Whether the table of sections of a 64-bit little-endian ELF file lies beyond its end; none for other files.
fn is_cut_off(bytes: &[u8]) -> Option<bool> {
    if !bytes.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let table = u64::from_le_bytes(bytes.get(0x28..0x30)?.try_into().ok()?);
    let size = u64::from(u16::from_le_bytes(bytes.get(0x3a..0x3c)?.try_into().ok()?));
    let count = u64::from(u16::from_le_bytes(bytes.get(0x3c..0x3e)?.try_into().ok()?));
    Some(table.saturating_add(size * count) > bytes.len() as u64)
}

/// A section of a 64-bit little-endian ELF file.
fn elf_section<'a>(bytes: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let long = |at: usize| usize::try_from(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?)).ok();
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let short = |at: usize| Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    if !bytes.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, size, count, names) = (long(0x28)?, short(0x3a)?, short(0x3c)?, short(0x3e)?);
    let header = |section: usize| table.checked_add(section.checked_mul(size)?);
    let names = long(header(names)?.checked_add(0x18)?)?;
    (0..count).find_map(|section| {
        let at = header(section)?;
        let name = bytes.get(names.checked_add(word(at)?)?..)?;
        if !(name.starts_with(wanted) && name.get(wanted.len()) == Some(&0)) {
            return None;
        }
        let (start, length) = (long(at.checked_add(0x18)?)?, long(at.checked_add(0x20)?)?);
        bytes.get(start..start.checked_add(length)?)
    })
}
