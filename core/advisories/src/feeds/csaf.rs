//! CSAF 2.0 and 2.1 documents of Linux vendors: advisories and VEX of Red Hat, SUSE and others.
//!
//! The product tree decides what a statement is about (CSAF 2.0, section 3.2.2); what it does not place on a known
//! platform is not used.

use super::text::{begins_with_all, decoded, has_keys, instant, summary};
use super::{Document, Feed, Reading, Revision};
use crate::model::{Advisory, Affected, FixState, Record, Severity, Subject, Vulnerability};
use serde_json::Value;
use std::collections::HashMap;

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "csaf",
    title: "CSAF advisories and VEX (Red Hat, SUSE)",
    addresses: &["https://security.access.redhat.com/data/csaf/v2/vex/archive_latest.txt"],
    stale_after_days: 7,
    by_line: false,
    revision: Revision::ByRecord,
    detect: |document| {
        begins_with_all(document, &["\"document\"", "csaf"]) || has_keys(document, &["document", "product_tree"])
    },
    read,
};

fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    let value: Value = match serde_json::from_slice(document.bytes) {
        Ok(value) => value,
        Err(error) => return out.problem(document.name, error),
    };
    let tracking = &value["document"]["tracking"];
    let Some(id) = tracking["id"].as_str() else {
        return out.problem(document.name, "the document has no tracking id");
    };
    let products = Products::read(&value["product_tree"]);
    let mut advisory = Advisory {
        id: id.to_owned(),
        summary: summary(value["document"]["title"].as_str().unwrap_or_default()),
        published: tracking["initial_release_date"].as_str().and_then(instant),
        modified: tracking["current_release_date"].as_str().and_then(instant),
        url: value["document"]["references"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|reference| reference["category"].as_str() == Some("self"))
            .and_then(|reference| reference["url"].as_str())
            .map(str::to_owned),
        ..Advisory::default()
    };
    if let Some(word) = value["document"]["aggregate_severity"]["text"].as_str() {
        advisory.severities.push(Severity { source: id.to_owned(), value: word.to_owned() });
    }
    // Some advisories call themselves VEX too: what is named after one CVE is about that CVE, the rest are bundles.
    let is_vex = super::text::is_cve(&id.to_ascii_uppercase());
    let mut unplaced = 0;
    for vulnerability in value["vulnerabilities"].as_array().into_iter().flatten() {
        let name = vulnerability["cve"].as_str().or(vulnerability["ids"][0]["text"].as_str());
        let Some(name) = name else {
            out.problem(format!("{}: {id}", document.name), "a vulnerability without an id");
            continue;
        };
        facts(name, vulnerability, out);
        if is_vex {
            let affected = statements(vulnerability, &products, &mut unplaced);
            let own =
                Advisory { id: format!("{id}-VEX"), aliases: vec![name.to_owned()], affected, ..advisory.clone() };
            out.record(Record::Advisory(Box::new(own)));
        } else {
            advisory.resolves.push(name.to_owned());
            for entry in statements(vulnerability, &products, &mut unplaced) {
                if !advisory.affected.contains(&entry) {
                    advisory.affected.push(entry);
                }
            }
        }
    }
    if !is_vex {
        out.record(Record::Advisory(Box::new(advisory)));
    }
    if unplaced > 0 && products.is_linux {
        out.problem(
            format!("{}: {id}", document.name),
            format!("{unplaced} statements are about products of other platforms"),
        );
    }
}

fn facts(name: &str, vulnerability: &Value, out: &mut Reading<'_>) {
    let mut severities = Vec::new();
    // CSAF 2.1 calls them metrics, and puts what they say into `content`.
    let list = |key: &str| vulnerability[key].as_array().into_iter().flatten();
    for score in list("scores").chain(list("metrics").map(|metric| &metric["content"])) {
        for key in ["cvss_v4", "cvss_v3", "cvss_v2"] {
            if let Some(vector) = score[key]["vectorString"].as_str() {
                let severity = Severity { source: "csaf".to_owned(), value: vector.to_owned() };
                if !severities.contains(&severity) {
                    severities.push(severity);
                }
            }
        }
    }
    out.record(Record::Vulnerability(Box::new(Vulnerability {
        id: name.to_owned(),
        summary: summary(vulnerability["title"].as_str().unwrap_or_default()),
        published: ["release_date", "disclosure_date"]
            .iter()
            .find_map(|key| vulnerability[*key].as_str())
            .and_then(instant),
        severities,
        weaknesses: std::iter::once(&vulnerability["cwe"])
            .chain(list("cwes"))
            .filter_map(|weakness| weakness["id"].as_str().map(str::to_owned))
            .collect(),
        ..Vulnerability::default()
    })));
}

