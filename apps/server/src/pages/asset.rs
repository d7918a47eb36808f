//! One asset: what is owed on it, what it has, what has happened; and why a finding is due when it is.

use super::assets::{Said, attribute_fields, known};
use super::findings::{paging, table};
use super::text::{due, instant as at_instant, number, plain};
use super::{Form, encoded, page, part_of, seen};
use crate::access::{OPERATES, SEES_ASSETS};
use crate::api::{FindingQuery, Part, Path, Query, Reason, findings_of, instant};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use fleet::{AssetFilter, AssetRow, Explanation, Page, Query as FindingsQuery, Thing};
use jiff::Timestamp;
use lifecycle::{Agent, Asset, AssetId, Command, Role, ScanRule};
use maud::{Markup, html};
use operations::{Gaps, View};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_ASSETS, path: "/assets/{asset}", handler: get(show) }),
        ("GET", PageRoute { access: SEES_ASSETS, path: "/assets/{asset}/inventory", handler: get(inventory) }),
        ("GET", PageRoute { access: SEES_ASSETS, path: "/assets/{asset}/why/{vulnerability}", handler: get(why) }),
        ("POST", PageRoute { access: OPERATES, path: "/assets/{asset}", handler: post(change) }),
        ("POST", PageRoute { access: OPERATES, path: "/assets/{asset}/retire", handler: post(retire) }),
    ]
}

fn place(asset: &AssetId) -> String {
    format!("/assets/{}", encoded(asset.as_str()))
}

fn missing() -> Problem {
    Problem::not_found("such asset, or none any more")
}

/// What the page of an asset shows.
struct Shown {
    /// None where the asset was not there then.
    row: Option<AssetRow>,
    found: Page,
    asset: Asset,
    agent: Option<Agent>,
    restarts: Vec<Thing>,
    gaps: Gaps,
    changes: Changes,
    is_scan_overdue: bool,
    now: Timestamp,
    at: Option<Timestamp>,
}

/// What came and what went, by when that was told.
type Changes = BTreeMap<Timestamp, (Vec<String>, Vec<String>)>;

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Query(query): Query<FindingQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let asset = AssetId::new(asset)?;
    let part = part_of(&format!("asset {asset}"), &query)?;
    let (after, offset) = part.after()?;
    let mut filter = query.filter(&caller)?;
    filter.assets = AssetFilter { id: Some(asset.clone()), ..caller.sees() };
    let gather = |view: &View<'_>| -> Answer<Shown> {
        let facts = &view.record.facts;
        view.record.state.may_see(&caller.person, &asset).map_err(|_| missing())?;
        let known = view.record.state.assets.get(&asset).ok_or_else(missing)?.clone();
        let row = view.findings.assets(facts, (&filter.assets, view.now), (0, 1)).1.pop();
        let (limit, now, after) = (part.limit, view.now, after.clone());
        let query = FindingsQuery { offset, after, limit, now, filter: filter.clone(), ..FindingsQuery::default() };
        let things = facts.things_of(&asset).filter_map(|number| facts.thing(number));
        Ok(Shown {
            row,
            found: findings_of(view, &query)?,
            restarts: things.filter(|thing| view.at.is_none() && is_restart(thing)).cloned().collect(),
            gaps: view.gaps(&filter.assets),
            changes: facts.changes_of(&asset),
            is_scan_overdue: !view.scans_overdue(&filter.assets).is_empty(),
            agent: view.record.state.agent_of(&asset).cloned(),
            asset: known,
            now: view.now,
            at: view.at,
        })
    };
    let answer = app.view(instant(query.at.as_deref())?, gather);
    let shown = answer.await??;
    let (found, path) = (&shown.found, place(&asset));
    let total = usize::try_from(found.total).unwrap_or(usize::MAX);
    let body = html! {
        (super::dashboard::as_of(shown.at))
        @if let Some(row) = &shown.row {
            (super::dashboard::gaps(&shown.gaps, false))
            (facts(&app, row, &shown))
            @if !shown.restarts.is_empty() { (restart(&shown.restarts)) }
            h2 { "Findings" }
            p role="status" { (number(found.total)) " findings, " @if found.overdue > 0 { span.late { (number(found.overdue)) " overdue" } } @else { "0 overdue" } }
            (table(&found.rows, (shown.now, shown.at), false))
            (paging((&path, raw.as_deref()), (&part, found.rows.len(), total), part.behind(found.rows.len(), found.last.as_ref())))
            @if !row.problems.is_empty() { details { summary { "What could not be read" } ul { @for problem in &row.problems { li { (plain(problem)) } } } } }
        } @else if let Some((at, why)) = &shown.asset.retired {
            div.notice { p { "Out of service since " (at_instant(*at)) ": " (plain(why)) "." } }
        } @else {
            div.notice { p { "It was not there then." } }
        }
        (history(&shown))
        @if let Some(row) = shown.row.as_ref().filter(|_| shown.at.is_none() && caller.is_any(Role::OPERATES)) { (operate(&path, row)) }
    };
    Ok(page(&app, &caller, (asset.as_str(), "/assets"), &body))
}

