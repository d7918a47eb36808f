//! Roles: each that is named exists, duties can be kept apart, and every escalation ends.

use super::{Checking, among, in_words, unique};
use crate::promises::{ChangeType, Role, Spanned};

pub(super) fn check(checking: &mut Checking<'_>) {
    let promises = &checking.policy.promises;
    if promises.is_empty() {
        return;
    }
    let before = checking.problems.found.len();
    unique(&mut checking.problems, "roles", promises.roles.iter().map(|role| &role.id));
    exist(checking);
    for role in &promises.roles {
        holdings(checking, role);
        escalation(checking, role);
    }
    separation(checking);
    if checking.problems.found.len() == before && !promises.roles.is_empty() {
        checking.proven.push(format!(
            "{} roles: each that is named exists, duties can be kept apart, and every escalation ends",
            promises.roles.len()
        ));
    }
}

/// Every role that any section names, with what it is named for.
fn named<'a>(checking: &Checking<'a>) -> Vec<(&'a Spanned<String>, &'static str)> {
    let promises = &checking.policy.promises;
    let mut all = Vec::new();
    let mut add = |roles: &'a [Spanned<String>], what| all.extend(roles.iter().map(|role| (role, what)));
    for gate in &promises.gates {
        add(&gate.requested_by, "asks for changes");
        add(&gate.approved_by, "approves changes");
    }
    if let Some(exceptions) = &promises.exceptions {
        add(&exceptions.requested_by, "asks for exceptions");
        add(&exceptions.approved_by, "approves exceptions");
    }
    if let Some(review) = &promises.review {
        add(std::slice::from_ref(&review.owner), "owns the policy");
        add(&review.approved_by, "approves the policy");
    }
    if let Some(alerts) = &promises.alerts {
        add(&alerts.to, "is alerted");
    }
    promises.training.iter().for_each(|training| add(&training.roles, "is trained"));
    promises.responses.iter().for_each(|response| add(std::slice::from_ref(&response.by), "responds to violations"));
    for owed in promises.emergency.iter().flat_map(|emergency| &emergency.owes) {
        add(std::slice::from_ref(&owed.by), "owes something after an emergency");
    }
    let others = promises.acknowledgement.iter().filter_map(|one| one.escalates_to.as_ref());
    all.extend(others.map(|role| (role, "is told who has not read the policy")));
    all.extend(promises.roles.iter().filter_map(|role| Some((role.escalates_to.as_ref()?, "is escalated to"))));
    all
}

fn exist(checking: &mut Checking<'_>) {
    let known: Vec<&str> = checking.policy.promises.roles.iter().map(|role| role.id.as_ref().as_str()).collect();
    for (role, what) in named(checking) {
        if !known.contains(&role.as_ref().as_str()) {
            let said = format!("no role is called `{}`, who {what}", role.as_ref().escape_debug());
            let hint =
                if known.is_empty() { "no `[[role]]` is written".to_owned() } else { among(role.as_ref(), &known) };
            checking.problems.error("policy/unknown-role", role.span().start, said).hint(hint);
        }
    }
}

fn holdings(checking: &mut Checking<'_>, role: &Role) {
    let known = checking.known.roles;
    for held in role.holds.iter().filter(|held| !known.contains(&held.as_ref().as_str())) {
        let what = format!("`{}` is no role that people can be given", held.as_ref().escape_debug());
        checking.problems.error("policy/unknown-role", held.span().start, what).hint(among(held.as_ref(), known));
    }
    if role.people == 0 {
        let what = format!("the role `{}` has nobody", role.id.as_ref());
        checking.problems.error("policy/nobody", role.id.span().start, what).hint("`people` is at least 1");
    }
}

/// Follows an escalation to its end.
fn escalation(checking: &mut Checking<'_>, role: &Role) {
    let promises = &checking.policy.promises;
    let id = role.id.as_ref();
    if let (Some(to), None) = (&role.escalates_to, role.escalates_after) {
        let what = format!("`{id}` escalates to `{}` without saying after how long", to.as_ref());
        checking.problems.error("policy/no-time", to.span().start, what).hint("escalates-after = \"24 hours\"");
    }
    let mut path = vec![id.as_str()];
    let mut hours = 0;
    let mut at = role;
    while let Some(next) = at.escalates_to.as_ref().and_then(|next| promises.role(next.as_ref())) {
        hours += at.escalates_after.map_or(0, crate::length::Length::longest_hours);
        if path.contains(&next.id.as_ref().as_str()) {
            path.push(next.id.as_ref());
            // Each circle is told once, at the role that closes it.
            if next.id.as_ref() == id && path.iter().all(|other| *other >= id.as_str()) {
                let what = format!("the escalation of `{id}` never ends");
                checking
                    .problems
                    .error("policy/endless", role.id.span().start, what)
                    .example(path.join(" → "))
                    .hint("let the last one escalate to nobody");
            }
            return;
        }
        path.push(next.id.as_ref());
        at = next;
    }
    if let Some((class, shortest)) = checking.shortest_regular()
        && hours > shortest
    {
        let what = format!(
            "an escalation of `{id}` takes {} to its end, and class `{}` gives {}",
            in_words(hours),
            class.id,
            class.due
        );
        checking.problems.warning("policy/slow", role.id.span().start, what).example(path.join(" → "));
    }
}

