//! Who is trusted with what: agents, tokens, credentials, and what developers see.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use plimsoll_lifecycle::{Attributes, Command, Holder, Pushed, Role, TokenId, TokenScope, decide};
use std::collections::BTreeSet;
use world::{World, asset, day, person};

fn token(id: &str) -> TokenId {
    TokenId::new(id).expect("an id")
}

#[test]
fn an_agent_enrols_once_with_its_ticket_and_is_out_when_it_is_revoked_replaced_or_its_asset_goes() {
    let mut world = World::staffed();
    world.done(&Command::RegisterAsset(asset("a"), Attributes::default()), "ops", day(0));
    let issue = |id: &str| Command::IssueToken {
        token: token(id),
        holder: Holder::Asset(asset("a")),
        digest: "d".to_owned(),
        until: day(1),
        scopes: BTreeSet::new(),
    };
    world.done(&issue("one"), "ops", day(0));
    let enrol = |id: &str, key: &str| Command::EnrolAgent(token(id), key.to_owned());
    assert_eq!(world.refused(&enrol("one", "k"), "ops", day(0)), "refusal/role", "the service lets in, nobody else");
    assert_eq!(world.refused(&enrol("none", "k"), "system", day(0)), "refusal/unknown");
    assert_eq!(world.refused(&enrol("one", "k"), "system", day(2)), "refusal/unknown", "it is over");
    world.done(&enrol("one", "k"), "system", day(0));
    assert!(world.state.is_agent(&asset("a"), &token("one")));
    assert!(decide(&world.state, &enrol("one", "k"), &person("system"), day(0)).expect("again").is_empty());
    assert_eq!(world.refused(&enrol("one", "other"), "system", day(0)), "refusal/state", "it holds once");
    world.done(&issue("two"), "ops", day(0));
    world.done(&enrol("two", "k2"), "system", day(0));
    assert!(!world.state.is_agent(&asset("a"), &token("one")) && world.state.is_agent(&asset("a"), &token("two")));
    let revoke = |reason: &str| Command::RevokeAgent(asset("a"), reason.to_owned());
    assert_eq!(world.refused(&revoke(" "), "ops", day(0)), "refusal/no-reason");
    world.done(&issue("spare"), "ops", day(0));
    world.done(&revoke("stolen"), "ops", day(0));
    assert_eq!(world.refused(&enrol("spare", "k"), "system", day(0)), "refusal/unknown", "its open tickets go with it");
    assert!(!world.state.is_agent(&asset("a"), &token("two")));
    assert_eq!(world.refused(&revoke("stolen"), "ops", day(0)), "refusal/unknown");
    world.done(&issue("three"), "ops", day(0));
    world.done(&enrol("three", "k3"), "system", day(0));
    assert_eq!(world.state.agents().count(), 1);
    world.done(&Command::RevokeToken(token("three")), "ops", day(0));
    assert_eq!(world.state.agents().count(), 0, "one that is let in no longer is no agent in any list");
    assert!(!world.state.is_agent(&asset("a"), &token("three")), "its ticket was taken back");
    world.done(&issue("four"), "ops", day(0));
    world.done(&enrol("four", "k4"), "system", day(0));
    world.done(&Command::RetireAsset(asset("a"), "gone".to_owned()), "ops", day(0));
    assert!(!world.state.is_agent(&asset("a"), &token("four")));
    world.done(&Command::RegisterAsset(asset("a"), Attributes::default()), "ops", day(0));
    assert!(!world.state.is_agent(&asset("a"), &token("four")), "what comes back is another machine");
    let mut again = plimsoll_lifecycle::State::default();
    for entry in &world.entries {
        let event = plimsoll_lifecycle::Event::from_entry(again.entries, entry).expect("an event");
        let by = person(&entry.actor);
        plimsoll_lifecycle::review(&again, &event, &by, entry.at).expect("lawful when it is played again");
        again.apply(entry).expect("taken in");
    }
}

#[test]
fn everybody_has_tokens_and_credentials_of_their_own_and_only_administrators_touch_others() {
    let mut world = World::staffed();
    let issue = |id: &str, who: &str| Command::IssueToken {
        token: token(id),
        holder: Holder::Person(person(who)),
        digest: "d".to_owned(),
        until: day(90),
        scopes: BTreeSet::from([TokenScope::Read]),
    };
    world.done(&issue("own", "ops"), "ops", day(0));
    assert_eq!(world.refused(&issue("x", "lead"), "ops", day(0)), "refusal/role");
    assert_eq!(world.refused(&Command::RevokeToken(token("own")), "lead", day(0)), "refusal/role");
    world.done(&issue("theirs", "lead"), "root", day(0));
    world.done(&Command::RevokeToken(token("own")), "ops", day(0));
    use plimsoll_lifecycle::Credential::{Invitation, Password};
    let change = |who: &str, what, is_there| Command::ChangeCredential(person(who), what, is_there);
    world.done(&change("ops", Password, true), "ops", day(0));
    assert_eq!(world.refused(&change("ops", Password, true), "root", day(0)), "refusal/own-credentials");
    assert_eq!(world.refused(&change("ops", Password, false), "lead", day(0)), "refusal/role");
    assert_eq!(world.refused(&change("ops", Invitation, true), "ops", day(0)), "refusal/role");
    assert_eq!(world.refused(&change("nobody", Invitation, true), "root", day(0)), "refusal/unknown");
    world.done(&change("ops", Invitation, true), "root", day(0));
    world.done(&change("ops", Invitation, false), "system", day(0));
    assert_eq!(world.refused(&change("ops", Password, true), "system", day(0)), "refusal/role");
}

#[test]
fn a_developer_sees_and_reports_the_assets_of_their_teams_alone() {
    let mut world = World::staffed();
    for (id, owner) in [("web", "web"), ("db", "data")] {
        let attributes = Attributes { owner: Some(owner.to_owned()), ..Attributes::default() };
        world.done(&Command::RegisterAsset(asset(id), attributes), "ops", day(0));
    }
    let roles = BTreeSet::from([Role::Developer]);
    world.done(&Command::SetRoles(person("dina"), roles, BTreeSet::from(["web".to_owned()])), "root", day(0));
    world.done(&Command::SetRoles(person("emil"), BTreeSet::from([Role::Employee]), BTreeSet::new()), "root", day(0));
    let sees = |who: &str, id: &str| world.state.may_see(&person(who), &asset(id)).is_ok();
    assert_eq!(
        [sees("dina", "web"), sees("dina", "db"), sees("ops", "db"), sees("emil", "web")],
        [true, false, true, false]
    );
    let push = |id: &str| {
        Command::PushInventory(Pushed {
            asset: asset(id),
            digest: "d".to_owned(),
            document: "d".to_owned(),
            taken_at: day(0),
            packages: 1,
            unread: 0,
        })
    };
    assert_eq!(world.refused(&push("db"), "dina", day(0)), "refusal/unknown");
    assert_eq!(world.refused(&push("web"), "emil", day(0)), "refusal/role");
    world.done(&push("web"), "dina", day(0));
}

#[test]
fn what_schema_1_called_executives_are_approvers() {
    let role: Role = serde_json::from_str("\"executive\"").expect("a role");
    assert_eq!((role, role.word()), (Role::Approver, "approver"));
}
