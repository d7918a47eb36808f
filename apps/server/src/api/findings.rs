//! Findings: lists, groups, why, and what could not be judged.

use super::assets::AssetQuery;
use super::shapes::{CountsShape, FindingShape};
use super::{AtQuery, Listed, Part, Path, Query, ROWS, instant};
use crate::access::{Access, SEES_ASSETS};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::extract::State;
use fleet::{AssetFilter, Explanation, Filter, GroupBy, Query as FindingsQuery, Sort};
use jiff::Timestamp;
use lifecycle::AssetId;
use operations::View;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![
        (SEES_ASSETS, routes!(list_findings)),
        (SEES_ASSETS, routes!(list_groups)),
        (SEES_ASSETS, routes!(get_finding)),
        (SEES_ASSETS, routes!(list_undetermined)),
    ]
}

/// Which findings are asked for. What an asset must be is said as for assets, `asset` and `name` included.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FindingQuery {
    /// `open`, `restart-pending`, `undetermined` or `suppressed`; all but the last if nothing is said.
    pub(crate) state: Option<String>,
    /// A class of the policy.
    pub(crate) class: Option<String>,
    /// A part of the vulnerability's id, an alias or the title.
    pub(crate) vulnerability: Option<String>,
    /// A part of a package's name.
    pub(crate) package: Option<String>,
    /// Only what is overdue (`true`), or only what is not (`false`).
    #[serde(deserialize_with = "super::empty_is_none")]
    pub(crate) overdue: Option<bool>,
    /// Only what is due before this day or instant.
    pub(crate) due_before: Option<String>,
    /// One asset, by its whole id.
    pub(crate) asset: Option<String>,
    /// A part of the asset's id or name.
    pub(crate) name: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) criticality: Option<String>,
    /// `exposed` or `internal`.
    pub(crate) exposure: Option<String>,
    pub(crate) tag: Option<String>,
    /// A part of the operating system's name.
    pub(crate) platform: Option<String>,
    /// What must not be known of the asset: `owner`, `environment`, `criticality`, `exposure`, `platform` or `tag`, with commas between.
    pub(crate) unknown: Option<String>,
    /// `due`, `class`, `cvss`, `epss`, `vulnerability` or `asset`.
    #[param(ignore)]
    pub(crate) sort: Option<String>,
    /// Groups: `vulnerability`, `package`, `asset`, `class`, `state`, `environment`, `owner` or `platform`.
    #[param(ignore)]
    pub(crate) by: Option<String>,
    /// As of this day or instant instead of now.
    pub(crate) at: Option<String>,
    /// The token of a page that was given with the one before.
    pub(crate) page_token: Option<String>,
    /// How many rows, 1000 at the most.
    #[param(minimum = 1, maximum = 1000)]
    #[serde(deserialize_with = "super::empty_is_none")]
    pub(crate) limit: Option<usize>,
}

impl Listed for FindingQuery {
    fn page(&mut self) -> (&mut Option<String>, &mut Option<usize>) {
        (&mut self.page_token, &mut self.limit)
    }
}

impl FindingQuery {
    /// The filter of what somebody asks for, and sees.
    pub(crate) fn filter(&self, caller: &Caller) -> Answer<Filter> {
        let words = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let assets = AssetQuery {
            name: self.name.clone(),
            environment: self.environment.clone(),
            owner: self.owner.clone(),
            criticality: self.criticality.clone(),
            exposure: self.exposure.clone(),
            tag: self.tag.clone(),
            platform: self.platform.clone(),
            unknown: self.unknown.clone(),
            ..AssetQuery::default()
        };
        let id = words(&self.asset).map(AssetId::new).transpose()?;
        Ok(Filter {
            states: words(&self.state).map(|word| state(&word)).transpose()?.into_iter().collect(),
            classes: words(&self.class).into_iter().collect(),
            vulnerability: words(&self.vulnerability),
            exactly: None,
            package: words(&self.package)
                .map(|text| operations::package_name(&text))
                .transpose()
                .map_err(Problem::bad)?,
            is_overdue: self.overdue,
            due_before: instant(self.due_before.as_deref())?,
            assets: AssetFilter { id, ..assets.filter(caller)? },
        })
    }

    /// By what the list is sorted.
    pub(crate) fn sort(&self) -> Answer<Sort> {
        if self.by.as_deref().is_some_and(|word| !word.is_empty()) {
            return Err(Problem::bad("`by` makes groups: this is a list, which `sort` puts in order"));
        }
        match self.sort.as_deref().unwrap_or("due") {
            "due" | "" => Ok(Sort::Due),
            "class" => Ok(Sort::Class),
            "cvss" => Ok(Sort::Cvss),
            "epss" => Ok(Sort::Epss),
            "vulnerability" => Ok(Sort::Vulnerability),
            "asset" => Ok(Sort::Asset),
            other => Err(Problem::bad(format!("`{other}` is nothing to sort by"))),
        }
    }

