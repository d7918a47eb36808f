//! What the text points to: the other parts, and addresses on the web.

use super::xml::Xml;
use std::collections::BTreeMap;

/// The id of the header.
pub(super) const HEADER: &str = "header";

/// The id of the footer.
pub(super) const FOOTER: &str = "footer";

const KIND: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/";

/// The parts beside the text: id, kind and file.
const PARTS: &[(&str, &str, &str)] = &[
    ("styles", "styles", "styles.xml"),
    ("numbering", "numbering", "numbering.xml"),
    ("settings", "settings", "settings.xml"),
    ("fonts", "fontTable", "fontTable.xml"),
    (HEADER, "header", "header1.xml"),
    (FOOTER, "footer", "footer1.xml"),
];

/// The addresses in a text, each with its number: that of its first place.
#[derive(Default)]
pub(super) struct Links {
    numbers: BTreeMap<String, usize>,
}

impl Links {
    /// The id of an address; none if a program that opens the file could stumble over it.
    pub(super) fn id(&mut self, address: &str) -> Option<String> {
        if !is_target(address) {
            return None;
        }
        let next = self.numbers.len() + 1;
        let number = self.numbers.entry(address.to_owned()).or_insert(next);
        Some(format!("link{number}"))
    }

    /// The part that says where the ids lead.
    pub(super) fn part(self) -> String {
        let root = [("xmlns", "http://schemas.openxmlformats.org/package/2006/relationships")];
        let mut xml = Xml::new("Relationships", &root);
        for (id, kind, file) in PARTS {
            xml.empty("Relationship", &[("Id", id), ("Type", &format!("{KIND}{kind}")), ("Target", file)]);
        }
        for (address, number) in &self.numbers {
            let (id, kind) = (format!("link{number}"), format!("{KIND}hyperlink"));
            let target = [("Id", &*id), ("Type", &kind), ("Target", address), ("TargetMode", "External")];
            xml.empty("Relationship", &target);
        }
        xml.finish()
    }
}

/// Whether an address is a URI (RFC 3986): a relation to anything else can make a whole file unreadable.
fn is_target(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once(':') else { return false };
    let mut escapes = rest.split('%').skip(1);
    let is_escaped =
        escapes.all(|part| part.as_bytes().iter().take(2).filter(|sign| sign.is_ascii_hexdigit()).count() == 2);
    let is_plain = is_escaped && !rest.contains(['[', ']']) && rest.matches('#').count() <= 1;
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => is_plain && rest.strip_prefix("//").is_some_and(is_on_a_host),
        "mailto" => is_plain && !rest.is_empty(),
        _ => false,
    }
}

/// Whether what follows the slashes begins with a name and perhaps a port; nobody's name or password stands there.
fn is_on_a_host(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    let is_name = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '.' | '_');
    host.starts_with(|sign: char| sign.is_ascii_alphanumeric())
        && host.chars().all(is_name)
        && !port.starts_with('+')
        && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_target;

    #[test]
    fn only_whole_addresses_of_the_web_and_of_mail_are_targets() {
        for address in ["https://example.org", "HTTP://a.example:8080/%C3%BC?x=1&y=(2)#z", "mailto:a@example.org"] {
            assert!(is_target(address), "{address}");
        }
        for address in [
            "http://",
            "https:///x",
            "https://a:b@example.org",
            "http://example.org:99999/",
            "http://example.org/100%",
            "http://example.org/[x]",
            "http://m%C3%BCnchen.example",
            "mailto:",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "x",
        ] {
            assert!(!is_target(address), "{address}");
        }
    }
}
