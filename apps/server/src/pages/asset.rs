//! One asset: what is owed on it, what has to be restarted, what has happened.

use super::assets::{Said, attribute_fields, known};
use super::findings::{paging, table};
use super::moment::{Moment, gaps};
use super::text::{day, due, instant as at_instant, number, plain, set_aside};
use super::{Form, encoded, history, page, part_of, seen};
use crate::access::{OPERATES, SEES_ASSETS};
use crate::api::{FindingQuery, Path, Query, Reason, findings_of};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use fleet::{AssetFilter, AssetRow, Page, Query as FindingsQuery, Thing};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lifecycle::{Agent, Asset, AssetId, Command, Duty, Role};
use maud::{Markup, html};
use operations::{Gaps, View};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_ASSETS, path: "/assets/{asset}", handler: get(show) }),
        ("POST", PageRoute { access: OPERATES, path: "/assets/{asset}", handler: post(change) }),
        ("POST", PageRoute { access: OPERATES, path: "/assets/{asset}/retire", handler: post(retire) }),
        ("POST", PageRoute { access: OPERATES, path: "/assets/{asset}/attest", handler: post(attest) }),
        ("POST", PageRoute { access: OPERATES, path: "/assets/{asset}/vendor-notices", handler: post(notice) }),
    ]
}

pub(super) fn place(asset: &AssetId) -> String {
    format!("/assets/{}", encoded(asset.as_str()))
}

pub(super) fn missing() -> Problem {
    Problem::not_found("such asset, or none any more")
}

/// What the page of an asset shows.
pub(super) struct Shown {
    pub(super) id: AssetId,
    /// None where the asset was not there then.
    row: Option<AssetRow>,
    found: Page,
    pub(super) asset: Asset,
    pub(super) agent: Option<Agent>,
    /// What its vendor owes, where the policy leaves it to one.
    attests: Option<Duty>,
    restarts: Vec<Thing>,
    gaps: Gaps,
    pub(super) changes: Changes,
    is_scan_overdue: bool,
    scan_due: Option<Timestamp>,
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
    let moment = Moment::of(&app, query.at.as_deref())?;
    let gather = |view: &View<'_>| -> Answer<Shown> {
        let facts = &view.record.facts;
        caller.may_see(view.record, &asset, view.at).map_err(|_| missing())?;
        let known = view.record.state.assets.get(&asset).ok_or_else(missing)?.clone();
        let row = view.findings.assets(facts, (&filter.assets, view.now), (0, 1)).1.pop();
        let (limit, now, after) = (part.limit, view.now, after.clone());
        let query = FindingsQuery { offset, after, limit, now, filter: filter.clone(), ..FindingsQuery::default() };
        let things = facts.things_at(&asset, view.at).unwrap_or_default().into_iter();
        let scan_due = row.as_ref().and_then(|row| known.scan_due(&row.attributes, view.now, &view.policy_rule()));
        Ok(Shown {
            id: asset.clone(),
            row,
            found: findings_of(view, &query)?,
            restarts: things.filter(|thing| thing.needs_restart()).cloned().collect(),
            gaps: view.gaps(&filter.assets),
            changes: facts.changes_of(&asset),
            is_scan_overdue: !view.scans_overdue(&filter.assets).is_empty(),
            scan_due,
            agent: view.record.state.agent_of(&asset).cloned(),
            attests: view.record.state.duty(&format!("attest#{asset}"), view.now),
            asset: known,
        })
    };
    let shown = app.view(moment.at, gather).await??;
    let (found, path) = (&shown.found, place(&asset));
    let total = usize::try_from(found.total).unwrap_or(usize::MAX);
    let body = html! {
        (moment.notice(&app, raw.as_deref()))
        @if let Some(row) = &shown.row {
            @if let Some(why) = &row.uncovered { div.notice { p { "The policy does not cover it: " (plain(why)) ". Nothing is owed on it." } } }
            @if row.uncovered.is_none() { (gaps(&shown.gaps, None)) }
            @if let Some(duty) = shown.attests.as_ref().filter(|_| moment.at.is_none()) { (attestation(&path, (&shown.asset, duty), (&caller, moment.now))) }
            (facts(&app, row, (&shown, &moment)))
            @if !shown.restarts.is_empty() { (restart(&shown.restarts)) }
            h2 { "Findings" }
            p role="status" { (number(found.total)) " findings, " @if found.overdue > 0 { span.late { (number(found.overdue)) " overdue" } } @else { "0 overdue" } }
            (set_aside(row.counts.suppressed, &moment.link(&format!("/findings?asset={}&state=suppressed", encoded(asset.as_str())))))
            (table(&found.rows, &moment, false))
            (paging((&path, raw.as_deref()), (&part, found.rows.len(), total), part.behind(found.rows.len(), found.last.as_ref())))
            @if moment.at.is_none() && !row.problems.is_empty() { details { summary { "What could not be read" } ul { @for problem in &row.problems { li { (plain(problem)) } } } } }
        } @else if let Some((at, why)) = &shown.asset.retired {
            div.notice { p { "Out of service since " (at_instant(*at)) ": " (plain(why)) "." } }
        } @else {
            div.notice { p { "It was not there then." } }
        }
        (history::summary(&shown, &moment))
        @if let Some(row) = shown.row.as_ref().filter(|_| moment.at.is_none() && caller.is_any(Role::OPERATES)) { (operate(&path, row)) }
    };
    Ok(page(&app, &caller, (asset.as_str(), "/assets"), &body))
}

