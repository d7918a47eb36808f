//! Signing in and out.

use super::{Form, From, encoded, layout};
use crate::access::Access;
use crate::api::Query;
use crate::app::App;
use crate::identity::{Caller, account, provider, session};
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

/// The cookie that goes with an attempt to sign in at the provider.
const ATTEMPT: &str = "plimsoll-attempt";

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    let open = Access::Public;
    vec![
        ("GET", PageRoute { access: open, path: "/sign-in", handler: get(show) }),
        ("POST", PageRoute { access: open, path: "/sign-in", handler: post(sign_in) }),
        ("POST", PageRoute { access: open, path: "/sign-out", handler: post(sign_out) }),
        ("GET", PageRoute { access: open, path: "/sign-in/provider", handler: get(to_provider) }),
        ("GET", PageRoute { access: open, path: provider::BACK_PATH, handler: get(from_provider) }),
    ]
}

/// Where somebody wanted to go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Next {
    next: String,
}

/// Only places of this service are gone on to.
fn own_place(next: &str) -> &str {
    let is_own =
        next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && !next.chars().any(char::is_control);
    if is_own { next } else { "/" }
}

async fn show(State(app): State<App>, caller: Option<Caller>, Query(query): Query<Next>) -> Response {
    if caller.is_some() {
        return Redirect::to(own_place(&query.next)).into_response();
    }
    form(&app, own_place(&query.next), None).into_response()
}

fn form(app: &App, next: &str, problem: Option<&str>) -> Markup {
    let body = html! {
        div.narrow {
            @if let Some(problem) = problem { div.notice.bad role="alert" { p { (problem) } } }
            form.stack method="post" action="/sign-in" {
                input type="hidden" name="next" value=(next);
                div { label for="person" { "Name" } input id="person" name="person" autocomplete="username" required autofocus; }
                div { label for="password" { "Password" } input id="password" name="password" type="password" autocomplete="current-password" required; }
                div { label for="code" { "Code of your authenticator, if you have set one up" } input id="code" name="code" inputmode="numeric" autocomplete="one-time-code"; }
                button type="submit" { "Sign in" }
            }
            @if app.settings.provider.is_some() { p { a.button href=(format!("/sign-in/provider?next={}", encoded(next))) { "Sign in with your organisation's account" } } }
        }
    };
    layout::page(app, None, ("Sign in", "/sign-in"), &body)
}

/// What somebody signs in with.
#[derive(Deserialize)]
struct Credentials {
    person: String,
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

async fn sign_in(
    State(app): State<App>,
    Extension(address): From,
    headers: HeaderMap,
    Form(given): Form<Credentials>,
) -> Answer<Response> {
    let (name, next) = (given.person.trim(), own_place(&given.next));
    app.limits.sign_in(address, name)?;
    match account::sign_in(&app, name, &given.password, &given.code).await {
        Ok((person, cookie)) => {
            session::end_all(&app, &headers).await?;
            app.limits.signed_in(address, name);
            tracing::info!(%person, %address, "signed in");
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response())
        }
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            app.metrics.refused_sign_ins.count();
            tracing::warn!(%address, "an attempt to sign in failed");
            Ok((StatusCode::UNAUTHORIZED, form(&app, next, Some(problem.detail()))).into_response())
        }
        Err(problem) => Err(problem),
    }
}

async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Answer<Response> {
    session::end_all(&app, &headers).await?;
    Ok(([(header::SET_COOKIE, session::end(&app))], Redirect::to("/sign-in")).into_response())
}

fn no_provider() -> Problem {
    Problem::not_found("identity provider here")
}

/// The cookie of an attempt; it comes along when the provider sends somebody back.
fn attempt_cookie(app: &App, value: &str, seconds: u32) -> Answer<HeaderValue> {
    let secure = if app.settings.is_secure() { "; Secure" } else { "" };
    let text =
        format!("{ATTEMPT}={value}; Path={}; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", provider::BACK_PATH);
    HeaderValue::from_str(&text).map_err(|error| Problem::internal(&error))
}

async fn to_provider(State(app): State<App>, Extension(address): From, Query(query): Query<Next>) -> Answer<Response> {
    let provider = app.provider.as_ref().ok_or_else(no_provider)?;
    app.limits.attempt(address)?;
    let (to, sealed) = provider.begin(&app, own_place(&query.next).to_owned()).await?;
    Ok(([(header::SET_COOKIE, attempt_cookie(&app, &sealed, 600)?)], Redirect::to(&to)).into_response())
}

/// What the provider sends somebody back with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Back {
    code: String,
    state: String,
    error: String,
    error_description: String,
}

async fn from_provider(
    State(app): State<App>,
    Extension(address): From,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Answer<Response> {
    let provider = app.provider.as_ref().ok_or_else(no_provider)?;
    app.limits.attempt(address)?;
    let cookies =
        headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    let sealed = cookies
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == ATTEMPT)
        .map(|(_, value)| value.to_owned());
    let refused = (!back.error.is_empty()).then(|| format!("{} {}", back.error, back.error_description));
    let answer = provider::Back { code: back.code, state: back.state, refused };
    let (person, next, cookie) = provider.end(&app, &sealed.unwrap_or_default(), answer).await?;
    session::end_all(&app, &headers).await?;
    tracing::info!(%person, %address, "signed in by the identity provider");
    let cookies = [cookie, attempt_cookie(&app, "", 0)?];
    let mut response = Redirect::to(own_place(&next)).into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::own_place;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for elsewhere in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "",
            "/a\r\nSet-Cookie: x",
        ] {
            assert_eq!(own_place(elsewhere), "/", "{elsewhere}");
        }
        assert_eq!(own_place("/findings?overdue=true"), "/findings?overdue=true");
    }
}
