//! Many assets in a file: CSV with a header, or TOML with a table for each.

use crate::exit::Usage;
use anyhow::{Context, Result};
use lifecycle::{AssetId, Attributes};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// More assets are not taken in at once.
const MOST: usize = 100_000;

/// Reads a file; what is wrong is named with its line or asset, and then nothing of it counts.
pub(super) fn read(path: &Path) -> Result<Vec<(AssetId, Attributes)>> {
    let text = crate::files::read_text(path).with_context(|| format!("failed to read `{}`", path.display()))?;
    let is_toml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    let assets = if is_toml { of_toml(&text) } else { of_csv(&text) };
    let assets = assets.with_context(|| format!("`{}` cannot be used", path.display()))?;
    match assets.is_empty() {
        true => Err(Usage(format!("`{}` names no asset", path.display())).into()),
        false => Ok(assets),
    }
}

fn of_toml(text: &str) -> Result<Vec<(AssetId, Attributes)>> {
    let tables: BTreeMap<String, Attributes> = toml::from_str(text)?;
    let assets = tables.into_iter().map(|(id, attributes)| {
        let id = AssetId::new(id).map_err(|refusal| Usage(refusal.to_string()))?;
        Ok((id, attributes))
    });
    assets.collect()
}

fn of_csv(text: &str) -> Result<Vec<(AssetId, Attributes)>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(false).from_reader(text.as_bytes());
    let head = reader.headers()?.clone();
    let wrong = |line: u64, what: String| Usage(format!("line {line}: {what}"));
    let mut assets = Vec::new();
    let mut seen = HashSet::new();
    for row in reader.records() {
        let row = row?;
        let line = row.position().map_or(0, csv::Position::line);
        let (mut id, mut attributes) = (None, Attributes::default());
        for (name, value) in head.iter().zip(row.iter()).filter(|(_, value)| !value.is_empty()) {
            let list = || value.split(';').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
            let text = || Some(value.to_owned());
            match name.to_ascii_lowercase().replace('_', "-").as_str() {
                "asset" | "id" => {
                    id = Some(AssetId::new(value).map_err(|refusal| wrong(line, refusal.to_string()))?);
                }
                "name" => attributes.name = text(),
                "exposure" => attributes.exposure = Some(exposure(value).map_err(|what| wrong(line, what))?),
                "environment" => attributes.environment = text(),
                "criticality" => attributes.criticality = text(),
                "data-classes" if value.eq_ignore_ascii_case("none") => attributes.data_classes = Some(Vec::new()),
                "data-classes" => attributes.data_classes = Some(list()),
                "impact" => attributes.impact = text(),
                "owner" => attributes.owner = text(),
                "tags" => attributes.tags = list(),
                other => return Err(wrong(1, format!("no column is called `{other}`")).into()),
            }
        }
        let id = id.ok_or_else(|| wrong(line, "it names no asset".to_owned()))?;
        if !seen.insert(id.clone()) {
            return Err(wrong(line, format!("`{id}` stands there twice")).into());
        }
        if assets.len() == MOST {
            return Err(wrong(line, format!("a file may name {MOST} assets at the most: split it")).into());
        }
        assets.push((id, attributes));
    }
    Ok(assets)
}

fn exposure(text: &str) -> Result<lifecycle::Exposure, String> {
    match text.to_ascii_lowercase().as_str() {
        "exposed" => Ok(lifecycle::Exposure::Exposed),
        "internal" => Ok(lifecycle::Exposure::Internal),
        _ => Err(format!("`{text}` is no exposure: write exposed or internal")),
    }
}
