//! Decisions on findings: what is set aside, for how long, on whose word.

use super::findings::paging;
use super::text::{due, instant as at_instant, plain};
use super::{Form, encoded, page, part_of, seen};
use crate::access::{ANSWERS, ASKS, EVERYBODY};
use crate::api::{Listed, Path, Query, check_seen, instant, is_seen, new_id, seen_assets};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use lifecycle::{Assessment, AssetId, Command, Decision, DecisionId, DecisionKind, ExceptionRule, Reach, Role, Seat};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: EVERYBODY, path: "/decisions", handler: get(show) }),
        ("POST", PageRoute { access: ASKS, path: "/decisions", handler: post(ask) }),
        ("POST", PageRoute { access: ANSWERS, path: "/decisions/{decision}/{answer}", handler: post(answer) }),
    ]
}

/// A decision as somebody sees it.
struct Shown {
    id: DecisionId,
    decision: Decision,
    /// The assets that they see, and how many more there are.
    seen: Vec<AssetId>,
    hidden: usize,
    /// Whether anything is known here of what it is about; nobody is told who sees only the assets of their teams.
    is_known: Option<bool>,
    /// Whether they may approve it or turn it down.
    may_decide: bool,
    /// Whether they owe a look at it.
    may_review: bool,
    /// The approvals that it lacks still.
    lacks: Vec<String>,
}

impl Shown {
    /// What waits for somebody comes first, then what holds, then what is over, the newest first.
    fn order(&self, now: Timestamp) -> (u8, i64, String) {
        let until = self.decision.until.as_second();
        match (self.decision.waits(now), self.decision.holds(now)) {
            (true, _) => (0, until, self.id.to_string()),
            (_, true) => (1, until, self.id.to_string()),
            _ => (2, -until, self.id.to_string()),
        }
    }
}

/// Which part is asked for, and what is filled in already.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Filled {
    vulnerability: String,
    assets: String,
    page_token: Option<String>,
    limit: Option<usize>,
}

impl Listed for Filled {
    fn page(&mut self) -> (&mut Option<String>, &mut Option<usize>) {
        (&mut self.page_token, &mut self.limit)
    }
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(filled): Query<Filled>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let now = app.now();
    let part = part_of("decisions", &filled)?;
    let (mut found, rule) = {
        let record = app.organisation.store.record().await?;
        let all =
            record.state.decisions.iter().filter(|(_, decision)| is_seen(&record.state, (&caller, now), decision));
        let shown = |(id, decision): (&DecisionId, &Decision)| {
            let (seen, hidden) = seen_assets(&record.state, &caller, decision);
            let is_known = record.facts.signals_of(&decision.reach.vulnerability).is_some();
            let is_known = Some(is_known).filter(|_| caller.owners.is_none());
            Shown {
                id: id.clone(),
                decision: decision.clone(),
                seen: seen.into_iter().cloned().collect(),
                hidden,
                is_known,
                may_decide: record.state.may_decide(decision, &caller.person, now),
                may_review: record.state.may_review_decision(decision, &caller.person, now),
                lacks: record.state.approvals_missing(decision).into_iter().map(str::to_owned).collect(),
            }
        };
        (all.map(shown).collect::<Vec<Shown>>(), record.state.oversight().exceptions.clone())
    };
    found.sort_by_cached_key(|shown| shown.order(now));
    let total = found.len();
    let (found, next) = part.of_list(found, |shown| shown.order(now))?;
    let body = html! {
        p { "Whoever asks does not approve. An exception accepts a risk until a day; a false positive says that there is none. Both end by themselves." }
        div.scroll tabindex="0" role="region" aria-label="Decisions" {
            table {
                thead { tr { th scope="col" { "Decision" } th scope="col" { "Of what" } th scope="col" { "Why" } th scope="col" { "Until" } th scope="col" { "By" } th scope="col" { "State" } } }
                tbody {
                    @if found.is_empty() { tr { td colspan="6" { @if caller.is_any(Role::SEES_ALL) { "Nothing was ever set aside." } @else { "Nothing that you may see." } } } }
                    @for shown in &found { (line(shown, (&caller, now))) }
                }
            }
        }
        (paging(("/decisions", raw.as_deref()), (&part, found.len(), total), next))
        @if caller.is_any(Role::ASKS) { (ask_form(&filled, rule.as_ref())) }
    };
    Ok(page(&app, &caller, ("Decisions", "/decisions"), &body))
}

