//! Findings in lists, and patches: the upgrades that close most of them.

use super::moment::{Moment, gaps, without};
use super::text::{due, number, plain};
use super::{encoded, page, part_of};
use crate::access::SEES_ASSETS;
use crate::api::{FindingQuery, NOT_HELD_YET, Part, Query, by_spread, by_weight, findings_of, has_class};
use crate::app::App;
use crate::identity::Caller;
use crate::kept::Kept;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use fleet::{Filter, Group, GroupBy, Query as FindingsQuery, Row};
use jiff::Timestamp;
use maud::{Markup, html};
use operations::{Gaps, View};
use std::sync::Arc;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_ASSETS, path: "/findings", handler: get(show) }),
        ("GET", PageRoute { access: SEES_ASSETS, path: "/patches", handler: get(patches) }),
        ("GET", PageRoute { access: SEES_ASSETS, path: "/undetermined", handler: get(undetermined) }),
    ]
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<FindingQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let part = part_of("findings", &query)?;
    let (filter, sort) = (query.filter(&caller)?, query.sort()?);
    let (after, offset) = part.after()?;
    let moment = Moment::of(&app, query.at.as_deref())?;
    let answer = app.view(moment.at, |view| {
        let query = FindingsQuery { sort, offset, after, limit: part.limit, now: view.now, filter };
        Ok::<_, Problem>((findings_of(view, &query)?, view.gaps(&query.filter.assets), view.findings.classes()))
    });
    let (found, unknown, classes) = answer.await??;
    let total = usize::try_from(found.total).unwrap_or(usize::MAX);
    let body = html! {
        (filter_form(&query, &classes, &moment))
        (moment.notice(&app, raw.as_deref()))
        (gaps(&unknown, Some(&moment)))
        p role="status" { (number(found.total)) " findings, " @if found.overdue > 0 { span.late { (number(found.overdue)) " overdue" } } @else { "0 overdue" } }
        (table(&found.rows, &moment, true))
        (paging(("/findings", raw.as_deref()), (&part, found.rows.len(), total), part.behind(found.rows.len(), found.last.as_ref())))
    };
    Ok(page(&app, &caller, ("Findings", "/findings"), &body))
}

/// A choice of a form.
pub(super) fn choice(name: &str, label: &str, options: &[(&str, &str)], chosen: Option<&str>) -> Markup {
    html! {
        div {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                @for (value, text) in options { option value=(value) selected[chosen.unwrap_or("") == *value] { (text) } }
            }
        }
    }
}

fn overdue_choice(query: &FindingQuery) -> Markup {
    let chosen = query.overdue.map(|is_overdue| if is_overdue { "true" } else { "false" });
    choice("overdue", "Overdue", &[("", "either"), ("true", "overdue"), ("false", "not overdue")], chosen)
}

/// A field of a form.
pub(super) fn field(name: &str, label: &str, value: Option<&str>) -> Markup {
    html! { div { label for=(name) { (label) } input id=(name) name=(name) type="search" value=(value.unwrap_or("")); } }
}

fn filter_form(query: &FindingQuery, classes: &[String], moment: &Moment) -> Markup {
    let mut of_classes = vec![("", "all")];
    of_classes.extend(classes.iter().map(|class| (class.as_str(), class.as_str())));
    let states = [
        ("", "all that count"),
        ("open", "open"),
        ("restart-pending", "restart pending"),
        ("undetermined", "undetermined"),
        ("suppressed", "suppressed"),
    ];
    let sorts = [
        ("due", "due date"),
        ("class", "class"),
        ("cvss", "CVSS"),
        ("epss", "EPSS"),
        ("vulnerability", "vulnerability"),
        ("asset", "asset"),
    ];
    html! {
        form.filter method="get" action="/findings" role="search" aria-label="Filter findings" {
            (field("vulnerability", "Vulnerability", query.vulnerability.as_deref()))
            (field("package", "Package", query.package.as_deref()))
            (choice("class", "Class", &of_classes, query.class.as_deref()))
            (choice("state", "State", &states, query.state.as_deref()))
            (overdue_choice(query))
            (field("name", "Asset", query.name.as_deref()))
            (field("owner", "Owner", query.owner.as_deref()))
            (field("environment", "Environment", query.environment.as_deref()))
            (field("platform", "System", query.platform.as_deref()))
            (unknown_choice(query.unknown.as_deref()))
            (moment.field())
            (choice("sort", "Sort by", &sorts, query.sort.as_deref().or(Some("due"))))
            @if let Some(asset) = &query.asset { input type="hidden" name="asset" value=(asset); }
            div { button type="submit" { "Show" } }
            div { a href=(moment.link("/findings")) { "Everything" } }
        }
    }
}

