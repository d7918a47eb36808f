//! Why a finding is due when it is: the rule, the clocks, what carries it and what was known of it.

use super::asset::place;
use super::moment::Moment;
use super::text::{due, instant as at_instant, plain};
use super::{encoded, page};
use crate::access::SEES_ASSETS;
use crate::api::{AtQuery, Path, Query};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use fleet::Explanation;
use jiff::Timestamp;
use lifecycle::{AssetId, Role};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![("GET", PageRoute { access: SEES_ASSETS, path: "/assets/{asset}/why/{vulnerability}", handler: get(show) })]
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((asset, vulnerability)): Path<(String, String)>,
    Query(query): Query<AtQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let asset = AssetId::new(asset)?;
    let moment = Moment::of(&app, query.at.as_deref())?;
    let answer = app.view(moment.at, |view| {
        caller.may_see(view.record, &asset, view.at)?;
        let found = view.findings.explain(&view.record.facts, &vulnerability, &asset);
        let missing = || Problem::not_found("such finding: the asset never had it, as far as is known");
        let policy = view.findings.policy();
        let class = |id: &str| policy.classes.iter().find(|known| known.id == id);
        let found = found.ok_or_else(missing)?;
        let steps = found.deadline.iter().flat_map(|deadline| &deadline.steps);
        let steps = steps.map(|step| class(&step.class).map(|class| class.due.to_string()).unwrap_or_default());
        let title =
            found.deadline.as_ref().and_then(|deadline| class(&deadline.class)).map(|class| class.title.clone());
        let rule = Rule { steps: steps.collect(), title: title.unwrap_or_default(), policy: policy.name.clone() };
        Ok::<_, Problem>((found, rule))
    });
    let (found, rule) = answer.await??;
    let now = moment.now;
    let id = found.signals.last().map_or(vulnerability, |(_, signals)| signals.id.clone());
    let may_ask = caller.is_any(Role::ASKS) && moment.at.is_none();
    let body = html! {
        (moment.notice(&app, raw.as_deref()))
        p {
            a href=(moment.link(&place(&asset))) { "← " (asset) } " · " a href=(moment.link(&format!("/vulnerabilities/{}", encoded(&id)))) { "everywhere else" }
            @if may_ask { " · " a href=(format!("/decisions?vulnerability={}&assets={}#ask", encoded(&id), encoded(asset.as_str()))) { "ask for a decision" } }
        }
        (verdict(&found, now))
        (derivation(&found, &rule, now))
        (carriers(&found))
        (signals(&found))
    };
    Ok(page(&app, &caller, (&format!("Why {id} on {asset}"), "/findings"), &body))
}

/// The rule that decides, in the policy's own words.
struct Rule {
    /// What each step allows.
    steps: Vec<String>,
    title: String,
    policy: String,
}

fn verdict(found: &Explanation, now: Timestamp) -> Markup {
    let due_at = found.deadline.as_ref().and_then(|deadline| deadline.due);
    let is_suppressed = found.state == Some(fleet::State::Suppressed);
    let is_late = due_at.is_some_and(|due| due < now) && found.state.is_some() && !is_suppressed;
    html! {
        div.notice.bad[is_late].ok[found.state.is_none()] {
            p { strong { @match found.state { None => "Closed", Some(fleet::State::Suppressed) if is_uncovered(found) => "Not covered by the policy", Some(fleet::State::Suppressed) => "Set aside by a decision", Some(state) => (state.word()) } } @if found.is_reopened { ", closed before and come back" } "." }
            @if is_uncovered(found) { p { (plain(&found.coverage.reason)) "." } }
            p { "First seen " (at_instant(found.first_seen)) "." @if let Some(closed) = found.closed_at { " Closed " (at_instant(closed)) "." } }
            @if let Some(deadline) = found.deadline.as_ref().filter(|_| !is_suppressed) { p { @if deadline.is_mitigation { "No patch exists: a mitigation is owed by " } @else { "Due " } span.late[is_late] { (due(deadline.due, now)) } ", class " strong { (deadline.class) } "." } }
        }
    }
}

fn is_uncovered(found: &Explanation) -> bool {
    !found.coverage.is_covered()
}

fn derivation(found: &Explanation, Rule { steps, title, policy }: &Rule, now: Timestamp) -> Markup {
    let Some(deadline) = &found.deadline else { return html! {} };
    html! {
        h2 { "How the due date follows" }
        p { "Policy “" (policy) "”, class “" (deadline.class) "”: " (title) "." @if !deadline.also.is_empty() { " Also owed: " (deadline.also) "." } }
        div.columns {
            div.scroll tabindex="0" role="region" aria-label="Inputs" { table {
                caption { "What decided the class" }
                thead { tr { th scope="col" { "Input" } th scope="col" { "Value" } } }
                tbody { @for input in &deadline.inputs { tr { th scope="row" { (input.name) } td { @if input.is_assumed { span.soon { "not known" } "; the policy takes it to be " (plain(&input.value)) } @else { (plain(&input.value)) } } } } }
            } }
            div.scroll tabindex="0" role="region" aria-label="Clocks" { table {
                caption { "The clocks; the earliest date stands" }
                thead { tr { th scope="col" { "Class" } th scope="col" { "Within" } th scope="col" { "From" } th scope="col" { "Due" } } }
                tbody { @for (step, within) in deadline.steps.iter().zip(steps) { tr { th scope="row" { (step.class) } td { (within) } td { (step.started_by) ", " (at_instant(step.started_at)) } td.date { (due(step.due, now)) } } } }
            } }
        }
    }
}

fn carriers(found: &Explanation) -> Markup {
    html! {
        h2 { "What carries it" }
        div.scroll tabindex="0" role="region" aria-label="What carries it" { table {
            thead { tr { th scope="col" { "Package" } th scope="col" { "From" } th scope="col" { "Until" } th scope="col" { "What is said" } } }
            tbody { @for carrier in &found.carriers { tr {
                th scope="row" { (plain(&carrier.thing.label())) }
                td.date { (at_instant(carrier.from)) }
                td.date { @if let Some(until) = carrier.until { (at_instant(until)) } @else { "still there" } }
                td { (plain(&carrier.statement.fix.in_words())) ": " (plain(&carrier.statement.because)) @if !carrier.statement.remark.is_empty() { br; (plain(&carrier.statement.remark)) }
                    @if let Some(decision) = &carrier.decision { br; strong { "Set aside" } " until " (at_instant(decision.until)) " for " (decision.requested_by) @if let Some(by) = &decision.approved_by { ", approved by " (by) } ": " (plain(&decision.reason)) } }
            } } }
        } }
    }
}

fn signals(found: &Explanation) -> Markup {
    html! {
        h2 { "What was known of it, and since when" }
        div.scroll tabindex="0" role="region" aria-label="What was known" { table {
            thead { tr { th scope="col" { "Since" } th scope="col" { "Title" } th.number scope="col" { "CVSS" } th.number scope="col" { "EPSS" } th scope="col" { "Listed as exploited" } } }
            tbody { @for (since, known) in found.signals.iter().rev() { tr {
                td.date { (at_instant(*since)) }
                td { (plain(&known.title)) @if !known.aliases.is_empty() { br; span.faint { (plain(&known.aliases.join(", "))) } } }
                td.number { @if let Some((score, _)) = &known.cvss { (format!("{score:.1}")) } @else { "–" } }
                td.number { @if let Some((score, _)) = &known.epss { (format!("{score:.4}")) } @else { "–" } }
                td.date { @if let Some(at) = known.listed { (at_instant(at)) } @else { "–" } }
            } } }
        } }
    }
}
