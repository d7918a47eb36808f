//! One change: how it stands ring by ring, what each asset waits for and said, what has happened, and what may be done now.

use super::changes::pill;
use super::text::{instant as at_instant, number, plain};
use super::{Form, encoded, page, seen};
use crate::access::{ANSWERS, CHANGES, SEES_ALL, SEES_ASSETS};
use crate::api::{ActOn, ChangeAct, ChangeAnswer, Path, Query, change_id, happens, log_of, sees, unknown_change};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use change::{Change, Happening, Place};
use lifecycle::ChangeId;
use maud::{Markup, html};
use operations::{AssetStanding, asset_standings, change_standing, gate_lacks, may_happen, needs_words, step_words};
use serde::Deserialize;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_ASSETS, path: "/changes/{change}", handler: get(show) }),
        ("GET", PageRoute { access: SEES_ALL, path: "/changes/{change}/assets/{asset}", handler: get(show_log) }),
        ("POST", PageRoute { access: CHANGES, path: "/changes/{change}/acts", handler: post(act) }),
        ("POST", PageRoute { access: ANSWERS, path: "/changes/{change}/answers", handler: post(answer) }),
    ]
}

/// So many assets, and steps, are shown at once.
const MOST: usize = 200;

/// A ring as it is shown: its name, whether it is a test environment, and how many assets have come how far.
struct Ring {
    id: String,
    is_test: bool,
    is_at_work: bool,
    counts: Vec<(Place, u32)>,
}

/// What somebody may do with a change now.
struct May {
    acts: Vec<(ChangeAct, &'static str, &'static str)>,
    approve: bool,
    decline: bool,
    settle: Vec<(usize, String)>,
    tests: Vec<String>,
    says: bool,
}