    /// By what groups are made.
    pub(crate) fn group(&self) -> Answer<GroupBy> {
        if self.sort.as_deref().is_some_and(|word| !word.is_empty()) {
            return Err(Problem::bad("`sort` puts a list in order: groups stand by how much is overdue"));
        }
        match self.by.as_deref().unwrap_or("package") {
            "vulnerability" => Ok(GroupBy::Vulnerability),
            "package" | "" => Ok(GroupBy::Package),
            "asset" => Ok(GroupBy::Asset),
            "class" => Ok(GroupBy::Class),
            "state" => Ok(GroupBy::State),
            "environment" => Ok(GroupBy::Environment),
            "owner" => Ok(GroupBy::Owner),
            "platform" => Ok(GroupBy::Platform),
            other => Err(Problem::bad(format!("`{other}` is nothing to group by"))),
        }
    }
}

fn state(word: &str) -> Answer<fleet::State> {
    match word {
        "open" => Ok(fleet::State::Open),
        "restart-pending" | "restart pending" => Ok(fleet::State::RestartPending),
        "undetermined" => Ok(fleet::State::Undetermined),
        "suppressed" => Ok(fleet::State::Suppressed),
        other => Err(Problem::bad(format!("`{other}` is no state of a finding"))),
    }
}

/// A page of findings.
#[derive(Debug, Serialize, ToSchema)]
struct FindingsPage {
    items: Vec<FindingShape>,
    total: u64,
    overdue: u64,
    /// How many more there are that are set aside, by a decision or by the policy's scope; null where neither an asset nor a vulnerability is
    /// asked for, or a state is.
    set_aside: Option<u64>,
    /// What is not known of the assets that were asked for; nothing of it is safe.
    gaps: Vec<String>,
    next_page_token: Option<String>,
}

/// Says no to a class that the policy has not: a slip of the pen is no all-clear.
pub(crate) fn has_class(filter: &Filter, view: &View<'_>) -> Answer<()> {
    let classes = view.findings.classes();
    match filter.classes.iter().find(|class| !classes.contains(class)) {
        None => Ok(()),
        Some(class) => Err(Problem::bad(format!("`{class}` is no class of the policy: {}", classes.join(", ")))),
    }
}

/// A part of a list of findings. A class that is none, and a row to go on behind that is not here, are no empty lists.
pub(crate) fn findings_of(view: &View<'_>, query: &FindingsQuery) -> Answer<fleet::Page> {
    has_class(&query.filter, view)?;
    match query.after.as_ref().is_none_or(|after| after.is_known(&view.record.facts)) {
        true => Ok(view.findings.list(&view.record.facts, query)),
        false => Err(Problem::bad("page_token names a row that is not known here yet: ask again")),
    }
}

/// The findings that are asked for.
#[utoipa::path(get, path = "/api/v1/findings", tag = "findings",
    params(FindingQuery, ("sort" = Option<String>, Query, description = "`due`, `class`, `cvss`, `epss`, `vulnerability` or `asset`")), responses((status = 200, body = FindingsPage), (status = 400, body = Problem)))]
async fn list_findings(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<FindingQuery>,
) -> Answer<axum::Json<FindingsPage>> {
    let part = Part::of("findings", &query, ROWS)?;
    let (filter, sort) = (query.filter(&caller)?, query.sort()?);
    let (after, offset) = part.after()?;
    let answer = app.view(instant(query.at.as_deref())?, |view| {
        let query = FindingsQuery { sort, offset, after, limit: part.limit, now: view.now, filter };
        let asks = query.filter.vulnerability.is_some()
            || query.filter.assets.id.is_some()
            || query.filter.assets.name.is_some();
        let aside = || view.findings.set_aside(&view.record.facts, &query.filter, view.now);
        let set_aside = if asks { aside() } else { None };
        Ok::<_, Problem>((findings_of(view, &query)?, set_aside, view.gaps(&query.filter.assets).words()))
    });
    let (page, set_aside, gaps) = answer.await??;
    let next_page_token = part.behind(page.rows.len(), page.last.as_ref());
    let items = page.rows.into_iter().map(Into::into).collect();
    Ok(axum::Json(FindingsPage { items, total: page.total, overdue: page.overdue, set_aside, gaps, next_page_token }))
}

/// A group of findings.
#[derive(Debug, Serialize, ToSchema)]
struct GroupShape {
    /// What they have in common; empty where it is not known.
    name: String,
    counts: CountsShape,
    assets: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
}

/// A page of groups.
#[derive(Debug, Serialize, ToSchema)]
struct GroupsPage {
    items: Vec<GroupShape>,
    total: usize,
    /// What is not known of the assets that were asked for; nothing of it is safe.
    gaps: Vec<String>,
    next_page_token: Option<String>,
}

