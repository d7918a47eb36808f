//! Figures that a clause asks for, held against what a policy says.

use crate::frameworks::{Clause, FRAMEWORKS, Framework, Section, framework};
use policy::promises::RecordKind;
use policy::{Clock, Length, Policy, Problem, Promises, longest_deadline};
use serde::Deserialize;

/// A figure that a policy must keep.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "of", deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Demand {
    /// The deadline of every finding of at least a CVSS score.
    Deadline {
        /// The score.
        cvss_at_least: f64,
        /// The longest it may be.
        at_most: Length,
    },
    /// The time between looks at what can be reached from the internet.
    ScanExposed {
        /// The longest it may be.
        at_most: Length,
    },
    /// The time between looks at the rest.
    ScanInternal {
        /// The longest it may be.
        at_most: Length,
    },
    /// The time between reviews of the policy.
    Review {
        /// The longest it may be.
        at_most: Length,
    },
    /// The time after which people read the policy again.
    Acknowledge {
        /// The longest it may be.
        at_most: Length,
    },
    /// The time after which every training is done again.
    Train {
        /// The longest it may be.
        at_most: Length,
    },
    /// The time after which vendors attest again.
    Attest {
        /// The longest it may be.
        at_most: Length,
    },
    /// How long every record is kept.
    Keep {
        /// The shortest it may be.
        at_least: Length,
    },
}

/// Where a policy says less than is asked: the byte at which it says so, what it says, and a case.
struct Short {
    at: Option<usize>,
    says: String,
    example: String,
}

/// What the frameworks that a policy names ask for, and it does not keep.
///
/// # Errors
/// If a framework's file cannot be read, which the tests of this crate rule out.
pub fn unmet(policy: &Policy, text: &str) -> Result<Vec<Problem>, toml::de::Error> {
    let mut problems = Vec::new();
    for (id, _) in FRAMEWORKS {
        let named = policy.promises.frameworks.iter().any(|named| named.as_ref() == id);
        let Some(framework) = framework(id).filter(|_| named) else { continue };
        let framework = framework?;
        for clause in &framework.clause {
            problems.extend(unserved(policy, (&framework, clause)));
            for demand in &clause.demand {
                let shorts = demand.shorts(policy).into_iter();
                problems.extend(shorts.map(|short| short.problem(text, (&framework, clause), demand)));
            }
        }
    }
    Ok(problems)
}

/// A clause that no section serves, because it is not written.
fn unserved(policy: &Policy, (framework, clause): (&Framework, &Clause)) -> Option<Problem> {
    let missing: Vec<Section> =
        clause.served_by.iter().copied().filter(|section| !section.is_written(policy)).collect();
    let names: Vec<String> = missing.iter().map(|section| format!("{section:?}").to_lowercase()).collect();
    (!missing.is_empty()).then(|| Problem {
        code: "policy/unserved",
        is_error: true,
        line: None,
        what: format!(
            "{} {} asks that {}, and the policy has no section for it: {}",
            framework.name,
            clause.id,
            clause.says,
            names.join(", ")
        ),
        hint: "write the section, or take the framework out of `frameworks`".to_owned(),
        example: String::new(),
    })
}

impl Short {
    fn problem(self, text: &str, (framework, clause): (&Framework, &Clause), demand: &Demand) -> Problem {
        Problem {
            code: "policy/below-framework",
            is_error: true,
            line: self.at.map(|at| policy::line_of(text, at)),
            what: format!("{}, and {} {} asks for {}", self.says, framework.name, clause.id, demand.words()),
            hint: format!("{}: {}", clause.id, clause.says),
            example: self.example,
        }
    }
}

impl Demand {
    fn words(&self) -> String {
        match self {
            Self::Deadline { cvss_at_least, at_most } => format!("{at_most} at most from CVSS {cvss_at_least} on"),
            Self::Keep { at_least } => format!("{at_least} at least"),
            Self::ScanExposed { at_most }
            | Self::ScanInternal { at_most }
            | Self::Review { at_most }
            | Self::Acknowledge { at_most }
            | Self::Train { at_most }
            | Self::Attest { at_most } => format!("{at_most} at most"),
        }
    }

    /// Whether a policy keeps it.
    #[must_use]
    pub fn is_met(&self, policy: &Policy) -> bool {
        self.shorts(policy).is_empty()
    }

