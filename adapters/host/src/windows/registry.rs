//! What the registry says.

use inventory::windows::{Program, Release};
use windows_registry::{Key, LOCAL_MACHINE, USERS};

const CURRENT_VERSION: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const UNINSTALL: &str = r"Microsoft\Windows\CurrentVersion\Uninstall";
const CONTROL: &str = r"SYSTEM\CurrentControlSet\Control";
/// `ERROR_FILE_NOT_FOUND`: there is no such key or value.
const NOT_FOUND: u32 = 0x8007_0002;

fn is_not_found(error: &windows_result::Error) -> bool {
    error.code().0.cast_unsigned() == NOT_FOUND
}

/// A text that may be missing.
fn text(key: &Key, name: &str) -> String {
    text_of(key, name).unwrap_or_default()
}

/// The same; what is there and cannot be read is an error.
fn text_of(key: &Key, name: &str) -> windows_result::Result<String> {
    match key.get_string(name) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) if is_not_found(&error) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

pub(super) fn name() -> String {
    let key = LOCAL_MACHINE.open(format!(r"{CONTROL}\ComputerName\ActiveComputerName"));
    key.map(|key| text(&key, "ComputerName")).unwrap_or_default()
}

pub(super) fn release() -> Result<Release, String> {
    let place = |what: &str| format!(r"HKLM\{CURRENT_VERSION}{what}");
    let key = LOCAL_MACHINE.open(CURRENT_VERSION).map_err(|error| format!("{}: {error}", place("")))?;
    let needed = |name: &str| key.get_string(name).map_err(|error| format!("{}: {error}", place(&format!(r"\{name}"))));
    let version = text(&key, "DisplayVersion");
    // Windows 10 and 11 still say `6.3` in the older value.
    let numbers = (key.get_u32("CurrentMajorVersionNumber"), key.get_u32("CurrentMinorVersionNumber"));
    let kernel = match numbers {
        (Ok(major), Ok(minor)) => format!("{major}.{minor}"),
        _ => text(&key, "CurrentVersion"),
    };
    Ok(Release {
        product: needed("ProductName")?.trim().to_owned(),
        version: if version.is_empty() { text(&key, "ReleaseId") } else { version },
        kernel,
        build: needed("CurrentBuildNumber")?.trim().to_owned(),
        revision: key.get_u32("UBR").ok(),
        architecture: architecture(),
    })
}

fn architecture() -> String {
    let key = LOCAL_MACHINE.open(format!(r"{CONTROL}\Session Manager\Environment"));
    key.map(|key| text(&key, "PROCESSOR_ARCHITECTURE")).unwrap_or_default().to_ascii_lowercase()
}

pub(super) fn programs() -> (Vec<Program>, Vec<(String, String)>) {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    let mut take = |root: &Key, root_name: &str, path: &str, architecture: &str| {
        let read = list(root, (root_name, path), architecture, (&mut found, &mut unread));
        unread.extend(read.err().map(|error| (format!(r"{root_name}\{path}"), error.to_string())));
    };
    take(LOCAL_MACHINE, "HKLM", &format!(r"SOFTWARE\{UNINSTALL}"), &architecture());
    take(LOCAL_MACHINE, "HKLM", &format!(r"SOFTWARE\WOW6432Node\{UNINSTALL}"), "x86");
    match USERS.keys() {
        // What a user installed alone; the settings of those who are not signed in are not loaded.
        Ok(users) => users
            .filter(|user| user.starts_with("S-1-5-21-") && !user.ends_with("_Classes"))
            .for_each(|user| take(USERS, "HKU", &format!(r"{user}\Software\{UNINSTALL}"), "")),
        Err(error) => unread.push(("HKU".to_owned(), error.to_string())),
    }
    (found, unread)
}

fn list(
    root: &Key,
    (root_name, path): (&str, &str),
    architecture: &str,
    (found, unread): (&mut Vec<Program>, &mut Vec<(String, String)>),
) -> windows_result::Result<()> {
    let key = match root.open(path) {
        Ok(key) => key,
        Err(error) if is_not_found(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    for name in key.keys()? {
        let place = format!(r"{root_name}\{path}\{name}");
        let read = key.open(&name).and_then(|program| Ok((text_of(&program, "DisplayName")?, program)));
        // One that cannot be read takes no other one with it.
        let (shown, program) = match read {
            Ok(read) => read,
            Err(error) => {
                unread.push((place, error.to_string()));
                continue;
            }
        };
        // A key without a name is no program, and one below another program is an update of it.
        if shown.is_empty() || !text(&program, "ParentKeyName").is_empty() {
            continue;
        }
        found.push(Program {
            name: shown,
            version: text(&program, "DisplayVersion"),
            publisher: text(&program, "Publisher"),
            architecture: architecture.to_owned(),
            place,
        });
    }
    Ok(())
}

/// Keys that are there where a restart is owed.
pub(super) fn restart_reasons() -> Result<Vec<String>, String> {
    const KEYS: [(&str, &str); 2] = [
        (
            r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
            "parts of Windows wait to be put in place",
        ),
        (
            r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
            "Windows Update asks for a restart",
        ),
    ];
    let mut reasons = Vec::new();
    for (path, reason) in KEYS {
        match LOCAL_MACHINE.open(path) {
            Ok(_) => reasons.push(reason.to_owned()),
            Err(error) if is_not_found(&error) => {}
            Err(error) => return Err(format!(r"HKLM\{path}: {error}")),
        }
    }
    Ok(reasons)
}
