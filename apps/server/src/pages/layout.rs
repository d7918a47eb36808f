//! The layout: what stands around every page.

use super::statics;
use crate::app::App;
use crate::identity::Caller;
use lifecycle::Role;
use maud::{DOCTYPE, Markup, html};

/// A place in the navigation: its address, its name, and who sees it.
const PLACES: &[(&str, &str, &[Role])] = &[
    ("/", "Dashboard", Role::ALL),
    ("/tasks", "My tasks", Role::ALL),
    ("/findings", "Findings", Role::SEES_ASSETS),
    ("/patches", "Patches", Role::SEES_ASSETS),
    ("/changes", "Changes", Role::SEES_ASSETS),
    ("/assets", "Assets", Role::SEES_ASSETS),
    ("/decisions", "Decisions", Role::SEES_ASSETS),
    ("/agents", "Agents", Role::SEES_ASSETS),
    ("/feeds", "Feeds", Role::ALL),
    ("/ledger", "Ledger", Role::SEES_ALL),
    ("/policy", "Policy", Role::ALL),
    ("/people", "People", &[Role::Auditor, Role::Administrator]),
    ("/settings", "Settings", &[Role::Auditor, Role::Administrator]),
];

/// A whole page: its title, its place in the navigation, and what is on it.
pub(super) fn page(app: &App, caller: Option<&Caller>, (title, place): (&str, &str), body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="htmx-config" content=r#"{"includeIndicatorCSS":false,"history":false}"#;
                meta name="color-scheme" content="light dark";
                title { (title) " · Plimsoll" }
                link rel="icon" href=(statics::ICON);
                link rel="stylesheet" href=(statics::STYLE);
                script src=(statics::HTMX) defer {}
            }
            body {
                a.skip href="#main" { "To the content" }
                @if app.is_demonstration {
                    p.demonstration role="note" { strong { "Demonstration." } " This organisation and all that is said of it are invented." }
                }
                header.top {
                    a.brand href="/" { (mark()) span { "Plimsoll" } }
                    @if let Some(caller) = caller {
                        nav aria-label="Main" { ul {
                            @for (address, name, roles) in PLACES {
                                @if caller.is_any(roles) {
                                    li { a href=(address) aria-current=[(*address == place).then_some("page")] { (name) } }
                                }
                            }
                        } }
                        div.who {
                            a href="/account" aria-current=[(place == "/account").then_some("page")] { (caller.person) }
                            form method="post" action="/sign-out" { button.plain type="submit" { "Sign out" } }
                        }
                    }
                }
                @if let Some(caller) = caller { p.print { "Printed " (super::text::instant(app.now())) " for " (caller.person) } }
                main id="main" tabindex="-1" {
                    h1 { (title) }
                    (body)
                }
            }
        }
    }
}

/// The mark: a circle with the line through it, as on a ship's side.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" {
            circle cx="16" cy="16" r="10" fill="none" stroke="currentColor" stroke-width="3" {}
            path d="M1 16h30" stroke="currentColor" stroke-width="3" {}
        }
    }
}
