//! A repository's metadata: `primary.xml` and `updateinfo.xml`, <https://createrepo-c.readthedocs.io>.

use crate::model::{Inventory, SourcePackage};
use crate::readers::{CUT_OFF, source_of_rpm};
use ecow::{EcoString, eco_format};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;
use versions::Scheme;

/// A package that a repository offers.
#[derive(Debug, Default, Clone)]
pub(super) struct Offer {
    pub(super) name: EcoString,
    pub(super) architecture: EcoString,
    pub(super) version: EcoString,
    pub(super) source: Option<SourcePackage>,
    pub(super) size_bytes: u64,
    /// The repository's place in the list of those that were found.
    pub(super) repository: usize,
}

/// A version of a package that an advisory of the repository brings.
#[derive(Debug)]
pub(super) struct Erratum {
    pub(super) id: String,
    pub(super) is_security: bool,
    pub(super) version: EcoString,
    pub(super) architecture: EcoString,
}

/// Errata by the name of the package.
pub(super) type Errata = HashMap<EcoString, Vec<Erratum>>;

fn attribute(tag: &BytesStart<'_>, name: &str) -> EcoString {
    let found = tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == name);
    found.map(|attribute| attribute.value.as_ref().into()).unwrap_or_default()
}

fn version_of(tag: &BytesStart<'_>, version: &str, release: &str) -> EcoString {
    let epoch = attribute(tag, "epoch");
    let epoch = if epoch.is_empty() || epoch == "0" { EcoString::new() } else { eco_format!("{epoch}:") };
    eco_format!("{epoch}{}-{}", attribute(tag, version), attribute(tag, release))
}

/// Reads a repository's packages, as far as their names are wanted.
pub(super) fn read_primary(
    (repository, path): (usize, &str),
    bytes: &[u8],
    is_wanted: impl Fn(&str) -> bool,
    offers: &mut Vec<Offer>,
    inventory: &mut Inventory,
) {
    let mut reader = Reader::from_reader(bytes);
    let (mut offer, mut text, mut depth) = (Offer::default(), String::new(), 0_usize);
    loop {
        match reader.read_event() {
            Ok(Event::Eof) if depth == 0 => return,
            Ok(Event::Eof) => return inventory.unreadable(path, CUT_OFF),
            Err(error) => return inventory.unreadable(path, format!("it is not valid XML: {error}")),
            Ok(Event::Start(tag)) => {
                depth += 1;
                if tag.local_name().as_ref() == "package" {
                    offer = Offer { repository, ..Offer::default() };
                }
                text.clear();
            }
            Ok(Event::Empty(tag)) => match tag.local_name().as_ref() {
                "version" => offer.version = version_of(&tag, "ver", "rel"),
                "size" => offer.size_bytes = attribute(&tag, "package").parse().unwrap_or(0),
                _ => {}
            },
            Ok(Event::Text(part)) => text.push_str(part.as_ref()),
            Ok(Event::End(tag)) => {
                depth = depth.saturating_sub(1);
                match tag.local_name().as_ref() {
                    "name" => offer.name = text.as_str().into(),
                    "arch" => offer.architecture = text.as_str().into(),
                    "sourcerpm" => offer.source = source_of_rpm(&text),
                    "package" if is_wanted(&offer.name) => match Scheme::Rpm.check(&offer.version) {
                        Ok(()) => offers.push(std::mem::take(&mut offer)),
                        Err(error) => inventory.unreadable(format!("{path}: {}", offer.name), error),
                    },
                    _ => {}
                }
            }
            Ok(_) => {}
        }
    }
}

/// Reads which advisory brings which version of which package, as far as their names are wanted.
pub(super) fn read_updateinfo(
    bytes: &[u8],
    path: &str,
    is_wanted: impl Fn(&str) -> bool,
    errata: &mut Errata,
    inventory: &mut Inventory,
) {
    let mut reader = Reader::from_reader(bytes);
    let (mut id, mut text, mut is_security, mut is_named) = (String::new(), String::new(), false, false);
    let mut depth = 0_usize;
    loop {
        let event = reader.read_event();
        match &event {
            Ok(Event::Start(_)) => depth += 1,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            _ => {}
        }
        match event {
            Ok(Event::Eof) if depth == 0 => return,
            Ok(Event::Eof) => return inventory.unreadable(path, CUT_OFF),
            Err(error) => return inventory.unreadable(path, format!("it is not valid XML: {error}")),
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                match tag.name().as_ref() {
                    "update" => (is_security, is_named) = (attribute(&tag, "type") == "security", false),
                    "package" => {
                        let name = attribute(&tag, "name");
                        let version = version_of(&tag, "version", "release");
                        match Scheme::Rpm.check(&version) {
                            _ if !is_wanted(&name) => {}
                            Ok(()) => errata.entry(name).or_default().push(Erratum {
                                id: id.clone(),
                                is_security,
                                version,
                                architecture: attribute(&tag, "arch"),
                            }),
                            Err(error) => inventory.unreadable(format!("{path}: {id}: {name}"), error),
                        }
                    }
                    _ => {}
                }
                text.clear();
            }
            Ok(Event::Text(part)) => text.push_str(part.as_ref()),
            Ok(Event::End(tag)) => {
                if tag.name().as_ref() == "id" && !is_named {
                    id = text.trim().to_owned();
                    is_named = true;
                }
            }
            Ok(_) => {}
        }
    }
}
