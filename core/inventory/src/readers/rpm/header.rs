//! An RPM package header: an index of tags and the store they point into (rpm file format, "Header Structure").

use super::{number, source_of_rpm, stream_of};
use crate::model::{Package, PackageType};

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const VENDOR: u32 = 1011;
const ARCHITECTURE: u32 = 1022;
const SOURCE_RPM: u32 = 1044;
const MODULARITY_LABEL: u32 = 5096;
const MOST_TAGS: u32 = 65_536;

/// Reads the package of a header blob.
pub(super) fn package(blob: &[u8], ecosystem: &str, location: &str) -> Result<Package, String> {
    let header = Header::open(blob)?;
    let name = header.text(NAME).ok_or("the header has no name")?;
    let (version, release) = (header.text(VERSION).unwrap_or_default(), header.text(RELEASE).unwrap_or_default());
    let full = match (header.number(EPOCH).filter(|epoch| *epoch > 0), release.is_empty()) {
        (Some(epoch), false) => format!("{epoch}:{version}-{release}"),
        (None, false) => format!("{version}-{release}"),
        (Some(epoch), true) => format!("{epoch}:{version}"),
        (None, true) => version,
    };
    let mut package = Package::new(PackageType::Rpm, ecosystem, name, full, location);
    package.architecture = header.text(ARCHITECTURE).unwrap_or_default().into();
    package.source = header.text(SOURCE_RPM).as_deref().and_then(source_of_rpm);
    package.module = header.text(MODULARITY_LABEL).filter(|label| !label.is_empty()).map(|label| stream_of(&label));
    package.vendor = header.text(VENDOR).filter(|vendor| !vendor.is_empty() && vendor != "(none)").map(Into::into);
    Ok(package)
}

struct Header<'a> {
    index: &'a [u8],
    store: &'a [u8],
}

impl<'a> Header<'a> {
    fn open(blob: &'a [u8]) -> Result<Self, String> {
        let (tags, length) = (number(blob, 0, true)?, number(blob, 4, true)?);
        if tags > MOST_TAGS {
            return Err(format!("the header claims {tags} tags"));
        }
        let end = 8 + tags as usize * 16;
        let index = blob.get(8..end).ok_or("the header's index is cut off")?;
        let store = blob.get(end..end.saturating_add(length as usize)).ok_or("the header's store is cut off")?;
        Ok(Self { index, store })
    }

    /// Type and place of a tag.
    fn find(&self, tag: u32) -> Option<(u32, usize)> {
        let entry = self.index.chunks_exact(16).find(|entry| number(entry, 0, true) == Ok(tag))?;
        Some((number(entry, 4, true).ok()?, number(entry, 8, true).ok()? as usize))
    }

    /// A string (type 6), or the first of a list of strings (8, 9).
    fn text(&self, tag: u32) -> Option<String> {
        let (kind, offset) = self.find(tag)?;
        let rest = self.store.get(offset..).filter(|_| matches!(kind, 6 | 8 | 9))?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(&rest[..end]).into_owned())
    }

    /// The first of a list of 32-bit numbers (type 4).
    fn number(&self, tag: u32) -> Option<u32> {
        let (kind, offset) = self.find(tag)?;
        if kind == 4 { number(self.store, offset, true).ok() } else { None }
    }
}
