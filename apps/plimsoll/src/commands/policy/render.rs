//! `plimsoll policy render`: the documents that are written from a policy.

use crate::arguments::DocumentFormat;
use crate::exit::{self, Usage};
use ::policy::Policy;
use anyhow::{Context, Result, bail};
use documents::Sheet;
use operations::{PolicyDocument, policy_document, policy_documents};
use std::io::{IsTerminal, Write as _};
use std::path::Path;

/// Writes a document.
pub(super) fn run(name: &str, document: &str, format: DocumentFormat, output: Option<&Path>) -> Result<u8> {
    let (text, path) = super::text(name)?;
    let policy = Policy::parse(&text).with_context(|| format!("the policy `{}` cannot be used", path.display()))?;
    let Some(found) = policy_document(&PolicyDocument { policy: &policy, text: &text, id: document, examples: None })
    else {
        let known: Vec<String> = policy_documents().iter().map(|(id, title)| format!("{id} ({title})")).collect();
        return Err(Usage(format!("no document is called `{document}`; there are {}", known.join(", "))).into());
    };
    let markdown = match found {
        Ok(markdown) => markdown,
        Err(why) => bail!("the document `{document}` cannot be written: {why}"),
    };
    let digest = store::digest(text.as_bytes());
    // A file that is written twice is the same: what is not in force has no day but that of its text.
    let sheet =
        Sheet { title: &policy.name, imprint: &format!("Written from {digest}"), at: jiff::Timestamp::UNIX_EPOCH };
    let shown = match format {
        DocumentFormat::Markdown => markdown.into_bytes(),
        DocumentFormat::Html => documents::page(&policy.name, &markdown).into_bytes(),
        DocumentFormat::Pdf => documents::pdf(&sheet, &markdown)?,
        DocumentFormat::Docx => documents::docx(&sheet, &markdown)?,
    };
    let is_text = matches!(format, DocumentFormat::Markdown | DocumentFormat::Html);
    match output {
        Some(path) => {
            std::fs::write(path, shown).with_context(|| format!("failed to write `{}`", path.display()))?;
        }
        None if is_text => crate::pager::show(&shown).context("failed to write")?,
        None if std::io::stdout().is_terminal() => {
            return Err(Usage("this is no text: name a file with --output".to_owned()).into());
        }
        None => crate::pager::out().write_all(&shown).context("failed to write")?,
    }
    Ok(exit::WITHIN_POLICY)
}
