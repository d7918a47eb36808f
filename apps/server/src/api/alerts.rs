//! Alerts: what is told to whom, before and after a promise is broken.

use crate::access::{Access, EVERYBODY};
use crate::app::App;
use crate::identity::Caller;
use crate::kept::Kept;
use crate::problem::Answer;
use axum::extract::State;
use jiff::Timestamp;
use lifecycle::Role;
use operations::Alert;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![(EVERYBODY, routes!(list_alerts))]
}

/// What people are told of now: computed once for all who ask.
pub(crate) type Alerts = Kept<(), Vec<Alert>>;

/// What people are told of now; nothing before a policy is in force.
pub(crate) async fn alerts(app: &App) -> Result<Arc<Vec<Alert>>, operations::Error> {
    let asked = app.clone();
    let compute = async move {
        match asked.view(None, |view| view.alerts()).await {
            Err(operations::Error::NoPolicy { .. }) => Ok(Vec::new()),
            answered => answered,
        }
    };
    app.alerts.answer(&(), app.as_of(None).await?, compute).await
}

/// Something that is told.
#[derive(Debug, Serialize, ToSchema)]
struct AlertShape {
    /// `overdue`, `scan-overdue`, `due-soon`, `asset-silent` or `feed-stale`.
    kind: &'static str,
    words: String,
    /// The team that owns the assets; none where nobody does, or it is about a feed.
    team: Option<String>,
    /// The feed, or some of the assets.
    subjects: Vec<String>,
    /// How many findings or assets.
    count: u64,
    /// When the first of them is or was due; since when nothing is heard.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// The roles of the policy that are told, in the order in which it reached them.
    told: Vec<String>,
    /// Whether whoever asks is told.
    is_own: bool,
}

/// What is told.
#[derive(Debug, Serialize, ToSchema)]
struct AlertList {
    items: Vec<AlertShape>,
}

/// What is told by the policy in force: whoever sees all assets sees all of it, everybody else what is told to them.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "duties", responses((status = 200, body = AlertList)))]
async fn list_alerts(State(app): State<App>, caller: Caller) -> Answer<axum::Json<AlertList>> {
    let alerts = alerts(&app).await?;
    let record = app.organisation.store.record().await?;
    let shown = |alert: &Alert| alert.shown_to(&record.state, &caller.person);
    let shape = |alert: Alert| AlertShape {
        kind: alert.kind.word(),
        words: alert.words(),
        team: alert.team.clone(),
        subjects: alert.subjects.clone(),
        count: alert.count,
        at: alert.at,
        told: alert.told.iter().map(|seat| seat.role.clone()).collect(),
        is_own: alert.is_for(&record.state, &caller.person),
    };
    let sees_all = caller.is_any(Role::SEES_ALL);
    let items = alerts.iter().map(shown).map(shape).filter(|alert| alert.is_own || sees_all).collect();
    Ok(axum::Json(AlertList { items }))
}