/// What has happened to an asset, the newest first.
fn history(shown: &Shown) -> Markup {
    let end = shown.at.unwrap_or(Timestamp::MAX);
    let mut lines: Vec<(Timestamp, Markup)> = Vec::new();
    let asset = &shown.asset;
    for (place, at) in asset.registrations.iter().enumerate() {
        lines.push((*at, html! { @if place == 0 { "registered" } @else { "registered again" } }));
    }
    if let Some((at, why)) = &asset.retired {
        lines.push((*at, html! { "taken out of service: " (plain(why)) }));
    }
    if let Some(agent) = &shown.agent {
        lines.push((agent.since, html! { "an agent enrolled" }));
    }
    for (first, last) in &asset.looks {
        lines.push((*last, html! { "looked at, again and again since " (at_instant(*first)) }));
    }
    for at in &asset.late_inventories {
        lines.push((*at, html! { "looked at; that was told after a newer look" }));
    }
    for due in &asset.missed_scans {
        lines.push((*due, html! { span.late { "a look was due, and did not happen" } }));
    }
    for (at, (came, went)) in &shown.changes {
        let list = |word: &str, labels: &[String]| html! { @if !labels.is_empty() { div { (labels.len()) " " (word) ": " (plain(&labels.iter().take(12).cloned().collect::<Vec<_>>().join(", "))) @if labels.len() > 12 { " …" } } } };
        lines.push((*at, html! { (list("came", came)) (list("went", went)) }));
    }
    lines.retain(|(at, _)| *at <= end);
    lines.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    html! {
        details {
            summary { "History" }
            div.scroll tabindex="0" role="region" aria-label="History" { table {
                thead { tr { th scope="col" { "When" } th scope="col" { "What" } } }
                tbody { @for (at, what) in lines.iter().take(MOST_HISTORY) { tr { td.date { (at_instant(*at)) } td { (what) } } } }
            } }
            @if lines.len() > MOST_HISTORY { p.faint { "… and " (lines.len() - MOST_HISTORY) " lines before" } }
        }
    }
}

/// How many lines of an asset's history are shown.
const MOST_HISTORY: usize = 200;

fn is_restart(thing: &Thing) -> bool {
    let is_old_kernel = thing.kernel.as_ref().is_some_and(|kernel| kernel.running != kernel.newest);
    thing.still_runs.is_some() || thing.kind == Thing::RESTART || is_old_kernel
}

