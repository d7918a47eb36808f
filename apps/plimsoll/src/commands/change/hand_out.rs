//! `plimsoll change hand-out`: what may begin is handed to whoever carries it out by other means, printed or by a webhook.

use crate::arguments::{ListFormat, WebhookArguments};
use crate::exit;
use crate::formats::count;
use crate::printable::printable;
use crate::progress::say;
use crate::record::Opened;
use crate::sheet;
use crate::table::Table;
use anstyle::Style;
use anyhow::{Context, Result};
use change::{Came, Happening};
use connectors::Webhook;
use jiff::Timestamp;
use lifecycle::{ChangeId, Command};
use operations::HandedOut;
use serde_json::json;
use std::time::Duration;

/// How often is tried to hand something over.
const TRIES: u32 = 4;
/// The wait after the first try; it doubles with each.
const WAIT: Duration = Duration::from_secs(1);

/// Hands out what may begin now.
pub(super) async fn hand_out(
    opened: &Opened,
    id: &ChangeId,
    (most, format): (usize, ListFormat),
    webhook: &WebhookArguments,
) -> Result<u8> {
    let webhook = way(webhook)?;
    opened.organisation.follow_changes(opened.now).await?;
    let handed = match &webhook {
        None => {
            let taken = opened.organisation.hand_out(&opened.person, id, (most, opened.now)).await?;
            Handed { taken, ..Handed::default() }
        }
        Some(webhook) => over(opened, id, most, webhook).await?,
    };
    let mut text = Vec::new();
    show(&mut text, &handed, format)?;
    opened.show(&text, format == ListFormat::Table)?;
    match handed.cut_off {
        Some(error) => Err(error),
        None if handed.not_taken.is_some() => Ok(exit::POLICY_NOT_MET),
        None => Ok(exit::WITHIN_POLICY),
    }
}

/// What came of handing things over.
#[derive(Default)]
struct Handed {
    /// What was taken.
    taken: Vec<HandedOut>,
    /// The asset that was not, and why.
    not_taken: Option<(HandedOut, String)>,
    /// Why no other one could begin.
    cut_off: Option<anyhow::Error>,
}

fn way(arguments: &WebhookArguments) -> Result<Option<Webhook>> {
    let (Some(address), Some(file)) = (&arguments.webhook, &arguments.secret_file) else { return Ok(None) };
    let failed = |path: &std::path::Path| format!("failed to read `{}`", path.display());
    let secret = crate::files::read_text(file).with_context(|| failed(file))?;
    let authorities =
        arguments.webhook_ca.as_ref().map(|path| crate::files::read_text(path).with_context(|| failed(path)));
    let authorities = authorities.transpose()?;
    Ok(Some(Webhook::new(address, &secret, authorities.as_ref().map(String::as_bytes))?))
}

/// One asset after the other: where one is not taken, no other one begins.
async fn over(opened: &Opened, id: &ChangeId, most: usize, webhook: &Webhook) -> Result<Handed> {
    let mut handed = Handed::default();
    while handed.taken.len() < most {
        let begun_at = Timestamp::now();
        let next = match opened.organisation.hand_out(&opened.person, id, (1, begun_at)).await {
            Ok(next) => next,
            // What was handed over until now is told first.
            Err(error) if !handed.taken.is_empty() => {
                handed.cut_off = Some(error.into());
                break;
            }
            Err(error) => return Err(error.into()),
        };
        let Some(out) = next.into_iter().next() else { break };
        let Err((error, was_not_taken)) = deliver(webhook, (id, &out), begun_at).await else {
            handed.taken.push(out);
            continue;
        };
        let words = format!("{:#}", anyhow::Error::from(error));
        say(&format!("{}: {}", out.asset, printable(&words)));
        if was_not_taken && !out.is_back {
            let came = Came::Failed;
            let told = format!("it was not handed over: {words}");
            let what = Happening::Asset { asset: out.asset.clone(), came, words: told, log: None };
            let command = Command::Change(id.clone(), what);
            opened.organisation.act(&opened.person, Timestamp::now(), command).await?;
        } else {
            let again = if out.is_back { ", and can be handed out again then" } else { "" };
            say(&format!("It counts as begun, and as silent if no inventory shows what came of it in time{again}."));
        }
        handed.not_taken = Some((out, words));
        break;
    }
    Ok(handed)
}

/// Hands one asset over, again and again under one id where that fails; an error with whether it is sure of every try that it was not
/// taken.
async fn deliver(
    webhook: &Webhook,
    (change, out): (&ChangeId, &HandedOut),
    begun_at: Timestamp,
) -> Result<(), (connectors::Error, bool)> {
    let event =
        json!({ "type": "change.handed_out", "timestamp": begun_at, "data": { "change": change, "handed_out": out } });
    let id = format!("{change}.{}.{}", out.asset, begun_at.as_millisecond());
    let id = format!("handed_out_{}", blake3::hash(id.as_bytes()).to_hex());
    let (mut wait, mut is_sure) = (WAIT, true);
    for left in (0..TRIES).rev() {
        let Err(error) = webhook.send(&id, Timestamp::now(), event.to_string()).await else { return Ok(()) };
        is_sure &= error.was_not_taken();
        if left == 0 || error.is_final() {
            return Err((error, is_sure));
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    Ok(())
}

fn show(text: &mut Vec<u8>, handed: &Handed, format: ListFormat) -> Result<()> {
    let rows = handed.taken.iter().flat_map(|out| {
        out.upgrades.iter().map(move |upgrade| {
            let before = upgrade.from.clone().unwrap_or_default();
            let (from, to) = if out.is_back { (upgrade.to.clone(), before) } else { (before, upgrade.to.clone()) };
            vec![out.asset.to_string(), out.ring.clone(), upgrade.package.clone(), from, to]
        })
    });
    let not_taken = handed.not_taken.as_ref().map(|(out, why)| json!({ "handed_out": out, "why": why }));
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&["ASSET", "RING", "PACKAGE", "FROM", "TO"]);
            rows.for_each(|row| table.row(Style::new(), row));
            table.write(text)?;
            let words = match handed.taken.is_empty() && handed.not_taken.is_none() {
                true => "Nothing may begin now: plimsoll change show --assets says what each waits for.\n".to_owned(),
                false => format!(
                    "{} said to have begun. An inventory shows what came of it.\n",
                    count(handed.taken.len(), "asset")
                ),
            };
            text.extend_from_slice(words.as_bytes());
            if let Some((out, words)) = &handed.not_taken {
                let words = format!("Not taken: {} ({})\n", printable(out.asset.as_str()), printable(words));
                text.extend_from_slice(words.as_bytes());
            }
        }
        ListFormat::Csv => sheet::csv(text, &["asset", "ring", "package", "from", "to"], rows)?,
        ListFormat::Json => {
            text.extend_from_slice(sheet::json(&json!({ "assets": handed.taken, "not_taken": not_taken }))?.as_bytes())
        }
    }
    Ok(())
}
