//! The policy: as a document with figures beside its promises, its other editions, its text, and every version that was in force.

use super::files::Wanted;
use super::moment::Moment;
use super::tabs;
use super::text::{count, days, instant as at_instant, number, percent, plain};
use super::trend::Quarter;
use super::{encoded, figures_filter, page};
use crate::access::EVERYBODY;
use crate::api::{AtQuery, Path, Query};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use change::{Came, Change};
use fleet::Counts;
use jiff::Timestamp;
use lifecycle::{DocumentId, Duty, DutyKind, PolicyRule, Role, Standing};
use maud::{Markup, PreEscaped, html};
use operations::{PolicyDocument, View, policy_document, policy_documents};
use policy::promises::{Measure, MeasureKind};
use policy::{Policy, Table};
use std::sync::Arc;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: EVERYBODY, path: "/policy", handler: get(show) }),
        ("GET", PageRoute { access: EVERYBODY, path: "/policy/documents/{document}", handler: get(document) }),
    ]
}

/// A policy as it was in force, with its text.
pub(super) struct InForce {
    pub(super) policy: Arc<Policy>,
    pub(super) text: String,
    pub(super) since: Timestamp,
}

/// What stands beside the promises.
struct Figures {
    classes: Vec<(String, Counts)>,
    assets: u64,
    uncovered: u64,
    looked_at: u64,
    current: Option<u64>,
    /// What people have read and learned: how many of how many.
    read: (u64, u64),
    trained: (u64, u64),
    /// The changes that ended this quarter: how many were not taken back, of how many; none of a past day.
    changes: Option<(u64, u64)>,
    /// What vendors have told of vulnerabilities of their own: how many came in time, of how many; none of a past day.
    told: (u64, u64),
    /// The deadlines of this quarter, where they are worked out already; none of a past day.
    quarter: Option<Quarter>,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AtQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let moment = Moment::of(&app, query.at.as_deref())?;
    let filter = figures_filter(&caller);
    let (known, versions) = in_force(&app, moment.at).await?;
    let gather = |view: &View<'_>| {
        let gaps = view.gaps(&filter);
        Figures {
            classes: view.findings.summary_of(&view.record.facts, &filter, view.now).classes,
            assets: gaps.coverage.assets,
            uncovered: gaps.coverage.uncovered,
            looked_at: gaps.looked_at,
            current: view.current(&filter, &gaps),
            read: (0, 0),
            trained: (0, 0),
            changes: None,
            told: (0, 0),
            quarter: None,
        }
    };
    let mut figures = app.view(moment.at, gather).await?;
    if moment.at.is_none() {
        figures.quarter = app.trend.quarter();
        let record = app.organisation.store.record().await?;
        let since = figures.quarter.as_ref().map(|quarter| quarter.since);
        figures.changes = since.map(|since| changes_kept(&record.state, since));
        figures.told = told_in_time(&record.state);
        let duties = record.state.duties(app.now());
        drop(record);
        (figures.read, figures.trained) =
            (share_done(&duties, DutyKind::Acknowledge, app.now()), share_done(&duties, DutyKind::Train, app.now()));
    }
    let digest = store::digest(known.text.as_bytes());
    let (duty, older) = {
        let record = app.organisation.store.record().await?;
        let own = record.state.policy.as_ref().filter(|policy| policy.document == digest);
        let older = own.and_then(|own| older_rule(&own.rule, &PolicyRule::of(&known.policy)));
        let asked = (&DocumentId::policy(), digest.as_str());
        let duty = super::document::to_acknowledge(&record.state, &caller, asked, app.now());
        (duty.filter(|_| moment.at.is_none()), older)
    };
    let body = html! {
        (tabs::policy(&caller, "/policy"))
        (moment.notice(&app, raw.as_deref()))
        @if let Some(lacks) = older.filter(|_| moment.at.is_none()) { div.notice.unsure { p { "It was put in force by an older program: " (lacks) ", before it is put in force anew." } } }
        p { "“" (plain(&known.policy.name)) "”, in force since " (at_instant(known.since)) ". " span.mono { (digest) } }
        nav aria-label="Documents" { ul.inline { @for (id, title) in policy_documents() { li { a href=(moment.link(&format!("/policy/documents/{id}"))) { (title) } } } } }
        (promises(&known.policy, &figures))
        @if known.policy.text.is_empty() { (tables(&known.policy)) } @else { (written((&known, None), "whole")) }
        @if let Some(duty) = &duty { (super::document::acknowledge_form("/documents/policy", duty, app.now())) }
        h2 { "Versions" }
        p { "Each is kept as it was, under the digest of its text. " a href="/documents/policy" { "Who wrote and approved them, and why" } @if caller.is_any(&[Role::SecurityLead, Role::Operator]) { " · " a href="/documents/policy/draft" { "Draft a new version" } } }
        div.scroll tabindex="0" role="region" aria-label="Versions" { table {
            thead { tr { th scope="col" { "In force since" } th scope="col" { "Name" } } }
            tbody { @for (since, name) in versions.iter().rev() { tr {
                td.date { a href=(format!("/policy?at={}", encoded(&since.to_string()))) { (at_instant(*since)) } }
                td { (plain(name)) }
            } } }
        } }
        details { summary { "The text of the policy" } pre { @for line in known.text.lines() { (plain(line)) "\n" } } }
    };
    Ok(page(&app, &caller, ("Policy", "/policy"), &body))
}

