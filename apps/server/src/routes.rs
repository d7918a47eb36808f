//! The routes: the one list of all that can be asked for, each with who may; and what holds for every request.

use crate::access::{Access, SEES_ALL, guard};
use crate::app::App;
use crate::problem::Problem;
use crate::{agents, api, metrics, once, pages, scim};
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;

/// The most bytes of a body where nothing else is said.
const MOST_BODY_BYTES: usize = 1 << 20;
/// The most bytes of an answer that is held to give it an `ETag`.
const MOST_TAGGED_BYTES: usize = 4 << 20;

/// A route of the pages.
pub(crate) struct PageRoute {
    pub(crate) access: Access,
    pub(crate) path: &'static str,
    pub(crate) handler: MethodRouter<App>,
}

/// The roles that may, and the scope that a token needs; none where everybody may, signed in or not.
type Described = Option<(Vec<&'static str>, &'static str)>;

fn described(access: Access) -> Described {
    match access {
        Access::Public => None,
        Access::Roles(roles, scope) => Some((roles.iter().map(|role| role.word()).collect(), scope.word())),
    }
}

/// A route with who may use it.
#[derive(Debug, Clone)]
pub struct RoutePolicy {
    /// The method.
    pub method: String,
    /// The path, with its parameters in braces.
    pub path: String,
    /// The roles that may, and the scope that a token needs; none where everybody may, signed in or not.
    pub admits: Option<(Vec<&'static str>, &'static str)>,
}

/// Every route with who may use it, made of the list that the routes themselves are made of. Pages that show and pages that change
/// stand in the list as `GET` and `POST`.
#[must_use]
pub fn policies() -> Vec<RoutePolicy> {
    let mut all = Vec::new();
    for (access, (_, paths, _)) in api::routes() {
        for (path, item) in &paths.paths {
            let methods = [
                ("GET", item.get.is_some()),
                ("POST", item.post.is_some()),
                ("PUT", item.put.is_some()),
                ("DELETE", item.delete.is_some()),
            ];
            let there = methods.iter().filter(|(_, is_there)| *is_there);
            all.extend(there.map(|(method, _)| RoutePolicy {
                method: (*method).to_owned(),
                path: path.clone(),
                admits: described(access),
            }));
        }
    }
    for (method, route) in pages::routes().into_iter().chain(plain()).chain(scim::routes()) {
        all.push(RoutePolicy {
            method: method.to_owned(),
            path: route.path.to_owned(),
            admits: described(route.access),
        });
    }
    all
}

/// The description of the API (OpenAPI). Every operation may answer with a problem.
#[must_use]
pub fn description() -> serde_json::Value {
    let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let openapi = OpenApiBuilder::new()
        .info(InfoBuilder::new().title("Plimsoll").version(env!("CARGO_PKG_VERSION")).build())
        .components(Some(ComponentsBuilder::new().security_scheme("token", scheme).build()))
        .security(Some([SecurityRequirement::new("token", Vec::<String>::new())]))
        .build();
    let mut router = OpenApiRouter::<App>::with_openapi(openapi);
    for (_, route) in api::routes() {
        router = router.routes(route);
    }
    // INVARIANT: a description is made of texts and maps, which are JSON.
    let mut whole = serde_json::to_value(router.into_openapi()).unwrap_or_default();
    let operations = whole["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in operations.filter_map(|path| path.as_object_mut()).flat_map(|path| path.values_mut()) {
        let Some(responses) = operation["responses"].as_object_mut() else { continue };
        for (_, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('4')) {
            if let Some(content) =
                response["content"].as_object_mut().and_then(|content| content.remove("application/json"))
            {
                response["content"] = json!({ "application/problem+json": content });
            }
        }
        let problem = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
        responses.insert("default".to_owned(), json!({ "description": "It could not be done", "content": problem }));
    }
    whole
}

/// The pages and the API.
pub(crate) fn pages_and_api(app: &App) -> Router {
    let mut router = OpenApiRouter::<App>::new();
    for (access, (schemas, paths, handler)) in api::routes() {
        // What is added last is asked first.
        let handler = handler.route_layer(from_fn_with_state(app.clone(), once::once));
        let handler = handler.route_layer(from_fn_with_state((app.clone(), access), guard));
        router = router.routes((schemas, paths, handler));
    }
    let (api, _) = router.split_for_parts();
    let api = api.layer(from_fn(tag));
    let mut of_pages = Router::new();
    for (_, PageRoute { access, path, handler }) in pages::routes().into_iter().chain(plain()).chain(scim::routes()) {
        let handler = handler.route_layer(from_fn_with_state((app.clone(), access), guard));
        of_pages = of_pages.route(path, handler);
    }
    let router = api.merge(of_pages).fallback(unknown).method_not_allowed_fallback(wrong_method);
    let router = router
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(CsrfLayer::new().with_rejection_response(|_| from_elsewhere()));
    let router = router.layer(from_fn_with_state(app.clone(), pages::dress)).layer(from_fn(scim::dress));
    let router = router.layer(from_fn_with_state(app.clone(), limited));
    everywhere(router.with_state(app.clone()), app)
}

