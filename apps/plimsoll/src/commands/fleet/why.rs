//! Why: all that one finding of the fleet rests on.

use super::{asset_id, instant};
use crate::arguments::WhyFormat;
use crate::commands::why::canonical_id;
use crate::exit::{self, Usage};
use crate::formats::{day_and_time, deadline_in_words};
use crate::printable::printable;
use crate::record::Opened;
use crate::sheet;
use anyhow::Result;
use fleet::{AssetFilter, Carrier, Explanation};
use lifecycle::{AssetId, Decision};
use operations::View;
use serde_json::json;
use std::fmt::Write;

/// Explains a finding; says so plainly where there is none.
pub(super) async fn run(opened: &Opened, (id, asset): (&str, &str), at: Option<&str>, format: WhyFormat) -> Result<u8> {
    let (id, asset, at) = (canonical_id(id), asset_id(asset)?, instant(at)?);
    let answer = |view: &View<'_>| -> Result<(String, u8)> {
        if !view.record.state.assets.contains_key(&asset) {
            return Err(Usage(format!("there is no asset `{asset}`")).into());
        }
        let Some(found) = view.findings.explain(&view.record.facts, &id, &asset) else {
            let words = format!("`{asset}` does not have it and never had, as far as is known");
            let text = match format {
                WhyFormat::Json => sheet::json(&json!({ "id": id, "found": false, "verdict": words }))?,
                WhyFormat::Text => format!("{}: {words}.\n", printable(&id)),
            };
            return Ok((text, exit::NOT_ENOUGH_DATA));
        };
        let is_overdue = found.deadline.as_ref().and_then(|deadline| deadline.due).is_some_and(|due| due < view.now);
        let is_suppressed = found.state == Some(fleet::State::Suppressed);
        let text = match format {
            WhyFormat::Json => sheet::json(&as_json(&found))?,
            WhyFormat::Text => in_words(&found, view)?,
        };
        let code = match found.state {
            Some(fleet::State::Undetermined) => exit::NOT_ENOUGH_DATA,
            Some(_) if is_overdue && !is_suppressed => exit::POLICY_NOT_MET,
            _ if !view.gaps(&of_asset(&asset)).words().is_empty() => exit::NOT_ENOUGH_DATA,
            _ => exit::WITHIN_POLICY,
        };
        Ok((text, code))
    };
    let (text, code) = opened.organisation.view(at, opened.now, answer).await??;
    opened.show(text.as_bytes(), format == WhyFormat::Text)?;
    Ok(code)
}

fn in_words(found: &Explanation, view: &View<'_>) -> Result<String> {
    let mut text = String::new();
    let known = found.signals.last().map(|(_, signals)| signals);
    let (id, title) = known.map_or(("", ""), |signals| (signals.id.as_str(), signals.title.as_str()));
    writeln!(text, "{}  {}", printable(id), printable(title))?;
    writeln!(text, "  on {}, first seen {}", found.asset, day_and_time(found.first_seen))?;
    let state = match (found.state, found.closed_at) {
        (Some(fleet::State::Suppressed), _) if !found.coverage.is_covered() => {
            format!("suppressed: the policy does not cover the asset ({})", printable(&found.coverage.reason))
        }
        (Some(fleet::State::Suppressed), _) => {
            "suppressed: set aside, so that it counts as nothing that is owed".to_owned()
        }
        (Some(state), _) if found.is_reopened => format!("{}, closed before and come back", state.word()),
        (Some(state), _) => state.word().to_owned(),
        (None, Some(closed)) => format!("closed {}", day_and_time(closed)),
        (None, None) => "closed".to_owned(),
    };
    writeln!(text, "  state: {state}\n\n  What carried it")?;
    for carrier in &found.carriers {
        carrier_in_words(&mut text, carrier, view)?;
    }
    writeln!(text, "\n  What was known of it")?;
    for (since, signals) in &found.signals {
        let cvss =
            signals.cvss.as_ref().map_or_else(|| "no CVSS score".to_owned(), |(score, _)| format!("CVSS {score:.1}"));
        let epss = signals.epss.map_or_else(String::new, |(score, _)| format!(", EPSS {score:.4}"));
        let listed =
            signals.listed.map_or_else(String::new, |at| format!(", listed as exploited {}", day_and_time(at)));
        writeln!(text, "    since {}: {cvss}{epss}{listed}", day_and_time(*since))?;
    }
    if let Some(deadline) = &found.deadline {
        writeln!(text)?;
        if found.state == Some(fleet::State::Suppressed) {
            writeln!(text, "  Were it owed:")?;
        }
        text.push_str(&deadline_in_words(deadline, view.findings.policy(), view.now));
    }
    Ok(text)
}

fn carrier_in_words(text: &mut String, carrier: &Carrier, view: &View<'_>) -> Result<()> {
    let until =
        carrier.until.map_or_else(|| "still there".to_owned(), |until| format!("until {}", day_and_time(until)));
    writeln!(text, "    {} since {}, {until}", printable(&carrier.thing.label()), day_and_time(carrier.from))?;
    let statement = &carrier.statement;
    writeln!(text, "      {}: {}", printable(&statement.fix.in_words()), printable(&statement.because))?;
    if !statement.remark.is_empty() {
        writeln!(text, "      {}", printable(&statement.remark))?;
    }
    if let Some(decision) = &carrier.decision {
        let approved = decision.approved_by.as_ref().map(ToString::to_string).unwrap_or_default();
        writeln!(
            text,
            "      set aside by {} until {}, approved by {approved}: {}",
            decision_id(decision, view),
            day_and_time(decision.until),
            printable(&decision.reason)
        )?;
    }
    Ok(())
}

fn of_asset(asset: &AssetId) -> AssetFilter {
    AssetFilter { id: Some(asset.clone()), ..AssetFilter::default() }
}

/// The id under which a decision is known.
fn decision_id(decision: &Decision, view: &View<'_>) -> String {
    let known = view.record.state.decisions.iter().find(|(_, known)| *known == decision);
    known.map_or_else(|| "a decision".to_owned(), |(id, _)| format!("`{id}`"))
}

fn as_json(found: &Explanation) -> serde_json::Value {
    let mut all = operations::explanation_as_json(found);
    all["found"] = json!(true);
    all["is_reopened"] = json!(found.is_reopened);
    all["first_seen_at"] = json!(found.first_seen);
    all
}
