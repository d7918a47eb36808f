//! Reading: who has read the policy in force, and the campaigns for other documents and groups.

use super::tabs;
use super::tasks::state;
use super::text::{due, number, percent, plain};
use super::{Form, charts, encoded, page, seen};
use crate::access::{EXCUSES, GOVERNS, SEES_DUTIES};
use crate::api::{Path, instant};
use crate::app::{App, random};
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use lifecycle::{Campaign, CampaignId, Command, DocumentId, Duty, DutyKind, GroupId, PersonId, Role, Standing};
use maud::{Markup, html};
use operations::Named;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_DUTIES, path: "/campaigns", handler: get(show) }),
        ("POST", PageRoute { access: GOVERNS, path: "/campaigns", handler: post(open) }),
        ("GET", PageRoute { access: SEES_DUTIES, path: "/campaigns/{campaign}", handler: get(one) }),
        ("GET", PageRoute { access: SEES_DUTIES, path: "/campaigns/{campaign}/people.csv", handler: get(table) }),
        ("POST", PageRoute { access: GOVERNS, path: "/campaigns/{campaign}/close", handler: post(close) }),
        ("POST", PageRoute { access: EXCUSES, path: "/duties/excuse", handler: post(excuse) }),
    ]
}

/// The campaign that the policy itself asks for.
const OF_POLICY: &str = "policy";

/// A campaign as a line of the list.
struct Line {
    id: CampaignId,
    campaign: Campaign,
    /// Whether it is not over.
    goes_on: bool,
    tally: Tally,
}

/// How duties stand.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    done: u64,
    due: u64,
    missed: u64,
}

impl Tally {
    /// Of these duties.
    pub(super) fn of<'d>(duties: impl Iterator<Item = &'d Duty>, now: Timestamp) -> Self {
        duties.fold(Self::default(), |mut tally, duty| {
            match duty.standing(now) {
                Standing::Done => tally.done += 1,
                // What was done and is due again soon holds still.
                Standing::Due if duty.done_at.is_some() => tally.done += 1,
                // Whoever is excused owes it later.
                Standing::Due | Standing::Excused => tally.due += 1,
                Standing::Missed => tally.missed += 1,
            }
            tally
        })
    }

    fn all(self) -> u64 {
        self.done + self.due + self.missed
    }

    /// As cells of a table's row.
    pub(super) fn cells(self) -> Markup {
        html! {
            td.number { (number(self.all())) }
            td.number { (percent(self.done, self.all())) }
            td.number { span.late[self.missed > 0] { (number(self.missed)) } }
            td { (charts::share_bar(&[(self.done, "good"), (self.due, "open"), (self.missed, "late")])) }
        }
    }
}

/// What people owe or have done in a campaign, also in one that is over; none if there is none of that id.
fn of_campaign(state: &lifecycle::State, campaign: &str, now: Timestamp) -> Option<Vec<Duty>> {
    if campaign == OF_POLICY {
        let is_own = |duty: &Duty| duty.kind == DutyKind::Acknowledge && duty.campaign.is_none();
        return Some(state.duties(now).into_iter().filter(is_own).collect());
    }
    let id = CampaignId::new(campaign).ok().filter(|id| state.campaigns.contains_key(id))?;
    Some(state.campaign_results(&id))
}

