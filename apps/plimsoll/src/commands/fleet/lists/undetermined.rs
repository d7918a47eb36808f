//! What could not be judged, and why.

use super::super::code;
use super::rest;
use crate::arguments::{ListArguments, ListFormat};
use crate::formats::count;
use crate::sheet;
use crate::table::Table;
use anstyle::Style;
use anyhow::Result;
use fleet::{AssetFilter, Undetermined};
use operations::View;
use serde_json::json;
use std::io::Write;

/// Writes the list.
pub(super) fn write(
    view: &View<'_>,
    filter: &AssetFilter,
    (list, gaps): (&ListArguments, &[String]),
) -> Result<(Vec<u8>, u8)> {
    let found = view.findings.undetermined(&view.record.facts, filter);
    let page: Vec<&Undetermined> = found.iter().skip(list.offset).take(list.limit()).collect();
    let cells = |one: &&Undetermined| {
        let Undetermined { thing, why, assets } = one;
        let why = if why.is_empty() { "it was not held against any advisories yet" } else { why };
        vec![assets.to_string(), thing.kind.clone(), thing.ecosystem.clone(), thing.label(), why.to_owned()]
    };
    let mut out = Vec::new();
    match list.format {
        ListFormat::Table => {
            writeln!(out, "{} could not be judged", count(found.len(), "package version"))?;
            let mut table = Table::new(&["#ASSETS", "KIND", "ECOSYSTEM", "PACKAGE", "WHY"]);
            page.iter().for_each(|one| table.row(Style::new(), cells(one)));
            table.write(&mut out)?;
            rest(&mut out, found.len(), list.offset, page.len())?;
        }
        ListFormat::Csv => {
            sheet::csv(&mut out, &["assets", "kind", "ecosystem", "package", "why"], page.iter().map(cells))?;
        }
        ListFormat::Json => {
            let one = |one: &&Undetermined| json!({ "name": one.thing.label(), "ecosystem": one.thing.ecosystem, "package": one.thing, "why": one.why, "assets": one.assets });
            let all: Vec<_> = page.iter().map(one).collect();
            let whole = json!({ "total": found.len(), "offset": list.offset, "gaps": gaps, "items": all });
            out.extend_from_slice(sheet::json(&whole)?.as_bytes());
        }
    }
    Ok((out, code(0, !found.is_empty() || !gaps.is_empty())))
}