/// Findings in groups, those with most that is overdue first.
#[utoipa::path(get, path = "/api/v1/findings/groups", tag = "findings",
    params(FindingQuery, ("by" = Option<String>, Query, description = "`vulnerability`, `package`, `asset`, `class`, `state`, `environment`, `owner` or `platform`")), responses((status = 200, body = GroupsPage), (status = 400, body = Problem)))]
async fn list_groups(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<FindingQuery>,
) -> Answer<axum::Json<GroupsPage>> {
    let part = Part::of("groups", &query, ROWS)?;
    let (filter, by) = (query.filter(&caller)?, query.group()?);
    let answer = app.view(instant(query.at.as_deref())?, |view| {
        has_class(&filter, view)?;
        let groups = view.findings.groups(&view.record.facts, (&filter, by), view.now);
        Ok::<_, Problem>((groups, view.gaps(&filter.assets).words()))
    });
    let (groups, gaps) = answer.await??;
    let total = groups.len();
    let shape = |group: fleet::Group| GroupShape {
        name: group.name,
        counts: group.counts.into(),
        assets: group.assets,
        due_at: group.due,
    };
    let (groups, next_page_token) = part.of_list(groups, by_weight)?;
    let items = groups.into_iter().map(shape).collect();
    Ok(axum::Json(GroupsPage { items, total, gaps, next_page_token }))
}

/// Why nothing can be said of what nobody has judged.
pub(crate) const NOT_HELD_YET: &str = "it was not held against any advisories yet";

/// What things that could not be judged are in the order of.
pub(crate) fn by_spread(one: &fleet::Undetermined) -> (u64, fleet::Thing) {
    (u64::MAX - one.assets, one.thing.clone())
}

/// What groups are in the order of.
pub(crate) fn by_weight(group: &fleet::Group) -> (u64, u64, String) {
    (u64::MAX - group.counts.overdue, u64::MAX - group.counts.findings, group.name.clone())
}

/// Everything that one finding rests on: what carried it, what was known, and how its due date follows.
#[utoipa::path(get, path = "/api/v1/assets/{asset}/findings/{vulnerability}", tag = "findings",
    params(AtQuery, ("asset" = String, Path, description = "The asset's id"), ("vulnerability" = String, Path, description = "The vulnerability, under any of its ids")),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn get_finding(
    State(app): State<App>,
    caller: Caller,
    Path((asset, vulnerability)): Path<(String, String)>,
    Query(query): Query<AtQuery>,
) -> Answer<axum::Json<serde_json::Value>> {
    let asset = AssetId::new(asset)?;
    let answer = app.view(instant(query.at.as_deref())?, |view| {
        caller.may_see(view.record, &asset, view.at)?;
        let found = view.findings.explain(&view.record.facts, &vulnerability, &asset);
        found
            .as_ref()
            .map(explained)
            .ok_or_else(|| Problem::not_found("such finding: the asset never had it, as far as is known"))
    });
    Ok(axum::Json(answer.await??))
}

fn explained(found: &Explanation) -> serde_json::Value {
    let mut all = operations::explanation_as_json(found);
    all["is_reopened"] = json!(found.is_reopened);
    all["first_seen_at"] = json!(found.first_seen);
    all
}

/// Something that could not be judged.
#[derive(Debug, Serialize, ToSchema)]
struct UndeterminedShape {
    name: String,
    ecosystem: String,
    /// Why.
    why: String,
    /// On how many assets it is.
    assets: u64,
}

/// A page of what could not be judged.
#[derive(Debug, Serialize, ToSchema)]
struct UndeterminedPage {
    items: Vec<UndeterminedShape>,
    total: usize,
    /// What is not known of the assets that were asked for; nothing of it is safe.
    gaps: Vec<String>,
    next_page_token: Option<String>,
}

/// What could not be judged, what is on most assets first; nothing of it is called safe.
#[utoipa::path(get, path = "/api/v1/undetermined", tag = "findings", params(AssetQuery), responses((status = 200, body = UndeterminedPage)))]
async fn list_undetermined(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AssetQuery>,
) -> Answer<axum::Json<UndeterminedPage>> {
    let (filter, part) = (query.filter(&caller)?, Part::of("undetermined", &query, ROWS)?);
    let answer = app.view(instant(query.at.as_deref())?, |view| {
        let filter = query.narrowed(filter, view);
        (view.findings.undetermined(&view.record.facts, &filter), view.gaps(&filter).words())
    });
    let (found, gaps) = answer.await?;
    let total = found.len();
    let shape = |one: fleet::Undetermined| UndeterminedShape {
        name: one.thing.label(),
        ecosystem: one.thing.ecosystem,
        why: if one.why.is_empty() { NOT_HELD_YET.to_owned() } else { one.why },
        assets: one.assets,
    };
    let (found, next_page_token) = part.of_list(found, by_spread)?;
    let items = found.into_iter().map(shape).collect();
    Ok(axum::Json(UndeterminedPage { items, total, gaps, next_page_token }))
}
