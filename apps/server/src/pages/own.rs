//! One's own affairs: password, authenticator, tokens.

use super::text::{instant as at_instant, plain};
use super::{Form, charts, encoded, page, seen};
use crate::access::OWN;
use crate::api::{Path, instant, issue, seen as seen_tokens};
use crate::app::{App, random};
use crate::identity::account::{Account, Authenticator, Known, change_password, step};
use crate::identity::{Caller, password};
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{RawForm, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use lifecycle::{Command, Credential, TokenId, TokenScope};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: OWN, path: "/account", handler: get(show) }),
        ("POST", PageRoute { access: OWN, path: "/account/password", handler: post(set_password) }),
        ("POST", PageRoute { access: OWN, path: "/account/authenticator", handler: post(begin_authenticator) }),
        (
            "POST",
            PageRoute { access: OWN, path: "/account/authenticator/confirm", handler: post(confirm_authenticator) },
        ),
        ("POST", PageRoute { access: OWN, path: "/account/authenticator/remove", handler: post(remove_authenticator) }),
        ("POST", PageRoute { access: OWN, path: "/account/tokens", handler: post(create_token) }),
        ("POST", PageRoute { access: OWN, path: "/account/tokens/{token}/revoke", handler: post(revoke_token) }),
    ]
}

async fn show(State(app): State<App>, caller: Caller) -> Answer<Response> {
    let read = Known::of(&app, &caller.person).await?;
    let account = read.account.clone();
    let tokens = {
        let record = app.organisation.store.record().await?;
        let now = app.now();
        let all = seen_tokens(&record.state, &caller).filter(|(_, _, token)| !token.is_revoked && token.until > now);
        all.map(|(id, person, token)| (id.clone(), person.clone(), token.clone())).collect::<Vec<_>>()
    };
    let body = html! {
        p { "Roles: " (caller.roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ")) @if let Some(owners) = &caller.owners { ". Teams: " (plain(&owners.iter().cloned().collect::<Vec<_>>().join(", "))) } }
        div.columns {
            section.card { h2 { "Password" } form.stack method="post" action="/account/password" {
                input type="text" name="username" value=(caller.person) autocomplete="username" hidden;
                @if account.password.is_some() { div { label for="old" { "The one you have" } input id="old" name="old" type="password" autocomplete="current-password" required; } }
                div { label for="new" { "The new one, " (password::FEWEST) " characters or more" } input id="new" name="new" type="password" autocomplete="new-password" required minlength=(password::FEWEST); }
                button type="submit" { "Change" }
                p.faint { "Everybody who is signed in under your name is signed out." }
            } }
            section.card { h2 { "Authenticator" } (authenticator_part(&account)) }
        }
        section { h2 { "Tokens for programs" } (tokens_part(&tokens)) }
    };
    Ok(page(&app, &caller, ("Your account", "/account"), &body))
}

fn authenticator_part(account: &Account) -> Markup {
    html! {
        @if account.has_authenticator() {
            p { span.pill.ok { "set up" } " A code is asked for at every sign-in." }
            form.stack method="post" action="/account/authenticator/remove" { div { label for="code-remove" { "A code, to switch it off" } input id="code-remove" name="code" inputmode="numeric" autocomplete="one-time-code" required; } button.danger type="submit" { "Switch off" } }
        } @else {
            p { "A code from a program on your phone, beside the password: whoever learns your password gets no further." }
            form method="post" action="/account/authenticator" { button type="submit" { "Set up" } }
        }
    }
}

fn tokens_part(tokens: &[(TokenId, lifecycle::PersonId, lifecycle::Token)]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Tokens" { table {
            thead { tr { th scope="col" { "Token" } th scope="col" { "In whose name" } th scope="col" { "For" } th scope="col" { "Until" } th scope="col" { "Do" } } }
            tbody {
                @if tokens.is_empty() { tr { td colspan="5" { "None holds." } } }
                @for (id, person, token) in tokens { tr {
                    th scope="row" { span.mono { (id) } }
                    td { (person) }
                    td { (token.scopes.iter().map(|scope| scope.word()).collect::<Vec<_>>().join(", ")) }
                    td.date { (at_instant(token.until)) }
                    td { form.inline method="post" action=(format!("/account/tokens/{}/revoke", encoded(id.as_str()))) { button.danger type="submit" { "Take back" } } }
                } }
            }
        } }
        form.stack method="post" action="/account/tokens" {
            fieldset { legend { "What it is for" } @for scope in TokenScope::ALL { label { input type="checkbox" name="scope" value=(scope.word()); (scope.word()) } } }
            div { label for="until" { "Until, within a year" } input id="until" name="until" type="date" required; }
            button type="submit" { "Make a token" }
        }
    }
}

/// Passwords, as a form sends them.
#[derive(Deserialize)]
struct Passwords {
    #[serde(default)]
    old: String,
    new: String,
}

