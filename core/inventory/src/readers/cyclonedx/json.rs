//! The JSON form, read as a stream: components become packages on other cores while the rest is still being read.

use super::super::has_too_many_objects;
use super::{Component, Document, Inventory, Text, add, is_of_syft};
use crate::bill;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::sync::Mutex;

/// How many components are taken on in one go.
const BATCH: usize = 1024;
/// From how many bytes on a document is worth more than one core: starting threads takes longer than reading a few.
const LARGE_BYTES: usize = 512 << 10;

pub(super) fn read(document: &Document<'_>, inventory: &mut Inventory) {
    if has_too_many_objects(document, inventory) {
        return;
    }
    let parts = Mutex::new(Vec::new());
    let build = |number: usize, batch: Vec<Component<'_>>| {
        let mut part = Inventory::default();
        part.packages.reserve(batch.len());
        let place = document.name.into();
        batch.iter().for_each(|component| add(component, &place, &mut part, 0));
        parts.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((number, part));
    };
    let outline = match document.bytes.len() < LARGE_BYTES {
        true => Outline::read(document.bytes, &mut |number, batch| build(number, batch)),
        false => rayon::in_place_scope(|scope| {
            let build = &build;
            Outline::read(document.bytes, &mut |number, batch| scope.spawn(move |_| build(number, batch)))
        }),
    };
    let outline = match outline {
        Ok(outline) => outline,
        Err(error) => {
            return inventory.unreadable(document.name, format!("it is not a readable CycloneDX document: {error}"));
        }
    };
    if outline.components == 0 {
        inventory.unreadable(document.name, "the document lists no components");
    }
    let before = inventory.packages.len();
    let place = document.name.into();
    // The document's own subject is what is described, not what is inside; an application is itself a package.
    for subject in outline.subjects {
        let ids = [&*subject.purl, &*subject.reference];
        inventory.described.extend(ids.into_iter().filter(|id| !id.is_empty()).map(str::to_owned));
        let inside = subject.components.iter().flatten();
        inside.for_each(|component| add(component, &place, inventory, 1));
        if !subject.purl.is_empty() {
            add(&Component { components: None, ..subject }, &place, inventory, 0);
        }
    }
    let mut parts = parts.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    parts.sort_unstable_by_key(|(number, _)| *number);
    inventory.packages.reserve(parts.iter().map(|(_, part)| part.packages.len()).sum());
    parts.into_iter().for_each(|(_, part)| inventory.absorb(part));
    if let Some(system) = outline.system {
        bill::remember_os(&system.name, &system.version, inventory);
    }
    bill::settle(inventory, before, outline.is_of_syft);
}

/// Takes the next components, with the number of their batch.
type Sink<'s, 'a> = dyn FnMut(usize, Vec<Component<'a>>) + 's;

/// What remains of a document when its components have been handed on.
#[derive(Default)]
struct Outline<'a> {
    /// What the document is about; attestations may hold one more document, with a subject of its own.
    subjects: Vec<Component<'a>>,
    /// The first operating system among the components.
    system: Option<Component<'a>>,
    components: usize,
    batches: usize,
    is_of_syft: bool,
}

impl<'a> Outline<'a> {
    fn read(bytes: &'a [u8], sink: &mut Sink<'_, 'a>) -> Result<Self, serde_json::Error> {
        let mut outline = Self::default();
        // Checked once here, and not again for each text inside.
        let text = std::str::from_utf8(bytes).map_err(serde_json::Error::custom)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Bom { outline: &mut outline, sink }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(outline)
    }
}

/// Reads a document's object.
struct Bom<'o, 's, 'a> {
    outline: &'o mut Outline<'a>,
    sink: &'o mut Sink<'s, 'a>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    component: Option<Component<'a>>,
}

impl<'a> DeserializeSeed<'a> for Bom<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'a> Visitor<'a> for Bom<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a document's object")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { outline, sink } = self;
        let mut seen = Vec::new();
        while let Some(key) = map.next_key::<Text<'a>>()? {
            match &*key {
                "components" => map.next_value_seed(Components { outline: &mut *outline, sink: &mut *sink })?,
                "metadata" => {
                    let metadata: Option<Metadata<'a>> = map.next_value()?;
                    outline.subjects.extend(metadata.and_then(|metadata| metadata.component));
                }
                // In-toto statements carry the document as their predicate, some inside one more layer.
                "predicate" | "Data" => map.next_value_seed(Bom { outline: &mut *outline, sink: &mut *sink })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            }
            if seen.contains(&key) {
                return Err(A::Error::custom(format!("`{}` stands there twice", &*key)));
            }
            seen.push(key);
        }
        Ok(())
    }
}

/// Reads the list of components, and hands them on by the batch.
struct Components<'o, 's, 'a> {
    outline: &'o mut Outline<'a>,
    sink: &'o mut Sink<'s, 'a>,
}

impl<'a> DeserializeSeed<'a> for Components<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'a> Visitor<'a> for Components<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list of components")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { outline, sink } = self;
        let mut batch = Vec::new();
        let mut hand_on = |batch: &mut Vec<Component<'a>>| {
            sink(outline.batches, std::mem::replace(batch, Vec::with_capacity(BATCH)));
            outline.batches += 1;
        };
        while let Some(component) = list.next_element::<Component<'a>>()? {
            outline.components += 1;
            if outline.system.is_none() && &*component.kind == "operating-system" {
                outline.system = Some(component.clone());
            }
            outline.is_of_syft = outline.is_of_syft || is_of_syft(&component);
            batch.push(component);
            if batch.len() == BATCH {
                hand_on(&mut batch);
            }
        }
        hand_on(&mut batch);
        Ok(())
    }
}
