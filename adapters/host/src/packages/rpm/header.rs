//! Keeping a package that neither cache nor archive has any more: its header as rpm's database has it, and its files as they are.
//!
//! The header makes a package file without a payload (Linux Standard Base, Package File Format), which rpm takes into its database with
//! `--justdb`; the files come back from an archive beside it.

use super::{exactly, file_name};
use crate::root::{CommandError, Root};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;
use std::fs::File;

const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
const HEADER_MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
const LEAD_BYTES: usize = 96;
/// Where the form of the signature is said in the lead, and the form that everybody has.
const SIGNATURE_FORM: (usize, u8) = (78, 5);
/// The tag of a signature's size, as a number of four bytes.
const SIZE_TAG: (u32, u32) = (1000, 4);

/// A package file of a header alone.
fn without_payload(header: &[u8]) -> Vec<u8> {
    let mut file = vec![0_u8; LEAD_BYTES];
    file[..4].copy_from_slice(&LEAD_MAGIC);
    file[4] = 3;
    file[SIGNATURE_FORM.0 + 1] = SIGNATURE_FORM.1;
    // A signature that says nothing but a size: one entry, four bytes, and what fills up to eight.
    file.extend(HEADER_MAGIC);
    let length = u32::try_from(header.len() + HEADER_MAGIC.len()).unwrap_or(u32::MAX);
    for number in [1, 4, SIZE_TAG.0, SIZE_TAG.1, 0, 1, length] {
        file.extend(number.to_be_bytes());
    }
    file.extend([0; 4]);
    file.extend(HEADER_MAGIC);
    file.extend(header);
    file
}

fn paths(folder: &str, (package, version): (&str, &str)) -> (String, String) {
    let file = file_name(package, version);
    (format!("{folder}/{file}.header"), format!("{folder}/{file}.tar"))
}

/// The file of its header in a folder: a package without a payload.
pub(super) fn file(folder: &str, one: (&str, &str)) -> String {
    paths(folder, one).0
}

/// The files of a package that is installed.
fn files(root: &Root, full: &str, log: &mut File) -> Result<BTreeSet<String>, CommandError> {
    let told = root.run(&["rpm", "--query", "--queryformat", "[%{FILENAMES}\\n]", full], log)?;
    Ok(told.lines().filter(|line| line.starts_with('/')).map(str::to_owned).collect())
}

/// A log that nobody reads: what comes is no text.
fn nobody() -> Result<File, CommandError> {
    let path = std::path::Path::new("/dev/null");
    File::options().write(true).open(path).map_err(|source| CommandError::File { path: path.to_owned(), source })
}

/// Keeps it in a folder.
pub(super) fn keep(root: &Root, one: (&str, &str), folder: &str, log: &mut File) -> Result<(), CommandError> {
    let (full, (header, archive)) = (exactly(one.0, one.1), paths(folder, one));
    if root.below(&header).exists() {
        return Ok(());
    }
    let write = |inside: &str, bytes: &[u8]| {
        let path = root.below(inside);
        std::fs::write(&path, bytes).map_err(|source| CommandError::File { path, source })
    };
    let there: Vec<String> =
        files(root, &full, log)?.into_iter().filter(|path| root.below(path).symlink_metadata().is_ok()).collect();
    let list = format!("{archive}.list");
    // Files end with a zero byte: names with line feeds stay names.
    write(&list, there.iter().map(|file| format!(".{file}\0")).collect::<String>().as_bytes())?;
    let from = format!("--files-from={list}");
    let words = ["tar", "--directory=/", "--no-recursion", "--null", &from, "--xattrs", "--create", "--file", &archive];
    root.run(&words, log)?;
    root.run(&["rm", "--force", "--", &list], log)?;
    let mut nobody = nobody()?;
    let told = root.run(&["rpm", "--query", "--queryformat", "%{HEADERIMMUTABLE:base64}", &full], &mut nobody)?;
    let text: String = told.chars().filter(|character| !character.is_whitespace()).collect();
    let bytes = STANDARD.decode(text).map_err(|_| CommandError::Refused {
        what: format!(
            "{full} is in no cache and no archive, and rpm does not tell its header: there would be no way back"
        ),
    })?;
    let part = format!("{header}.part");
    write(&part, &without_payload(&bytes))?;
    root.run(&["mv", "--", &part, &header], log).map(|_| ())
}

/// Brings it back from a folder.
pub(super) fn restore(root: &Root, one: (&str, &str), folder: &str, log: &mut File) -> Result<(), CommandError> {
    let (header, archive) = paths(folder, one);
    let mut before = BTreeSet::new();
    let query = ["rpm", "--query", "--queryformat", "%{VERSION}-%{RELEASE}.%{ARCH}\\n", super::parts(one.0).0];
    let name = super::parts(one.0).0;
    for version in root.run(&query, log).unwrap_or_default().lines() {
        before.extend(files(root, &format!("{name}-{version}"), log)?);
    }
    let unchecked = ["--justdb", "--nodeps", "--noscripts", "--nosignature", "--nodigest"];
    let words = [&["rpm", "--upgrade", "--oldpackage", "--replacepkgs", "--replacefiles"], &unchecked[..], &[&header]];
    root.run(&words.concat(), log)?;
    let own = files(root, &exactly(one.0, one.1), log)?;
    // What came with the newer version and is nobody else's goes: the deepest first.
    for path in before.difference(&own).collect::<Vec<_>>().into_iter().rev() {
        let Ok(known) = root.below(path).symlink_metadata() else { continue };
        if root.run(&["rpm", "--query", "--file", path], log).is_ok() {
            continue;
        }
        match known.is_dir() {
            // Others' files keep it.
            true => drop(root.run(&["rmdir", "--", path], log)),
            false => drop(root.run(&["rm", "--force", "--", path], log)?),
        }
    }
    root.run(&["tar", "--directory=/", "--same-permissions", "--xattrs", "--extract", "--file", &archive], log)?;
    // What its own scripts do after an upgrade nobody does here but for the cache of libraries, which most of them are for.
    drop(root.run(&["ldconfig"], log));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{LEAD_BYTES, without_payload};

    #[test]
    fn a_package_without_a_payload_has_its_parts_in_their_places() {
        let file = without_payload(b"header");
        assert_eq!(&file[..4], &[0xed, 0xab, 0xee, 0xdb]);
        assert_eq!(file[79], 5, "the form of the signature");
        assert_eq!(&file[LEAD_BYTES..LEAD_BYTES + 4], &[0x8e, 0xad, 0xe8, 0x01]);
        let at = file.len() - b"header".len() - 8;
        assert_eq!(at % 8, 0, "the header begins at a multiple of eight");
        assert_eq!(&file[at..at + 4], &[0x8e, 0xad, 0xe8, 0x01]);
    }
}
