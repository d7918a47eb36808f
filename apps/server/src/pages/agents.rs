//! Agents: who reports by itself, and letting others in.

use super::findings::paging;
use super::text::{instant as at_instant, number, plain};
use super::{Form, encoded, page, part_of, seen};
use crate::access::{OPERATES, SEES_ASSETS};
use crate::agents::Contact;
use crate::api::{PartQuery, Path, Query, Reason, let_in};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::Answer;
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use lifecycle::{Agent, Asset, AssetId, Command, Role};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_ASSETS, path: "/agents", handler: get(show) }),
        ("POST", PageRoute { access: OPERATES, path: "/agents", handler: post(enrol) }),
        ("POST", PageRoute { access: OPERATES, path: "/agents/{asset}/revoke", handler: post(revoke) }),
    ]
}

/// An agent in the list.
struct Line {
    asset: AssetId,
    since: Timestamp,
    scanned_at: Option<Timestamp>,
    contact: Option<Contact>,
}

impl Line {
    /// Whoever was silent longest comes first.
    fn order(&self) -> (Option<Timestamp>, String) {
        (self.contact.as_ref().map(|contact| contact.at).or(self.scanned_at), self.asset.to_string())
    }
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PartQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let part = part_of("agents", &query)?;
    let mut lines: Vec<Line> = {
        let record = app.organisation.store.record().await?;
        let state = &record.state;
        let seen = state.agents().filter(|(id, ..)| state.may_see(&caller.person, id).is_ok());
        let line = |(id, asset, agent): (&AssetId, &Asset, &Agent)| Line {
            asset: id.clone(),
            since: agent.since,
            scanned_at: asset.scanned_at,
            contact: app.contacts.of(id),
        };
        seen.map(line).collect()
    };
    lines.sort_by_cached_key(Line::order);
    let total = lines.len();
    let (lines, next) = part.of_list(lines, Line::order)?;
    let body = html! {
        p { (number(total as u64)) " agents are enrolled. Those that were silent longest come first." }
        div.scroll tabindex="0" role="region" aria-label="Agents" {
            table {
                thead { tr { th scope="col" { "Asset" } th scope="col" { "Heard of" } th scope="col" { "Looked at" } th scope="col" { "Version" } th scope="col" { "Enrolled" } @if caller.is_any(Role::OPERATES) { th scope="col" { "Turn away" } } } }
                tbody {
                    @if lines.is_empty() { tr { td colspan="6" { "No agent has enrolled yet." } } }
                    @for line in &lines { (row(line, caller.is_any(Role::OPERATES))) }
                }
            }
        }
        (paging(("/agents", raw.as_deref()), (&part, lines.len(), total), next))
        @if caller.is_any(Role::OPERATES) {
            h2 { "Let an agent in" }
            form.stack method="post" action="/agents" {
                div { label for="asset" { "Asset" } input id="asset" name="asset" required maxlength="128"; }
                fieldset { label { input type="checkbox" name="register" value="true"; "register it if it is not there" } }
                button type="submit" { "Make a ticket" }
            }
        }
    };
    Ok(page(&app, &caller, ("Agents", "/agents"), &body))
}

fn row(line: &Line, may_operate: bool) -> Markup {
    html! { tr {
        th scope="row" { a href=(format!("/assets/{}", encoded(line.asset.as_str()))) { (line.asset) } }
        td.date { @if let Some(contact) = &line.contact { (at_instant(contact.at)) } @else { span.faint { "not since this service began" } } }
        td.date { @if let Some(at) = line.scanned_at { (at_instant(at)) } @else { span.late { "never" } } }
        td { @if let Some(contact) = &line.contact { (plain(&contact.version)) } }
        td.date { (at_instant(line.since)) }
        @if may_operate { td { form.inline method="post" action=(format!("/agents/{}/revoke", encoded(line.asset.as_str()))) {
            input name="reason" required placeholder="why" aria-label=(format!("Why the agent of {} is turned away", line.asset)); button.danger type="submit" { "Turn away" }
        } } }
    } }
}

/// An agent that is to be let in.
#[derive(Debug, Deserialize)]
struct New {
    asset: String,
    #[serde(default)]
    register: bool,
}

async fn enrol(State(app): State<App>, caller: Caller, Form(new): Form<New>) -> Answer<Response> {
    let asset = AssetId::new(new.asset.trim())?;
    let ticket = let_in(&app, &caller, (&asset, new.register)).await?;
    let body = html! {
        div.notice.ok { p { "The ticket for " strong { (asset) } " is shown this once. It holds for an hour, and for one agent." } }
        p { "On that machine, as root:" }
        pre { "plimsoll-agent enrol " (app.settings.agents_address()) " " (ticket) "\nplimsoll-agent unit > /etc/systemd/system/plimsoll-agent.service\nsystemctl enable --now plimsoll-agent" }
        p { a href="/agents" { "Back to the agents" } }
    };
    Ok(page(&app, &caller, ("A ticket", "/agents"), &body))
}

async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Form(said): Form<Reason>,
) -> Answer<Response> {
    app.organisation.act(&caller.person, app.now(), Command::RevokeAgent(AssetId::new(asset)?, said.reason)).await?;
    Ok(seen("/agents"))
}
