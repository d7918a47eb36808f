//! Rebuilding: a package's file made of what is installed, where neither cache nor archive has it any more. It holds the files as
//! they are now, and the scripts and fields that dpkg keeps.

use crate::root::{CommandError, Root};
use std::fs::File;

/// Fields of dpkg's status that are no fields of a package.
const OF_STATUS: &[&str] = &["Status", "Conffiles", "Config-Version"];

/// Builds it in a folder, which is named by its path inside the root.
pub(super) fn build(
    root: &Root,
    (package, version): (&str, &str),
    folder: &str,
    log: &mut File,
) -> Result<(), CommandError> {
    let tree = format!("{folder}/rebuilt");
    let control = format!("{tree}/DEBIAN");
    root.run(&["rm", "--recursive", "--force", "--", &tree], log)?;
    root.run(&["mkdir", "--parents", "--mode=0755", "--", &control], log)?;
    let listed = root.run(&["dpkg-query", "--listfiles", package], log)?;
    let is_own = |line: &&str| line.starts_with('/') && *line != "/.";
    let files: Vec<&str> = listed.lines().filter(is_own).collect();
    let write = |inside: &str, text: &str| {
        std::fs::write(root.below(inside), text).map_err(|source| CommandError::Log { source })
    };
    let (list, archive) = (format!("{folder}/rebuilt.files"), format!("{folder}/rebuilt.tar"));
    // Files end with a zero byte: names with line feeds stay names.
    let there = files.iter().filter(|file| match root.below(file).symlink_metadata() {
        // What is a folder in the package and a link here (`/lib` on a merged `/usr`) becomes a folder by what lies below it.
        Ok(known) => !(known.is_symlink() && files.iter().any(|other| is_below(other, file))),
        Err(_) => false,
    });
    write(&list, &there.map(|file| format!(".{file}\0")).collect::<String>())?;
    let from = format!("--files-from={list}");
    let words = ["tar", "--directory=/", "--no-recursion", "--null", &from, "--create", "--file", &archive];
    root.run(&words, log)?;
    let into = format!("--directory={tree}");
    root.run(&["tar", &into, "--same-permissions", "--extract", "--file", &archive], log)?;
    let status = root.run(&["dpkg-query", "--status", package], log)?;
    write(&format!("{control}/control"), &fields(&status))?;
    let conffiles = conffiles(&status);
    if !conffiles.is_empty() {
        write(&format!("{control}/conffiles"), &conffiles)?;
    }
    for path in root.run(&["dpkg-query", "--control-path", package], log)?.lines() {
        if !path.ends_with(".list") && !path.ends_with(".conffiles") && !path.ends_with(".md5sums") {
            let name = path.rsplit('.').next().unwrap_or_default();
            root.run(&["cp", "--archive", "--", path, &format!("{control}/{name}")], log)?;
        }
    }
    let (name, architecture) = package.split_once(':').unwrap_or((package, "all"));
    let file = format!("{folder}/{name}_{}_{architecture}.deb", version.replace(':', "%3a"));
    // It lies here for a while and goes nowhere: making it small takes longer than making it.
    let part = format!("{file}.part");
    root.run(&["dpkg-deb", "-Zgzip", "-z1", "--build", &tree, &part], log)?;
    root.run(&["mv", "--", &part, &file], log)?;
    root.run(&["rm", "--recursive", "--force", "--", &tree, &list, &archive], log).map(|_| ())
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The fields of a package, of those that its status has.
fn fields(status: &str) -> String {
    let mut is_own = true;
    let mut text = String::new();
    for line in status.lines() {
        if !line.starts_with([' ', '\t']) {
            is_own = !OF_STATUS.iter().any(|field| line.split(':').next() == Some(field));
        }
        if is_own && !line.is_empty() {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// The paths of its configuration files that it has still.
fn conffiles(status: &str) -> String {
    let mut lines = status.lines().skip_while(|line| !line.starts_with("Conffiles:"));
    lines.next();
    let own = lines.take_while(|line| line.starts_with(' '));
    let current = own.filter(|line| !line.ends_with(" obsolete") && !line.ends_with(" remove-on-upgrade"));
    current.filter_map(|line| line.trim().split(' ').next()).map(|path| format!("{path}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::{conffiles, fields};

    #[test]
    fn a_status_becomes_the_fields_of_a_package() {
        let status = "Package: a\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/a 0123\n /etc/b 4567 obsolete\nDescription: x\n y\n";
        assert_eq!(fields(status), "Package: a\nVersion: 1\nDescription: x\n y\n");
        assert_eq!(conffiles(status), "/etc/a\n");
        assert_eq!(conffiles("Package: a\n"), "");
    }
}