    fn shorts(&self, policy: &Policy) -> Vec<Short> {
        let promises = &policy.promises;
        let short = |at: usize, says: String| Short { at: Some(at), says, example: String::new() };
        let over = |said: Option<&policy::promises::Spanned<Length>>, most: Length, what: &str| {
            let said = said.filter(|said| said.as_ref().is_longer_than(most));
            said.map(|said| short(said.span().start, format!("{what} every {}", said.as_ref()))).into_iter().collect()
        };
        match self {
            Self::Deadline { cvss_at_least, at_most } => deadline(policy, *cvss_at_least, *at_most),
            Self::ScanExposed { at_most } => over(
                promises.scanning.as_ref().map(|scanning| &scanning.exposed),
                *at_most,
                "exposed assets are looked at",
            ),
            Self::ScanInternal { at_most } => over(
                promises.scanning.as_ref().map(|scanning| &scanning.internal),
                *at_most,
                "internal assets are looked at",
            ),
            Self::Review { at_most } => {
                over(promises.review.as_ref().map(|review| &review.every), *at_most, "the policy is reviewed")
            }
            Self::Acknowledge { at_most } => {
                let every = promises.acknowledgement.as_ref().map(|one| &one.every);
                over(every, *at_most, "people read the policy")
            }
            Self::Attest { at_most } => {
                over(promises.vendors.as_ref().map(|vendors| &vendors.attest), *at_most, "vendors attest")
            }
            Self::Train { at_most } => trainings(promises, *at_most),
            Self::Keep { at_least } => records(promises, *at_least),
        }
    }
}

fn deadline(policy: &Policy, cvss: f64, most: Length) -> Vec<Short> {
    let Some(longest) = longest_deadline(policy, cvss) else {
        let says = format!("it cannot be proven which deadline a finding of CVSS {cvss} gets");
        return vec![Short { at: None, says, example: String::new() }];
    };
    let from_release = |clock: &Clock| matches!(clock, Clock::Published | Clock::PatchAvailable);
    let short = |says: String| vec![Short { at: Some(longest.class.place), says, example: longest.example.clone() }];
    match longest.class.due.is_within(most) {
        true if longest.class.clock.iter().any(from_release) => Vec::new(),
        // What starts later than the release leaves more time from it on.
        true => short(format!("the clock of class `{}` starts with neither patch nor publication", longest.class.id)),
        false => short(format!("class `{}` gives {}", longest.class.id, longest.class.due)),
    }
}

fn trainings(promises: &Promises, most: Length) -> Vec<Short> {
    let late = promises.training.iter().filter(|training| training.every.as_ref().is_longer_than(most));
    late.map(|training| Short {
        at: Some(training.every.span().start),
        says: format!("the training `{}` is done again every {}", training.id.as_ref(), training.every.as_ref()),
        example: String::new(),
    })
    .collect()
}

fn records(promises: &Promises, least: Length) -> Vec<Short> {
    let is_kept = |kind: &RecordKind| promises.records.iter().any(|record| record.kind.as_ref() == kind);
    let missing = RecordKind::ALL.iter().filter(|kind| !is_kept(kind)).map(|kind| Short {
        at: promises.records.first().map(|record| record.kind.span().start),
        says: format!("no `[[record]]` says how long {} are kept", kind.words()),
        example: String::new(),
    });
    let short = promises.records.iter().filter(|record| least.is_longer_than(*record.keep.as_ref()));
    let short = short.map(|record| Short {
        at: Some(record.keep.span().start),
        says: format!("this record is kept for {}", record.keep.as_ref()),
        example: String::new(),
    });
    missing.chain(short).collect()
}

impl Section {
    /// Whether a policy has it.
    #[must_use]
    pub fn is_written(self, policy: &Policy) -> bool {
        let promises = &policy.promises;
        match self {
            Self::Scope => promises.scope.is_some(),
            Self::Roles => !promises.roles.is_empty(),
            Self::Scanning => promises.scanning.is_some(),
            // There is no policy without.
            Self::Classes => true,
            Self::Testing => promises.testing.is_some(),
            Self::Gates => !promises.gates.is_empty(),
            Self::Deployment => promises.deployment.is_some(),
            Self::Emergency => promises.emergency.is_some(),
            Self::Records => !promises.records.is_empty(),
            Self::Monitoring => !promises.measures.is_empty() && promises.alerts.is_some(),
            Self::Responses => !promises.responses.is_empty(),
            Self::Review => promises.review.is_some(),
            Self::Exceptions => promises.exceptions.is_some(),
            Self::Vendors => promises.vendors.is_some(),
            Self::Training => !promises.training.is_empty(),
            Self::Acknowledgement => promises.acknowledgement.is_some(),
        }
    }
}