/// The choice of what must not be known of assets.
pub(super) fn unknown_choice(chosen: Option<&str>) -> Markup {
    let facets = fleet::Facet::ALL.map(|facet| (facet.word(), facet_name(facet)));
    let options: Vec<(&str, &str)> = std::iter::once(("", "either")).chain(facets).collect();
    choice("unknown", "Not known", &options, chosen)
}

/// A facet as people read it.
pub(super) fn facet_name(facet: fleet::Facet) -> &'static str {
    match facet {
        fleet::Facet::Platform => "system",
        other => other.word(),
    }
}

/// Findings in a table.
pub(super) fn table(rows: &[Row], moment: &Moment, has_asset: bool) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Findings" {
            table {
                thead { tr {
                    th scope="col" { "Vulnerability" } @if has_asset { th scope="col" { "Asset" } }
                    th scope="col" { "Class" } th scope="col" { "Due" } th scope="col" { "Packages" } th.number scope="col" { "CVSS" } th.number scope="col" { "EPSS" } th scope="col" { "State" }
                } }
                tbody {
                    @if rows.is_empty() { tr { td colspan="8" { "No finding fits." } } }
                    @for row in rows { (line(row, moment, has_asset)) }
                }
            }
        }
    }
}

fn line(row: &Row, moment: &Moment, has_asset: bool) -> Markup {
    let asset = format!("/assets/{}", encoded(row.asset.as_str()));
    let why = moment.link(&format!("{asset}/why/{}", encoded(&row.vulnerability)));
    html! {
        tr {
            th scope="row" {
                a href=(why) { (plain(&row.vulnerability)) }
                @if row.is_exploited { " " span.pill.bad { "exploited" } }
                @if !row.title.is_empty() { br; span.faint { (plain(&row.title)) } }
            }
            @if has_asset { td { a href=(moment.link(&asset)) { (row.asset) } } }
            td { (row.class) }
            td.date { span.late[row.is_overdue] { (due(row.due, moment.now)) } @if row.is_mitigation { br; span.faint { "no patch: mitigate" } } }
            td { @for (package, fixed) in row.carriers.iter().take(3) { div { (plain(package)) @if let Some(fixed) = fixed { " → " (plain(fixed)) } } } @if row.carriers.len() > 3 { div.faint { "and " (row.carriers.len() - 3) " more" } } }
            td.number { @if let Some(cvss) = row.cvss { (format!("{cvss:.1}")) } @else { "–" } }
            td.number { @if let Some(epss) = row.epss { (format!("{epss:.3}")) } @else { "–" } }
            td { (state(row)) }
        }
    }
}

fn state(row: &Row) -> Markup {
    let class = match row.state {
        fleet::State::Open if row.is_overdue => "pill bad",
        fleet::State::RestartPending | fleet::State::Undetermined => "pill unsure",
        _ => "pill",
    };
    html! { span class=(class) { (row.state.word()) } @if row.is_reopened { " " span.pill { "reopened" } } }
}