/// What the rule that an older program put in force lacks of what the policy's text asks, in words.
fn older_rule(known: &PolicyRule, own: &PolicyRule) -> Option<&'static str> {
    let [without_own, without_changes, without_oversight, _] = own.earlier_forms();
    match known {
        known if known == own => None,
        known if *known == without_own => Some("nobody patches their own, and no vendor is held to telling"),
        known if *known == without_changes => Some("changes are not held to what it says of gates, tests and notices"),
        known if *known == without_oversight => {
            Some("exceptions, violations, alerts and attestations are not held to what it says of them")
        }
        _ => Some("nobody owes reading or training, and nobody's approval is asked for"),
    }
}

/// How many of what people owe of a kind, by the policy itself, is done and holds still; and how many there are.
fn share_done(duties: &[Duty], kind: DutyKind, now: Timestamp) -> (u64, u64) {
    let all = duties.iter().filter(|duty| duty.kind == kind && duty.campaign.is_none());
    let holds = |duty: &&Duty| duty.done_at.is_some() && duty.standing(now) != Standing::Missed;
    (all.clone().filter(holds).count() as u64, all.count() as u64)
}

/// How many of the changes that ended since an instant were not taken back, and how many ended.
fn changes_kept(state: &lifecycle::State, since: Timestamp) -> (u64, u64) {
    let ended = state.changes.values().filter(|change| change.ended_at.is_some_and(|ended| ended >= since));
    let at = |change: &Change, came: Came| change.came.get(&came).copied().unwrap_or_default();
    // One that brought nothing to any asset was not kept.
    let is_kept = |change: &&Change| at(change, Came::RolledBack) == 0 && at(change, Came::Verified) > 0;
    (ended.clone().filter(is_kept).count() as u64, ended.count() as u64)
}

/// How much of what vendors have told of vulnerabilities of their own came in time, of all that the policy asked for.
fn told_in_time(state: &lifecycle::State) -> (u64, u64) {
    let notices = state.assets.values().flat_map(|asset| &asset.notices).filter_map(lifecycle::Noticed::is_in_time);
    notices.fold((0, 0), |(part, whole), is_in_time| (part + u64::from(is_in_time), whole + 1))
}

/// The policy that was in force, and all that were by then: since when, and their names.
pub(super) async fn in_force(app: &App, at: Option<Timestamp>) -> Answer<(InForce, Vec<(Timestamp, String)>)> {
    let record = app.organisation.store.record().await?;
    let adopted = record.facts.policies_by(at);
    let versions = adopted.iter().map(|(since, policy, _)| (*since, policy.name.clone())).collect();
    let last = adopted.into_iter().next_back().ok_or(operations::Error::NoPolicy { at })?;
    Ok((InForce { since: last.0, policy: last.1, text: last.2.to_owned() }, versions))
}

