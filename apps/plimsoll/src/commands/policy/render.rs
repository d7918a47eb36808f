//! `plimsoll policy render`: the documents that are written from a policy.

use crate::arguments::DocumentFormat;
use crate::exit::{self, Usage};
use ::policy::{EDITIONS, Policy, Written};
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::path::Path;

/// Writes a document.
pub(super) fn run(name: &str, document: &str, format: DocumentFormat, output: Option<&Path>) -> Result<u8> {
    let (text, path) = super::text(name)?;
    let policy = Policy::parse(&text).with_context(|| format!("the policy `{}` cannot be used", path.display()))?;
    let written = Written::of(&policy, &text)?;
    let Some(found) = written.document(document) else {
        let known: Vec<String> = EDITIONS.iter().map(|edition| format!("{} ({})", edition.id, edition.title)).collect();
        return Err(Usage(format!("no document is called `{document}`; there are {}", known.join(", "))).into());
    };
    let markdown = match found {
        Ok(markdown) => markdown,
        Err(unfilled) => {
            let mut words = String::new();
            for (place, one) in unfilled {
                // Writing to a text cannot fail.
                let _ = write!(words, "\n  {place}, line {}: {}", one.line, one.what);
            }
            bail!("the document `{document}` cannot be written:{words}");
        }
    };
    let shown = match format {
        DocumentFormat::Markdown => markdown,
        DocumentFormat::Html => documents::page(&policy.name, &markdown),
    };
    match output {
        Some(path) => {
            std::fs::write(path, shown).with_context(|| format!("failed to write `{}`", path.display()))?;
        }
        None => crate::pager::show(shown.as_bytes()).context("failed to write")?,
    }
    Ok(exit::WITHIN_POLICY)
}
