//! People, their roles and teams.

use super::{Json, Path};
use crate::access::{ADMINISTRATES, Access, SEES_PEOPLE};
use crate::app::App;
use crate::identity::{Caller, account};
use crate::problem::{Answer, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use lifecycle::{Command, Person, PersonId, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use store::{AccountChange, Plan};
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![
        (SEES_PEOPLE, routes!(list_people)),
        (ADMINISTRATES, routes!(update_person)),
        (ADMINISTRATES, routes!(delete_person)),
        (ADMINISTRATES, routes!(invite_person)),
    ]
}

/// A role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum RoleShape {
    Auditor,
    Employee,
    Developer,
    Operator,
    SecurityLead,
    Approver,
    Administrator,
}

impl From<Role> for RoleShape {
    fn from(role: Role) -> Self {
        match role {
            Role::Auditor => Self::Auditor,
            Role::Employee => Self::Employee,
            Role::Developer => Self::Developer,
            Role::Operator => Self::Operator,
            Role::SecurityLead => Self::SecurityLead,
            Role::Approver => Self::Approver,
            Role::Administrator => Self::Administrator,
        }
    }
}

impl From<RoleShape> for Role {
    fn from(shape: RoleShape) -> Self {
        match shape {
            RoleShape::Auditor => Self::Auditor,
            RoleShape::Employee => Self::Employee,
            RoleShape::Developer => Self::Developer,
            RoleShape::Operator => Self::Operator,
            RoleShape::SecurityLead => Self::SecurityLead,
            RoleShape::Approver => Self::Approver,
            RoleShape::Administrator => Self::Administrator,
        }
    }
}

/// Somebody.
#[derive(Debug, Serialize, ToSchema)]
struct PersonShape {
    id: String,
    roles: Vec<RoleShape>,
    /// The teams whose assets are theirs.
    teams: BTreeSet<String>,
    is_erased: bool,
}

fn shape((id, person): (&PersonId, &Person)) -> PersonShape {
    PersonShape {
        id: id.to_string(),
        roles: person.roles.iter().map(|role| (*role).into()).collect(),
        teams: person.teams.clone(),
        is_erased: person.is_erased,
    }
}

/// Everybody.
#[derive(Debug, Serialize, ToSchema)]
struct People {
    items: Vec<PersonShape>,
}

/// Everybody who is known, with their roles.
#[utoipa::path(get, path = "/api/v1/people", tag = "people", responses((status = 200, body = People)))]
async fn list_people(State(app): State<App>) -> Answer<axum::Json<People>> {
    let record = app.organisation.store.record().await?;
    Ok(axum::Json(People { items: record.state.people.iter().map(shape).collect() }))
}

/// What somebody is trusted with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRoles {
    roles: Vec<RoleShape>,
    #[serde(default)]
    teams: BTreeSet<String>,
}

/// Gives somebody these roles and teams, and no others; whoever is not known yet is known from then on.
#[utoipa::path(put, path = "/api/v1/people/{person}", tag = "people", params(("person" = String, Path, description = "The person's id")),
    request_body = NewRoles, responses((status = 200, body = PersonShape), (status = 403, body = Problem), (status = 409, body = Problem)))]
async fn update_person(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
    Json(new): Json<NewRoles>,
) -> Answer<axum::Json<PersonShape>> {
    let person = PersonId::new(person)?;
    let roles = new.roles.into_iter().map(Into::into).collect();
    app.organisation.act(&caller.person, app.now(), Command::SetRoles(person.clone(), roles, new.teams)).await?;
    let record = app.organisation.store.record().await?;
    let found = record.state.people.get(&person).map(|known| shape((&person, known)));
    found.map(axum::Json).ok_or_else(|| Problem::not_found("such person"))
}

/// Erases what is known of somebody who has gone, beside the id: they sign in no longer.
#[utoipa::path(delete, path = "/api/v1/people/{person}", tag = "people", params(("person" = String, Path, description = "The person's id")),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn delete_person(State(app): State<App>, caller: Caller, Path(person): Path<String>) -> Answer<StatusCode> {
    erase(&app, &caller, PersonId::new(person)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Erases somebody: the entry and the account go in one transaction.
pub(crate) async fn erase(app: &App, caller: &Caller, person: PersonId) -> Answer<()> {
    let plan = Plan {
        commands: vec![Command::ErasePerson(person.clone())],
        accounts: vec![AccountChange { person, body: None, ends_sessions: true }],
        ..Plan::default()
    };
    app.organisation.store.commit(&caller.person, app.now(), move |_| Ok(plan)).await?;
    Ok(())
}

/// A link that holds once.
#[derive(Debug, Serialize, ToSchema)]
struct Invitation {
    /// The address; whoever opens it first chooses the password.
    link: String,
}

/// Invites somebody, or lets them begin anew: what they signed in with before holds no longer.
#[utoipa::path(post, path = "/api/v1/people/{person}/invite", tag = "people", params(("person" = String, Path, description = "The person's id")),
    responses((status = 200, body = Invitation), (status = 404, body = Problem)))]
async fn invite_person(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Answer<axum::Json<Invitation>> {
    let secret = account::invite(&app, &PersonId::new(person)?, &caller.person).await?;
    Ok(axum::Json(Invitation { link: app.settings.address_of(&format!("/invitation/{secret}")) }))
}