async fn show(State(app): State<App>, caller: Caller) -> Answer<Response> {
    let now = app.now();
    let (of_policy, lines, documents, groups) = {
        let record = app.organisation.store.record().await?;
        let state = &record.state;
        let of_policy = Tally::of(of_campaign(state, OF_POLICY, now).unwrap_or_default().iter(), now);
        let tallied = state.campaigns.iter().map(|(id, campaign)| Line {
            id: id.clone(),
            campaign: campaign.clone(),
            goes_on: state.goes_on(campaign, now),
            tally: Tally::of(state.campaign_results(id).iter(), now),
        });
        let lines: Vec<Line> = tallied.collect();
        let documents: Vec<DocumentId> = state
            .documents
            .iter()
            .filter(|(_, document)| document.in_force(now).is_some() && document.is_active())
            .map(|(id, _)| id.clone())
            .collect();
        let groups: Vec<GroupId> =
            state.groups.iter().filter(|(_, group)| !group.is_gone).map(|(id, _)| id.clone()).collect();
        (of_policy, lines, documents, groups)
    };
    let row = |Line { id, campaign, goes_on, tally }: &Line| {
        html! { tr {
            th scope="row" { a href=(format!("/campaigns/{}", encoded(id.as_str()))) { (id) } @if !goes_on { " " span.pill { "over" } } }
            td { (campaign.document) }
            td { @if campaign.groups.is_empty() { "everybody" } @else { (campaign.groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) } }
            td.date { (due(Some(campaign.due), now)) }
            (tally.cells())
        } }
    };
    let body = html! {
        (tabs::policy(&caller, "/campaigns"))
        p { "Who has read what, and said so with their name. The policy in force asks for that by itself, of everybody; for other documents, or for some people, a campaign does." }
        div.scroll tabindex="0" role="region" aria-label="Campaigns" { table {
            thead { tr { th scope="col" { "Campaign" } th scope="col" { "Document" } th scope="col" { "Who" } th scope="col" { "By" } th.number scope="col" { "People" } th.number scope="col" { "Have read it" } th.number scope="col" { "Missed" } th scope="col" { "Share" } } }
            tbody {
                @if of_policy.all() > 0 { tr { th scope="row" { a href="/campaigns/policy" { "The policy in force" } } td { "policy" } td { "everybody" } td { span.faint { "as it says" } } (of_policy.cells()) } }
                @else { tr { td colspan="8" { "The policy in force does not ask that people read it." } } }
                @for line in &lines { (row(line)) }
            }
        } }
        @if caller.is_any(&[Role::SecurityLead]) { (open_form(&documents, &groups)) }
    };
    Ok(page(&app, &caller, ("Reading", "/policy"), &body))
}

fn open_form(documents: &[DocumentId], groups: &[GroupId]) -> Markup {
    html! {
        details {
            summary { "Open a campaign" }
            form.stack method="post" action="/campaigns" {
                div { label for="document" { "Document" } select id="document" name="document" { @for id in documents { option value=(id) { (id) } } } }
                div { label for="groups" { "Groups, with spaces between; everybody if left empty" @if !groups.is_empty() { ". There are: " (groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) } } input id="groups" name="groups"; }
                div { label for="due" { "By" } input id="due" name="due" type="date" required; }
                button type="submit" { "Open it" }
            }
        }
    }
}

/// A campaign, as a form sends it.
#[derive(Deserialize)]
struct Opened {
    document: String,
    #[serde(default)]
    groups: String,
    due: String,
}

async fn open(State(app): State<App>, caller: Caller, Form(opened): Form<Opened>) -> Answer<Response> {
    let id = protocol::hexadecimal(&random::<4>().map_err(|error| Problem::internal(&error))?);
    let id = CampaignId::new(format!("{}-{id}", opened.document))?;
    let groups = opened.groups.split([' ', ',']).filter(|id| !id.is_empty()).map(GroupId::new);
    let groups = groups.collect::<Result<BTreeSet<_>, _>>()?;
    let due = instant(Some(&opened.due))?.ok_or_else(|| Problem::bad("due is missing"))?;
    let command = Command::OpenCampaign(id, DocumentId::new(opened.document)?, groups, due);
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok(seen("/campaigns"))
}

async fn close(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    app.organisation.act(&caller.person, app.now(), Command::CloseCampaign(CampaignId::new(id)?)).await?;
    Ok(seen("/campaigns"))
}

/// What people owe, those who have missed it first; each with whether somebody is offered to excuse them: from what is owed for the
/// first time, by who may.
pub(super) fn rows(
    state: &lifecycle::State,
    mut duties: Vec<Duty>,
    (person, now): (&PersonId, Timestamp),
) -> Vec<(Duty, bool)> {
    duties
        .sort_by(|one, other| (one.standing(now), one.due, &one.id).cmp(&(other.standing(now), other.due, &other.id)));
    let is_owed =
        |duty: &Duty| matches!(duty.standing(now), Standing::Due | Standing::Missed) && duty.done_at.is_none();
    let row = |duty: Duty| {
        let is_offered = is_owed(&duty) && state.may_excuse_duty(&duty, person, now);
        (duty, is_offered)
    };
    duties.into_iter().map(row).collect()
}

/// What people owe in a campaign, and what they are called.
async fn people_of(app: &App, campaign: &str, caller: &Caller) -> Answer<(Vec<(Duty, bool)>, BTreeMap<String, Named>)> {
    let now = app.now();
    let rows = {
        let record = app.organisation.store.record().await?;
        let duties = of_campaign(&record.state, campaign, now).ok_or_else(|| Problem::not_found("such campaign"))?;
        rows(&record.state, duties, (&caller.person, now))
    };
    Ok((rows, app.organisation.names().await?))
}

