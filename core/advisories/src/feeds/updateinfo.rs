//! `updateinfo.xml` of RPM repositories: Fedora, EPEL, AlmaLinux, Rocky, Amazon, Oracle, SUSE.

use super::text::{begins_with_all, is_cve, summary};
use super::{Document, Feed, Reading, Revision};
use crate::model::{Advisory, Affected, Record, Severity, Subject};
use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Xml};

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "updateinfo",
    title: "updateinfo.xml of RPM repositories",
    addresses: &[],
    stale_after_days: 30,
    by_line: false,
    revision: Revision::InPieces,
    detect: |document| {
        begins_with_all(document, &["<updates", "<update "]) || begins_with_all(document, &["<updates>"])
    },
    read,
};

#[derive(Default)]
struct Update {
    advisory: Advisory,
    release: String,
    is_security: bool,
    /// The module stream of the collection that is being read.
    module: Option<String>,
    text: String,
}

fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    let mut reader = Reader::from_reader(document.bytes);
    let mut update: Option<Update> = None;
    loop {
        let place = reader.buffer_position();
        match reader.read_event() {
            Err(error) => return out.problem(format!("{} byte {place}", document.name), error),
            Ok(Xml::Eof) => {
                if update.is_some() {
                    out.problem(format!("{} byte {place}", document.name), "the document ends inside an update");
                }
                return;
            }
            Ok(Xml::Start(tag)) => open(&tag, &mut update),
            Ok(Xml::Empty(tag)) => open(&tag, &mut update),
            Ok(Xml::Text(text)) => {
                if let Some(update) = update.as_mut() {
                    update.text.push_str(text.as_ref());
                }
            }
            Ok(Xml::GeneralRef(name)) => {
                if let Some(update) = update.as_mut() {
                    update.text.push_str(quick_xml::escape::resolve_predefined_entity(name.as_ref()).unwrap_or("?"));
                }
            }
            Ok(Xml::End(tag)) => {
                if tag.name().as_ref() == "update" {
                    if let Some(update) = update.take() {
                        finish(update, document.name, out);
                    }
                } else if let Some(update) = update.as_mut() {
                    close(tag.name().as_ref(), update);
                }
            }
            Ok(_) => {}
        }
    }
}

/// The value of an attribute, with its entities resolved.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == name)?;
    let text = found.value.into_owned();
    Some(quick_xml::escape::unescape(&text).map_or_else(|_| text.clone(), |value| value.into_owned()))
}

fn open(tag: &BytesStart<'_>, update: &mut Option<Update>) {
    if tag.name().as_ref() == "update" {
        let is_security = attribute(tag, "type").is_none_or(|kind| kind == "security");
        *update = Some(Update { is_security, ..Update::default() });
        return;
    }
    let Some(update) = update else { return };
    update.text.clear();
    match tag.name().as_ref() {
        "issued" => update.advisory.published = attribute(tag, "date").as_deref().and_then(moment),
        "updated" => update.advisory.modified = attribute(tag, "date").as_deref().and_then(moment),
        "reference" => reference(tag, update),
        "package" => {
            let value = |name| attribute(tag, name).unwrap_or_default();
            let epoch = attribute(tag, "epoch")
                .filter(|epoch| !epoch.is_empty() && epoch != "0")
                .map(|epoch| epoch + ":")
                .unwrap_or_default();
            let version = format!("{epoch}{}-{}", value("version"), value("release"));
            let mut affected = Affected::fixed_in("", &value("name"), Subject::Binary, &version);
            affected.module.clone_from(&update.module);
            affected.architectures.extend(attribute(tag, "arch").filter(|arch| arch != "noarch" && !arch.is_empty()));
            // Source packages are listed beside what was built from them.
            if affected.architectures.first().is_none_or(|arch| arch != "src") {
                update.advisory.affected.push(affected);
            }
        }
        "collection" => update.module = None,
        "module" => {
            let value = |name| attribute(tag, name).unwrap_or_default();
            update.module = Some(format!("{}:{}", value("name"), value("stream")));
        }
        _ => {}
    }
}

fn reference(tag: &BytesStart<'_>, update: &mut Update) {
    let (id, title) = (attribute(tag, "id").unwrap_or_default(), attribute(tag, "title").unwrap_or_default());
    let is_own = attribute(tag, "type").as_deref() == Some("self");
    if is_own {
        update.advisory.url = attribute(tag, "href");
    }
    // Fedora names the CVEs in the titles of its bug reports only.
    let words = title.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    for word in std::iter::once(id.as_str()).chain(words).filter(|word| is_cve(word)) {
        if !update.advisory.resolves.iter().any(|known| known == word) {
            update.advisory.resolves.push(word.to_owned());
        }
    }
}