/// What programs ask for that watch the service, and the description of the API.
fn plain() -> Vec<(&'static str, PageRoute)> {
    let open = Access::Public;
    let describe = get(async || axum::Json(description()));
    vec![
        ("GET", PageRoute { access: open, path: "/healthz", handler: get(async || "ok\n") }),
        ("GET", PageRoute { access: open, path: "/readyz", handler: get(ready) }),
        ("GET", PageRoute { access: SEES_ALL, path: "/metrics", handler: get(show_metrics) }),
        ("GET", PageRoute { access: open, path: "/api/v1/openapi.json", handler: describe }),
    ]
}

/// What agents ask for.
pub(crate) fn of_agents(app: &App) -> Router {
    everywhere(agents::routes(app).fallback(unknown), app)
}

/// What holds for every request.
fn everywhere(router: Router, app: &App) -> Router {
    router
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(app.clone(), in_time))
        .layer(CatchPanicLayer::custom(|_| {
            let words = "something failed here; the service's log says what";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "service/failed", words).into_response()
        }))
        .layer(from_fn_with_state(app.clone(), watch))
}

/// Ends a request that takes too long: most often, one whose body never comes to its end.
async fn in_time(State(app): State<App>, request: Request, next: Next) -> Response {
    let late = |_| {
        let words = format!("this took longer than {} seconds and was given up", app.settings.patience.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "request/too-slow", words).into_response()
    };
    tokio::time::timeout(app.settings.patience, next.run(request)).await.unwrap_or_else(late)
}

async fn unknown(request: Request) -> Response {
    let words = format!("there is nothing at {}", request.uri().path());
    Problem::new(StatusCode::NOT_FOUND, "request/unknown-address", words).into_response()
}

/// What a form is answered that another site sent, or made a browser send.
fn from_elsewhere() -> Response {
    let words = "this was sent from another site, not from a page of this service: nothing was done";
    Problem::new(StatusCode::FORBIDDEN, "request/from-elsewhere", words).into_response()
}

async fn wrong_method() -> Response {
    let words = "this address takes other methods";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "request/wrong-method", words).into_response()
}

async fn ready(State(app): State<App>) -> Response {
    match app.organisation.store.catch_up().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn show_metrics(State(app): State<App>) -> Response {
    match metrics::text(&app).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Who asks: the other end of the connection, or what the proxies before this service say of it.
fn address_of(app: &App, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<SocketAddr>().map_or(IpAddr::from([0, 0, 0, 0]), SocketAddr::ip);
    if app.settings.proxies == 0 {
        return peer;
    }
    let said = request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let all: Vec<&str> = said.flat_map(|text| text.split(',')).map(str::trim).collect();
    // Each proxy adds who asked it at the end: what stands before the last ones anybody may have written.
    let place = all.len().checked_sub(app.settings.proxies);
    place.and_then(|place| all[place].parse().ok()).unwrap_or(peer)
}

/// Says no to an address that asks too often. Agents are counted each by its own name instead: many may share an address.
pub(crate) async fn limited(State(app): State<App>, request: Request, next: Next) -> Response {
    let address = request.extensions().get::<IpAddr>().copied();
    match address.map_or(Ok(()), |address| app.limits.request(address)) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Counts and logs every request, and tells browsers what they may do with the answer.
async fn watch(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let address = address_of(&app, &request);
    let started = std::time::Instant::now();
    let method = request.method().clone();
    app.metrics.requests.count();
    request.extensions_mut().insert(address);
    let id = protocol::hexadecimal(&crate::app::random::<8>().unwrap_or_default());
    let mut response = next.run(request).await;
    let status = response.status();
    if status.is_server_error() {
        app.metrics.failures.count();
    }
    let path = response.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::info!(%id, %method, %path, status = status.as_u16(), micros, "request");
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    if app.settings.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-request-id", id);
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

/// What browsers are told with every answer.
const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("x-frame-options", "DENY"),
];

/// The tag of an answer: the same bytes, the same tag.
pub(crate) fn etag(bytes: &[u8]) -> String {
    let digest = ledger::digest(bytes);
    format!("\"{}\"", &digest["sha256:".len()..][..32])
}

/// Gives answers to `GET` a tag, and says no more than that nothing has changed to who has them already.
async fn tag(request: Request, next: Next) -> Response {
    let is_get = request.method() == Method::GET;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    // What is larger is sent as it is, without a tag.
    let is_small = response.body().size_hint().upper().is_some_and(|size| size <= MOST_TAGGED_BYTES as u64);
    if !is_get || response.status() != StatusCode::OK || !is_small {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match axum::body::to_bytes(body, MOST_TAGGED_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let tag = etag(&bytes);
    let is_known = known.as_ref().and_then(|known| known.to_str().ok()).is_some_and(|known| {
        known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*")
    });
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    if is_known {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}