async fn document(
    State(app): State<App>,
    caller: Caller,
    Path(document): Path<String>,
    Query(wanted): Query<Wanted>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let moment = Moment::of(&app, wanted.at.as_deref())?;
    let (known, _) = in_force(&app, moment.at).await?;
    let title = policy_documents().into_iter().find(|(id, _)| *id == document).map(|(_, title)| title);
    let title = title.ok_or_else(|| Problem::not_found("document of this name"))?;
    let team = wanted.team.as_deref().filter(|team| !team.is_empty());
    let shown = match wanted.has_examples() {
        true => Some(examples(&app, &caller, (moment.at, team)).await?),
        false => None,
    };
    let path = format!("/policy/documents/{}", encoded(&document));
    let asked = format!("examples={}&team={}", u8::from(shown.is_some()), encoded(team.unwrap_or_default()));
    let body = html! {
        (tabs::policy(&caller, "/policy"))
        (moment.notice(&app, raw.as_deref()))
        p.faint { "Written from the policy in force since " (at_instant(known.since)) ". " a href=(moment.link("/policy")) { "All of it" } }
        p { "As a file: " @for (place, format) in ["pdf", "docx", "md", "html"].iter().enumerate() { @if place > 0 { " · " } a href=(moment.link(&format!("{path}/files/{format}?{asked}"))) { (format.to_uppercase()) } } }
        form.filter method="get" action=(path) {
            @if let Some(at) = &wanted.at { input type="hidden" name="at" value=(at); }
            input type="hidden" name="examples" value="1";
            div { label for="team" { "Of one team; of all that you see if left empty" } input id="team" name="team" value=[team]; }
            button type="submit" { "With what there is in the organisation" }
        }
        article.written { (written((&known, shown.as_deref()), &document)) }
    };
    Ok(page(&app, &caller, (title, "/policy"), &body))
}

/// What there is in the organisation itself, or in one team, as much as whoever asks may see.
pub(super) async fn examples(
    app: &App,
    caller: &Caller,
    (at, team): (Option<Timestamp>, Option<&str>),
) -> Answer<String> {
    if !caller.is_any(Role::SEES_ASSETS) {
        return Err(Problem::forbidden("examples name assets, which it takes a role to see"));
    }
    let seen = caller.sees();
    let seen_team = team.filter(|team| seen.owners.as_ref().is_none_or(|owners| owners.contains(*team)));
    if team.is_some() && seen_team.is_none() {
        return Err(Problem::not_found("such team that you see"));
    }
    Ok(app.view(at, |view| operations::examples(view, (&seen, seen_team))).await?)
}

/// A document as a piece of the page; what cannot be written is said instead.
fn written((known, examples): (&InForce, Option<&str>), document: &str) -> Markup {
    let asked = PolicyDocument { policy: &known.policy, text: &known.text, id: document, examples };
    match policy_document(&asked) {
        Some(Ok(markdown)) => {
            // The page has its title.
            let below = markdown.split_once('\n').map_or("", |(_, below)| below);
            PreEscaped(scrolling(&documents::html(below)))
        }
        _ => {
            html! { div.notice.unsure { p { "This document cannot be written: the policy in force lacks the sections that it speaks of." } } }
        }
    }
}

/// Tables that are wider than a screen scroll by themselves.
pub(super) fn scrolling(html: &str) -> String {
    let begin = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>";
    html.replace("<table>", begin).replace("</table>", "</table></div>").replace("<th>", "<th scope=\"col\">")
}

/// What is promised, and how it stands.
fn promises(policy: &Policy, figures: &Figures) -> Markup {
    let kept = |counts: &Counts| counts.findings.saturating_sub(counts.overdue);
    html! {
        h2 { "What is promised, and how it stands" }
        div.scroll tabindex="0" role="region" aria-label="Promises" { table {
            thead { tr { th scope="col" { "Class" } th scope="col" { "Within" } th.number scope="col" { "Owed" } th.number scope="col" { "Overdue" } th.number scope="col" { "In time" } th scope="col" { "Kept this quarter" } } }
            tbody { @for (class, (_, counts)) in policy.classes.iter().zip(&figures.classes) { tr {
                th scope="row" { (plain(&class.title)) }
                td { (class.due) }
                td.number { (number(counts.findings)) }
                td.number { span.late[counts.overdue > 0] { (number(counts.overdue)) } }
                td.number { (percent(kept(counts), counts.findings)) }
                td { @match figures.quarter.as_ref().and_then(|quarter| quarter.classes.iter().find(|(id, _)| *id == class.id)) {
                    Some((_, kept)) if kept.due > 0 => { (percent(kept.kept, kept.due)) " of " (number(kept.due)) " that fell due" },
                    Some(_) => span.faint { "none fell due" },
                    None => span.faint { "not worked out yet" },
                } }
            } } }
        } }
        @if let Some(quarter) = &figures.quarter { p.faint { "The quarter began on " (at_instant(quarter.since)) "; what fell due in it and was patched by its deadline was kept." } }
        (measures(policy, figures))
        dl.pairs {
            dt { "Looked at in time" } dd { (percent(figures.looked_at, figures.assets)) " of " (number(figures.assets)) " assets" @if let Some(scanning) = &policy.promises.scanning { ", promised every " (scanning.exposed.as_ref()) " where exposed, every " (scanning.internal.as_ref()) " otherwise" } }
            dt { "Current" } dd { @if let Some(current) = figures.current { (percent(current, figures.assets)) } @else { "not known: the advisories are missing something, or too old" } }
            @if let Some(within) = policy.promises.vendors.as_ref().and_then(|vendors| vendors.notify) { dt { "Told by vendors in time" } dd {
                @if figures.told.1 == 0 { "no vendor has told of a vulnerability of its own" } @else { (percent(figures.told.0, figures.told.1)) " of " (count(figures.told.1, "vulnerability", "vulnerabilities")) } ", promised within " (within)
            } }
            dt { "Not covered" } dd { (count(figures.uncovered, "asset", "assets")) " besides" }
        }
    }
}