struct Shown {
    id: ChangeId,
    known: Change,
    standing: String,
    lacks: Vec<String>,
    way_back: String,
    needs: Vec<(&'static str, String)>,
    left_out: Vec<(String, String)>,
    rings: Vec<Ring>,
    assets: Vec<AssetStanding>,
    hidden: usize,
    steps: Vec<store::ChangeStep>,
    may: May,
}

fn rings(record: &store::Record, id: &ChangeId, now: jiff::Timestamp) -> Vec<Ring> {
    let Some(rolled) = record.rollouts.get(id) else { return Vec::new() };
    let at_work = rolled.rollout.at_work(now).map(|(ring, _)| ring);
    let ring = |(number, ring): (usize, &change::RingPlan)| {
        let count = rolled.rollout.ring(number)?;
        let counts = Place::ALL.iter().map(|place| (*place, count.at(*place))).filter(|(_, count)| *count > 0);
        let is_at_work = at_work == Some(number);
        Some(Ring { id: ring.id.clone(), is_test: ring.is_test, is_at_work, counts: counts.collect() })
    };
    rolled.rollout.plan().rings.iter().enumerate().filter_map(ring).collect()
}

fn may(record: &store::Record, (id, known): (&ChangeId, &Change), who: (&lifecycle::PersonId, jiff::Timestamp)) -> May {
    let may = |what: Happening| may_happen(&record.state, id, what, who);
    let why = || "-".to_owned();
    let acts = [
        (ChangeAct::Start, "start", "Start it", Happening::Started {}),
        (ChangeAct::Pause, "pause", "Pause", Happening::Paused { reason: why() }),
        (ChangeAct::Resume, "resume", "Let it go on", Happening::Resumed { reason: why() }),
        (ChangeAct::Abort, "abort", "Abort", Happening::Aborted { reason: why() }),
        (ChangeAct::Rollback, "rollback", "Roll back", Happening::TakenBack { reason: why() }),
    ];
    let acts = acts.into_iter().filter(|(.., what)| may(what.clone()));
    let approved = Happening::Approved { plan: known.planned.plan.clone() };
    let settles = |owed: &usize| may(Happening::Settled { owed: *owed, words: why() });
    let noticed = Happening::Noticed { audience: change::Audience::Customers, words: why() };
    let tested = |test: &&String| {
        may(Happening::Tested { test: (*test).clone(), has_passed: true, words: String::new(), evidence: None })
    };
    May {
        acts: acts.map(|(act, name, words, _)| (act, name, words)).collect(),
        approve: may(approved),
        decline: may(Happening::Declined { reason: why() }),
        settle: (0..known.owed.len()).filter(settles).map(|owed| (owed, known.owed[owed].what.clone())).collect(),
        tests: record.state.change_rule().tests.iter().filter(tested).cloned().collect(),
        says: may(noticed),
    }
}

/// How a list of assets is narrowed.
#[derive(Debug, Deserialize)]
struct Narrowed {
    #[serde(default)]
    all: bool,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(narrowed): Query<Narrowed>,
) -> Answer<Response> {
    let (id, now) = (change_id(&id)?, app.now());
    let steps = app.organisation.change_steps(&id).await?;
    let shown = {
        let record = app.organisation.store.record().await?;
        let known = record.state.changes.get(&id).ok_or_else(unknown_change)?;
        let all = asset_standings(&record, &id, &steps, now);
        let total = all.len();
        let assets: Vec<AssetStanding> =
            all.into_iter().filter(|standing| sees(&record, &caller, &standing.asset)).collect();
        let is_seen = |step: &store::ChangeStep| match &step.what {
            Happening::Asset { asset, .. } => sees(&record, &caller, asset.as_str()),
            _ => true,
        };
        let plan = record.rollouts.get(&id).map(|rolled| rolled.rollout.plan());
        Shown {
            standing: change_standing(&record, &id, known, now),
            lacks: gate_lacks(&record, &id, known, now),
            way_back: plan.map(|plan| plan.way_back.clone()).unwrap_or_default(),
            needs: plan.map(needs_words).unwrap_or_default(),
            left_out: plan.map_or(Vec::new(), |plan| {
                let left = plan.left_out.iter().filter(|left| sees(&record, &caller, &left.asset));
                left.map(|left| (left.asset.clone(), left.reason.clone())).collect()
            }),
            rings: rings(&record, &id, now),
            hidden: total - assets.len(),
            may: may(&record, (&id, known), (&caller.person, now)),
            steps: steps.iter().filter(|step| is_seen(step)).cloned().collect(),
            known: known.clone(),
            assets,
            id,
        }
    };
    let is_live = shown.known.stage.is_under_way();
    let query = if narrowed.all { "?all=true" } else { "" };
    let path = format!("/changes/{}{query}", encoded(shown.id.as_str()));
    let body = html! {
        // While something is under way the page looks again by itself.
        div id="change" hx-get=[is_live.then_some(&path)] hx-trigger=[is_live.then_some("every 5s")] hx-select=[is_live.then_some("#live")] hx-target=[is_live.then_some("#live")] hx-swap=[is_live.then_some("outerHTML")] {}
        div id="live" {
            (head(&shown))
            (rings_of(&shown))
            (assets_of(&app, &shown, (&caller, narrowed.all)))
            (timeline(&shown))
        }
        (acts(&shown))
    };
    Ok(page(&app, &caller, (&format!("Change {}", shown.id), "/changes"), &body))
}

fn head(shown: &Shown) -> Markup {
    let (known, planned) = (&shown.known, &shown.known.planned);
    html! {
        p { (pill(known)) " " strong { (plain(&planned.title)) } " – " (planned.kind) " change of " (number(planned.assets as u64)) " assets, planned by " (known.by) ", until " (at_instant(planned.until)) "." }
        p role="status" { "It is " (plain(&shown.standing)) "." }
        @if !shown.lacks.is_empty() { div.notice.unsure { p { "Its gate lacks:" } ul { @for lack in &shown.lacks { li { (plain(lack)) } } } } }
        @for (number, owed) in known.owed.iter().enumerate() {
            @match &owed.settled {
                None => div.notice.bad { p { "Owed (" (number) "): " (plain(&owed.what)) ", by " (plain(&owed.by.title)) ", until " (at_instant(owed.due)) "." } },
                Some((at, by, words)) => p.faint { "Settled (" (number) "): " (plain(&owed.what)) ", by " (by) ", " (at_instant(*at)) ": " (plain(words)) },
            }
        }
        dl.pairs {
            dt { "Way back" } dd { @if shown.way_back.is_empty() { "nobody said how it is taken back" } @else { (plain(&shown.way_back)) } }
            @for (what, words) in &shown.needs { dt { (what) } dd { (plain(words)) } }
            dt { "Plan" } dd.mono { (plain(&planned.plan)) }
            @if let Some(note) = &known.signed { dt { "Signed by" } dd.mono { (plain(note.lines().rfind(|line| line.starts_with('—')).unwrap_or_default())) } }
            @if !known.approvals.is_empty() { dt { "Approved by" } dd { (known.approvals.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ")) } }
            @if !shown.left_out.is_empty() { dt { "Left out" } dd { @for (asset, reason) in &shown.left_out { (plain(asset)) ": " (plain(reason)) br; } } }
        }
    }
}

fn class_of(place: Place) -> &'static str {
    match place {
        Place::Verified => "ok",
        Place::Failed | Place::Broken | Place::Stuck | Place::Silent | Place::Refused => "bad",
        Place::Begun | Place::Installed | Place::RestartPending | Place::RollingBack => "unsure",
        Place::Waiting | Place::PassedOver | Place::Excluded | Place::RolledBack => "none",
    }
}

/// Each ring as a bar, with the same in words.
fn rings_of(shown: &Shown) -> Markup {
    if shown.rings.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Rings" }
        @for ring in &shown.rings {
            @let total: u32 = ring.counts.iter().map(|(_, count)| count).sum();
            section.ring aria-label=(format!("Ring {}", ring.id)) {
                p { strong { (plain(&ring.id)) } @if ring.is_test { " (test environment)" } @if ring.is_at_work { " " span.pill.unsure { "at work" } } ": " (ring.counts.iter().map(|(place, count)| format!("{count} {}", place.word())).collect::<Vec<_>>().join(", ")) }
                @if total > 0 { svg.bar viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label=(format!("{total} assets of ring {}", ring.id)) {
                    @for (place, from, width) in parts(&ring.counts, total) { rect class=(class_of(place)) x=(format!("{from:.2}")) y="0" width=(format!("{width:.2}")) height="4" {} }
                } }
            }
        }
    }
}

fn parts(counts: &[(Place, u32)], total: u32) -> Vec<(Place, f64, f64)> {
    let mut from = 0.0;
    let part = |(place, count): &(Place, u32)| {
        let width = f64::from(*count) * 100.0 / f64::from(total);
        let begins = from;
        from += width;
        (*place, begins, width)
    };
    counts.iter().map(part).collect()
}

fn assets_of(app: &App, shown: &Shown, (caller, is_all): (&Caller, bool)) -> Markup {
    let mut assets: Vec<&AssetStanding> = shown.assets.iter().collect();
    // What somebody has to look at comes first.
    assets.sort_by_key(|standing| !standing.is_bad);
    let most = if is_all { usize::MAX } else { MOST };
    let sees_logs = caller.is_any(lifecycle::Role::SEES_ALL);
    html! {
        h2 { "Assets" }
        @if shown.hidden > 0 { p { (number(shown.hidden as u64)) " more belong to other teams." } }
        div.scroll tabindex="0" role="region" aria-label="Assets of this change" { table {
            thead { tr { th scope="col" { "Asset" } th scope="col" { "Ring" } th scope="col" { "State" } th scope="col" { "Since" } th scope="col" { "Waits for" } th scope="col" { "Words" } } }
            tbody {
                @if assets.is_empty() { tr { td colspan="6" { "Nothing has happened on an asset that you may see." } } }
                @for one in assets.iter().take(most) { tr {
                    th scope="row" { a href=(format!("/assets/{}", encoded(&one.asset))) { (plain(&one.asset)) } }
                    td { (plain(&one.ring)) }
                    td { @if one.is_bad { span.pill.bad { (one.state) } } @else { (one.state) } @if let Some(step) = app.orders.step(&shown.id, one) { br; span.faint { (plain(&step)) " …" } } }
                    td.date { @if let Some(since) = one.since { (at_instant(since)) } }
                    td { (plain(&one.waits_for)) }
                    td { (plain(&one.words)) @if one.log.is_some() && sees_logs { " " a href=(format!("/changes/{}/assets/{}", encoded(shown.id.as_str()), encoded(&one.asset))) { "log" } } }
                } }
            }
        } }
        @if assets.len() > most { p { a href=(format!("/changes/{}?all=true", encoded(shown.id.as_str()))) { "All " (number(assets.len() as u64)) " assets" } } }
    }
}

fn timeline(shown: &Shown) -> Markup {
    html! {
        h2 { "What has happened" }
        ol.timeline {
            @for step in shown.steps.iter().rev().take(MOST) { li { span.date { (at_instant(step.at)) } " " (plain(step.by.as_str())) ": " (plain(&step_words(&step.what))) } }
        }
        @if shown.steps.len() > MOST { p { "And " (number((shown.steps.len() - MOST) as u64)) " steps before: they are in the ledger." } }
    }
}

/// What may be done now, by whoever looks.
fn acts(shown: &Shown) -> Markup {
    let may = &shown.may;
    let place = |kind: &str| format!("/changes/{}/{kind}", encoded(shown.id.as_str()));
    let why = |id: &str, label: &str| html! { div { label for=(id) { (label) } textarea id=(id) name="why" required rows="2" {} } };
    let is_any = !may.acts.is_empty()
        || may.approve
        || may.decline
        || !may.settle.is_empty()
        || !may.tests.is_empty()
        || may.says;
    html! {
        @if is_any { h2 { "What you may do" } }
        @if may.approve { form.stack method="post" action=(place("answers")) {
            p { "You approve the plan with the digest above, as it stands." }
            input type="hidden" name="answer" value="approve"; input type="hidden" name="plan" value=(shown.known.planned.plan);
            button type="submit" { "Approve" }
        } }
        @for (act, name, words) in &may.acts {
            @if *act == ChangeAct::Start { form.inline method="post" action=(place("acts")) { input type="hidden" name="act" value=(name); button type="submit" { (words) } } }
            @else { details { summary { (words) } form.stack method="post" action=(place("acts")) { input type="hidden" name="act" value=(name); (why(&format!("why-{name}"), "Why")) button type="submit" class=[matches!(act, ChangeAct::Abort | ChangeAct::Rollback).then_some("danger")] { (words) } } } }
        }
        @if may.decline { details { summary { "Turn it down" } form.stack method="post" action=(place("answers")) { input type="hidden" name="answer" value="decline"; (why("why-decline", "Why")) button.danger type="submit" { "Turn it down" } } } }
        @for (number, what) in &may.settle { details { summary { "Settle: " (plain(what)) } form.stack method="post" action=(place("answers")) { input type="hidden" name="answer" value="settle"; input type="hidden" name="owed" value=(number); (why(&format!("why-settle-{number}"), "What was done")) button type="submit" { "Settle" } } } }
        @if !may.tests.is_empty() { details { summary { "Say what a test has shown" } form.stack method="post" action=(place("acts")) {
            div { label for="of" { "Test" } select id="of" name="of" { @for test in &may.tests { option value=(test) { (plain(test)) } } } }
            div { label for="act-test" { "Result" } select id="act-test" name="act" { option value="test-passed" { "passed" } option value="test-failed" { "failed" } } }
            div { label for="why-test" { "What was seen" } textarea id="why-test" name="why" rows="2" {} }
            button type="submit" { "Say so" }
        } } }
        @if may.says { details { summary { "Say who was told" } form.stack method="post" action=(place("acts")) {
            div { label for="act-notice" { "Who" } select id="act-notice" name="act" { option value="tell-customers" { "customers" } option value="tell-business" { "the business" } } }
            (why("why-notice", "What they were told"))
            button type="submit" { "Say so" }
        } } }
    }
}

async fn show_log(
    State(app): State<App>,
    caller: Caller,
    Path((id, asset)): Path<(String, String)>,
) -> Answer<Response> {
    let id = change_id(&id)?;
    let log = log_of(&app, &id, &asset).await?;
    let body = html! {
        p { "What the package manager of " a href=(format!("/assets/{}", encoded(&asset))) { (plain(&asset)) } " said in " a href=(format!("/changes/{}", encoded(id.as_str()))) { "change " (id) } "." }
        pre.log tabindex="0" { @for line in log.lines() { (plain(line)) "\n" } }
    };
    Ok(page(&app, &caller, ("Log", "/changes"), &body))
}

async fn act(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Form(act): Form<ActOn>,
) -> Answer<Response> {
    let id = change_id(&id)?;
    happens(&app, &caller, &id, act.happening()?).await?;
    Ok(seen(&format!("/changes/{}", encoded(id.as_str()))))
}

/// An answer, as a form has it.
#[derive(Debug, Deserialize)]
struct Answered {
    answer: String,
    #[serde(default)]
    plan: String,
    #[serde(default)]
    why: String,
    #[serde(default)]
    owed: Option<usize>,
}

async fn answer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Form(answered): Form<Answered>,
) -> Answer<Response> {
    let id = change_id(&id)?;
    let Answered { answer, plan, why, owed } = answered;
    let answer = match (answer.as_str(), owed) {
        ("approve", _) => ChangeAnswer::Approve { plan },
        ("decline", _) => ChangeAnswer::Decline { why },
        ("settle", Some(owed)) => ChangeAnswer::Settle { owed, why },
        _ => return Err(Problem::not_found("such answer")),
    };
    happens(&app, &caller, &id, answer.happening()).await?;
    Ok(seen(&format!("/changes/{}", encoded(id.as_str()))))
}
