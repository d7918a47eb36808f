//! Policies as they are written, checked with all that the product knows.

use policy::{Checked, Known, check};

/// Checks the text of a policy as of an instant: what it says by itself, and what the frameworks that it names ask for.
///
/// # Errors
/// If a framework that ships with the program cannot be read.
pub fn check_policy(text: &str, now: jiff::Timestamp) -> Result<Checked, crate::Error> {
    let feeds: Vec<&str> = advisories::feeds::FEEDS.iter().map(|feed| feed.id).collect();
    let roles: Vec<&str> = lifecycle::Role::ALL.iter().map(|role| role.word()).collect();
    let approvers: Vec<&str> = lifecycle::Role::DECIDES.iter().map(|role| role.word()).collect();
    let askers: Vec<&str> = lifecycle::Role::ASKS.iter().map(|role| role.word()).collect();
    let frameworks: Vec<&str> = evidence::FRAMEWORKS.iter().map(|(id, _)| *id).collect();
    let known =
        Known { feeds: &feeds, roles: &roles, approvers: &approvers, askers: &askers, frameworks: &frameworks, now };
    let mut checked = check(text, known);
    if let Some(policy) = &checked.policy {
        let unmet = evidence::unmet(policy, text).map_err(crate::Error::Framework)?;
        let known = |named: &&policy::promises::Spanned<String>| frameworks.contains(&named.as_ref().as_str());
        let named = policy.promises.frameworks.iter().filter(known).count();
        if unmet.is_empty() && named > 0 {
            checked.proven.push(match named {
                1 => "the framework that it names asks for nothing more".to_owned(),
                _ => format!("the {named} frameworks that it names ask for nothing more"),
            });
        }
        checked.problems.extend(unmet);
        checked.problems.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
    }
    Ok(checked)
}