/// A product that is a package: name, version (with epoch) and architecture.
#[derive(Clone)]
struct Component {
    name: String,
    version: String,
    architecture: String,
    module: Option<String>,
}

/// What each product id means.
struct Products {
    platforms: HashMap<String, Option<String>>,
    components: HashMap<String, Component>,
    /// Product id of "component on platform" → both.
    relations: HashMap<String, (String, String)>,
    is_linux: bool,
}

impl Products {
    fn read(tree: &Value) -> Self {
        let mut products =
            Self { platforms: HashMap::new(), components: HashMap::new(), relations: HashMap::new(), is_linux: false };
        let mut waiting: Vec<&Value> = tree["branches"].as_array().into_iter().flatten().collect();
        while let Some(branch) = waiting.pop() {
            waiting.extend(branch["branches"].as_array().into_iter().flatten());
            products.add(&branch["product"]);
        }
        for relation in tree["relationships"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (part, whole) = (text(&relation["product_reference"]), text(&relation["relates_to_product_reference"]));
            products.relations.insert(text(&relation["full_product_name"]["product_id"]), (part, whole));
        }
        products
    }

    fn add(&mut self, product: &Value) {
        let Some(id) = product["product_id"].as_str() else { return };
        let helper = &product["product_identification_helper"];
        if let Some(cpe) = helper["cpe"].as_str() {
            let platform = platform_of(cpe);
            self.is_linux |= platform.is_some();
            self.platforms.insert(id.to_owned(), platform);
        // CSAF 2.1 has a list of them.
        } else if let Some(component) =
            helper["purl"].as_str().or(helper["purls"][0].as_str()).and_then(|purl| component_of(purl, id))
        {
            self.components.insert(id.to_owned(), component);
        } else if let Some(platform) = platform_by_name(product["name"].as_str().unwrap_or_default()) {
            self.is_linux = true;
            self.platforms.insert(id.to_owned(), Some(platform));
        } else if let Some(component) = component_by_id(id) {
            self.components.insert(id.to_owned(), component);
        }
    }

    /// The package and the ecosystem that a product id stands for; a module's product relates to a relation again.
    fn resolve(&self, id: &str) -> Option<(Component, &str)> {
        let (part, whole) = match self.relations.get(id) {
            Some((part, whole)) => (part.as_str(), whole.as_str()),
            None => id.split_once(':')?.into_swapped(),
        };
        let mut component = self.components.get(part).cloned().or_else(|| component_by_id(part))?;
        if let Some(platform) = self.platforms.get(whole) {
            return Some((component, platform.as_deref()?));
        }
        let (module, platform) = self.relations.get(whole)?;
        component.module =
            self.components.get(module).and_then(|known| known.module.clone()).or_else(|| module_stream(module));
        Some((component, self.platforms.get(platform)?.as_deref()?))
    }
}

trait Swapped {
    type Out;
    fn into_swapped(self) -> Self::Out;
}

impl<'a> Swapped for (&'a str, &'a str) {
    type Out = (&'a str, &'a str);
    fn into_swapped(self) -> Self::Out {
        (self.1, self.0)
    }
}

/// `cpe:/o:redhat:enterprise_linux:9::baseos` and the streams beside it; extended-support streams are products apart.
fn platform_of(cpe: &str) -> Option<String> {
    let text = cpe.strip_prefix("cpe:/").or_else(|| cpe.strip_prefix("cpe:2.3:"))?;
    let mut parts = text.split(':').skip(1);
    let (vendor, product, version) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    let major = version.split('.').next().unwrap_or_default();
    match (vendor, product) {
        ("redhat", "enterprise_linux") if !major.is_empty() => Some(format!("Red Hat:{major}")),
        ("almalinux", _) if !major.is_empty() => Some(format!("AlmaLinux:{major}")),
        ("rocky", _) if !major.is_empty() => Some(format!("Rocky Linux:{major}")),
        _ => None,
    }
}

/// SUSE names its products in words.
fn platform_by_name(name: &str) -> Option<String> {
    if let Some(rest) = name.strip_prefix("openSUSE ") {
        return Some(format!("openSUSE:{rest}"));
    }
    name.starts_with("SUSE Linux Enterprise").then(|| format!("SUSE:{}", name.trim_start_matches("SUSE ")))
}

