//! Policies as they are written: read from a file, a folder or by the name of a preset, and checked.

use policy::{Checked, Known, check};

/// Checks the text of a policy: what it says by itself, and what the frameworks that it names ask for.
///
/// # Errors
/// If a framework that ships with the program cannot be read.
pub fn check_policy(text: &str) -> Result<Checked, crate::Error> {
    let feeds: Vec<&str> = advisories::feeds::FEEDS.iter().map(|feed| feed.id).collect();
    let roles: Vec<&str> = lifecycle::Role::ALL.iter().map(|role| role.word()).collect();
    let approvers: Vec<&str> = lifecycle::Role::DECIDES.iter().map(|role| role.word()).collect();
    let frameworks: Vec<&str> = evidence::FRAMEWORKS.iter().map(|(id, _)| *id).collect();
    let known = Known { feeds: &feeds, roles: &roles, approvers: &approvers, frameworks: &frameworks };
    let mut checked = check(text, known);
    if let Some(policy) = &checked.policy {
        let unmet = evidence::unmet(policy, text).map_err(crate::Error::Framework)?;
        let named = policy.promises.frameworks.len();
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
