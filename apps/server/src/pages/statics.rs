//! What does not change: the style, the one script, the icon. Their names bear their version, so that browsers keep them.

use crate::access::Access;
use crate::routes::PageRoute;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// The style.
pub(super) const STYLE: &str = concat!("/static/plimsoll-", env!("CARGO_PKG_VERSION"), ".css");
/// The one script (htmx 4.0.1, Zero-Clause BSD): pages work without it.
pub(super) const HTMX: &str = "/static/htmx-4.0.1.min.js";
/// The icon.
pub(super) const ICON: &str = "/static/icon.svg";

const ICON_TEXT: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#16324f"/><circle cx="16" cy="16" r="8" fill="none" stroke="#fff" stroke-width="3"/><path d="M3 16h26" stroke="#fff" stroke-width="3"/></svg>"##;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    let style = get(async || kept("text/css; charset=utf-8", include_str!("../../static/plimsoll.css")));
    let script = get(async || kept("text/javascript; charset=utf-8", include_str!("../../static/htmx-4.0.1.min.js")));
    let icon = get(async || kept("image/svg+xml", ICON_TEXT));
    vec![
        ("GET", PageRoute { access: Access::Public, path: STYLE, handler: style }),
        ("GET", PageRoute { access: Access::Public, path: HTMX, handler: script }),
        ("GET", PageRoute { access: Access::Public, path: ICON, handler: icon }),
    ]
}

fn kept(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=86400")], text).into_response()
}