fn facts(app: &App, row: &AssetRow, shown: &Shown) -> Markup {
    let (asset, now) = (&shown.asset, shown.now);
    let said = &row.attributes;
    let scan_due = ScanRule::default().due(asset, said, now);
    let missed = asset.missed_scans.iter().filter(|missed| **missed <= now).count();
    let contact = app.contacts.of(&row.asset);
    html! {
        dl.figures {
            div.figure.bad[row.counts.overdue > 0] { dt { "Overdue" } dd.value { (number(row.counts.overdue)) } }
            div.figure { dt { "Findings" } dd.value { (number(row.counts.findings)) } }
            div.figure.unsure[row.counts.restart_pending > 0] { dt { "Restart pending" } dd.value { (number(row.counts.restart_pending)) } }
            div.figure { dt { "Packages" } dd.value { a href=(format!("{}/inventory", place(&row.asset))) { (number(row.packages)) } } }
            div.figure { dt { "Known" } dd.value { (known(row, shown.is_scan_overdue)) } }
        }
        dl.pairs {
            dt { "System" } dd { @if row.platform.is_empty() { "not known" } @else { (plain(&row.platform)) } }
            dt { "Name" } dd { (plain(said.name.as_deref().unwrap_or("–"))) }
            dt { "Owner" } dd { (plain(said.owner.as_deref().unwrap_or("not known"))) }
            dt { "Environment" } dd { (plain(said.environment.as_deref().unwrap_or("not known"))) }
            dt { "Criticality" } dd { (plain(said.criticality.as_deref().unwrap_or("not known"))) }
            dt { "Exposure" } dd { @match said.exposure { Some(lifecycle::Exposure::Exposed) => "reachable from the internet", Some(lifecycle::Exposure::Internal) => "internal", None => "not known: it counts as exposed" } }
            dt { "Tags" } dd { @if said.tags.is_empty() { "–" } @else { (plain(&said.tags.join(", "))) } }
            dt { "Looked at" } dd { @if let Some(at) = asset.scanned_by(now) { (at_instant(at)) } @else { span.late { "never" } } }
            dt { "Next look due" } dd { span.late[scan_due < now] { (due(Some(scan_due), now)) } @if missed > 0 { " " span.faint { "(" (missed) " missed so far)" } } }
            // What is known of these is how they stand now.
            @if shown.at.is_none() { dt { "Agent" } dd { @if let Some(agent) = &shown.agent { "enrolled " (at_instant(agent.since)) @if let Some(contact) = &contact { ", heard of " (at_instant(contact.at)) } } @else { "none" } } }
            @if let Some(inventory) = asset.inventory.as_ref().filter(|_| shown.at.is_none()) { dt { "Inventory" } dd { "taken " (at_instant(inventory.taken_at)) ", " span.mono { (inventory.digest) } } }
            dt { "Registered" } dd { @for (place, at) in asset.registrations.iter().filter(|at| **at <= now).enumerate() { @if place > 0 { ", again " } (at_instant(*at)) } }
        }
    }
}

fn restart(things: &[Thing]) -> Markup {
    html! {
        h2 { "Restart pending" }
        div.notice.unsure {
            p { "A fix that is on disk and not in memory is no fix: these run on in their old version." }
            ul { @for thing in things.iter().take(50) {
                li { (plain(&thing.label()))
                    @if let Some(runs) = &thing.still_runs { ": restart " (plain(runs)) }
                    @if !thing.restart.is_empty() { ": " (plain(&thing.restart)) }
                    @if let Some(kernel) = &thing.kernel { ": the kernel " (plain(&kernel.running)) " runs, " (plain(&kernel.newest)) " is installed" }
                }
            } }
        }
    }
}

fn operate(path: &str, row: &AssetRow) -> Markup {
    html! {
        details { summary { "Change what is said about it" } form.stack method="post" action=(path) { (attribute_fields(&row.attributes)) button type="submit" { "Keep" } } }
        details { summary { "Let an agent in" } form.inline method="post" action="/agents" { input type="hidden" name="asset" value=(row.asset); button type="submit" { "Make a ticket" } } }
        details { summary { "Take it out of service" }
            form.stack method="post" action=(format!("{path}/retire")) {
                div { label for="reason" { "Why" } input id="reason" name="reason" required; }
                button.danger type="submit" { "Take out of service" }
            }
        }
    }
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Form(said): Form<Said>,
) -> Answer<Response> {
    let asset = AssetId::new(asset)?;
    app.organisation.act(&caller.person, app.now(), Command::ChangeAsset(asset.clone(), said.attributes()?)).await?;
    Ok(seen(&place(&asset)))
}

