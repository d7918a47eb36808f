//! CycloneDX 1.2 to 1.7, JSON and XML (<https://cyclonedx.org/specification/overview/>).

use super::{Access, Document, Reader, file_name, has_too_many_objects, head_contains};
use crate::model::{Inventory, Package, PackageType, SourcePackage};
use crate::os::Os;
use crate::purl::package_named;
use crate::text::Text;
use rayon::prelude::*;
use serde::Deserialize;

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "cyclonedx",
    title: "CycloneDX bill of materials",
    access: Access::Document {
        by_name: |path| {
            let name = file_name(path);
            name.ends_with(".cdx.json") || name.ends_with(".cdx.xml") || name == "bom.json" || name == "bom.xml"
        },
        by_content: |document| {
            head_contains(document, "\"CycloneDX\"") || head_contains(document, "cyclonedx.org/schema/bom")
        },
        read,
    },
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Bom<'a> {
    #[serde(rename = "bomFormat", borrow)]
    format: Text<'a>,
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
    #[serde(borrow)]
    components: Option<Vec<Component<'a>>>,
    /// In-toto statements carry the document as their predicate.
    #[serde(borrow)]
    predicate: Option<Box<Bom<'a>>>,
    #[serde(rename = "Data", borrow)]
    data: Option<Box<Bom<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    component: Option<Component<'a>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default)]
struct Component<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    group: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    purl: Text<'a>,
    #[serde(rename = "bom-ref", borrow)]
    reference: Text<'a>,
    #[serde(borrow)]
    publisher: Text<'a>,
    #[serde(borrow)]
    supplier: Option<Supplier<'a>>,
    #[serde(borrow)]
    properties: Option<Vec<Property<'a>>>,
    #[serde(borrow)]
    components: Option<Vec<Component<'a>>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default)]
struct Supplier<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default)]
struct Property<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
}

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let bytes = document.bytes;
    if bytes.trim_ascii_start().first() == Some(&b'<') {
        return xml::read(document, bytes, inventory);
    }
    if has_too_many_objects(document, inventory) {
        return;
    }
    let bom: Bom<'_> = match serde_json::from_slice(bytes) {
        Ok(bom) => bom,
        Err(error) => {
            return inventory.unreadable(document.name, format!("it is not a readable CycloneDX document: {error}"));
        }
    };
    let bom = out_of_envelope(bom);
    let components: Vec<Component<'_>> = bom.components.unwrap_or_default();
    if let Some(found) = components.iter().find(|component| &*component.kind == "operating-system") {
        remember_os(found, inventory);
    }
    if components.is_empty() {
        inventory.unreadable(document.name, "the document lists no components");
    }
    // The document's own subject is what is described, not what is inside; an application is itself a package.
    let subject = bom.metadata.and_then(|metadata| metadata.component);
    let inside = subject.iter().flat_map(|component| component.components.iter().flatten());
    inside.for_each(|component| add(component, document.name, inventory, 1));
    let subject =
        subject.filter(|component| !component.purl.is_empty()).map(|own| Component { components: None, ..own });
    subject.iter().for_each(|component| add(component, document.name, inventory, 0));
    if components.len() <= PART {
        return components.iter().for_each(|component| add(component, document.name, inventory, 0));
    }
    let parts: Vec<Inventory> = components
        .par_chunks(PART)
        .map(|part| {
            let mut own = Inventory { os: inventory.os.clone(), ..Inventory::default() };
            part.iter().for_each(|component| add(component, document.name, &mut own, 0));
            own
        })
        .collect();
    inventory.packages.reserve(parts.iter().map(|part| part.packages.len()).sum());
    parts.into_iter().for_each(|part| inventory.absorb(part));
}

/// How many components are read in one go; more are worth a second core.
const PART: usize = 2048;