async fn set_password(State(app): State<App>, caller: Caller, Form(form): Form<Passwords>) -> Answer<Response> {
    app.limits.account(caller.person.as_str())?;
    change_password(&app, &caller.person, (&form.old, &form.new)).await?;
    Ok(seen("/sign-in"))
}

async fn begin_authenticator(State(app): State<App>, caller: Caller) -> Answer<Response> {
    let read = Known::of(&app, &caller.person).await?;
    let account = read.account.clone();
    if account.has_authenticator() {
        return Err(Problem::new(StatusCode::CONFLICT, "account/has-authenticator", "it is set up already"));
    }
    let failed = |error: crate::error::Error| Problem::internal(&error);
    let secret = random::<20>().map_err(failed)?;
    let sealed = app.sealer.seal(&secret, caller.person.as_str()).map_err(failed)?;
    let begun =
        Account { authenticator: Some(Authenticator { secret: sealed, ..Authenticator::default() }), ..account };
    read.keep(&app, (&begun, &caller.person), (&[], false)).await?;
    let totp = password::authenticator(&secret, caller.person.as_str());
    let totp = totp.ok_or_else(|| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "service/failed", "no authenticator could be made")
    })?;
    let body = html! {
        p { "Read this picture with your authenticator, or enter the key below it (time-based, 6 digits); then the code that it shows." }
        (charts::picture_code(&totp.to_url().unwrap_or_default(), "The key of your authenticator"))
        pre { (totp.secret().to_base32()) }
        p { a href=(totp.to_url().unwrap_or_default()) { "Open it in a program on this machine" } }
        form.stack method="post" action="/account/authenticator/confirm" { div { label for="code" { "Code" } input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required; } button type="submit" { "Confirm" } }
    };
    Ok(page(&app, &caller, ("Set up an authenticator", "/account"), &body))
}

/// A code, as a form sends it.
#[derive(Deserialize)]
struct Code {
    code: String,
}

fn wrong_code() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "account/wrong", "the code is not right, or was used")
}

async fn confirm_authenticator(State(app): State<App>, caller: Caller, Form(form): Form<Code>) -> Answer<Response> {
    app.limits.account(caller.person.as_str())?;
    let read = Known::of(&app, &caller.person).await?;
    let account = read.account.clone();
    let known = account.authenticator.clone().filter(|known| !known.is_confirmed).ok_or_else(wrong_code)?;
    let last_step = step(&app, &caller.person, &known, &form.code).ok_or_else(wrong_code)?;
    let known = Some(Authenticator { is_confirmed: true, last_step, ..known });
    let account = Account { authenticator: known, ..account };
    read.keep(&app, (&account, &caller.person), (&[(Credential::Authenticator, true)], false)).await?;
    Ok(seen("/account"))
}

async fn remove_authenticator(State(app): State<App>, caller: Caller, Form(form): Form<Code>) -> Answer<Response> {
    app.limits.account(caller.person.as_str())?;
    let read = Known::of(&app, &caller.person).await?;
    let account = read.account.clone();
    let known = account.authenticator.clone().filter(|known| known.is_confirmed).ok_or_else(wrong_code)?;
    step(&app, &caller.person, &known, &form.code).ok_or_else(wrong_code)?;
    let account = Account { authenticator: None, ..account };
    read.keep(&app, (&account, &caller.person), (&[(Credential::Authenticator, false)], false)).await?;
    Ok(seen("/account"))
}

async fn create_token(State(app): State<App>, caller: Caller, RawForm(body): RawForm) -> Answer<Response> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_bytes(&body).map_err(|error| Problem::bad(error.to_string()))?;
    let scope = |word: &str| {
        let known = TokenScope::ALL.iter().find(|scope| scope.word() == word).copied();
        known.ok_or_else(|| Problem::bad(format!("`{word}` is no scope")))
    };
    let scopes =
        pairs.iter().filter(|(name, _)| name == "scope").map(|(_, word)| scope(word)).collect::<Answer<Vec<_>>>()?;
    let until = pairs.iter().find(|(name, _)| name == "until").map(|(_, value)| value.as_str());
    let until = instant(until)?.ok_or_else(|| Problem::bad("until is missing"))?;
    let ticket = issue(&app, &caller, scopes, until).await?;
    let body = html! {
        div.notice.ok { p { "The token is shown this once. Programs send it as " code { "Authorization: Bearer …" } "." } }
        pre { (ticket.reveal()) }
        p { a href="/account" { "Back to your account" } }
    };
    Ok(page(&app, &caller, ("A token", "/account"), &body))
}

async fn revoke_token(State(app): State<App>, caller: Caller, Path(token): Path<String>) -> Answer<Response> {
    app.organisation.act(&caller.person, app.now(), Command::RevokeToken(TokenId::new(token)?)).await?;
    Ok(seen("/account"))
}