fn close(tag: &str, update: &mut Update) {
    let text = std::mem::take(&mut update.text).trim().to_owned();
    match tag {
        "id" if update.advisory.id.is_empty() => update.advisory.id = text,
        "title" => update.advisory.summary = summary(&text),
        "release" if update.release.is_empty() => update.release = text,
        "severity" if !text.is_empty() && text != "None" => {
            let source = update.advisory.id.clone();
            update.advisory.severities.push(Severity { source, value: text });
        }
        _ => {}
    }
}

/// `2024-02-27 02:07:15`, `2024-02-27`, or seconds since 1970.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() >= 9 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    super::text::instant(text.trim_end_matches(" UTC"))
}

fn finish(mut update: Update, place: &str, out: &mut Reading<'_>) {
    if update.advisory.id.is_empty() {
        return out.problem(place, "an update without an id");
    }
    // Bug-fix and enhancement updates are pending updates, not advisories.
    if !update.is_security && update.advisory.resolves.is_empty() {
        return;
    }
    let Some(ecosystem) = ecosystem_of(&update) else {
        return out.problem(
            place,
            format!("`{}` does not say for which release it is (`{}`)", update.advisory.id, update.release),
        );
    };
    for affected in &mut update.advisory.affected {
        affected.ecosystem.clone_from(&ecosystem);
    }
    merge_architectures(&mut update.advisory.affected);
    out.record(Record::Advisory(Box::new(update.advisory)));
}

/// One entry a package and version, with all its architectures.
fn merge_architectures(all: &mut Vec<Affected>) {
    let mut merged: Vec<Affected> = Vec::with_capacity(all.len());
    for entry in all.drain(..) {
        let same = merged
            .iter_mut()
            .find(|known| (&known.name, &known.module, &known.ranges) == (&entry.name, &entry.module, &entry.ranges));
        match same {
            Some(known) if known.architectures.is_empty() || entry.architectures.is_empty() => {
                known.architectures.clear()
            }
            Some(known) => known.architectures.extend(entry.architectures),
            None => merged.push(entry),
        }
    }
    *all = merged;
}

/// The release, from the words of the document or the advisory's id.
fn ecosystem_of(update: &Update) -> Option<String> {
    let (id, release) = (update.advisory.id.as_str(), update.release.as_str());
    let number = |text: &str| -> Option<String> {
        let text: String =
            text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        (!text.is_empty()).then_some(text)
    };
    if id.starts_with("FEDORA-EPEL") || release.starts_with("Fedora EPEL") {
        return Some(format!("EPEL:{}", number(release)?));
    }
    if id.starts_with("FEDORA-") {
        return Some(format!("Fedora:{}", number(release)?));
    }
    if id.starts_with("ALAS2023") || id.contains("ALAS2023") {
        return Some("Amazon Linux:2023".to_owned());
    }
    if id.starts_with("ALAS2022") {
        return Some("Amazon Linux:2022".to_owned());
    }
    if id.starts_with("ALAS2") {
        return Some("Amazon Linux:2".to_owned());
    }
    if id.starts_with("ALAS") {
        return Some("Amazon Linux:1".to_owned());
    }
    let dist = update.advisory.affected.iter().find_map(|affected| {
        let crate::Event::Fixed(version) = affected.ranges.first()?.events.last()? else { return None };
        let at = version.find(".el").or_else(|| version.find("+el"))?;
        number(&version[at + 3..]).map(|text| text.split('.').next().unwrap_or_default().to_owned())
    });
    let family = match id.split(['-', ':']).next().unwrap_or_default() {
        "ALSA" | "ALBA" | "ALEA" => "AlmaLinux",
        "RLSA" | "RLBA" | "RLEA" | "RXSA" => "Rocky Linux",
        "RHSA" | "RHBA" | "RHEA" => "Red Hat",
        "ELSA" | "ELBA" => "Oracle Linux",
        _ if id.to_ascii_lowercase().starts_with("suse") => {
            return Some(format!("SUSE:{release}")).filter(|_| !release.is_empty());
        }
        _ if id.to_ascii_lowercase().starts_with("opensuse") => {
            return Some(format!("openSUSE:{release}")).filter(|_| !release.is_empty());
        }
        _ => return None,
    };
    Some(format!("{family}:{}", dist.or_else(|| number(release))?))
}
