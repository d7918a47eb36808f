//! The XML form.

use super::super::CUT_OFF;
use super::{Component, Document, Inventory, MOST_LEVELS, Property, Supplier, Text, add, is_of_syft};
use crate::bill;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Reads components as they stand; entities beyond XML's own five are left unresolved.
pub(super) fn read(document: &Document<'_>, bytes: &[u8], inventory: &mut Inventory) {
    let mut reader = Reader::from_reader(bytes);
    let mut open: Vec<Component<'static>> = Vec::new();
    let mut done: Vec<Component<'static>> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    loop {
        let place = reader.buffer_position();
        match reader.read_event() {
            Err(error) => {
                inventory
                    .unreadable(format!("{} byte {place}", document.name), format!("it is not valid XML: {error}"));
                break;
            }
            Ok(Event::Eof) => {
                if !path.is_empty() {
                    inventory.unreadable(document.name, CUT_OFF);
                }
                break;
            }
            Ok(Event::Start(tag)) => {
                let name = tag.local_name().as_ref().to_owned();
                if path.len() > MOST_LEVELS * 4 {
                    inventory.unreadable(format!("{} byte {place}", document.name), "elements are nested too deeply");
                    break;
                }
                if is_listed(&path) {
                    start(&tag, &name, &mut open);
                }
                path.push(name);
                text.clear();
            }
            Ok(Event::Text(part)) => text.push_str(part.as_ref()),
            Ok(Event::CData(part)) => text.push_str(part.as_ref()),
            Ok(Event::GeneralRef(name)) => {
                text.push_str(quick_xml::escape::resolve_predefined_entity(name.as_ref()).unwrap_or("\u{fffd}"));
            }
            Ok(Event::End(_)) => {
                let name = path.pop().unwrap_or_default();
                let parent = path.last().map_or("", String::as_str);
                if is_listed(&path) {
                    if name == "component" && parent == "metadata" {
                        let subject = open.last().into_iter().flat_map(|subject| [&subject.purl, &subject.reference]);
                        inventory.described.extend(subject.filter(|id| !id.is_empty()).map(|id| (**id).to_owned()));
                    }
                    end(&name, parent, text.trim(), &mut open, &mut done);
                }
                text.clear();
            }
            Ok(_) => {}
        }
    }
    done.append(&mut open);
    if let Some(found) = done.iter().find(|component| &*component.kind == "operating-system") {
        bill::remember_os(&found.name, &found.version, inventory);
    }
    if done.is_empty() {
        inventory.unreadable(document.name, "the document lists no components");
    }
    let before = inventory.packages.len();
    let name = document.name.into();
    done.iter().for_each(|component| add(component, &name, inventory, 0));
    bill::settle(inventory, before, done.iter().any(is_of_syft));
}

/// Whether what stands at a path belongs to a component that is there: not to one that made the document (`tools`), nor to
/// one from which another descends (`pedigree`).
fn is_listed(path: &[String]) -> bool {
    const LISTED: &[&str] = &["bom", "metadata", "components", "component", "supplier", "properties"];
    path.iter().all(|name| LISTED.contains(&name.as_str()))
}

fn start(tag: &BytesStart<'_>, name: &str, open: &mut Vec<Component<'static>>) {
    let attribute = |key: &str| {
        let found = tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == key)?;
        Some(Text::from(found.value.into_owned()))
    };
    match name {
        "component" => open.push(Component {
            kind: attribute("type").unwrap_or_default(),
            reference: attribute("bom-ref").unwrap_or_default(),
            ..Component::default()
        }),
        "property" => {
            if let (Some(component), Some(name)) = (open.last_mut(), attribute("name")) {
                component.properties.get_or_insert_default().push(Property { name, value: Text::default() });
            }
        }
        _ => {}
    }
}

fn end(name: &str, parent: &str, text: &str, open: &mut Vec<Component<'static>>, done: &mut Vec<Component<'static>>) {
    if name == "component" {
        let Some(finished) = open.pop() else { return };
        match open.last_mut() {
            Some(outer) => outer.components.get_or_insert_default().push(finished),
            // The subject without a purl describes the document only.
            None if parent == "metadata" && finished.purl.is_empty() => {
                done.extend(finished.components.into_iter().flatten());
            }
            None => done.push(finished),
        }
        return;
    }
    let Some(component) = open.last_mut() else { return };
    match (name, parent) {
        ("name", "component") => component.name = Text::from(text.to_owned()),
        ("group", "component") => component.group = Text::from(text.to_owned()),
        ("version", "component") => component.version = Text::from(text.to_owned()),
        ("purl", "component") => component.purl = Text::from(text.to_owned()),
        ("publisher", "component") => component.publisher = Text::from(text.to_owned()),
        ("name", "supplier") => component.supplier = Some(Supplier { name: Text::from(text.to_owned()) }),
        ("property", _) => {
            if let Some(property) = component.properties.as_mut().and_then(|all| all.last_mut()) {
                property.value = Text::from(text.to_owned());
            }
        }
        _ => {}
    }
}
