//! CycloneDX 1.2 to 1.7, JSON and XML (<https://cyclonedx.org/specification/overview/>).

mod json;
mod xml;

use super::{Access, Document, Reader, file_name, head_contains};
use crate::model::{Inventory, Package, PackageType, SourcePackage};
use crate::purl::package_named;
use crate::text::Text;
use ecow::EcoString;
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

#[derive(Deserialize, Default, Debug, Clone)]
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

#[derive(Deserialize, Default, Debug, Clone)]
#[serde(default)]
struct Supplier<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Deserialize, Default, Debug, Clone)]
#[serde(default)]
struct Property<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
}

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    match document.bytes.trim_ascii_start().first() {
        Some(b'<') => xml::read(document, document.bytes, inventory),
        _ => json::read(document, inventory),
    }
}

/// Whether a component bears a mark of Syft, which names a source package only where it has another name.
fn is_of_syft(component: &Component<'_>) -> bool {
    component.properties.iter().flatten().any(|property| property.name.starts_with("syft:"))
}

const MOST_LEVELS: usize = 100;

fn add(component: &Component<'_>, place: &EcoString, inventory: &mut Inventory, level: usize) {
    if level > MOST_LEVELS {
        return inventory.unreadable(place.as_str(), "components are nested too deeply; those below were not read");
    }
    match package_of(component, place) {
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

fn package_of(component: &Component<'_>, place: &EcoString) -> Result<Option<Package>, String> {
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
        return Ok(Some(Package::new(PackageType::Generic, "", name, component.version.to_string(), place.clone())));
    }
    let mut package = package_named(&component.purl, place.clone())?;
    if package.version.is_empty() {
        package.version = (*component.version).into();
    }
    complete_distribution(&mut package, component);
    Ok(Some(package))
}

/// The maintainer, and the source package from the generator's properties.
fn complete_distribution(package: &mut Package, component: &Component<'_>) {
    if !matches!(package.kind, PackageType::Deb | PackageType::Rpm | PackageType::Apk) {
        return;
    }
    // Generators write the maintainer into one of these: it tells what others built for the distribution.
    let supplier = component.supplier.as_ref().map(|supplier| &*supplier.name).unwrap_or_default();
    let maker = if supplier.is_empty() { &*component.publisher } else { supplier };
    package.vendor = Some(maker.into()).filter(|maker: &EcoString| !maker.is_empty());
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
        let version = version
            .or_else(|| property("syft:metadata:sourceVersion"))
            .map_or_else(|| package.version.clone(), EcoString::from);
        package.source = Some(SourcePackage::new(&name, &version, &package.version));
    }
    if package.kind == PackageType::Rpm && package.source.is_none() {
        package.source = property("syft:metadata:sourceRpm").as_deref().and_then(super::source_of_rpm);
    }
}
