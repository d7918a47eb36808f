//! What an index says about one vulnerability and the packages at hand: why it concerns none of them.

use crate::find::{Cover, covers_of, keys};
use advisories::index::{Index, Statement, Verdict};
use inventory::Inventory;

/// A statement on a vulnerability and an installed package that it does not affect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The package's place in the inventory.
    pub package: usize,
    /// The advisory's number.
    pub advisory: u32,
    /// What is said, in words.
    pub what: String,
}

/// Everything that the index says about a vulnerability and a package of the inventory, by the number of the former.
///
/// # Errors
/// If the index is damaged.
pub fn mentions(
    inventory: &Inventory,
    index: &Index<'_>,
    vulnerability: u32,
) -> Result<Vec<Mention>, advisories::Error> {
    let mut found = Vec::new();
    for package in 0..inventory.packages.len() {
        of_package(inventory, package, index, vulnerability, &mut found)?;
    }
    Ok(found)
}

fn of_package(
    inventory: &Inventory,
    package: usize,
    index: &Index<'_>,
    vulnerability: u32,
    found: &mut Vec<Mention>,
) -> Result<(), advisories::Error> {
    let own = &inventory.packages[package];
    for Cover { ecosystem, family } in covers_of(own, index)? {
        for key in keys(own, &ecosystem) {
            for statement in index.statements(&ecosystem, key.name)? {
                let statement = statement?;
                if index.advisory(statement.advisory)?.vulnerabilities.contains(&vulnerability) {
                    let what = in_words(&statement, family.scheme, key.version)?;
                    found.push(Mention { package, advisory: statement.advisory, what });
                }
            }
        }
    }
    found.dedup();
    Ok(())
}

fn in_words(statement: &Statement<'_>, scheme: versions::Scheme, version: &str) -> Result<String, advisories::Error> {
    let fixed: Vec<String> = statement
        .ranges()?
        .iter()
        .flat_map(|range| range.events.iter().filter(|(tag, _)| *tag == 1).map(|(_, fixed)| (*fixed).to_owned()))
        .collect();
    Ok(match statement.evaluate(scheme, version)? {
        Ok(Verdict::Outside) if !fixed.is_empty() => format!("{version} is not before {}", fixed.join(" or ")),
        Ok(Verdict::Outside) if statement.state == advisories::FixState::NotAffected => {
            "the publisher says that it is not affected".to_owned()
        }
        Ok(Verdict::Outside) => format!("{version} lies outside of what is affected"),
        Ok(_) => format!("{version} would be affected, but another statement settles it"),
        Err(error) => error.to_string(),
    })
}
