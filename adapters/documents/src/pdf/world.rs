//! What Typst sees of the world: one text in memory and the fonts in the program. No files, no packages, no network, no clock.

use std::sync::LazyLock;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, Source};
use typst::text::{Font, FontBook, FontInfo, FontVariant};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

/// The fonts in the program, each under a licence that allows this; the texts lie beside them.
const FILES: &[&[u8]] = &[
    include_bytes!("../../fonts/LibertinusSerif-Regular.otf"),
    include_bytes!("../../fonts/LibertinusSerif-Bold.otf"),
    include_bytes!("../../fonts/LibertinusSerif-Italic.otf"),
    include_bytes!("../../fonts/LibertinusSerif-BoldItalic.otf"),
    include_bytes!("../../fonts/DejaVuSansMono.ttf"),
    include_bytes!("../../fonts/DejaVuSansMono-Bold.ttf"),
];

static FONTS: LazyLock<Vec<Font>> =
    LazyLock::new(|| FILES.iter().filter_map(|file| Font::new(Bytes::new(*file), 0)).collect());

static BOOK: LazyLock<LazyHash<FontBook>> = LazyLock::new(|| LazyHash::new(FontBook::from_fonts(FONTS.iter())));

/// Families that prose is set in: the first that has a sign. Only the first is also bold and italic.
const PROSE: &[&str] = &["Libertinus Serif", CODE];

/// The family that code is set in.
const CODE: &str = "DejaVu Sans Mono";

static PROSE_FACES: LazyLock<Vec<(&str, Vec<&FontInfo>)>> = LazyLock::new(|| {
    let family = |(place, name): (usize, &&'static str)| (*name, if place == 0 { faces(name) } else { upright(name) });
    PROSE.iter().enumerate().map(family).collect()
});

static CODE_FACES: LazyLock<Vec<&FontInfo>> = LazyLock::new(|| faces(CODE));

/// The text to set.
pub(super) struct OneText {
    source: Source,
}

impl OneText {
    pub(super) fn new(text: String) -> Self {
        // A detached source has always the same id: ids are never given back, and there are only so many.
        Self { source: Source::detached(text) }
    }
}

impl World for OneText {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &BOOK
    }

    fn main(&self) -> FileId {
        self.source.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.source.id() { Ok(self.source.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, _: FileId) -> FileResult<Bytes> {
        Err(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// The family that shows a sign in prose: the first one is the text's own.
pub(super) fn family(sign: char) -> Option<(usize, &'static str)> {
    // Every family has these, and most text is made of them.
    if let (' '..='~', Some(name)) = (sign, PROSE.first()) {
        return Some((0, *name));
    }
    PROSE_FACES.iter().enumerate().find(|(_, (_, faces))| has(faces, sign)).map(|(place, (name, _))| (place, *name))
}

/// Whether a sign can be shown in code.
pub(super) fn is_in_code(sign: char) -> bool {
    matches!(sign, ' '..='~') || has(&CODE_FACES, sign)
}

/// Whether every one of some faces has a sign. PDF/A allows no sign without a glyph, and none of private meaning.
fn has(faces: &[&FontInfo], sign: char) -> bool {
    let is_private = matches!(sign, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    !is_private && !faces.is_empty() && faces.iter().all(|face| face.coverage.contains(u32::from(sign)))
}

/// Every face of a family.
fn faces(family: &str) -> Vec<&'static FontInfo> {
    let book: &'static FontBook = &BOOK;
    book.select_family(&family.to_lowercase()).filter_map(|index| book.info(index)).collect()
}

/// The regular face of a family.
fn upright(family: &str) -> Vec<&'static FontInfo> {
    let book: &'static FontBook = &BOOK;
    book.select(&family.to_lowercase(), FontVariant::default()).and_then(|index| book.info(index)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::{CODE_FACES, FILES, FONTS, PROSE_FACES};

    #[test]
    fn every_file_is_a_face_of_a_family() {
        assert_eq!(FONTS.len(), FILES.len());
        let faces: Vec<usize> = PROSE_FACES.iter().map(|(_, faces)| faces.len()).collect();
        assert_eq!((faces, CODE_FACES.len()), (vec![4, 1], 2));
    }
}