/// The links to the parts of a list before and behind.
pub(super) fn paging(
    (path, raw): (&str, Option<&str>),
    (part, rows, total): (&Part, usize, usize),
    next: Option<String>,
) -> Markup {
    let kept = without(raw, &["page_token"]);
    let link = |token: Option<String>| match token {
        None => format!("{path}?{kept}"),
        Some(token) if kept.is_empty() => format!("{path}?page_token={token}"),
        Some(token) => format!("{path}?{kept}&page_token={token}"),
    };
    let (first, last) = (part.offset.saturating_add(1), part.offset.saturating_add(rows));
    html! {
        nav.paging aria-label="Pages" {
            @if part.offset > 0 { a rel="prev" href=(link(part.before())) { "← Before" } }
            @if rows > 0 { span { (number(first as u64)) "–" (number(last as u64)) " of " (number(total as u64)) } }
            @if let Some(token) = next { a rel="next" href=(link(Some(token))) { "Next →" } }
        }
    }
}

/// Groups of findings, by which findings they are of and as of when.
pub(crate) type Patches = Kept<(Filter, Option<Timestamp>), Grouped>;

/// Groups of findings, and what is not known of the assets that they are on.
#[derive(Debug)]
pub(crate) struct Grouped {
    groups: Vec<Group>,
    gaps: Gaps,
    now: Timestamp,
}

impl Grouped {
    fn new(view: &View<'_>, filter: &Filter, by: GroupBy) -> Answer<Self> {
        has_class(filter, view)?;
        let groups = view.findings.groups(&view.record.facts, (filter, by), view.now);
        Ok(Self { groups, gaps: view.gaps(&filter.assets), now: view.now })
    }
}

async fn patches(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<FindingQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let part = part_of("groups", &query)?;
    let filter = query.filter(&caller)?;
    let by = query.group()?;
    let moment = Moment::of(&app, query.at.as_deref())?;
    let at = moment.at;
    let (question, app_of_groups) = ((filter, at), app.clone());
    let asked = question.0.clone();
    let compute = async move { app_of_groups.view(at, |view| Grouped::new(view, &asked, by)).await? };
    // Patches are what people look at, and take long; the others may be as many as there are assets.
    let grouped = match by {
        GroupBy::Package => app.patches.answer(&question, app.as_of(at).await?, compute).await?,
        _ => Arc::new(compute.await?),
    };
    let Grouped { groups, gaps: unknown, now } = grouped.as_ref();
    let total = groups.len();
    let (shown, next) = part.of_list(groups.iter().collect(), |group| by_weight(group))?;
    let options = [
        ("package", "patch"),
        ("vulnerability", "vulnerability"),
        ("asset", "asset"),
        ("class", "class"),
        ("state", "state"),
        ("owner", "owner"),
        ("environment", "environment"),
        ("platform", "system"),
    ];
    let name = by_name(by);
    let body = html! {
        form.filter method="get" action="/patches" aria-label="Group findings" {
            (choice("by", "Group by", &options, query.by.as_deref().or(Some("package"))))
            (field("package", "Package", query.package.as_deref()))
            (field("owner", "Owner", query.owner.as_deref()))
            (field("environment", "Environment", query.environment.as_deref()))
            (overdue_choice(&query))
            (unknown_choice(query.unknown.as_deref()))
            (moment.field())
            div { button type="submit" { "Show" } }
            div { a href=(moment.link("/patches")) { "Everything" } }
        }
        (moment.notice(&app, raw.as_deref()))
        (gaps(unknown, Some(&moment)))
        p { @if by == GroupBy::Package { "Each line is one upgrade: those that close most of what is overdue come first." } @else { "Those with most that is overdue come first." } }
        div.scroll tabindex="0" role="region" aria-label="Groups of findings" {
            table {
                thead { tr { th scope="col" { (name) } th.number scope="col" { "Overdue" } th.number scope="col" { "Due soon" } th.number scope="col" { "Findings" } th.number scope="col" { "Assets" } th scope="col" { "First due" } } }
                tbody {
                    @if shown.is_empty() { tr { td colspan="6" { "Nothing is owed, as far as is known." } } }
                    @for group in &shown { tr {
                        th scope="row" { @if let Some(link) = link(by, &group.name) { a href=(moment.link(&link)) { @if group.name.is_empty() { "not known" } @else { (plain(&group.name)) } } } @else { span.faint { "not known" } } }
                        td.number { span.late[group.counts.overdue > 0] { (number(group.counts.overdue)) } }
                        td.number { (number(group.counts.due_soon)) }
                        td.number { (number(group.counts.findings)) }
                        td.number { (number(group.assets)) }
                        td.date { (due(group.due, *now)) }
                    } }
                }
            }
        }
        (paging(("/patches", raw.as_deref()), (&part, shown.len(), total), next))
    };
    Ok(page(&app, &caller, ("Patches", "/patches"), &body))
}

