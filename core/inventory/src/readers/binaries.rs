//! Executables that say what they were built from: Go's build information, and Rust's where built with `cargo auditable`.

mod search;

use super::{Access, Document, Reader};
use crate::model::{Inventory, Package, PackageType};
use memchr::memmem;
use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader};
use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::{Endianness, FileKind, Object, ObjectSection, ReadCache, ReadRef};
use search::{Bytes, each_place};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

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
    inspect((document.bytes, document.bytes), document.name, inventory);
}

/// Reads a program in a file: of a large one only what says what it was built from is ever held.
pub(super) fn read_file(file: &File, name: &str, inventory: &mut Inventory) {
    let cache = ReadCache::new(Bounded { file, left: MOST_BYTES_OF_PARTS });
    inspect((file, &cache), name, inventory);
}

/// No list of sections or of crates is as large: whoever says that his is has others fill their memory.
const MOST_BYTES_OF_PARTS: u64 = 64 << 20;

/// A file of which only so much is read.
struct Bounded<'f> {
    file: &'f File,
    left: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        self.left =
            self.left.checked_sub(room.len() as u64).ok_or_else(|| std::io::Error::other("it says too much"))?;
        self.file.read(room)
    }
}

impl Seek for Bounded<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

/// Adds what a program says that it was built from. It is given to be searched, and to be read by its parts.
fn inspect<'d>((bytes, parts): (&(impl Bytes + ?Sized), impl ReadRef<'d>), name: &str, inventory: &mut Inventory) {
    let mut head = [0; 4096];
    let searched = bytes.read_at(0, &mut head).and_then(|read| Ok((read, go_build_information(bytes)?)));
    let (head, go, has_list) = match searched {
        Ok((read, (go, has_list))) => (&head[..read], go, has_list),
        Err(error) => return inventory.unreadable(name, error),
    };
    let is_go = matches!(go, Some(Ok(_)));
    match go {
        Some(Ok((version, modules))) => add_go(&version, &modules, name, inventory),
        Some(Err(what)) => inventory.unreadable(name, what),
        None => {}
    }
    // The packer's mark stands near the beginning, before what it packed.
    if memmem::find(head, b"UPX!").is_some() {
        inventory.unreadable(name, "it is packed by UPX: what it was built from is not seen");
    }
    match crate_lists(parts) {
        Ok(lists) => lists.into_iter().for_each(|list| add_rust(list, name, inventory)),
        // Old programs begin like new ones; what is none of ours need not be read.
        Err(error) if !is_go && head.starts_with(b"\x7fELF") || has_list => {
            inventory.unreadable(name, format!("the program is cut off or damaged: {error}"));
        }
        Err(_) => {}
    }
}

/// The section in which `cargo auditable` leaves the list of crates.
const CRATES: &[u8] = b".dep-v0";

/// The lists of crates in a program: one for each machine that it was built for.
fn crate_lists<'d, R: ReadRef<'d>>(parts: R) -> Result<Vec<&'d [u8]>, object::Error> {
    let of_one = |part: &'d [u8]| match object::File::parse(part)?.section_by_name_bytes(CRATES) {
        Some(section) => section.data().map(Some),
        None => Ok(None),
    };
    let found = match FileKind::parse(parts)? {
        // Only the list of sections is read: a table of symbols may be larger than all the rest.
        FileKind::Elf32 => vec![section_of_elf::<FileHeader32<Endianness>, R>(parts)?],
        FileKind::Elf64 => vec![section_of_elf::<FileHeader64<Endianness>, R>(parts)?],
        FileKind::MachOFat32 => {
            let file = MachOFatFile32::parse(parts)?;
            file.arches().iter().map(|machine| of_one(machine.data(parts)?)).collect::<Result<_, _>>()?
        }
        FileKind::MachOFat64 => {
            let file = MachOFatFile64::parse(parts)?;
            file.arches().iter().map(|machine| of_one(machine.data(parts)?)).collect::<Result<_, _>>()?
        }
        _ => match object::File::parse(parts)?.section_by_name_bytes(CRATES) {
            Some(section) => vec![Some(section.data()?)],
            None => Vec::new(),
        },
    };
    Ok(found.into_iter().flatten().collect())
}

fn section_of_elf<'d, E: FileHeader<Endian = Endianness>, R: ReadRef<'d>>(
    parts: R,
) -> Result<Option<&'d [u8]>, object::Error> {
    let header = E::parse(parts)?;
    let endian = header.endian()?;
    match header.sections(endian, parts)?.section_by_name(endian, CRATES) {
        Some((_, section)) => section.data(endian, parts).map(Some),
        None => Ok(None),
    }
}

/// What Go says of a program: its own version, and the modules.
type GoInformation = Result<(String, String), &'static str>;

/// Finds the inline form that Go has written since 1.18 (`debug/buildinfo`): magic, flags, two strings with lengths. Says too whether
/// the mark of a list of crates is there.
///
/// Programs that read others' build information hold the magic as a text of their own, so each place is tried.
fn go_build_information(bytes: &(impl Bytes + ?Sized)) -> std::io::Result<(Option<GoInformation>, bool)> {
    const MAGIC: &[u8] = b"\xff Go buildinf:";
    /// More places than any program has that reads others' build information.
    const MOST_PLACES: usize = 64;
    let (mut found, mut has_list, mut failed) = (None, false, Ok(()));
    let mut places = 0;
    each_place(bytes, &[MAGIC, CRATES], |text, place| {
        if text == 1 {
            has_list = true;
            return true;
        }
        places += 1;
        if places > MOST_PLACES || matches!(found, Some(Ok(_))) {
            return true;
        }
        match go_information_from(bytes, place) {
            Ok(Some(own)) if found.is_none() || own.is_ok() => found = Some(own),
            Ok(_) => {}
            Err(error) => failed = Err(error),
        }
        failed.is_ok()
    })?;
    failed.map(|()| (found, has_list))
}

/// Reads as much behind a magic as it takes; none where the file ends before anything is said.
fn go_information_from(bytes: &(impl Bytes + ?Sized), place: u64) -> std::io::Result<Option<GoInformation>> {
    const MOST_BYTES: usize = 16 << 20;
    let mut window = vec![0; 64 * 1024];
    loop {
        let read = bytes.read_at(place, &mut window)?;
        if read < 32 {
            return Ok(None);
        }
        let own = go_information_at(&window[..read], 0);
        if own != Err(CUT_OFF) || read < window.len() || 4 * window.len() > MOST_BYTES {
            return Ok(Some(own));
        }
        window.resize(4 * window.len(), 0);
    }
}

const CUT_OFF: &str = "its Go build information is cut off";

fn go_information_at(bytes: &[u8], at: usize) -> GoInformation {
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
        return Err(CUT_OFF);
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
