//! Pages: rendered here, readable without scripts, one file a page.

mod agents;
mod asset;
mod assets;
mod campaigns;
mod change;
mod changes;
mod charts;
mod compare;
mod dashboard;
mod decisions;
mod document;
mod documents;
mod editor;
mod feeds;
mod files;
mod findings;
mod groups;
mod history;
mod inventory;
mod invitation;
mod layout;
mod ledger;
mod moment;
mod own;
mod people;
mod policy;
mod settings;
mod sign_in;
mod statics;
mod tabs;
mod tasks;
mod text;
mod training;
mod trend;
mod versions;
mod violations;
mod vulnerability;
mod why;

pub(crate) use dashboard::Figures;
pub(crate) use findings::Patches;
pub(crate) use text::{encoded, plain};
pub(crate) use trend::{Trend, follow as follow_trend};

use crate::api::{Listed, Part};
use crate::app::App;
use crate::identity::{Caller, identify};
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{Extension, FromRequest, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fleet::AssetFilter;
use lifecycle::Role;
use maud::{Markup, html};
use serde::de::DeserializeOwned;

/// Everything that people can open and send, with the method and who may.
pub(crate) fn routes() -> Vec<(&'static str, PageRoute)> {
    let all = [
        statics::routes(),
        sign_in::routes(),
        invitation::routes(),
        dashboard::routes(),
        findings::routes(),
        vulnerability::routes(),
        assets::routes(),
        asset::routes(),
        history::routes(),
        inventory::routes(),
        why::routes(),
        decisions::routes(),
        agents::routes(),
        feeds::routes(),
        ledger::routes(),
        people::routes(),
        groups::routes(),
        own::routes(),
        tasks::routes(),
        policy::routes(),
        files::routes(),
        documents::routes(),
        document::routes(),
        editor::routes(),
        versions::routes(),
        compare::routes(),
        campaigns::routes(),
        training::routes(),
        violations::routes(),
        changes::routes(),
        change::routes(),
        settings::routes(),
    ];
    all.into_iter().flatten().collect()
}

/// What a form holds.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Answer<Self> {
        let read = axum::Form::<T>::from_request(request, state).await;
        read.map(|axum::Form(value)| Self(value)).map_err(|error| Problem::bad(error.body_text()))
    }
}

/// Which part of a list a page shows: 50 rows if nothing is said.
fn part_of(list: &str, query: &impl Listed) -> Answer<Part> {
    Part::of(list, query, 50)
}

/// Which assets figures are about: employees see those of the whole, and nothing of single ones.
pub(crate) fn figures_filter(caller: &Caller) -> AssetFilter {
    if caller.is_any(Role::SEES_ASSETS) { caller.sees() } else { AssetFilter::default() }
}

/// Shows problems as pages.
pub(crate) async fn dress(State(app): State<App>, request: Request, next: Next) -> Response {
    if !crate::access::is_page(request.uri().path()) {
        return next.run(request).await;
    }
    let (headers, is_form) = (request.headers().clone(), request.method() == axum::http::Method::POST);
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else { return response };
    let caller = identify(&app, &headers).await.ok().flatten();
    let body = html! {
        div.notice.bad role="alert" { p { (problem.detail()) } }
        p { @if is_form { "Nothing was done. What you filled in is still there when you go back. " } a href="/" { "To the dashboard" } @if caller.is_none() { " · " a href="/sign-in" { "Sign in" } } }
    };
    let page = layout::page(&app, caller.as_ref(), (problem.title(), ""), &body);
    (problem.status(), page).into_response()
}

/// A page for somebody who is signed in.
fn page(app: &App, caller: &Caller, (title, place): (&str, &str), body: &Markup) -> Response {
    layout::page(app, Some(caller), (title, place), body).into_response()
}

/// Sends a browser on after a form was done.
fn seen(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(axum::http::header::LOCATION, path.to_owned())]).into_response()
}

/// Where a request is from, as the pages' handlers take it.
type From = Extension<std::net::IpAddr>;
