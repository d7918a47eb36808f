//! Decisions on findings.

use super::{asset_id, instant};
use crate::arguments::{DecisionCommand, DecisionKindArgument, ListFormat};
use crate::commands::why::canonical_id;
use crate::exit::{self, Usage};
use crate::formats::{count, day};
use crate::progress::say;
use crate::record::Opened;
use crate::sheet;
use crate::table::Table;
use anstyle::Style;
use anyhow::Result;
use lifecycle::{Assessment, Command, Decision, DecisionId, DecisionKind, Reach};

/// Runs a command on decisions.
pub(super) async fn run(opened: &Opened, command: DecisionCommand, is_quiet: bool) -> Result<u8> {
    let (id, done) = told(&command);
    let command = match command {
        DecisionCommand::List { format } => return list(opened, format).await,
        DecisionCommand::Request {
            id,
            kind,
            vulnerability,
            package,
            asset,
            reason,
            until,
            renews,
            risk,
            controls,
            plan,
        } => {
            let assets = asset.iter().map(|asset| asset_id(asset)).collect::<Result<_>>()?;
            let until = instant(Some(&until))?.unwrap_or(opened.now);
            Command::RequestDecision {
                decision: decision_id(&id)?,
                kind: match kind {
                    DecisionKindArgument::Exception => DecisionKind::Exception,
                    DecisionKindArgument::FalsePositive => DecisionKind::FalsePositive,
                },
                reach: Reach {
                    vulnerability: canonical_id(&vulnerability),
                    package: package.as_deref().map(super::package).transpose()?,
                    assets,
                },
                reason,
                until,
                renews: renews.as_deref().map(decision_id).transpose()?,
                assessment: Assessment { risk, controls: controls.into_iter().collect(), plan },
            }
        }
        DecisionCommand::Approve { id } => Command::AnswerDecision(decision_id(&id)?, true),
        DecisionCommand::Decline { id } => Command::AnswerDecision(decision_id(&id)?, false),
        DecisionCommand::Review { id, words } => Command::ReviewDecision(decision_id(&id)?, words),
        DecisionCommand::Revoke { id } => Command::RevokeDecision(decision_id(&id)?),
    };
    opened.organisation.act(&opened.person, opened.now, command).await?;
    if is_quiet {
        return Ok(exit::WITHIN_POLICY);
    }
    say(&format!("`{id}` is {done}."));
    let record = opened.organisation.store.record().await?;
    if let Some(decision) = DecisionId::new(id).ok().and_then(|id| record.state.decisions.get(&id)) {
        let Reach { vulnerability, package, assets } = &decision.reach;
        let of = package.as_ref().map_or_else(|| "every package".to_owned(), |package| format!("`{package}`"));
        let on = if assets.is_empty() { "all assets".to_owned() } else { count(assets.len(), "asset") };
        say(&format!("It speaks of {vulnerability} in {of} on {on}, until {}.", day(decision.until)));
        let missing = record.state.approvals_missing(decision).join(", ");
        if decision.waits(opened.now) && !missing.is_empty() {
            say(&format!("It does not hold yet; it lacks the approval of: {missing}."));
        }
        let is_of_nothing =
            package.as_ref().is_some_and(|package| !record.facts.things().any(|thing| thing.is_named(package)));
        if is_of_nothing {
            say("No asset has or had a package of this name: it sets nothing aside as it stands.");
        }
        if record.facts.signals_of(vulnerability).is_none() {
            say("Nothing is known of this vulnerability here: it sets nothing aside as it stands.");
        }
    }
    Ok(exit::WITHIN_POLICY)
}

/// What a command has done to which decision.
fn told(command: &DecisionCommand) -> (String, &'static str) {
    match command {
        DecisionCommand::Request { id, .. } => (id.clone(), "asked for: somebody else has to approve it"),
        DecisionCommand::Approve { id } => (id.clone(), "approved by you"),
        DecisionCommand::Review { id, .. } => (id.clone(), "looked at, and still holds"),
        DecisionCommand::Decline { id } => (id.clone(), "turned down"),
        DecisionCommand::Revoke { id } => (id.clone(), "taken back"),
        DecisionCommand::List { .. } => (String::new(), ""),
    }
}

fn decision_id(text: &str) -> Result<DecisionId> {
    DecisionId::new(text).map_err(|refusal| Usage(refusal.to_string()).into())
}

async fn list(opened: &Opened, format: ListFormat) -> Result<u8> {
    let record = opened.organisation.store.record().await?;
    let decisions: Vec<(&DecisionId, &Decision)> = record.state.decisions.iter().collect();
    let mut out = Vec::new();
    match format {
        ListFormat::Json => {
            let one = |(id, decision): &(&DecisionId, &Decision)| serde_json::json!({ "id": id, "holds": decision.holds(opened.now), "decision": decision });
            let all: Vec<_> = decisions.iter().map(one).collect();
            out.extend_from_slice(sheet::json(&all)?.as_bytes());
        }
        ListFormat::Csv => {
            let head = [
                "id",
                "kind",
                "vulnerability",
                "package",
                "assets",
                "state",
                "until",
                "requested_by",
                "approved_by",
                "reason",
            ];
            sheet::csv(&mut out, &head, decisions.iter().map(|(id, decision)| cells(id, decision, opened.now)))?;
        }
        ListFormat::Table => {
            let mut table = Table::new(&[
                "DECISION",
                "KIND",
                "VULNERABILITY",
                "PACKAGE",
                "ASSETS",
                "STATE",
                "UNTIL",
                "ASKED BY",
                "APPROVED BY",
                "REASON",
            ]);
            for (id, decision) in decisions {
                table.row(Style::new(), cells(id, decision, opened.now));
            }
            table.write(&mut out)?;
        }
    }
    opened.show(&out, format == ListFormat::Table)?;
    Ok(exit::WITHIN_POLICY)
}

fn cells(id: &DecisionId, decision: &Decision, now: jiff::Timestamp) -> Vec<String> {
    let kind = match decision.kind {
        DecisionKind::Exception => "exception",
        DecisionKind::FalsePositive => "false positive",
    };
    let state = match (decision.word(), decision.holds(now)) {
        ("approved", false) => "over",
        (word, _) => word,
    };
    let assets: Vec<&str> = decision.reach.assets.iter().map(lifecycle::AssetId::as_str).collect();
    let person = |person: Option<&lifecycle::PersonId>| person.map(ToString::to_string).unwrap_or_default();
    vec![
        id.to_string(),
        kind.to_owned(),
        decision.reach.vulnerability.clone(),
        decision.reach.package.clone().unwrap_or_else(|| "every".to_owned()),
        if assets.is_empty() { "all".to_owned() } else { assets.join(" ") },
        state.to_owned(),
        day(decision.until),
        person(Some(&decision.requested_by)),
        decision.approvers().iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        decision.reason.clone(),
    ]
}
