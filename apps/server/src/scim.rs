//! SCIM 2.0 (RFC 7643, RFC 7644): an identity provider says by itself who is here, and in which groups.
//!
//! A user's id is their id here, which is their `userName`. Whoever comes in is an employee; what else they are trusted with is said
//! here, by people. Names and addresses lie beside the ledger, where they can be erased.

mod filter;
mod groups;
mod patch;
mod users;

use crate::access::ADMINISTRATES;
use crate::app::App;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::Deserialize;
use serde_json::{Value, json};

/// Where it is.
pub(crate) const BASE: &str = "/scim/v2";
/// The most resources in one answer.
const MOST: usize = 1000;
/// The kind of what is sent and answered (RFC 7644, section 8.1).
const KIND: &str = "application/scim+json";

/// Every address, with the method and who may.
pub(crate) fn routes() -> Vec<(&'static str, PageRoute)> {
    let described = vec![
        ("/scim/v2/ServiceProviderConfig", get(async || Scim(configuration()))),
        ("/scim/v2/ResourceTypes", get(async || Scim(resource_types()))),
        ("/scim/v2/Schemas", get(async || Scim(schemas()))),
    ];
    let described = described.into_iter().map(|(path, handler)| ("GET", route(path, handler)));
    described.chain(users::routes()).chain(groups::routes()).collect()
}

fn route(path: &'static str, handler: MethodRouter<App>) -> PageRoute {
    PageRoute { access: ADMINISTRATES, path, handler }
}

/// A resource, or several.
struct Scim(Value);

impl IntoResponse for Scim {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.0).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(KIND));
        response
    }
}

/// Which part of a list is asked for, and what of it (RFC 7644, section 3.4.2).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListQuery {
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
}

/// A part of the resources that fit.
fn list(all: Vec<Value>, query: &ListQuery) -> Scim {
    // What lies below the first counts as the first, and less than nothing as nothing.
    let start = usize::try_from(query.start_index.unwrap_or(1).max(1)).unwrap_or(usize::MAX);
    let count = query.count.map_or(MOST, |count| usize::try_from(count.max(0)).unwrap_or(MOST)).min(MOST);
    let total = all.len();
    let part: Vec<Value> = all.into_iter().skip(start - 1).take(count).collect();
    Scim(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total, "startIndex": start, "itemsPerPage": part.len(), "Resources": part,
    }))
}

/// Problems as this protocol tells them (RFC 7644, section 3.12).
pub(crate) async fn dress(request: Request, next: Next) -> Response {
    let is_ours = request.uri().path().starts_with(BASE);
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned().filter(|_| is_ours) else { return response };
    let status = problem.status();
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.as_u16().to_string(), "detail": problem.detail(),
    });
    if let Some(kind) = problem.code().strip_prefix("urn:plimsoll:scim/") {
        body["scimType"] = Value::from(kind);
    }
    (status, Scim(body)).into_response()
}

/// What is wrong with what was sent, by the protocol's own word for it.
fn wrong(kind: &str, detail: impl Into<String>) -> Problem {
    let status = if kind == "uniqueness" { StatusCode::CONFLICT } else { StatusCode::BAD_REQUEST };
    Problem::new(status, &format!("scim/{kind}"), detail)
}

/// A text of a resource; none where it is empty.
fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A truth value; some providers write it as a word.
fn truth(value: &Value) -> Answer<bool> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(word) if word.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(word) if word.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(wrong("invalidValue", "`active` is true or false")),
    }
}

fn configuration() -> Value {
    let supported = |is: bool| json!({ "supported": is });
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": supported(true), "changePassword": supported(false), "sort": supported(false), "etag": supported(false),
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MOST },
        "authenticationSchemes": [{ "type": "oauthbearertoken", "name": "Token",
            "description": "A token of an administrator with the scope `administrate`" }],
    })
}

fn resource_types() -> Value {
    let one = |name: &str, path: &str, schema: &str| {
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": name, "name": name,
            "endpoint": path, "schema": schema })
    };
    let all = vec![one("User", "/Users", users::SCHEMA), one("Group", "/Groups", groups::SCHEMA)];
    list(all, &ListQuery::default()).0
}

fn schemas() -> Value {
    let attribute = |name: &str, kind: &str, is_many: bool| {
        json!({ "name": name, "type": kind, "multiValued": is_many, "required": false, "caseExact": false,
            "mutability": "readWrite", "returned": "default", "uniqueness": "none" })
    };
    let schema = |id: &str, name: &str, attributes: Vec<Value>| json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": id, "name": name, "attributes": attributes });
    let user = vec![
        attribute("userName", "string", false),
        attribute("displayName", "string", false),
        attribute("active", "boolean", false),
        attribute("externalId", "string", false),
        attribute("emails", "complex", true),
    ];
    let group = vec![attribute("displayName", "string", false), attribute("members", "complex", true)];
    let all = vec![schema(users::SCHEMA, "User", user), schema(groups::SCHEMA, "Group", group)];
    list(all, &ListQuery::default()).0
}
