//! OSV records (<https://ossf.github.io/osv-schema/>, version 1.7): all ecosystems, all range types.

use super::text::{self, begins_with_all, has_keys, is_cve};
use super::{Document, Feed, Reading, Revision};
use crate::ecosystem::Family;
use crate::model::{Advisory, Affected, Event, FixState, Range, RangeKind, Record, Severity, Subject, Vulnerability};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "osv",
    title: "OSV: advisories of languages and distributions",
    addresses: &[
        "https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip",
        "https://osv-vulnerabilities.storage.googleapis.com/npm/all.zip",
        "https://osv-vulnerabilities.storage.googleapis.com/Go/all.zip",
        "https://osv-vulnerabilities.storage.googleapis.com/Maven/all.zip",
        "https://osv-vulnerabilities.storage.googleapis.com/crates.io/all.zip",
        "https://osv-vulnerabilities.storage.googleapis.com/RubyGems/all.zip",
        "https://osv-vulnerabilities.storage.googleapis.com/NuGet/all.zip",
        "https://osv-vulnerabilities.storage.googleapis.com/Packagist/all.zip",
        "https://osv-vulnerabilities.storage.googleapis.com/AlmaLinux/all.zip",
        "https://osv-vulnerabilities.storage.googleapis.com/Rocky%20Linux/all.zip",
        "https://osv-vulnerabilities.storage.googleapis.com/Ubuntu/all.zip",
    ],
    stale_after_days: 7,
    by_line: true,
    revision: Revision::ByRecord,
    detect: |document| {
        begins_with_all(document, &["{", "\"id\"", "\"modified\""])
            || begins_with_all(document, &["\"schema_version\""])
            || has_keys(document, &["id", "affected"])
            || has_keys(document, &["id", "modified"])
    },
    read,
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct OsvRecord<'a> {
    id: String,
    modified: Option<String>,
    published: Option<String>,
    withdrawn: Option<String>,
    aliases: Option<Vec<String>>,
    related: Option<Vec<String>>,
    upstream: Option<Vec<String>>,
    summary: Option<String>,
    /// Long and seldom needed: left as it stands until it is.
    #[serde(borrow)]
    details: Option<&'a RawValue>,
    severity: Option<Vec<OsvSeverity>>,
    affected: Option<Vec<OsvAffected>>,
    references: Option<Vec<Reference>>,
    database_specific: Option<Value>,
}

#[derive(Deserialize)]
struct OsvSeverity {
    #[serde(default)]
    score: String,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "type", default)]
    kind: String,
    url: String,
}

#[derive(Deserialize)]
struct OsvAffected {
    package: Option<OsvPackage>,
    severity: Option<Vec<OsvSeverity>>,
    ranges: Option<Vec<OsvRange>>,
    versions: Option<Vec<String>>,
    ecosystem_specific: Option<Value>,
    database_specific: Option<Value>,
}

#[derive(Deserialize)]
struct OsvPackage {
    ecosystem: String,
    name: String,
}

impl OsvPackage {
    /// Without the blanks around its names, and with the ecosystem's family in its own spelling.
    fn normalised(self) -> Self {
        let (ecosystem, name) = (self.ecosystem.trim(), self.name.trim());
        let (family, release) = ecosystem.split_once(':').map_or((ecosystem, None), |(name, rest)| (name, Some(rest)));
        let family = Family::spelt(family).map_or(family, |known| known.name);
        let ecosystem = release.map_or_else(|| family.to_owned(), |release| format!("{family}:{release}"));
        Self { ecosystem, name: name.to_owned() }
    }
}

