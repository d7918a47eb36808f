//! `plimsoll change propose`, `plan` and `calendar`.

use super::change_id;
use crate::arguments::{ChangeCommand, ChangeScopeArguments, ListFormat};
use crate::commands::fleet::{asset_filter, instant};
use crate::exit::{self, Usage};
use crate::formats::count;
use crate::printable::printable;
use crate::progress::say;
use crate::record::Opened;
use crate::sheet;
use crate::table::Table;
use anstyle::Style;
use anyhow::Result;
use change::{Candidate, Exclusion, Hours, Precedence, Proposal, Wanted};
use jiff::{SignedDuration, Timestamp};
use operations::{Opening, Scope};
use serde_json::json;
use std::collections::BTreeSet;

/// Which changes would serve what falls due.
pub(super) async fn propose(opened: &Opened, scope: ChangeScopeArguments, format: ListFormat) -> Result<u8> {
    let scope = Scope { only_unplanned: true, ..scope_of(scope)? };
    let (missing, proposals) = opened
        .organisation
        .view(None, opened.now, |view| {
            let missing = view.candidates(&scope);
            let proposals = view.propose(&missing.candidates);
            (missing, proposals)
        })
        .await?;
    let candidates = &missing.candidates;
    let cells = |one: &Proposal| {
        let packages: BTreeSet<&str> = one
            .candidates
            .iter()
            .flat_map(|place| &candidates[*place].upgrades)
            .map(|upgrade| upgrade.package.as_str())
            .collect();
        vec![
            one.kind.to_string(),
            one.candidates.len().to_string(),
            packages.len().to_string(),
            one.due_count.to_string(),
            one.due.to_string(),
        ]
    };
    let mut out = Vec::new();
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&["TYPE", "ASSETS", "PACKAGES", "FALL DUE", "FIRST"]);
            proposals.iter().for_each(|one| table.row(Style::new(), cells(one)));
            table.write(&mut out)?;
            let due: u64 = proposals.iter().map(|one| one.due_count).sum();
            let words = format!(
                "{} would change {}, on which {due} findings with a patch fall due or are overdue.\n",
                count(proposals.len(), "change"),
                count(proposals.iter().map(|one| one.candidates.len()).sum(), "asset"),
            );
            out.extend_from_slice(words.as_bytes());
            if missing.planned > 0 {
                let assets = count(usize::try_from(missing.planned).unwrap_or(usize::MAX), "asset");
                out.extend_from_slice(format!("{assets} more in a change that is not over.\n").as_bytes());
            }
            if missing.without > 0 {
                let words = format!(
                    "On {} more {} fall due, and nothing is known of what their repositories offer for it.\n",
                    count(usize::try_from(missing.without).unwrap_or(usize::MAX), "asset"),
                    missing.due_without
                );
                out.extend_from_slice(words.as_bytes());
            }
        }
        ListFormat::Csv => {
            let head = ["type", "assets", "packages", "fall_due", "first"];
            sheet::csv(&mut out, &head, proposals.iter().map(cells))?;
        }
        ListFormat::Json => {
            let one = |one: &Proposal| {
                let assets = one.candidates.iter().map(|place| &candidates[*place].asset);
                json!({ "type": one.kind.to_string(), "assets": assets.collect::<Vec<_>>(), "fall_due": one.due_count,
                    "first": one.due })
            };
            let told = json!({ "proposals": proposals.iter().map(one).collect::<Vec<_>>(), "assets_without": missing.without,
                "fall_due_without": missing.due_without, "assets_planned": missing.planned });
            out.extend_from_slice(sheet::json(&told)?.as_bytes());
        }
    }
    opened.show(&out, format == ListFormat::Table)?;
    // What falls due and cannot be seen is no peace.
    Ok(if missing.without > 0 { exit::NOT_ENOUGH_DATA } else { exit::WITHIN_POLICY })
}

