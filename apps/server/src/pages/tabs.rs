//! Tabs: the pages that stand together under one place of the navigation.

use crate::identity::Caller;
use lifecycle::Role;
use maud::{Markup, html};

/// A page among others: its address, its name, and who sees it.
type Tab = (&'static str, &'static str, &'static [Role]);

/// Who sees people.
const SEES_PEOPLE: &[Role] = &[Role::Auditor, Role::Administrator];

/// What stands together with the policy.
const POLICY: &[Tab] = &[
    ("/policy", "Policy", Role::ALL),
    ("/documents", "Register", Role::ALL),
    ("/campaigns", "Reading", Role::SEES_DUTIES),
    ("/training", "Training", Role::SEES_DUTIES),
    ("/violations", "Violations", Role::SEES_ASSETS),
];
/// What stands together with people.
const PEOPLE: &[Tab] = &[("/people", "People", SEES_PEOPLE), ("/groups", "Groups", SEES_PEOPLE)];

/// The tabs around the policy; `here` is the address of the one that is shown.
pub(super) fn policy(caller: &Caller, here: &str) -> Markup {
    tabs(caller, ("About the policy", POLICY), here)
}

/// The tabs around people.
pub(super) fn people(caller: &Caller, here: &str) -> Markup {
    tabs(caller, ("About people", PEOPLE), here)
}

fn tabs(caller: &Caller, (name, all): (&str, &[Tab]), here: &str) -> Markup {
    html! {
        nav.tabs aria-label=(name) { ul {
            @for (address, title, _) in all.iter().filter(|(.., roles)| caller.is_any(roles)) {
                li { a href=(address) aria-current=[(*address == here).then_some("page")] { (title) } }
            }
        } }
    }
}
