//! Maven's `pom.xml`, as far as it is certain: dependencies with a version of their own or from the file's properties.
//!
//! What a parent or a management section elsewhere decides is named as not certain; no build is run.

use super::{Access, CUT_OFF, Document, Reader, file_name, never};
use crate::model::{Inventory, Package, PackageType};
use quick_xml::Reader as Xml;
use quick_xml::events::Event;
use std::collections::BTreeMap;

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "pom",
    title: "Maven POM",
    access: Access::Document {
        by_name: |path| file_name(path) == "pom.xml" || path.ends_with(".pom"),
        by_content: never,
        read,
    },
};

#[derive(Default, Clone)]
struct Dependency {
    group: String,
    artifact: String,
    version: String,
    scope: String,
}

#[derive(Default)]
struct Pom {
    properties: BTreeMap<String, String>,
    dependencies: Vec<Dependency>,
    managed: Vec<Dependency>,
    has_parent: bool,
}

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let mut pom = Pom::default();
    match parse(document.bytes, &mut pom) {
        Ok(None) => {}
        Ok(Some(what)) => inventory.unreadable(document.name, what),
        Err(error) => inventory.unreadable(document.name, format!("it is not valid XML: {error}")),
    }
    if pom.has_parent {
        inventory.unreadable(document.name, "it has a parent, which may add dependencies: they are not known here");
    }
    if !pom.dependencies.is_empty() {
        inventory.unreadable(document.name, "a POM names direct dependencies only; what those need is not known here");
    }
    for dependency in &pom.dependencies {
        let name = format!("{}:{}", pom.resolve(&dependency.group), pom.resolve(&dependency.artifact));
        let managed =
            pom.managed.iter().find(|entry| entry.group == dependency.group && entry.artifact == dependency.artifact);
        let version = if dependency.version.is_empty() {
            managed.map_or("", |entry| entry.version.as_str())
        } else {
            &dependency.version
        };
        let version = pom.resolve(version);
        // Tests and what the container provides are not part of what is delivered, but they run somewhere: kept.
        let is_certain = !version.is_empty() && !version.contains("${") && !version.contains(['[', '(', ',']);
        if !is_certain && dependency.scope != "import" {
            inventory.problem(
                format!("{}: {name}", document.name),
                "its version is decided elsewhere, so it is not certain",
            );
        }
        inventory.packages.push(Package::language(
            PackageType::Maven,
            name,
            if is_certain { version } else { String::new() },
            document.name,
        ));
    }
}

impl Pom {
    /// Puts in properties, for a few rounds: they may name each other.
    fn resolve(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..5 {
            let Some(start) = text.find("${") else { break };
            let Some(end) = text[start..].find('}') else { break };
            let Some(value) = self.properties.get(&text[start + 2..start + end]) else { break };
            text.replace_range(start..=start + end, value);
        }
        text
    }
}

/// Reads the elements; the value says why they were not read to the end, if they were not.
fn parse(bytes: &[u8], pom: &mut Pom) -> Result<Option<&'static str>, quick_xml::Error> {
    let mut reader = Xml::from_reader(bytes);
    let mut path: Vec<String> = Vec::new();
    let (mut text, mut current) = (String::new(), Dependency::default());
    loop {
        match reader.read_event()? {
            Event::Eof if path.is_empty() => return Ok(None),
            Event::Eof => return Ok(Some(CUT_OFF)),
            Event::Start(tag) => {
                path.push(tag.local_name().as_ref().to_owned());
                text.clear();
                if path.last().is_some_and(|name| name == "dependency") {
                    current = Dependency::default();
                }
            }
            Event::Text(part) => text.push_str(part.as_ref()),
            Event::CData(part) => text.push_str(part.as_ref()),
            Event::GeneralRef(name) => {
                text.push_str(quick_xml::escape::resolve_predefined_entity(name.as_ref()).unwrap_or("\u{fffd}"));
            }
            Event::End(_) => {
                let name = path.pop().unwrap_or_default();
                let at: Vec<&str> = path.iter().map(String::as_str).collect();
                close(&name, &at, text.trim(), &mut current, pom);
                text.clear();
            }
            _ => {}
        }
        if path.len() > 200 {
            return Ok(Some("elements are nested too deeply; the rest was not read"));
        }
    }
}

fn close(name: &str, path: &[&str], text: &str, current: &mut Dependency, pom: &mut Pom) {
    match (path, name) {
        (["project", "properties"], key) => drop(pom.properties.insert(key.to_owned(), text.to_owned())),
        (["project"], "parent") => pom.has_parent = true,
        (["project"] | ["project", "parent"], "version" | "groupId") => {
            pom.properties.entry(format!("project.{name}")).or_insert_with(|| text.to_owned());
        }
        (["project", "dependencies"] | ["project", "profiles", "profile", "dependencies"], "dependency") => {
            pom.dependencies.push(current.clone())
        }
        (["project", "dependencyManagement", "dependencies"], "dependency") => pom.managed.push(current.clone()),
        ([.., "dependency"], "groupId") => current.group = text.to_owned(),
        ([.., "dependency"], "artifactId") => current.artifact = text.to_owned(),
        ([.., "dependency"], "version") => current.version = text.to_owned(),
        ([.., "dependency"], "scope") => current.scope = text.to_owned(),
        _ => {}
    }
}
