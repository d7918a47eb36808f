//! `plimsoll demo`.

use crate::arguments::DemoArguments;
use crate::exit::{self, Usage};
use crate::progress::{Counter, say};
use crate::record::{self, block_on};
use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use operations::Organisation;
use std::path::Path;
use store::{Keys, Options, Store};

/// Plays an organisation into an empty data directory.
pub(super) fn run(arguments: &DemoArguments, data: &Path, is_quiet: bool) -> Result<u8> {
    let address = record::address(data, &arguments.record);
    if data.join("keys").exists() || (!address.contains("://") && Path::new(&address).exists()) {
        return Err(Usage(format!(
            "there is a record in `{}` already: name an empty directory with --data",
            data.display()
        ))
        .into());
    }
    let now = Timestamp::now();
    let yesterday = now - SignedDuration::from_hours(24);
    let until =
        arguments.until.as_deref().map(|text| super::scan::instant(Some(text))).transpose()?.unwrap_or(yesterday);
    if until.as_second().div_euclid(86_400) > yesterday.as_second().div_euclid(86_400) {
        return Err(Usage("a demonstration ends before today: what has not been yet cannot be shown".to_owned()).into());
    }
    let days = (arguments.months * 365).div_ceil(12);
    let settings = demo::Settings { assets: arguments.assets, days, seed: arguments.seed, until };
    std::fs::create_dir_all(data).with_context(|| format!("failed to create `{}`", data.display()))?;
    let mut counter = Counter::new("played", "days", is_quiet);
    let played = block_on(async {
        let wanted = demo::signer(arguments.seed)?;
        let signer = Keys::of(data).adopt(&wanted)?;
        if signer.verifier() != wanted.verifier() {
            return Err(Usage(format!("`{}` is in use: name an empty folder with --data", data.display())).into());
        }
        let options = Options::new(&address, signer);
        let organisation = Organisation::new(Store::open(options, |_| {}).await?);
        let progress = |day: u32, days: u32| counter.at(u64::from(day), Some(u64::from(days)));
        let played = demo::play(&organisation, settings, progress).await?;
        organisation.store.tidy().await?;
        Ok(played)
    })?;
    counter.end();
    if !is_quiet {
        say(&format!(
            "An invented organisation: {} assets, {} vulnerabilities, {} inventories, {} entries in the ledger, over {days} days.",
            played.assets, played.vulnerabilities, played.inventories, played.entries
        ));
        say(&format!(
            "See it with `plimsoll --data {0} fleet summary`, `… fleet assets`, `… fleet findings --group-by package`.",
            data.display()
        ));
    }
    Ok(exit::WITHIN_POLICY)
}