/// Plans a change.
pub(super) async fn plan(opened: &Opened, command: ChangeCommand, is_quiet: bool) -> Result<u8> {
    let ChangeCommand::Plan { change, kind, title, until, way_back, leave_out, order, health, trigger, scope } =
        command
    else {
        return Ok(exit::WITHIN_POLICY);
    };
    let scope = scope_of(scope)?;
    let until = instant(Some(&until))?.unwrap_or(opened.now);
    let wanted = Wanted {
        kind: kind.into(),
        title,
        way_back,
        until,
        left_out: leave_out.iter().map(|text| exclusion(text)).collect::<Result<_>>()?,
        precedence: order.iter().map(|text| precedence(text)).collect::<Result<_>>()?,
        trigger,
        health: health.iter().map(|text| text.parse().map_err(|words| Usage(words).into())).collect::<Result<_>>()?,
    };
    let missing = opened.organisation.view(None, opened.now, |view| view.candidates(&scope)).await?;
    let candidates: &[Candidate] = &missing.candidates;
    let planned = (candidates, wanted);
    let (_, plan) = opened.organisation.plan_change(&opened.person, change_id(&change)?, planned, opened.now).await?;
    if !is_quiet {
        let rings = plan.rings.iter().map(|ring| format!("{} in `{}`", ring.members.len(), ring.id));
        let rings = rings.collect::<Vec<_>>().join(", ");
        say(&format!("Change `{change}` is planned: {}: {rings}.", count(plan.assets(), "asset")));
        for left in &plan.left_out {
            say(&format!("`{}` is left out: {}.", left.asset, printable(&left.reason)));
        }
        for (what, words) in operations::needs_words(&plan) {
            say(&format!("{what}: {}.", printable(&words)));
        }
        let takes = SignedDuration::from_mins(plan.limits.takes_minutes);
        let never = |hours: &&Hours| hours.next(opened.now, takes).is_none_or(|at| at + takes > plan.until);
        let without = plan.hours.iter().filter(never).count();
        if without > 0 {
            say("Some of them have no window before its end that is long enough: they are never changed.");
        }
        let record = opened.organisation.store.record().await?;
        if record.state.change_rule().gate(plan.kind).is_none() {
            say(&format!("The policy in force has no gate for {} changes: nobody has to approve it.", plan.kind));
        }
        say(&format!("plimsoll change start {change}"));
    }
    Ok(exit::WITHIN_POLICY)
}

/// Plans and starts what the policy has patched without anybody's word.
pub(super) async fn automatic(opened: &Opened, is_quiet: bool) -> Result<u8> {
    let begun = opened.organisation.plan_automatic(opened.now).await?;
    if !is_quiet {
        say(&match begun {
            Some((id, assets)) => format!("Change `{id}` has begun: {}.", count(assets, "asset")),
            None => "Nothing is to be patched by itself now.".to_owned(),
        });
    }
    Ok(exit::WITHIN_POLICY)
}

fn scope_of(arguments: ChangeScopeArguments) -> Result<Scope> {
    Ok(Scope {
        assets: asset_filter(arguments.assets)?,
        packages: arguments.package.into_iter().collect(),
        due_until: instant(arguments.due_by.as_deref())?,
        only_unplanned: false,
    })
}

fn exclusion(text: &str) -> Result<Exclusion> {
    let parts = text.split_once('=').filter(|(asset, reason)| !asset.is_empty() && !reason.trim().is_empty());
    let (asset, reason) = parts.ok_or_else(|| Usage(format!("`{text}` is not ASSET=REASON")))?;
    Ok(Exclusion { asset: asset.to_owned(), reason: reason.trim().to_owned() })
}

fn precedence(text: &str) -> Result<Precedence> {
    let parts = text.split_once('<').filter(|(first, then)| !first.is_empty() && !then.is_empty());
    let (first, then) = parts.ok_or_else(|| Usage(format!("`{text}` is not GROUP<GROUP")))?;
    Ok(Precedence { first: first.to_owned(), then: then.to_owned() })
}

/// When assets may be changed, environment by environment.
pub(super) async fn calendar(opened: &Opened, days: i64, is_ics: bool) -> Result<u8> {
    let policy = opened.organisation.store.record().await?.facts.policy();
    let Some(policy) = policy else { return Err(operations::Error::NoPolicy { at: None }.into()) };
    let until = opened.now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    let found = operations::openings(&policy, (opened.now, until))?;
    let out = match is_ics {
        true => operations::as_calendar(&policy, &found, opened.now).into_bytes(),
        false => table(&found)?,
    };
    opened.show(&out, !is_ics)?;
    Ok(exit::WITHIN_POLICY)
}

fn table(openings: &[Opening]) -> Result<Vec<u8>> {
    let mut table = Table::new(&["ASSETS", "FROM", "UNTIL"]);
    for Opening { assets, span } in openings {
        let (from, until) =
            span.map_or(("always".to_owned(), String::new()), |(from, until)| (from.to_string(), until.to_string()));
        table.row(Style::new(), vec![printable(assets).into_owned(), from, until]);
    }
    let mut out = Vec::new();
    table.write(&mut out)?;
    Ok(out)
}