async fn retire(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Form(said): Form<Reason>,
) -> Answer<Response> {
    let command = Command::RetireAsset(AssetId::new(asset)?, said.reason);
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok(seen("/assets"))
}

async fn inventory(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Query(query): Query<FindingQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let asset = AssetId::new(asset)?;
    let part = Part::of(&format!("inventory {asset}"), &query, 200)?;
    let things: Vec<Thing> = {
        let record = app.organisation.store.record().await?;
        record.state.may_see(&caller.person, &asset)?;
        record.state.assets.get(&asset).ok_or_else(missing)?;
        let wanted = query.package.as_deref().unwrap_or("").to_lowercase();
        let all = record.facts.things_of(&asset).filter_map(|number| record.facts.thing(number));
        let mut things: Vec<Thing> = all.filter(|thing| thing.name.to_lowercase().contains(&wanted)).cloned().collect();
        things.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        things
    };
    let total = things.len();
    let shown: Vec<&Thing> = things.iter().skip(part.offset).take(part.limit).collect();
    let path = format!("{}/inventory", place(&asset));
    let body = html! {
        p { a href=(place(&asset)) { "← " (asset) } }
        form.filter method="get" action=(path) role="search" { (super::findings::field("package", "Package", query.package.as_deref())) div { button type="submit" { "Show" } } }
        p role="status" { (number(total as u64)) " things" }
        div.scroll tabindex="0" role="region" aria-label="Inventory" {
            table {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Version" } th scope="col" { "Kind" } th scope="col" { "Source package" } th scope="col" { "Besides" } } }
                tbody { @for thing in &shown { tr {
                    th scope="row" { (plain(&thing.name)) }
                    td { (plain(&thing.version)) }
                    td { (plain(&thing.kind)) @if !thing.architecture.is_empty() { " " (plain(&thing.architecture)) } }
                    td { @if let Some((name, version)) = &thing.source { (plain(name)) " " (plain(version)) } }
                    td { @if let Some(offer) = &thing.offer { "offered: " (plain(&offer.version)) " (" (plain(&offer.suite)) ")" } @if let Some(runs) = &thing.still_runs { "still runs in " (plain(runs)) } }
                } } }
            }
        }
        (paging((&path, raw.as_deref()), (&part, shown.len(), total), part.next(shown.len(), total)))
    };
    Ok(page(&app, &caller, (&format!("Inventory of {asset}"), "/assets"), &body))
}

/// As of when.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct At {
    at: Option<String>,
}

async fn why(
    State(app): State<App>,
    caller: Caller,
    Path((asset, vulnerability)): Path<(String, String)>,
    Query(query): Query<At>,
) -> Answer<Response> {
    let asset = AssetId::new(asset)?;
    let answer = app.view(instant(query.at.as_deref())?, |view| {
        view.record.state.may_see(&caller.person, &asset)?;
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
        Ok::<_, Problem>((found, rule, view.now, view.at))
    });
    let (found, rule, now, at) = answer.await??;
    let id = found.signals.last().map_or(vulnerability, |(_, signals)| signals.id.clone());
    let may_ask = caller.is_any(Role::ASKS) && at.is_none();
    let body = html! {
        (super::dashboard::as_of(at))
        p {
            a href=(place(&asset)) { "← " (asset) } " · " a href=(format!("/vulnerabilities/{}", encoded(&id))) { "everywhere else" }
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
            p { strong { @match found.state { None => "Closed", Some(fleet::State::Suppressed) => "Set aside by a decision", Some(state) => (state.word()) } } @if found.is_reopened { ", closed before and come back" } "." }
            p { "First seen " (at_instant(found.first_seen)) "." @if let Some(closed) = found.closed_at { " Closed " (at_instant(closed)) "." } }
            @if let Some(deadline) = found.deadline.as_ref().filter(|_| !is_suppressed) { p { @if deadline.is_mitigation { "No patch exists: a mitigation is owed by " } @else { "Due " } span.late[is_late] { (due(deadline.due, now)) } ", class " strong { (deadline.class) } "." } }
        }
    }
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