/// Who asks does not approve: even if each role has no more people than it must.
fn separation(checking: &mut Checking<'_>) {
    let promises = &checking.policy.promises;
    let gates = promises.gates.iter().map(|gate| {
        (in_words_of(*gate.change.as_ref()), &gate.requested_by, &gate.approved_by, gate.change.span().start)
    });
    let exceptions = promises.exceptions.iter().map(|exceptions| {
        let at = exceptions.longest.span().start;
        ("an exception".to_owned(), &exceptions.requested_by, &exceptions.approved_by, at)
    });
    let acts: Vec<_> = gates.chain(exceptions).collect();
    for (what, requested_by, approved_by, at) in acts {
        for requester in requested_by {
            apart(checking, (&what, at), requester, approved_by);
        }
        approvers_may(checking, &what, approved_by);
    }
    for asker in promises.exceptions.iter().flat_map(|exceptions| &exceptions.requested_by) {
        asker_may(checking, asker);
    }
    if let Some(review) = &promises.review {
        let at = review.every.span().start;
        if review.approved_by.is_empty() {
            let what = "nobody approves a new version of the policy".to_owned();
            checking.problems.error("policy/no-approver", at, what);
        }
        apart(checking, ("a new version of the policy", at), &review.owner, &review.approved_by);
    }
}

/// A change of a type, with its article.
fn in_words_of(kind: ChangeType) -> String {
    format!("{} {kind} change", if kind == ChangeType::Emergency { "an" } else { "a" })
}

/// Whether the people that each role has at least suffice for one who asks and others who approve.
fn apart(
    checking: &mut Checking<'_>,
    (what, at): (&str, usize),
    requester: &Spanned<String>,
    approvers: &[Spanned<String>],
) {
    for approver in approvers {
        let id = approver.as_ref();
        let Some(role) = checking.policy.promises.role(id) else { continue };
        let asks = u32::from(requester.as_ref() == id);
        let approve = u32::try_from(approvers.iter().filter(|other| other.as_ref() == id).count()).unwrap_or(u32::MAX);
        if asks + approve <= role.people
            || approvers.iter().position(|other| other.as_ref() == id)
                != approvers.iter().position(|other| std::ptr::eq(other, approver))
        {
            continue;
        }
        let said = format!(
            "duties cannot be kept apart: nobody may approve their own request, and `{id}` has {} at least",
            people(role.people)
        );
        let example = match asks {
            1 => format!("the only `{id}` asks for {what}, which a `{id}` must approve"),
            _ => format!("{what} needs {approve} approvals by `{id}`"),
        };
        checking
            .problems
            .error("policy/own-approval", at, said)
            .example(example)
            .hint(format!("`people = {}`, or another role that approves", asks + approve));
    }
}

/// What the product lets nobody do, a policy cannot promise.
fn approvers_may(checking: &mut Checking<'_>, what: &str, approvers: &[Spanned<String>]) {
    let allowed = checking.known.approvers;
    for approver in approvers {
        let Some(role) = checking.policy.promises.role(approver.as_ref()) else { continue };
        if !role.holds.iter().any(|held| allowed.contains(&held.as_ref().as_str())) {
            let said = format!("`{}` approves {what}, and holds no role that may", approver.as_ref());
            checking
                .problems
                .error("policy/may-not", approver.span().start, said)
                .hint(format!("give it one in `holds`: {}", allowed.join(" or ")));
        }
    }
}

/// The same of who asks: the product lets only some ask for exceptions.
fn asker_may(checking: &mut Checking<'_>, asker: &Spanned<String>) {
    let allowed = checking.known.askers;
    let Some(role) = checking.policy.promises.role(asker.as_ref()) else { return };
    if !role.holds.iter().any(|held| allowed.contains(&held.as_ref().as_str())) {
        let said = format!("`{}` asks for exceptions, and holds no role that may", asker.as_ref());
        let hint = format!("give it one in `holds`: {}", allowed.join(" or "));
        checking.problems.error("policy/may-not", asker.span().start, said).hint(hint);
    }
}

fn people(count: u32) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}