fn facts(app: &App, row: &AssetRow, (shown, moment): (&Shown, &Moment)) -> Markup {
    let (asset, now) = (&shown.asset, moment.now);
    let said = &row.attributes;
    let scan_due = shown.scan_due;
    let missed = asset.missed_scans.iter().filter(|missed| **missed <= now).count();
    let contact = app.contacts.of(&row.asset);
    html! {
        dl.figures {
            div.figure.bad[row.counts.overdue > 0] { dt { "Overdue" } dd.value { (number(row.counts.overdue)) } }
            div.figure { dt { "Findings" } dd.value { (number(row.counts.findings)) } }
            div.figure.unsure[row.counts.restart_pending > 0] { dt { "Restart pending" } dd.value { (number(row.counts.restart_pending)) } }
            div.figure { dt { "Packages" } dd.value { a href=(moment.link(&format!("{}/inventory", place(&row.asset)))) { (number(row.packages)) } } }
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
            dt { "Next look due" } dd { @if let Some(due_at) = scan_due { span.late[due_at < now] { (due(scan_due, now)) } } @else { "never: the policy does not cover it" } @if missed > 0 { " " span.faint { "(" (missed) " missed so far)" } } }
            // What is known of these is how they stand now.
            @if moment.at.is_none() { dt { "Agent" } dd { @if let Some(agent) = &shown.agent { "enrolled " (at_instant(agent.since)) @if let Some(contact) = &contact { ", heard of " (at_instant(contact.at)) } } @else { "none" } } }
            @if let Some(inventory) = asset.inventory.as_ref().filter(|_| moment.at.is_none()) { dt { "Inventory" } dd { "taken " (at_instant(inventory.taken_at)) ", " span.mono { (inventory.digest) } } }
            dt { "Registered" } dd { @for (place, at) in asset.registrations.iter().filter(|at| **at <= now).enumerate() { @if place > 0 { ", again " } (at_instant(*at)) } }
        }
    }
}

