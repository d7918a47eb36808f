//! Invitations: a link that holds once, by which somebody chooses their password.

use super::{Form, From, encoded, layout};
use crate::access::Access;
use crate::api::Path;
use crate::app::App;
use crate::identity::{account, password};
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: Access::Public, path: "/invitation/{secret}", handler: get(show) }),
        ("POST", PageRoute { access: Access::Public, path: "/invitation/{secret}", handler: post(accept) }),
    ]
}

async fn show(State(app): State<App>, Extension(address): From, Path(secret): Path<String>) -> Answer<Response> {
    app.limits.attempt(address)?;
    let person = account::invited(&app, &secret).await?;
    let person = person.ok_or_else(|| {
        Problem::new(StatusCode::GONE, "account/invitation-over", "this link was used, or is over: ask for another one")
    })?;
    Ok(form(&app, &secret, (person.as_str(), None)).into_response())
}

fn form(app: &App, secret: &str, (person, problem): (&str, Option<&str>)) -> Markup {
    let body = html! {
        div.narrow {
            @if let Some(problem) = problem { div.notice.bad role="alert" { p { (problem) } } }
            p { "You are " strong { (person) } " here. Choose your password; this link holds no longer then." }
            form.stack method="post" action=(format!("/invitation/{}", encoded(secret))) {
                input type="text" name="person" value=(person) autocomplete="username" hidden;
                div { label for="password" { "Password, " (password::FEWEST) " characters or more" } input id="password" name="password" type="password" autocomplete="new-password" required minlength=(password::FEWEST) autofocus; }
                div { label for="again" { "The same again" } input id="again" name="again" type="password" autocomplete="new-password" required; }
                button type="submit" { "Begin" }
            }
        }
    };
    layout::page(app, None, ("Welcome", ""), &body)
}

/// A password, as the form sends it.
#[derive(Deserialize)]
struct Chosen {
    password: String,
    again: String,
}

async fn accept(
    State(app): State<App>,
    Extension(address): From,
    Path(secret): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Answer<Response> {
    app.limits.attempt(address)?;
    let refused = match chosen.password == chosen.again {
        true => None,
        false => {
            Some(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "account/weak-password", "the two are not the same"))
        }
    };
    let done = match refused {
        Some(problem) => Err(problem),
        None => account::accept(&app, &secret, &chosen.password).await,
    };
    match done {
        Ok((person, cookie)) => {
            tracing::info!(%person, %address, "took an invitation up");
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
        }
        Err(problem) if problem.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            let person = account::invited(&app, &secret).await?;
            let person = person.map(|person| person.to_string()).unwrap_or_default();
            Ok((StatusCode::UNPROCESSABLE_ENTITY, form(&app, &secret, (&person, Some(problem.detail()))))
                .into_response())
        }
        Err(problem) => Err(problem),
    }
}
