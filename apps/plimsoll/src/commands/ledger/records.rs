//! `plimsoll ledger records`: what is kept of what the policy promises to keep.

use crate::arguments::ListFormat;
use crate::exit;
use crate::printable::printable;
use crate::progress::Counter;
use crate::record::Opened;
use crate::sheet;
use crate::table::Table;
use anstyle::{AnsiColor, Style};
use anyhow::Result;
use operations::Kept;
use serde_json::json;

/// Shows what is kept of each kind of record.
pub(super) async fn records(opened: &Opened, format: ListFormat, is_quiet: bool) -> Result<u8> {
    let mut counter = Counter::new("read", "entries", is_quiet);
    let kept = opened.organisation.records_kept(opened.now, |done, total| counter.at(done, Some(total))).await?;
    counter.end();
    let is_lost = kept.iter().any(|one| one.lost.1 > 0);
    let mut out = Vec::new();
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&["RECORDS", "KEPT AT LEAST", "ENTRIES", "SINCE", "OLDER", "DOCUMENTS", "LOST"]);
            for one in &kept {
                let style = if one.lost.1 > 0 { AnsiColor::Red.on_default() } else { Style::new() };
                table.row(style, cells(one));
            }
            table.write(&mut out)?;
            for words in kept.iter().flat_map(|one| &one.lost.0) {
                out.extend_from_slice(format!("LOST: {}\n", printable(words)).as_bytes());
            }
            let words = match is_lost {
                true => "Documents that have to be kept are not there, or not as they were.\n",
                false => "Nothing is ever removed; every document that these entries name is there, as it was.\n",
            };
            out.extend_from_slice(words.as_bytes());
        }
        ListFormat::Csv => {
            let head = ["records", "keep", "entries", "since", "older", "documents", "lost"];
            sheet::csv(&mut out, &head, kept.iter().map(cells))?;
        }
        ListFormat::Json => {
            let one = |one: &Kept| {
                let span = one.span.map(|(first, last)| json!({ "first": first, "last": last }));
                json!({ "records": one.kind.words(), "keep": one.keep.to_string(), "entries": one.entries, "span": span,
                    "older": one.older, "documents": one.documents, "lost": { "count": one.lost.1, "words": one.lost.0 } })
            };
            let told = json!({ "records": kept.iter().map(one).collect::<Vec<_>>() });
            out.extend_from_slice(sheet::json(&told)?.as_bytes());
        }
    }
    opened.show(&out, format == ListFormat::Table)?;
    Ok(if is_lost { exit::POLICY_NOT_MET } else { exit::WITHIN_POLICY })
}

fn cells(one: &Kept) -> Vec<String> {
    vec![
        one.kind.words().to_owned(),
        one.keep.to_string(),
        one.entries.to_string(),
        one.span.map(|(first, _)| first.to_string()).unwrap_or_default(),
        one.older.to_string(),
        one.documents.to_string(),
        one.lost.1.to_string(),
    ]
}