/// What the vendor of a managed service has said, and by when it must say so again.
fn attestation(path: &str, (asset, duty): (&Asset, &Duty), (caller, now): (&Caller, Timestamp)) -> Markup {
    html! {
        section id="attest" {
            h2 { "Attested by its vendor" }
            p { (super::tasks::state(duty, now)) " " @match asset.attested.as_ref() {
                Some((at, said)) => { (plain(&said.vendor)) " said on " (day(*at)) ": “" (plain(&said.statement)) "”" @if let Some(digest) = &said.evidence { " " span.mono { (digest) } } ". Again by " (due(Some(duty.due), now)) "." }
                None => { "Its vendor has said nothing yet; it must by " (due(Some(duty.due), now)) "." }
            } }
            @if caller.is_any(Role::OPERATES) { details { summary { "Note what its vendor says" } form.stack method="post" action=(format!("{path}/attest")) {
                div { label for="vendor" { "Vendor" } input id="vendor" name="vendor" required value=(plain(asset.attested.as_ref().map_or("", |(_, said)| said.vendor.as_str()))); }
                div { label for="statement" { "What it says of its patching" } textarea id="statement" name="statement" required rows="3" {} }
                div { label for="evidence" { "What it has handed in, as text; may be left empty" } textarea id="evidence" name="evidence" rows="3" {} }
                button type="submit" { "Keep" }
            } } }
            (notices(path, asset, caller))
        }
    }
}

/// What the vendor has told of vulnerabilities of its own.
fn notices(path: &str, asset: &Asset, caller: &Caller) -> Markup {
    html! {
        @if !asset.notices.is_empty() { h3 { "What it told of vulnerabilities of its own" } ul { @for told in asset.notices.iter().rev() { li {
            (plain(&told.notice.vulnerability)) ", known to it since " (day(told.notice.known_since)) ", told on " (day(told.at)) ": “" (plain(&told.notice.said.statement)) "” "
            @match told.is_in_time() { Some(true) => span.pill.ok { "in time" }, Some(false) => span.pill.bad { "late" }, None => {} }
            @if let Some(digest) = &told.notice.said.evidence { " " span.mono { (digest) } }
        } } } }
        @if caller.is_any(Role::OPERATES) { details { summary { "Note a vulnerability that it tells of" } form.stack method="post" action=(format!("{path}/vendor-notices")) {
            div { label for="told-by" { "Vendor" } input id="told-by" name="vendor" required value=(plain(asset.attested.as_ref().map_or("", |(_, said)| said.vendor.as_str()))); }
            div { label for="vulnerability" { "Which: a CVE, or what the vendor calls it" } input id="vulnerability" name="vulnerability" required; }
            div { label for="known_since" { "The day since which the vendor knew of it, as it says itself" } input id="known_since" name="known_since" type="date" required; }
            div { label for="told" { "What it says of it" } textarea id="told" name="statement" required rows="3" {} }
            div { label for="handed-in" { "What it has handed in, as text; may be left empty" } textarea id="handed-in" name="evidence" rows="3" {} }
            button type="submit" { "Keep" }
        } } }
    }
}

/// What a vendor tells of a vulnerability, as a form sends it.
#[derive(Debug, Deserialize)]
struct Notice {
    vulnerability: String,
    known_since: Date,
    #[serde(flatten)]
    said: Attested,
}

async fn notice(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Form(told): Form<Notice>,
) -> Answer<Response> {
    let asset = AssetId::new(asset)?;
    let known_since = told.known_since.to_zoned(TimeZone::UTC).map_err(|error| Problem::bad(error.to_string()))?;
    let about = (asset.clone(), told.vulnerability, known_since.timestamp());
    let said = (told.said.vendor, told.said.statement, Some(told.said.evidence.into_bytes()));
    app.organisation.note_vendor_notice(&caller.person, about, said, app.now()).await?;
    Ok(seen(&format!("{}#attest", place(&asset))))
}

/// What a vendor says, as a form sends it.
#[derive(Debug, Deserialize)]
struct Attested {
    vendor: String,
    statement: String,
    #[serde(default)]
    evidence: String,
}

async fn attest(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Form(said): Form<Attested>,
) -> Answer<Response> {
    let (asset, told) = (AssetId::new(asset)?, (said.vendor, said.statement, Some(said.evidence.into_bytes())));
    app.organisation.attest(&caller.person, asset.clone(), told, app.now()).await?;
    Ok(seen(&format!("{}#attest", place(&asset))))
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
