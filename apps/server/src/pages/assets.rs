//! Assets in a list.

use super::findings::{choice, facet_name, field, paging, unknown_choice};
use super::moment::{Moment, gaps};
use super::text::{due, number, plain};
use super::{Form, encoded, page, part_of, seen};
use crate::access::{OPERATES, SEES_ASSETS};
use crate::api::{AssetQuery, Query};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::Answer;
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use fleet::{AssetFilter, AssetRow};
use lifecycle::{AssetId, Attributes, Command, Exposure, Role};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_ASSETS, path: "/assets", handler: get(show) }),
        ("POST", PageRoute { access: OPERATES, path: "/assets", handler: post(register) }),
    ]
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AssetQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let part = part_of("assets", &query)?;
    let filter = query.filter(&caller)?;
    let (after, offset) = part.after()?;
    let moment = Moment::of(&app, query.at.as_deref())?;
    let answer = app.view(moment.at, |view| {
        let (filter, facts) = (query.narrowed(filter, view), &view.record.facts);
        let (total, mut rows) = view.findings.assets_after(
            facts,
            (&filter, view.now),
            (after.as_ref(), offset, part.limit.saturating_add(1)),
        );
        let has_more = rows.len() > part.limit;
        rows.truncate(part.limit);
        let words = view.findings.words(facts, &filter);
        let shown =
            AssetFilter { among: Some(rows.iter().map(|row| row.asset.clone()).collect()), ..AssetFilter::default() };
        let last = rows.last().filter(|_| has_more).map(AssetRow::after);
        (total, (rows, last), view.gaps(&filter), words, view.scans_overdue(&shown))
    });
    let (total, (rows, last), unknown, facets, late) = answer.await?;
    let body = html! {
        (filter_form(&query, &moment))
        (moment.notice(&app, raw.as_deref()))
        (gaps(&unknown, Some(&moment)))
        @if !facets.is_empty() {
            details { summary { "By what they are" }
                div.columns { @for (facet, words) in &facets { div { h3 { (facet_name(*facet)) } ul {
                    @for (word, count) in words.iter().take(12) { li { a href=(moment.link(&facet_link(*facet, word))) { @if word.is_empty() { "not known" } @else { (plain(word)) } } " " span.faint { (number(*count)) } } }
                    @if words.len() > 12 { li.faint { "and " (words.len() - 12) " more" } }
                } } } }
            }
        }
        p role="status" { (number(total as u64)) " assets" }
        div.scroll tabindex="0" role="region" aria-label="Assets" {
            table {
                thead { tr { th scope="col" { "Asset" } th scope="col" { "System" } th scope="col" { "Owner" } th scope="col" { "Environment" } th.number scope="col" { "Overdue" } th.number scope="col" { "Findings" } th scope="col" { "First due" } th.number scope="col" { "Packages" } th scope="col" { "Known" } } }
                tbody {
                    @if rows.is_empty() { tr { td colspan="9" { "No asset fits." } } }
                    @for row in &rows { tr {
                        th scope="row" { a href=(moment.link(&format!("/assets/{}", encoded(row.asset.as_str())))) { (row.asset) } @if let Some(name) = &row.attributes.name { br; span.faint { (plain(name)) } } }
                        td { @if row.platform.is_empty() { span.faint { "not known" } } @else { (plain(&row.platform)) } }
                        td { (plain(row.attributes.owner.as_deref().unwrap_or("–"))) }
                        td { (plain(row.attributes.environment.as_deref().unwrap_or("–"))) }
                        td.number { span.late[row.counts.overdue > 0] { (number(row.counts.overdue)) } }
                        td.number { (number(row.counts.findings)) }
                        td.date { @if row.counts.findings == 0 { "–" } @else { (due(row.due, moment.now)) } }
                        td.number { (number(row.packages)) }
                        td { (known(row, late.contains(&row.asset))) }
                    } }
                }
            }
        }
        (paging(("/assets", raw.as_deref()), (&part, rows.len(), total), part.behind(rows.len(), last.as_ref())))
        @if caller.is_any(Role::OPERATES) { (register_form()) }
    };
    Ok(page(&app, &caller, ("Assets", "/assets"), &body))
}