#[derive(Deserialize)]
struct OsvRange {
    #[serde(rename = "type")]
    kind: String,
    events: Vec<OsvEvent>,
    database_specific: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OsvEvent {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

/// Reads one record, a list of records, or one record a line.
fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    let bytes = document.bytes;
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        match serde_json::from_slice::<Vec<&RawValue>>(bytes) {
            Ok(items) => items.iter().enumerate().for_each(|(at, item)| {
                read_one(item.get().as_bytes(), &format!("{} item {}", document.name, at + 1), out);
            }),
            Err(error) => out.problem(document.name, error),
        }
        return;
    }
    if document.name.contains(".jsonl") {
        return read_lines(bytes, document.name, out);
    }
    let mut records = serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>();
    loop {
        let start = records.byte_offset();
        match records.next() {
            None => return,
            Some(Ok(raw)) => read_one(raw.get().as_bytes(), document.name, out),
            Some(Err(error)) => {
                // A broken line costs that line, not what follows it.
                let place = format!("{} from byte {start}", document.name);
                out.problem(place, error);
                let rest = &bytes[start.min(bytes.len())..];
                let Some(end) = rest.iter().position(|byte| *byte == b'\n').filter(|end| end + 1 < rest.len()) else {
                    return;
                };
                let name = format!("{} after byte {}", document.name, start + end);
                return read_lines(&rest[end + 1..], &name, out);
            }
        }
    }
}

fn read_lines(bytes: &[u8], place: &str, out: &mut Reading<'_>) {
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        read_one(line, place, out);
    }
}

fn read_one(bytes: &[u8], place: &str, out: &mut Reading<'_>) {
    match serde_json::from_slice::<OsvRecord>(bytes) {
        Ok(record) if record.id.is_empty() => out.problem(place, "the record has no id"),
        Ok(record) => translate(record, place, out),
        Err(error) => out.problem(format!("{place}: {}", record_id(bytes)), error),
    }
}

/// The id of a record that does not read as a whole, for the message.
fn record_id(bytes: &[u8]) -> String {
    #[derive(Deserialize)]
    struct OnlyId {
        id: String,
    }
    serde_json::from_slice::<OnlyId>(bytes).map_or_else(|_| "a record without readable id".to_owned(), |only| only.id)
}

fn translate(mut record: OsvRecord<'_>, place: &str, out: &mut Reading<'_>) {
    let dates = Dates::of(&record, place, out);
    let mut aliases = record.aliases.unwrap_or_default();
    let upstream = record.upstream.unwrap_or_default();
    let is_bundle = is_vendor_bundle(&record.id);
    // `UBUNTU-CVE-2024-1` and `DEBIAN-CVE-2024-1` are the vendor's view of one CVE.
    if let Some(at) = record.id.find("CVE-").filter(|at| *at > 0 && is_cve(&record.id[*at..])) {
        aliases.push(record.id[at..].to_owned());
    }
    let mut resolves: Vec<String> = Vec::new();
    if is_bundle {
        let named = aliases.iter().chain(&upstream).chain(record.related.iter().flatten());
        resolves.extend(named.filter(|id| is_cve(id)).cloned());
        resolves.sort();
        resolves.dedup();
        aliases.clear();
    } else if aliases.is_empty() && upstream.len() == 1 {
        aliases.extend(upstream);
    }
    let mut severities: Vec<Severity> = Vec::new();
    let mut add = |found: Option<Vec<OsvSeverity>>, id: &str| {
        for severity in found.unwrap_or_default() {
            let severity = Severity { source: id.to_owned(), value: severity.score };
            if !severity.value.is_empty() && !severities.contains(&severity) && severities.len() < 16 {
                severities.push(severity);
            }
        }
    };
    add(record.severity.take(), &record.id);
    let mut affected = Vec::new();
    for mut entry in record.affected.unwrap_or_default() {
        add(entry.severity.take(), &record.id);
        affected.extend(affected_of(entry, record.summary.as_deref(), place, out));
    }
    if let Some(severity) = word(record.database_specific.as_ref(), "severity") {
        severities.push(Severity { source: record.id.clone(), value: severity });
    }
    let references = record.references.unwrap_or_default();
    let url = references.iter().find(|reference| reference.kind == "ADVISORY").or_else(|| references.first());
    let details = || serde_json::from_str::<String>(record.details?.get()).ok();
    let summary = record.summary.filter(|text| !text.trim().is_empty()).or_else(details);
    let advisory = Advisory {
        summary: text::summary(&summary.unwrap_or_default()),
        published: dates.published,
        modified: dates.modified,
        withdrawn: dates.withdrawn,
        url: url.map(|reference| reference.url.clone()),
        id: record.id,
        aliases,
        resolves,
        severities,
        affected,
    };
    weaknesses(&advisory, record.database_specific.as_ref(), out);
    out.record(Record::Advisory(Box::new(advisory)));
}