async fn one(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    const MOST: usize = 500;
    let now = app.now();
    let (duties, names) = people_of(&app, &id, &caller).await?;
    let path = format!("/campaigns/{}", encoded(&id));
    let goes_on = {
        let record = app.organisation.store.record().await?;
        let known = CampaignId::new(id.as_str()).ok().and_then(|id| record.state.campaigns.get(&id));
        known.is_some_and(|campaign| record.state.goes_on(campaign, now))
    };
    let body = html! {
        (tabs::policy(&caller, "/campaigns"))
        @if let Some((first, _)) = duties.first() { p { "The text: " span.mono { (first.text.as_deref().unwrap_or_default()) } } }
        p { a href=(format!("{path}/people.csv")) { "As a table (CSV), with addresses for mail" } }
        div.scroll tabindex="0" role="region" aria-label="People" { table {
            thead { tr { th scope="col" { "Person" } th scope="col" { "State" } th scope="col" { "By" } th scope="col" { "Read on" } } }
            tbody {
                @if duties.is_empty() { tr { td colspan="4" { "Nobody is asked." } } }
                @for row in duties.iter().take(MOST) { (person_row(row, &names, now)) }
            }
        } }
        @if duties.len() > MOST { p { "And " (duties.len() - MOST) " more, in the table." } }
        @if goes_on && caller.is_any(&[Role::SecurityLead]) { details { summary { "End it" } form method="post" action=(format!("{path}/close")) { p { "Who has not read it by now owes it no longer." } button.danger type="submit" { "End the campaign" } } } }
    };
    Ok(page(&app, &caller, (&format!("Reading: {id}"), "/policy"), &body))
}

/// One person in a table of what people owe.
pub(super) fn person_row((duty, is_offered): &(Duty, bool), names: &BTreeMap<String, Named>, now: Timestamp) -> Markup {
    let owner = duty.owners.first().map(ToString::to_string).unwrap_or_default();
    let called = names.get(&owner).and_then(|named| named.name.as_deref());
    let done = duty.done_at.map(super::text::instant);
    html! { tr {
        th scope="row" { (owner) @if let Some(called) = called { br; span.faint { (plain(called)) } } }
        td { (state(duty, now)) @if *is_offered { (excuse_form(duty)) } }
        td.date { @if duty.due == Timestamp::MAX { span.faint { "once and for all" } } @else { (due(Some(duty.due), now)) } }
        td.date { @if let Some(done) = done { (done) } @else { span.faint { "not yet" } } }
    } }
}

fn excuse_form(duty: &Duty) -> Markup {
    html! { details { summary { "Excuse" } form.stack method="post" action="/duties/excuse" {
        input type="hidden" name="duty" value=(duty.id);
        div { label for=(format!("until {}", duty.id)) { "Until" } input id=(format!("until {}", duty.id)) name="until" type="date" required; }
        div { label for=(format!("reason {}", duty.id)) { "Why" } input id=(format!("reason {}", duty.id)) name="reason" required; }
        button type="submit" { "Excuse" }
    } } }
}

/// That somebody need not do something for now, as a form sends it.
#[derive(Deserialize)]
struct Excused {
    duty: String,
    until: String,
    reason: String,
}

async fn excuse(State(app): State<App>, caller: Caller, Form(excused): Form<Excused>) -> Answer<Response> {
    let until = instant(Some(&excused.until))?.ok_or_else(|| Problem::bad("until is missing"))?;
    let is_training = excused.duty.starts_with("train#");
    let command = Command::ExcuseDuty(excused.duty, until, excused.reason);
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok(seen(if is_training { "/training" } else { "/campaigns" }))
}

async fn table(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    let now = app.now();
    let (duties, names) = people_of(&app, &id, &caller).await?;
    let none = Named::default();
    let rows = duties.iter().map(|(duty, _)| {
        let owner = duty.owners.first().map(ToString::to_string).unwrap_or_default();
        let named = names.get(&owner).unwrap_or(&none);
        [
            owner.clone(),
            named.name.clone().unwrap_or_default(),
            named.email.clone().unwrap_or_default(),
            duty.standing(now).word().to_owned(),
            if duty.due == Timestamp::MAX { String::new() } else { duty.due.to_string() },
            duty.done_at.map(|done| done.to_string()).unwrap_or_default(),
            duty.text.clone().unwrap_or_default(),
        ]
    });
    let head = ["person", "name", "email", "state", "due_at", "done_at", "text_digest"];
    let rows = rows.map(|row| row.map(|cell| plain(&cell)));
    let text = documents::csv(&head, rows).map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"people.csv\""),
    ];
    Ok((headers, text).into_response())
}
