//! Violations: promises that were broken, what the policy answers them with, and what was done about them.

use super::findings::paging;
use super::text::{instant as at_instant, number, plain};
use super::{Form, encoded, page, part_of, seen, tabs};
use crate::access::{EVERYBODY, SAYS};
use crate::api::{PartQuery, Path, Query};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use lifecycle::{BreachKind, Command, Party, PersonId, Role, Violation};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: EVERYBODY, path: "/violations", handler: get(show) }),
        ("POST", PageRoute { access: SAYS, path: "/violations/{violation}/{answer}", handler: post(answer) }),
    ]
}

/// A violation as somebody sees it.
struct Shown {
    id: String,
    known: Violation,
    /// The title of the role that sees to it.
    seat: Option<String>,
    may_answer: bool,
    may_excuse: bool,
    /// Which assets or duties it is about.
    subjects: Vec<String>,
}

impl Shown {
    fn of(state: &lifecycle::State, (id, known): (&str, &Violation), person: &PersonId) -> Self {
        Self {
            id: id.to_owned(),
            known: known.clone(),
            seat: state.seat_of(&known.opened).map(|seat| seat.title.clone()),
            may_answer: state.may_answer(known, person),
            may_excuse: state.may_excuse(known, person),
            subjects: state.broken_by(&known.opened.breach),
        }
    }
}

/// What waits for an answer comes first, the newest of it in front.
fn order((id, known): &(&String, &Violation)) -> (bool, std::cmp::Reverse<String>) {
    (!known.waits(), std::cmp::Reverse((*id).clone()))
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PartQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let part = part_of("violations", &query)?;
    let (found, next, (total, open), (told_until, is_judged, has_rules)) = {
        let record = app.organisation.store.record().await?;
        let state = &record.state;
        let seen = state.violations.iter().filter(|(_, known)| state.sees_violation(known, &caller.person));
        let mut seen: Vec<(&String, &Violation)> = seen.collect();
        seen.sort_by_cached_key(order);
        let counts = (seen.len(), seen.iter().filter(|(_, known)| known.waits()).count());
        let (part, next) = part.of_list(seen, order)?;
        let shown: Vec<Shown> =
            part.into_iter().map(|(id, known)| Shown::of(state, (id, known), &caller.person)).collect();
        let told = (state.told_until, state.index.is_some(), !state.oversight().responses.is_empty());
        (shown, next, counts, told)
    };
    let body = html! {
        (tabs::policy(&caller, "/violations"))
        p { "A promise that was broken, once for each party, kind and day. What follows from it, and who sees to it, the policy says: the more of them within its time, the more follows." }
        @match told_until {
            Some(day) => p { "Told up to " (day) ", in UTC; the day that goes on is told once it is over. " (number(open as u64)) @if caller.is_any(Role::SEES_DUTIES) { " wait for an answer." } @else { " of what you may see wait for an answer." } },
            None => div.notice.unsure { p { "No day was told yet: that nothing stands here says nothing." } },
        }
        @if told_until.is_some_and(|until| until >= lifecycle::day_of(app.now())) { div.notice.bad { p { "The day up to which was told is not over: a clock was ahead. What is broken until then is not told." } } }
        @if !is_judged { div.notice.unsure { p { "Nothing was ever held against advisories: which deadlines were missed is not known." } } }
        @if !has_rules { div.notice { p { "The policy in force says nothing of what follows from violations: they are noted." } } }
        div.scroll tabindex="0" role="region" aria-label="Violations" { table {
            thead { tr { th scope="col" { "Day" } th scope="col" { "Whose" } th scope="col" { "What" } th scope="col" { "What follows" } th scope="col" { "State" } } }
            tbody {
                @if found.is_empty() { tr { td colspan="5" { @if caller.is_any(Role::SEES_DUTIES) { "No promise was broken on the days that were told." } @else { "None of yours, your team’s or yours to see to." } } } }
                @for shown in &found { (row(shown)) }
            }
        } }
        (paging(("/violations", raw.as_deref()), (&part, found.len(), total), next))
    };
    Ok(page(&app, &caller, ("Violations", "/policy"), &body))
}

/// What was broken, with a way to the findings as they were at the day's end.
fn what(shown: &Shown) -> Markup {
    let breach = &shown.known.opened.breach;
    let words = breach.kind.words(breach.count);
    let owner = match &breach.party {
        Party::Team(team) => format!("owner={}", encoded(team)),
        _ => "unknown=owner".to_owned(),
    };
    let place = format!("/findings?overdue=true&{owner}&at={}", breach.day);
    html! { @if breach.kind == BreachKind::Deadline { a href=(place) { (words) } } @else { (words) } }
}

fn row(shown: &Shown) -> Markup {
    let Shown { id, known, seat, may_answer, may_excuse, subjects } = shown;
    let (opened, breach) = (&known.opened, &known.opened.breach);
    let place = |answer: &str| format!("/violations/{}/{answer}", encoded(id));
    let form = |answer: &str, label: &str| {
        html! { details { summary { (label) } form.stack method="post" action=(place(answer)) {
            div { label for=(format!("{answer} {id}")) { @if answer == "excuse" { "Why it does not count" } @else { "What was done" } } textarea id=(format!("{answer} {id}")) name="words" required rows="2" {} }
            button type="submit" { (label) }
        } } }
    };
    html! { tr {
        th scope="row" { (breach.day) }
        td { @match &breach.party { Party::Nobody => { "nobody’s: no team owns the assets, or nobody has the role" } party => { (plain(&party.to_string())) } } }
        td { (what(shown)) @if !subjects.is_empty() { br; span.faint { (plain(&subjects.iter().take(5).cloned().collect::<Vec<_>>().join(", "))) @if subjects.len() > 5 { " and " (subjects.len() - 5) " more" } } } br; span.faint { "violation " (opened.number) " within the time that counts" } }
        td { @if let Some(step) = opened.step { (step.words()) } @else { "–" } @if let Some(by) = seat.as_ref().or(opened.by.as_ref()) { br; span.faint { (plain(by)) " sees to it" } } }
        td {
            @match known.word() { "open" => span.pill.bad { "open" }, "excused" => span.pill { "excused" }, "answered" => span.pill.ok { "answered" }, word => span.pill { (word) } }
            @if let Some(answer) = &known.answer { br; (plain(&answer.words)) br; span.faint { (answer.by) ", " (at_instant(answer.at)) } }
            @if *may_answer { (form("answer", "Say what was done")) }
            @if *may_excuse { (form("excuse", "Excuse it")) }
        }
    } }
}

/// What is said of a violation.
#[derive(Debug, Deserialize)]
struct Said {
    words: String,
}

async fn answer(
    State(app): State<App>,
    caller: Caller,
    Path((violation, answer)): Path<(String, String)>,
    Form(said): Form<Said>,
) -> Answer<Response> {
    let is_excused = match answer.as_str() {
        "answer" => false,
        "excuse" => true,
        _ => return Err(Problem::not_found("such answer")),
    };
    let command = Command::AnswerViolation(violation, said.words, is_excused);
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok(seen("/violations"))
}