/// Attestations carry the document as their predicate, some inside one more layer.
fn out_of_envelope(bom: Bom<'_>) -> Bom<'_> {
    match (bom.predicate, bom.data) {
        (Some(inner), _) | (None, Some(inner)) if bom.components.is_none() && bom.format.is_empty() => {
            out_of_envelope(*inner)
        }
        _ => {
            Bom { format: bom.format, metadata: bom.metadata, components: bom.components, predicate: None, data: None }
        }
    }
}

fn remember_os(component: &Component<'_>, inventory: &mut Inventory) {
    let id = component.name.to_ascii_lowercase();
    let version = component.version.to_string();
    let name = format!("{id} {version}");
    inventory.os.get_or_insert_with(|| Os { id, version, name, ..Os::default() });
}

const MOST_LEVELS: usize = 100;

fn add(component: &Component<'_>, place: &str, inventory: &mut Inventory, level: usize) {
    if level > MOST_LEVELS {
        return inventory.unreadable(place, "components are nested too deeply; those below were not read");
    }
    match package_of(component, place, inventory) {
        Ok(Some(package)) => inventory.packages.push(package),
        Ok(None) => {}
        Err(what) => {
            let labels = [&*component.name, &*component.reference, "a component without name"];
            let label = labels.into_iter().find(|label| !label.is_empty()).unwrap_or_default();
            inventory.unreadable(format!("{place}: {label}"), what);
        }
    }
    for inner in component.components.iter().flatten() {
        add(inner, place, inventory, level + 1);
    }
}

fn package_of(component: &Component<'_>, place: &str, inventory: &Inventory) -> Result<Option<Package>, String> {
    if component.purl.is_empty() {
        // Files, devices and systems are no packages; libraries without a purl cannot be judged, and are kept as such.
        if matches!(
            &*component.kind,
            "operating-system" | "file" | "device" | "data" | "cryptographic-asset" | "container" | "platform"
        ) {
            return Ok(None);
        }
        if component.name.is_empty() {
            return Err("it has neither purl nor name".to_owned());
        }
        let name = match component.group.is_empty() {
            true => component.name.to_string(),
            false => format!("{}/{}", &*component.group, &*component.name),
        };
        return Ok(Some(Package::new(PackageType::Generic, "", name, component.version.to_string(), place)));
    }
    let mut package = package_named(&component.purl, place)?;
    if package.version.is_empty() {
        package.version = component.version.to_string();
    }
    complete_distribution(&mut package, component, inventory);
    Ok(Some(package))
}

/// The release from the document's operating system, and the source package from the generator's properties.
fn complete_distribution(package: &mut Package, component: &Component<'_>, inventory: &Inventory) {
    if !matches!(package.kind, PackageType::Deb | PackageType::Rpm | PackageType::Apk) {
        return;
    }
    // Generators write the maintainer into one of these: it tells what others built for the distribution.
    let supplier = component.supplier.as_ref().map(|supplier| &*supplier.name).unwrap_or_default();
    let maker = if supplier.is_empty() { &*component.publisher } else { supplier };
    package.vendor = Some(maker.to_owned()).filter(|maker| !maker.is_empty());
    if package.ecosystem.is_empty() {
        package.ecosystem = inventory.os.as_ref().map(|os| os.ecosystem_of(package.kind)).unwrap_or_default();
    }
    let property = |name: &str| {
        let all = component.properties.iter().flatten();
        let found = all.into_iter().find(|property| &*property.name == name)?;
        Some(found.value.to_string()).filter(|value| !value.is_empty())
    };
    let name = property("aquasecurity:trivy:SrcName").or_else(|| property("syft:metadata:source"));
    if let Some(name) = name.filter(|_| package.source.is_none()) {
        let release =
            property("aquasecurity:trivy:SrcRelease").map(|release| format!("-{release}")).unwrap_or_default();
        let epoch = property("aquasecurity:trivy:SrcEpoch").map(|epoch| format!("{epoch}:")).unwrap_or_default();
        let version = property("aquasecurity:trivy:SrcVersion").map(|version| format!("{epoch}{version}{release}"));
        let version =
            version.or_else(|| property("syft:metadata:sourceVersion")).unwrap_or_else(|| package.version.clone());
        package.source = Some(SourcePackage { name, version });
    }
    if package.kind == PackageType::Rpm && package.source.is_none() {
        package.source = property("syft:metadata:sourceRpm").as_deref().and_then(super::source_of_rpm);
    }
    if package.source.is_none() && package.kind != PackageType::Rpm {
        package.source = Some(SourcePackage { name: package.name.clone(), version: package.version.clone() });
    }
}

/// The XML form.
mod xml {
    use super::super::CUT_OFF;
    use super::{Component, Document, Inventory, MOST_LEVELS, Property, Supplier, Text, add, remember_os};
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
                        inventory
                            .unreadable(format!("{} byte {place}", document.name), "elements are nested too deeply");
                        break;
                    }
                    start(&tag, &name, &mut open);
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
                    end(&name, parent, text.trim(), &mut open, &mut done);
                    text.clear();
                }
                Ok(_) => {}
            }
        }
        done.append(&mut open);
        if let Some(found) = done.iter().find(|component| &*component.kind == "operating-system") {
            remember_os(found, inventory);
        }
        if done.is_empty() {
            inventory.unreadable(document.name, "the document lists no components");
        }
        done.iter().for_each(|component| add(component, document.name, inventory, 0));
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

    fn end(
        name: &str,
        parent: &str,
        text: &str,
        open: &mut Vec<Component<'static>>,
        done: &mut Vec<Component<'static>>,
    ) {
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
}
