//! How the service is set.

use super::page;
use super::text::plain;
use crate::access::SEES_PEOPLE;
use crate::app::App;
use crate::identity::Caller;
use crate::problem::Answer;
use crate::routes::PageRoute;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![("GET", PageRoute { access: SEES_PEOPLE, path: "/settings", handler: get(settings) })]
}

async fn settings(State(app): State<App>, caller: Caller) -> Answer<Response> {
    let settings = &app.settings;
    // It is public, and lies beside the record; where it is kept elsewhere nobody is told a wrong one.
    let key = std::fs::read_to_string(app.data.join("keys/ledger.pub")).unwrap_or_default();
    let body = html! {
        dl.pairs {
            dt { "Pages and API" } dd { (settings.address_of("/")) }
            dt { "Agents" } dd { @if settings.agents.is_some() { (settings.agents_address()) ", certificate " span.mono { (app.authority.fingerprint) } } @else { "switched off" } }
            dt { "Identity provider" } dd { @if let Some(provider) = &settings.provider { (provider.issuer) } @else { "none" } }
            dt { "Mail" } dd { (mail(&app).await?) }
            dt { "Agents look" } dd { "every " (settings.look_every.as_secs() / 60) " minutes; a look that found nothing new is noted every " (settings.note_every.as_secs() / 60) " minutes" }
            dt { "Feeds are fetched" } dd { @if let Some((cron, zone)) = &settings.sync_at { (cron) " (" (zone.iana_name().unwrap_or("a zone without a name")) ")" } @else { "when somebody asks" } }
            dt { "Proxies before it" } dd { (settings.proxies) }
            dt { "The ledger's first key" } dd.mono { @if key.is_empty() { "kept elsewhere" } @else { (plain(key.trim())) } }
            dt { "This process" } dd { span.mono { (app.replica) } ", version " (env!("CARGO_PKG_VERSION")) }
        }
        p.faint { "They are set where the service is started: " code { "plimsoll serve --help" } "." }
    };
    Ok(page(&app, &caller, ("Settings", "/settings"), &body))
}

/// Where mail goes, and how much of it waits or was given up.
async fn mail(app: &App) -> Answer<Markup> {
    let Some(server) = &app.settings.mail else { return Ok(html! { "none: nobody is written to" }) };
    let counts = crate::mail::counts(app).await?;
    Ok(html! {
        (plain(&server.address)) ", from " (plain(&server.from)) "; "
        @for (number, (state, count)) in counts.iter().enumerate() { @if number > 0 { ", " } (count) " " (state) }
        @if let Some(failure) = app.work.mail_failure() { p { span.pill.bad { "failed" } " " (super::text::day(failure.at)) ": " (plain(&failure.words)) } }
    })
}