/// What an entry says of a package. Without one it speaks of a repository's commits: nothing that an inventory could hold.
fn affected_of(entry: OsvAffected, summary: Option<&str>, place: &str, out: &mut Reading<'_>) -> Option<Affected> {
    let OsvAffected { package, ranges, versions, ecosystem_specific, database_specific, .. } = entry;
    let Some(package) = package.map(OsvPackage::normalised) else {
        if ranges.iter().flatten().any(|range| range.kind != "GIT") {
            out.problem(place, "an entry with versions, and without the package that they are of");
        }
        return None;
    };
    if package.ecosystem.is_empty() || package.name.is_empty() {
        out.problem(place, "a package without its ecosystem or name");
        return None;
    }
    let ranges = custom_ranges(ecosystem_specific.as_ref()).or(ranges).unwrap_or_default();
    let ranges: Vec<Range> = ranges.into_iter().filter_map(|range| translate_range(range, place, out)).collect();
    let versions = versions.unwrap_or_default();
    // An entry that names no version says of none that it is safe.
    let names_none = ranges.is_empty() && versions.is_empty();
    Some(Affected {
        subject: subject_of(&package.ecosystem),
        urgency: urgency(ecosystem_specific.as_ref(), database_specific.as_ref()),
        state: if names_none { FixState::Undetermined } else { FixState::ByRange },
        ranges,
        versions,
        module: module_in(summary, &package.ecosystem),
        ecosystem: package.ecosystem,
        name: package.name,
        ..Affected::default()
    })
}

/// A record's dates; those that cannot be are problems, and count as not said.
struct Dates {
    published: Option<Timestamp>,
    modified: Option<Timestamp>,
    withdrawn: Option<Timestamp>,
}

impl Dates {
    fn of(record: &OsvRecord<'_>, place: &str, out: &mut Reading<'_>) -> Self {
        let place = format!("{place}: {}", record.id);
        let mut instant = |name: &str, text: &Option<String>| {
            let at = text.as_deref().and_then(text::instant);
            // Some write the year 1 where they know no date.
            if let Some(text) = text.as_ref().filter(|text| at.is_none() && !text.starts_with("0001")) {
                out.problem(&place, format!("its date `{name}` cannot be read: `{text}`"));
            }
            at
        };
        let (published, modified) = (instant("published", &record.published), instant("modified", &record.modified));
        let mut withdrawn = instant("withdrawn", &record.withdrawn);
        // Publishers withdraw without noting a change, weeks after the last one; decades after it is a mistake.
        let is_mistake = |at: Timestamp| modified.is_some_and(|last| at.duration_since(last).as_hours() > 24 * 7305);
        if withdrawn.is_some_and(is_mistake) {
            out.problem(&place, "it is withdrawn decades after its last change, so it is taken as standing");
            withdrawn = None;
        }
        Self { published, modified, withdrawn }
    }
}

/// A word on the weight of the entry: Debian's urgency; RustSec's notices are informational.
fn urgency(ecosystem: Option<&Value>, database: Option<&Value>) -> Option<String> {
    let named = word(ecosystem, "urgency").or_else(|| word(database, "urgency"));
    named
        .or_else(|| database?.get("informational").filter(|value| !value.is_null()).map(|_| "informational".to_owned()))
}

/// Go writes `introduced: 0` alone where a module's own versions cannot say it in SemVer, and the real range beside it.
fn custom_ranges(ecosystem: Option<&Value>) -> Option<Vec<OsvRange>> {
    let list = ecosystem?.get("custom_ranges")?;
    let is_known = |range: &OsvRange| matches!(range.kind.as_str(), "ECOSYSTEM" | "SEMVER");
    Vec::<OsvRange>::deserialize(list).ok().filter(|ranges| !ranges.is_empty() && ranges.iter().all(is_known))
}

fn weaknesses(advisory: &Advisory, specific: Option<&Value>, out: &mut Reading<'_>) {
    let Some(list) = specific.and_then(|value| value.get("cwe_ids")).and_then(Value::as_array) else { return };
    let weaknesses: Vec<String> = list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect();
    if !weaknesses.is_empty() {
        let id = advisory.aliases.iter().find(|alias| is_cve(alias)).unwrap_or(&advisory.id).clone();
        out.record(Record::Vulnerability(Box::new(Vulnerability { id, weaknesses, ..Vulnerability::default() })));
    }
}

