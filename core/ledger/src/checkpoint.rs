//! Checkpoints: the size and the root of a ledger, under its name (C2SP tlog-checkpoint).

use crate::error::Error;
use crate::hash::Hash;

/// The state of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The ledger's name.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The hash over them.
    pub root: Hash,
    /// Further lines, of which nothing is known.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// Reads the text of a note.
    ///
    /// # Errors
    /// If it is no checkpoint.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |what| Error::Checkpoint { what };
        let lines = text.strip_suffix('\n').ok_or(wrong("its last line does not end"))?;
        let mut lines = lines.split('\n');
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        let origin = origin.filter(|origin| !origin.is_empty()).ok_or(wrong("it has no origin"))?;
        let size = size.ok_or(wrong("it has no size"))?;
        let is_plain = size == "0" || (!size.starts_with('0') && size.bytes().all(|byte| byte.is_ascii_digit()));
        let size = size.parse().ok().filter(|_| is_plain).ok_or(wrong("its size is no plain number"))?;
        let root = Hash::parse(root.ok_or(wrong("it has no root"))?)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(wrong("it has an empty line"));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }
}

impl std::fmt::Display for Checkpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(formatter, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(formatter, "{line}"))
    }
}
