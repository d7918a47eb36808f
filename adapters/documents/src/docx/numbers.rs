//! The lists of a text: those with bullets share one numbering, each with numbers has its own.

/// The numberings, with that of the bullets only.
const NUMBERING: &str = include_str!("parts/numbering.xml");

/// The numbering of every list with bullets, in `numbering.xml`.
pub(super) const BULLETS: usize = 1;

/// How every numbered list counts, in `numbering.xml`.
const DECIMALS: usize = 2;

/// The highest number that Word counts to.
const HIGHEST: usize = 32_767;

/// How many numberings Word knows in a document.
const MOST: usize = 2_000;

/// The numberings of the numbered lists, each as its level and its first number.
#[derive(Default)]
pub(super) struct Numbers {
    lists: Vec<(usize, usize)>,
}

impl Numbers {
    /// A numbering of its own for a list of some items, which begins at a number; none if Word cannot count it.
    pub(super) fn add(&mut self, start: usize, items: usize, level: usize) -> Option<usize> {
        if start.saturating_add(items) > HIGHEST || self.lists.len() >= MOST {
            return None;
        }
        self.lists.push((level, start));
        Some(BULLETS + self.lists.len())
    }

    /// The part that says how lists count.
    pub(super) fn part(self) -> String {
        let mut written = String::new();
        for (id, (level, start)) in (BULLETS + 1..).zip(self.lists) {
            written.push_str(&format!(
                "<w:num w:numId=\"{id}\"><w:abstractNumId w:val=\"{DECIMALS}\"/><w:lvlOverride w:ilvl=\"{level}\">\
                 <w:startOverride w:val=\"{start}\"/></w:lvlOverride></w:num>\n"
            ));
        }
        written.push_str("</w:numbering>");
        NUMBERING.replace("</w:numbering>", &written)
    }
}