/// Vendors' advisories that resolve many vulnerabilities at once; their CVEs are not each other's aliases.
fn is_vendor_bundle(id: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "DSA-",
        "DLA-",
        "DTSA-",
        "USN-",
        "LSN-",
        "RHSA-",
        "RHBA-",
        "RHEA-",
        "ALSA-",
        "ALBA-",
        "ALEA-",
        "RLSA-",
        "RXSA-",
        "RLBA-",
        "RLEA-",
        "SUSE-",
        "openSUSE-",
        "ELSA-",
        "ALAS",
        "MGASA-",
        "FEDORA-",
        "OESA-",
        "ALPINE-SA",
        "PHSA-",
        "BELL-SA",
        "CGA-MULTI",
    ];
    PREFIXES.iter().any(|prefix| id.starts_with(prefix)) && !id.contains("-CVE-")
}

fn subject_of(ecosystem: &str) -> Subject {
    match crate::split_ecosystem(ecosystem).0 {
        "Debian" | "Ubuntu" | "Alpine" | "Wolfi" | "Chainguard" | "Echo" | "MinimOS" | "Alpaquita" => Subject::Source,
        "SUSE" | "openSUSE" | "openEuler" | "Mageia" => Subject::Either,
        _ => Subject::Binary,
    }
}

/// AlmaLinux and Rocky name the module stream in the title only: `nodejs:18 security update`.
fn module_in(summary: Option<&str>, ecosystem: &str) -> Option<String> {
    if !matches!(crate::split_ecosystem(ecosystem).0, "AlmaLinux" | "Rocky Linux" | "Red Hat") {
        return None;
    }
    let summary = summary?;
    let words = summary.split([' ', ',']).map(|word| word.trim_end_matches(':'));
    let is_stream = |stream: &str| {
        stream.starts_with(|c: char| c.is_ascii_digit()) || stream.starts_with("rhel") || stream.starts_with("an")
    };
    words
        .into_iter()
        .find(|word| {
            word.split_once(':').is_some_and(|(name, stream)| {
                is_stream(stream)
                    && !name.is_empty()
                    && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            })
        })
        .map(str::to_owned)
}

fn word(value: Option<&Value>, key: &str) -> Option<String> {
    value?.get(key)?.as_str().map(str::to_owned)
}

fn translate_range(range: OsvRange, place: &str, out: &mut Reading<'_>) -> Option<Range> {
    let kind = match range.kind.as_str() {
        "ECOSYSTEM" => RangeKind::Ecosystem,
        "SEMVER" => RangeKind::SemVer,
        "GIT" => return None,
        other => {
            out.problem(place, format!("unknown range type `{other}`"));
            return None;
        }
    };
    let mut events = Vec::with_capacity(range.events.len());
    for event in range.events {
        if [&event.introduced, &event.fixed, &event.last_affected, &event.limit].iter().all(|event| event.is_none()) {
            out.problem(place, "an event of a range says nothing that is known");
        }
        events.extend(event.introduced.map(Event::Introduced));
        events.extend(event.fixed.map(Event::Fixed));
        events.extend(event.last_affected.map(Event::LastAffected));
        events.extend(event.limit.filter(|limit| limit != "*").map(Event::Limit));
    }
    if events.is_empty() {
        out.problem(place, "a range without events");
        return None;
    }
    // The format demands a beginning. Where a publisher forgot it, everything before the end is meant.
    if !events.iter().any(|event| matches!(event, Event::Introduced(_))) {
        events.insert(0, Event::Introduced("0".to_owned()));
    }
    // GitHub keeps an upper bound beside the range where it knows no fixed version.
    let has_end = events.iter().any(|event| !matches!(event, Event::Introduced(_)));
    if let Some(bound) =
        word(range.database_specific.as_ref(), "last_known_affected_version_range").filter(|_| !has_end)
    {
        match bound.trim().strip_prefix("<=") {
            Some(version) => events.push(Event::LastAffected(version.trim().to_owned())),
            None => {
                events.extend(bound.trim().strip_prefix('<').map(|version| Event::Fixed(version.trim().to_owned())))
            }
        }
    }
    Some(Range { kind, events })
}
