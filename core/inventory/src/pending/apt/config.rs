//! apt's configuration (apt.conf(5)), and which of its files count.

use crate::directory::Directory;
use crate::model::Inventory;
use crate::pending::{read_settings, settings_in};
use crate::readers::file_name;

/// The files of a folder in their order, as far as apt looks at them: with the extension, or without any if it may lack.
pub(super) fn parts(
    root: &Directory,
    folder: &str,
    extension: &str,
    may_lack: bool,
    inventory: &mut Inventory,
) -> Vec<String> {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte);
    let counts = |path: &String| {
        let name = file_name(path);
        let fits = name.rsplit_once('.').map_or(may_lack, |(_, found)| found == extension);
        fits && !name.starts_with('.') && name.bytes().all(is_usual)
    };
    settings_in(root, folder, inventory).into_iter().filter(counts).collect()
}

/// The last value of a setting, in the order in which apt reads its files; empty if it is not set.
pub(super) fn value_of(root: &Directory, setting: &str, inventory: &mut Inventory) -> String {
    let mut files = parts(root, "etc/apt/apt.conf.d", "conf", true, inventory);
    files.push("etc/apt/apt.conf".to_owned());
    let mut found = String::new();
    for path in files {
        for (name, value) in settings(&read_settings(root, &path, inventory)) {
            if name.eq_ignore_ascii_case(setting) {
                found = value;
            }
        }
    }
    found
}

/// All settings of a file with their full names: `APT::Default-Release "stable";` or `APT { Default-Release "stable"; };`.
fn settings(text: &str) -> Vec<(String, String)> {
    let (mut found, mut scopes, mut words) = (Vec::new(), Vec::new(), Vec::<String>::new());
    let mut is_open = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let comment = [("//", "\n"), ("/*", "*/")].into_iter().find(|(start, _)| rest.starts_with(start));
        let comment = comment.or_else(|| (first == '#' && !rest.starts_with("#clear")).then_some(("#", "\n")));
        if let Some((start, end)) = comment {
            rest = rest[start.len()..].split_once(end).map_or("", |(_, tail)| tail);
            is_open = false;
            continue;
        }
        rest = &rest[first.len_utf8()..];
        let was_open = std::mem::replace(&mut is_open, false);
        match first {
            '"' => {
                let (value, tail) = rest.split_once('"').unwrap_or((rest, ""));
                words.push(value.to_owned());
                rest = tail;
            }
            '{' => scopes.push(std::mem::take(&mut words).join("::")),
            '}' => {
                scopes.pop();
                words.clear();
            }
            ';' if words.is_empty() => {}
            ';' => {
                let mut statement = std::mem::take(&mut words).into_iter();
                let name = statement.next().unwrap_or_default();
                let name = if name == "#clear" { statement.next().unwrap_or_default() } else { name };
                let own = scopes.iter().cloned().chain([name]).filter(|part| !part.is_empty());
                found.push((own.collect::<Vec<_>>().join("::"), statement.collect::<Vec<_>>().join(" ")));
            }
            space if space.is_whitespace() => {}
            other => {
                is_open = true;
                match words.last_mut().filter(|_| was_open) {
                    Some(word) => word.push(other),
                    None => words.push(other.to_string()),
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_found_in_lines_and_in_scopes() {
        let text = "// APT::Default-Release \"no\";\nAPT::Install-Recommends \"0\";\n/* APT { */\nAPT { # comment\n  Default-Release \"/^a;b$/\"; NeverAutoRemove { \"^linux\"; };\n};\nacquire::http::proxy x:1;\n#clear APT::X;\n";
        let all = settings(text);
        let value = |wanted: &str| all.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        assert_eq!(value("APT::Default-Release"), Some("/^a;b$/"));
        assert_eq!(value("APT::Install-Recommends"), Some("0"));
        assert_eq!(value("APT::X"), Some(""));
        assert_eq!(all.len(), 5, "{all:?}");
    }
}