fn by_name(by: GroupBy) -> &'static str {
    match by {
        GroupBy::Package => "Patch",
        GroupBy::Vulnerability => "Vulnerability",
        GroupBy::Asset => "Asset",
        GroupBy::Class => "Class",
        GroupBy::State => "State",
        GroupBy::Environment => "Environment",
        GroupBy::Owner => "Owner",
        GroupBy::Platform => "System",
    }
}

/// Where a group leads.
fn link(by: GroupBy, name: &str) -> Option<String> {
    if name.is_empty() {
        return match by {
            GroupBy::Environment => Some("/findings?unknown=environment".to_owned()),
            GroupBy::Owner => Some("/findings?unknown=owner".to_owned()),
            GroupBy::Platform => Some("/findings?unknown=platform".to_owned()),
            GroupBy::Package | GroupBy::Vulnerability | GroupBy::Asset | GroupBy::Class | GroupBy::State => None,
        };
    }
    let name = encoded(name);
    Some(match by {
        GroupBy::Package => format!("/findings?package=%3D{name}"),
        GroupBy::Vulnerability => format!("/vulnerabilities/{name}"),
        GroupBy::Asset => format!("/assets/{name}"),
        GroupBy::Class => format!("/findings?class={name}"),
        GroupBy::State => format!("/findings?state={}", name.replace("%20", "-")),
        GroupBy::Environment => format!("/findings?environment={name}"),
        GroupBy::Owner => format!("/findings?owner={name}"),
        GroupBy::Platform => format!("/findings?platform={name}"),
    })
}

async fn undetermined(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<FindingQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let part = part_of("undetermined", &query)?;
    let filter = query.filter(&caller)?.assets;
    let moment = Moment::of(&app, query.at.as_deref())?;
    let answer =
        app.view(moment.at, |view| (view.findings.undetermined(&view.record.facts, &filter), view.gaps(&filter)));
    let (found, unknown) = answer.await?;
    let total = found.len();
    let (shown, next) = part.of_list(found, by_spread)?;
    let body = html! {
        (moment.notice(&app, raw.as_deref()))
        (gaps(&unknown, Some(&moment)))
        p { "What nobody could judge is not called clean. The reason stands beside each." }
        div.scroll tabindex="0" role="region" aria-label="Undetermined" {
            table {
                thead { tr { th scope="col" { "What" } th scope="col" { "Why" } th.number scope="col" { "Assets" } } }
                tbody {
                    @if shown.is_empty() { tr { td colspan="3" { "Nothing that was seen and could not be judged." } } }
                    @for one in &shown { tr {
                        th scope="row" { (plain(&one.thing.label())) @if !one.thing.ecosystem.is_empty() { br; span.faint { (plain(&one.thing.ecosystem)) } } }
                        td { @if one.why.is_empty() { (NOT_HELD_YET) } @else { (plain(&one.why)) } }
                        td.number { (number(one.assets)) }
                    } }
                }
            }
        }
        (paging(("/undetermined", raw.as_deref()), (&part, shown.len(), total), next))
    };
    Ok(page(&app, &caller, ("Undetermined", "/findings"), &body))
}