/// `pkg:rpm/redhat/nginx@1.20.1-16.el9?arch=x86_64&epoch=1`, or `pkg:rpmmod/redhat/nodejs@18:8080...`.
fn component_of(purl: &str, id: &str) -> Option<Component> {
    if purl.starts_with("pkg:rpmmod/") {
        return Some(Component {
            name: String::new(),
            version: String::new(),
            architecture: String::new(),
            module: module_stream(id),
        });
    }
    let rest = purl.strip_prefix("pkg:rpm/")?;
    let (path, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let (path, version) = path.split_once('@').unwrap_or((path, ""));
    let name = path.rsplit('/').next()?;
    let qualifier = |key: &str| qualifiers.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    let epoch = qualifier("epoch").filter(|epoch| *epoch != "0").map(|epoch| format!("{epoch}:")).unwrap_or_default();
    Some(Component {
        name: decoded(name).into_owned(),
        version: if version.is_empty() { String::new() } else { format!("{epoch}{}", decoded(version)) },
        architecture: qualifier("arch").unwrap_or_default().to_owned(),
        module: qualifier("rpmmod").map(|module| module.split(':').take(2).collect::<Vec<_>>().join(":")),
    })
}

/// `nginx-1:1.20.1-16.el9_4.1.x86_64`, or a bare name.
fn component_by_id(id: &str) -> Option<Component> {
    if id.is_empty() || id.contains('/') {
        return None;
    }
    // RPM ids end in `.arch`; without one it is a bare name of a package nobody fixed.
    let parsed = id.rsplit_once('.').and_then(|(nevr, architecture)| {
        let (nev, release) = nevr.rsplit_once('-')?;
        let (name, version) = nev.rsplit_once('-')?;
        let version = version.strip_prefix("0:").unwrap_or(version);
        Some(Component {
            name: name.to_owned(),
            version: format!("{version}-{release}"),
            architecture: architecture.to_owned(),
            module: None,
        })
    });
    let bare = || Component { name: id.to_owned(), version: String::new(), architecture: String::new(), module: None };
    Some(parsed.filter(|component| component.version.starts_with(|c: char| c.is_ascii_digit())).unwrap_or_else(bare))
}

/// `nodejs:18:8080020230718:63b34585` → `nodejs:18`.
fn module_stream(id: &str) -> Option<String> {
    let mut parts = id.split(':');
    Some(format!("{}:{}", parts.next()?, parts.next()?))
}

fn statements(vulnerability: &Value, products: &Products, unplaced: &mut usize) -> Vec<Affected> {
    let mut all: Vec<Affected> = Vec::new();
    let mut fixes: HashMap<&str, FixState> = HashMap::new();
    for remediation in vulnerability["remediations"].as_array().into_iter().flatten() {
        let state = match remediation["category"].as_str() {
            Some("no_fix_planned") => FixState::WontFix,
            Some("none_available") => FixState::NotFixedYet,
            _ => continue,
        };
        let state = match remediation["details"].as_str() {
            Some("Out of support scope") => FixState::EndOfLife,
            Some("Fix deferred") => FixState::Deferred,
            _ => state,
        };
        for id in remediation["product_ids"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            fixes.insert(id, state);
        }
    }
    for (status, ids) in vulnerability["product_status"].as_object().into_iter().flatten() {
        for id in ids.as_array().into_iter().flatten().filter_map(Value::as_str) {
            let Some((component, ecosystem)) = products.resolve(id) else {
                *unplaced += 1;
                continue;
            };
            let state = match status.as_str() {
                "fixed" | "first_fixed" | "recommended" => FixState::ByRange,
                "known_affected" | "first_affected" | "last_affected" => {
                    fixes.get(id).copied().unwrap_or(FixState::NotFixedYet)
                }
                "known_not_affected" => FixState::NotAffected,
                _ => FixState::Undetermined,
            };
            add(&mut all, component, ecosystem, state);
        }
    }
    all
}

fn add(all: &mut Vec<Affected>, component: Component, ecosystem: &str, state: FixState) {
    let is_source = component.architecture == "src" || component.architecture == "nosrc";
    let subject = match (is_source, component.version.is_empty()) {
        (true, _) => Subject::Source,
        (false, true) => Subject::Either,
        (false, false) => Subject::Binary,
    };
    let mut entry = match state {
        FixState::ByRange if component.version.is_empty() => return,
        FixState::ByRange => Affected::fixed_in(ecosystem, &component.name, subject, &component.version),
        state => Affected::with_state(ecosystem, &component.name, subject, state),
    };
    entry.module = component.module;
    if !all.contains(&entry) {
        all.push(entry);
    }
}