/// What the policy holds itself to, and how it stands.
fn measures(policy: &Policy, figures: &Figures) -> Markup {
    let Some(table) = policy.table("measures").filter(|table| !table.rows.is_empty()) else { return html! {} };
    html! {
        h3 { "What it holds itself to" }
        div.scroll tabindex="0" role="region" aria-label="Measures" { table {
            thead { tr { @for head in &table.head { th scope="col" { (head) } } th scope="col" { "Stands at" } th scope="col" { "" } } }
            tbody { @for (measure, row) in policy.promises.measures.iter().zip(&table.rows) { @let stands = stands(measure, figures); tr {
                @for cell in row { td { (plain(cell)) } }
                td { (stands.as_ref().map_or_else(|| "not known".to_owned(), |(words, _)| words.clone())) }
                td { @match stands.and_then(|(_, is_met)| is_met) { Some(true) => span.pill.ok { "met" }, Some(false) => span.pill.bad { "not met" }, None => span.pill.unsure { "not known" } } }
            } } }
        } }
    }
}

/// Where a measure stands, in words; and whether its target is met, where that can be said.
fn stands(measure: &Measure, figures: &Figures) -> Option<(String, Option<bool>)> {
    let share = |part: u64, whole: u64| {
        let least = measure.at_least.as_ref().map(|least| *least.as_ref());
        let is_met = (whole > 0).then(|| least.map(|least| part as f64 * 100.0 >= least * whole as f64)).flatten();
        Some((format!("{} of {}", percent(part, whole), number(whole)), is_met))
    };
    let class = measure.class.as_ref().map(AsRef::as_ref);
    let of_quarter = || {
        let classes = figures.quarter.as_ref()?.classes.iter();
        let wanted = classes.filter(|(id, _)| class.is_none_or(|class: &String| class == id)).map(|(_, kept)| *kept);
        Some(wanted.fold(fleet::Kept::default(), fleet::Kept::join))
    };
    match measure.of.as_ref() {
        MeasureKind::DeadlinesKept => of_quarter().and_then(|all| share(all.kept, all.due)),
        MeasureKind::TimeToPatch => {
            let mean = of_quarter()?.pace.mean()?;
            let most = measure.at_most.as_ref().map(|most| most.as_ref().nominal_hours());
            Some((format!("{} days", days(mean)), most.map(|most| mean.as_hours() <= most)))
        }
        MeasureKind::AssetsCurrent => figures.current.and_then(|current| share(current, figures.assets)),
        MeasureKind::ScanCoverage => share(figures.looked_at, figures.assets),
        MeasureKind::Acknowledged => share(figures.read.0, figures.read.1),
        MeasureKind::Trained => share(figures.trained.0, figures.trained.1),
        MeasureKind::ChangesKept => figures.changes.and_then(|(kept, ended)| share(kept, ended)),
    }
}

/// The sections of a policy that has no prose.
fn tables(policy: &Policy) -> Markup {
    let titles = [
        ("classes", "Classes"),
        ("scope", "Scope"),
        ("roles", "Roles"),
        ("gates", "What changes must pass"),
        ("rings", "Rings"),
        ("windows", "Maintenance windows"),
        ("records", "Records"),
        ("measures", "Measures"),
        ("training", "Training"),
    ];
    let written = titles.iter().filter_map(|(name, title)| Some((title, policy.table(name)?)));
    html! { @for (title, table) in written.filter(|(_, table): &(_, Table)| !table.rows.is_empty()) {
        h2 { (title) }
        div.scroll tabindex="0" role="region" aria-label=(title) { table {
            thead { tr { @for head in &table.head { th scope="col" { (head) } } } }
            tbody { @for row in &table.rows { tr { @for cell in row { td { (plain(cell)) } } } } }
        } }
    } }
}