fn line(shown: &Shown, (caller, now): (&Caller, Timestamp)) -> Markup {
    let Shown { id, decision, seen, hidden, is_known, may_decide, may_review, lacks } = shown;
    let kind = match decision.kind {
        DecisionKind::Exception => "exception",
        DecisionKind::FalsePositive => "false positive",
    };
    let holds = decision.holds(now);
    let is_waiting = decision.waits(now);
    let button = |answer: &str, class: &str, words: &str| {
        html! {
            form.inline method="post" action=(format!("/decisions/{}/{answer}", encoded(id.as_str()))) { button type="submit" class=(class) { (words) } }
        }
    };
    html! {
        tr {
            th scope="row" { (id) br; span.faint { (kind) } }
            td { @if *is_known == Some(true) { a href=(format!("/vulnerabilities/{}", encoded(&decision.reach.vulnerability))) { (plain(&decision.reach.vulnerability)) } } @else { (plain(&decision.reach.vulnerability)) @if *is_known == Some(false) { " " span.faint { "(on nothing that was seen here)" } } }
                @if let Some(package) = &decision.reach.package { " in " (plain(package)) } @else { " in every package" }
                br; @if decision.reach.assets.is_empty() { "on all assets" } @else { "on " @for (place, asset) in seen.iter().take(5).enumerate() { @if place > 0 { ", " } a href=(format!("/assets/{}", encoded(asset.as_str()))) { (asset) } } @let more = seen.len().saturating_sub(5) + hidden; @if more > 0 { @if seen.is_empty() { (more) " assets" } @else { " and " (more) " more" } } } }
            td { (plain(&decision.reason)) (assessment(decision)) }
            td.date { (due(Some(decision.until), now)) }
            td { "asked for by " (decision.requested_by) @if !decision.approvers().is_empty() { br; "approved by " (decision.approvers().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) } @if let Some(look) = &decision.reviewed { br; "looked at again by " (look.by) ", " (at_instant(look.at)) ": “" (plain(&look.words)) "”" } }
            td {
                @if holds { span.pill.ok { "holds" } } @else if is_waiting { span.pill.unsure { "waits for approval" } } @else if decision.word() == "approved" { span.pill { "over" } } @else { span.pill { (decision.word()) } }
                @if is_waiting && !lacks.is_empty() { div.faint { "approval missing of: " (plain(&lacks.join(", "))) } }
                @if *may_review { details { summary { "Say that it was looked at" } form.stack method="post" action=(format!("/decisions/{}/review", encoded(id.as_str()))) { div { label for=(format!("review {id}")) { "What was found" } textarea id=(format!("review {id}")) name="words" required rows="2" {} } button type="submit" { "It still holds" } } } }
                @if *may_decide { div { (button("approve", "", "Approve")) " " (button("decline", "second", "Decline")) } }
                @if holds && caller.is_any(Role::DECIDES) { div { (button("revoke", "danger", "Take back")) } }
            }
        }
    }
}

/// What came with an exception.
fn assessment(decision: &Decision) -> Markup {
    let Assessment { risk, controls, plan } = &decision.assessment;
    html! {
        @if !decision.assessment.is_empty() { details { summary { "Risk, controls, plan" } dl.pairs {
            @if !risk.is_empty() { dt { "Risk" } dd { (plain(risk)) } }
            @if !controls.is_empty() { dt { "Controls" } dd { (plain(&controls.iter().cloned().collect::<Vec<_>>().join(", "))) } }
            @if !plan.is_empty() { dt { "Plan" } dd { (plain(plan)) } }
        } } }
    }
}

/// What the policy in force asks of exceptions, in a sentence.
fn asked_of_exceptions(rule: &ExceptionRule) -> String {
    let needs: Vec<&str> = rule.needs.iter().map(|need| need.words()).collect();
    let titles = |seats: &[Seat]| seats.iter().map(|seat| seat.title.clone()).collect::<Vec<_>>().join(", ");
    let needs = if needs.is_empty() { String::new() } else { format!(" It needs {}.", needs.join(", ")) };
    format!(
        "The policy in force allows exceptions of {} at the most, looked at again every {}, approved by: {}.{needs}",
        rule.longest,
        rule.review,
        titles(&rule.approved_by)
    )
}