fn filter_form(query: &AssetQuery, moment: &Moment) -> Markup {
    let exposures = [("", "either"), ("exposed", "reachable from the internet"), ("internal", "internal")];
    html! {
        form.filter method="get" action="/assets" role="search" aria-label="Filter assets" {
            (field("name", "Id or name", query.name.as_deref()))
            (field("owner", "Owner", query.owner.as_deref()))
            (field("environment", "Environment", query.environment.as_deref()))
            (field("criticality", "Criticality", query.criticality.as_deref()))
            (choice("exposure", "Exposure", &exposures, query.exposure.as_deref()))
            (field("tag", "Tag", query.tag.as_deref()))
            (field("platform", "System", query.platform.as_deref()))
            @if query.scan.is_some() { input type="hidden" name="scan" value="overdue"; }
            (unknown_choice(query.unknown.as_deref()))
            (moment.field())
            div { button type="submit" { "Show" } }
            div { a href=(moment.link("/assets")) { "Everything" } }
        }
    }
}

fn facet_link(facet: fleet::Facet, word: &str) -> String {
    match word {
        "" => format!("/assets?unknown={}", facet.word()),
        word => format!("/assets?{}={}", facet.word(), encoded(word)),
    }
}

/// How much of an asset is known.
pub(super) fn known(row: &fleet::AssetRow, is_scan_overdue: bool) -> Markup {
    html! {
        @if let Some(why) = &row.uncovered { span.pill title=(plain(why)) { "not covered by the policy" } }
        @else if is_scan_overdue { span.pill.bad { "scan overdue" } }
        @else if !row.is_scanned { span.pill.bad { "never looked at" } }
        @else if row.unread > 0 || row.undetermined > 0 { span.pill.unsure { (number(row.undetermined + row.unread)) " not judged" } }
        @else { span.pill.ok { "all judged" } }
    }
}

/// The fields that say what an asset is.
pub(super) fn attribute_fields(said: &Attributes) -> Markup {
    let text = |name: &str, label: &str, value: Option<&str>| html! { div { label for=(format!("said-{name}")) { (label) } input id=(format!("said-{name}")) name=(name) value=(plain(value.unwrap_or(""))); } };
    html! {
        (text("name", "Name", said.name.as_deref()))
        div { label for="said-exposure" { "Exposure" }
            select id="said-exposure" name="exposure" {
                option value="" selected[said.exposure.is_none()] { "not known (counts as exposed)" }
                option value="exposed" selected[said.exposure == Some(Exposure::Exposed)] { "reachable from the internet" }
                option value="internal" selected[said.exposure == Some(Exposure::Internal)] { "internal" }
            }
        }
        (text("owner", "Owner (team)", said.owner.as_deref()))
        (text("environment", "Environment", said.environment.as_deref()))
        (text("criticality", "Criticality", said.criticality.as_deref()))
        (text("impact", "Impact", said.impact.as_deref()))
        (text("data_classes", "Classes of data, with commas between", said.data_classes.as_ref().map(|classes| classes.join(", ")).as_deref()))
        (text("tags", "Tags, with commas between", Some(said.tags.join(", ").as_str())))
    }
}

/// What a form says about an asset.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    id: String,
    name: String,
    exposure: String,
    owner: String,
    environment: String,
    criticality: String,
    impact: String,
    data_classes: String,
    tags: String,
}

impl Said {
    pub(super) fn attributes(&self) -> Answer<Attributes> {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let list = |text: &str| {
            text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect::<Vec<_>>()
        };
        Ok(Attributes {
            name: text(&self.name),
            exposure: text(&self.exposure).map(|word| crate::api::exposure(&word)).transpose()?,
            environment: text(&self.environment),
            criticality: text(&self.criticality),
            data_classes: text(&self.data_classes).map(|text| list(&text)),
            impact: text(&self.impact),
            owner: text(&self.owner),
            tags: list(&self.tags),
        })
    }
}

fn register_form() -> Markup {
    html! {
        details {
            summary { "Register an asset" }
            form.stack method="post" action="/assets" {
                div { label for="said-id" { "Id: letters, digits and -._:/@" } input id="said-id" name="id" required maxlength="128"; }
                (attribute_fields(&Attributes::default()))
                button type="submit" { "Register" }
            }
        }
    }
}

async fn register(State(app): State<App>, caller: Caller, Form(said): Form<Said>) -> Answer<Response> {
    let asset = AssetId::new(said.id.trim())?;
    let command = Command::RegisterAsset(asset.clone(), said.attributes()?);
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok(seen(&format!("/assets/{}", encoded(asset.as_str()))))
}
