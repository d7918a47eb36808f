//! Access: who may use a route. Every route has one of these; what nobody is let in by is closed.

use crate::app::App;
use crate::identity::{Caller, identify};
use crate::problem::Problem;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use lifecycle::{Role, TokenScope};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, signed in or not.
    Public,
    /// Whoever has one of these roles; a token must have the scope besides.
    Roles(&'static [Role], TokenScope),
}

/// Everybody who works here.
pub(crate) const EVERYBODY: Access = Access::Roles(Role::ALL, TokenScope::Read);
/// Whoever sees assets, if only those of their teams.
pub(crate) const SEES_ASSETS: Access = Access::Roles(Role::SEES_ASSETS, TokenScope::Read);
/// Whoever sees everything.
pub(crate) const SEES_ALL: Access = Access::Roles(Role::SEES_ALL, TokenScope::Read);
/// Whoever hands in inventories.
pub(crate) const REPORTS: Access = Access::Roles(Role::REPORTS, TokenScope::Report);
/// Whoever registers and changes assets, and lets agents in.
pub(crate) const OPERATES: Access = Access::Roles(Role::OPERATES, TokenScope::Operate);
/// Whoever asks for decisions.
pub(crate) const ASKS: Access = Access::Roles(Role::ASKS, TokenScope::Decide);
/// Whoever gives decisions.
pub(crate) const DECIDES: Access = Access::Roles(Role::DECIDES, TokenScope::Decide);
/// Whoever changes people and settings.
pub(crate) const ADMINISTRATES: Access = Access::Roles(&[Role::Administrator], TokenScope::Administrate);
/// Whoever sees people and their tokens.
pub(crate) const SEES_PEOPLE: Access = Access::Roles(&[Role::Auditor, Role::Administrator], TokenScope::Read);
/// Whoever answers for governing documents and campaigns.
pub(crate) const GOVERNS: Access = Access::Roles(&[Role::SecurityLead], TokenScope::Decide);
/// Whoever may draft a version, hand it in and publish it: a document's owner may be anybody.
pub(crate) const DRAFTS: Access = Access::Roles(Role::ALL, TokenScope::Decide);
/// Whoever may say something of a version: who is concerned may be anybody.
pub(crate) const SAYS: Access = Access::Roles(Role::ALL, TokenScope::Decide);
/// Whoever says that they have read something.
pub(crate) const ACKNOWLEDGES: Access = Access::Roles(Role::ALL, TokenScope::Decide);
/// Whoever reviews documents, and asks for reviews.
pub(crate) const CALLS_REVIEWS: Access = Access::Roles(Role::ALL, TokenScope::Decide);
/// Whoever says that people have done a course.
pub(crate) const TELLS_TRAINING: Access =
    Access::Roles(&[Role::SecurityLead, Role::Administrator], TokenScope::Administrate);
/// Whoever sees what people owe.
pub(crate) const SEES_DUTIES: Access = Access::Roles(Role::SEES_DUTIES, TokenScope::Read);
/// Whoever answers requests for decisions and looks at exceptions again: the policy may name any role for it.
pub(crate) const ANSWERS: Access = Access::Roles(Role::ALL, TokenScope::Decide);
/// Whoever acts on changes: what somebody may the rules say, by the role and the stage.
pub(crate) const CHANGES: Access = Access::Roles(Role::ALL, TokenScope::Operate);
/// Whoever excuses people from what they owe.
pub(crate) const EXCUSES: Access = Access::Roles(Role::EXCUSES, TokenScope::Decide);
/// Whoever changes their own affairs.
pub(crate) const OWN: Access = Access::Roles(Role::ALL, TokenScope::Administrate);

impl Access {
    /// Whether somebody is let in.
    fn admits(self, caller: Option<&Caller>) -> Result<(), Problem> {
        let Self::Roles(roles, scope) = self else { return Ok(()) };
        let caller = caller.ok_or_else(Problem::unauthenticated)?;
        if !roles.iter().any(|role| caller.roles.contains(role)) {
            let words: Vec<&str> = roles.iter().map(|role| role.word()).collect();
            return Err(Problem::forbidden(format!("it takes one of the roles {}", words.join(", "))));
        }
        match caller.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope)) {
            true => Ok(()),
            false => Err(Problem::forbidden(format!("it takes a token with the scope {}", scope.word()))),
        }
    }
}

/// Whether a path is one of the pages that people open; the others are for programs.
pub(crate) fn is_page(path: &str) -> bool {
    !path.starts_with("/api/") && !path.starts_with(crate::scim::BASE) && path != "/metrics"
}

/// Lets a request through to its route, or not.
pub(crate) async fn guard(State((app, access)): State<(App, Access)>, mut request: Request, next: Next) -> Response {
    let is_page = is_page(request.uri().path());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let caller = match identify(&app, request.headers()).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    if let Some(caller) = &caller
        && caller.session.is_none()
        && is_page
    {
        // Pages are for people: a token opens the API alone.
        return Problem::forbidden("tokens are for the API").into_response();
    }
    if let Err(problem) = access.admits(caller.as_ref()) {
        if is_page && caller.is_none() && request.method() == Method::GET {
            let wanted = request.uri().path_and_query().map_or("/", |path| path.as_str());
            let to = format!("/sign-in?next={}", crate::pages::encoded(wanted));
            return Redirect::to(&to).into_response();
        }
        return problem.into_response();
    }
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    let mut response = next.run(request).await;
    // The log names the route, never what stands in the place of its parameters.
    if let Some(matched) = matched {
        response.extensions_mut().insert(matched);
    }
    // What is shown to one is kept for nobody else.
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(header::HeaderValue::from_static("no-store"));
    response
}