fn ask_form(filled: &Filled, rule: Option<&ExceptionRule>) -> Markup {
    let controls = rule.map_or(&[][..], |rule| &rule.controls);
    html! {
        details id="ask" open[!filled.vulnerability.is_empty()] {
            summary { "Ask for a decision" }
            @if let Some(rule) = rule { p { (plain(&asked_of_exceptions(rule))) } }
            form.stack method="post" action="/decisions" {
                div { label for="kind" { "What" } select id="kind" name="kind" { option value="exception" { "exception: it is there, and is accepted for a time" } option value="false-positive" { "false positive: it is not there" } } }
                div { label for="vulnerability" { "Vulnerability" } input id="vulnerability" name="vulnerability" required value=(plain(&filled.vulnerability)); }
                div { label for="package" { "Package; all of them if left empty" } input id="package" name="package"; }
                div { label for="assets" { "Assets, with spaces between; all of them if left empty" } input id="assets" name="assets" value=(plain(&filled.assets)); }
                div { label for="reason" { "Why, and what stands in for the patch meanwhile" } textarea id="reason" name="reason" required rows="3" {} }
                div { label for="until" { "Until" } input id="until" name="until" type="date" required; }
                fieldset { legend { "For an exception" }
                    div { label for="risk" { "What could happen meanwhile, and how likely it is" } textarea id="risk" name="risk" rows="3" {} }
                    div { label for="controls" { "What stands in for the patch, with commas between" @if !controls.is_empty() { ": " (plain(&controls.join(", "))) } } input id="controls" name="controls"; }
                    div { label for="plan" { "When and how it ends" } textarea id="plan" name="plan" rows="2" {} }
                }
                button type="submit" { "Ask" }
            }
        }
    }
}

/// A decision as a form asks for it.
#[derive(Debug, Deserialize)]
struct Asked {
    kind: String,
    vulnerability: String,
    #[serde(default)]
    package: String,
    #[serde(default)]
    assets: String,
    reason: String,
    until: String,
    #[serde(default)]
    risk: String,
    #[serde(default)]
    controls: String,
    #[serde(default)]
    plan: String,
}

async fn ask(State(app): State<App>, caller: Caller, Form(asked): Form<Asked>) -> Answer<Response> {
    let id = new_id()?;
    let package = Some(asked.package.trim()).filter(|package| !package.is_empty());
    let command = Command::RequestDecision {
        decision: DecisionId::new(id)?,
        kind: if asked.kind == "false-positive" { DecisionKind::FalsePositive } else { DecisionKind::Exception },
        reach: Reach {
            vulnerability: asked.vulnerability.trim().to_owned(),
            package: package.map(operations::package_name).transpose().map_err(Problem::bad)?,
            assets: asked
                .assets
                .split([' ', ',', '\n'])
                .filter(|id| !id.is_empty())
                .map(AssetId::new)
                .collect::<Result<_, _>>()?,
        },
        reason: asked.reason,
        until: instant(Some(&asked.until))?.ok_or_else(|| Problem::bad("until is missing"))?,
        renews: None,
        assessment: Assessment {
            risk: asked.risk,
            controls: asked
                .controls
                .split(',')
                .filter(|one| !one.trim().is_empty())
                .map(|one| one.trim().to_owned())
                .collect(),
            plan: asked.plan,
        },
    };
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok(seen("/decisions"))
}

/// What is said with an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    words: String,
}

async fn answer(
    State(app): State<App>,
    caller: Caller,
    Path((decision, answer)): Path<(String, String)>,
    Form(said): Form<Said>,
) -> Answer<Response> {
    let id = DecisionId::new(decision)?;
    check_seen(&app, &caller, &id).await?;
    let command = match answer.as_str() {
        "approve" => Command::AnswerDecision(id, true),
        "decline" => Command::AnswerDecision(id, false),
        "revoke" => Command::RevokeDecision(id),
        "review" => Command::ReviewDecision(id, said.words),
        _ => return Err(Problem::not_found("such answer")),
    };
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok(seen("/decisions"))
}
