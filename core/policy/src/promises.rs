//! What a policy promises beside the deadlines of its classes, one file per section.
//!
//! A section that is not written promises nothing: a table of deadlines alone is a policy that scans can use, and no document.

mod change;
mod monitoring;
mod people;
mod scope;

pub use change::{
    Automatic, ChangeType, Deployment, Emergency, Freeze, Gate, Need, Notice, Owed, Reboot, Ring, Testing, Window,
};
pub use monitoring::{Alerts, Measure, MeasureKind, Record, RecordKind, Response, ResponseStep};
pub use people::{Acknowledgement, ExceptionNeed, Exceptions, Review, Role, Training, Trigger, Vendors};
pub use scope::{Coverage, Covered, Definition, Scanning, Scope, ScopeRule, Subject, coverage};

pub use toml::Spanned;

/// The sections that a policy document has beside its classes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Promises {
    /// Which assets it covers.
    pub scope: Option<Scope>,
    /// What its words mean.
    pub definitions: Vec<Definition>,
    /// Who answers for what.
    pub roles: Vec<Role>,
    /// Where vulnerabilities are looked for, and how often.
    pub scanning: Option<Scanning>,
    /// How patches are tested.
    pub testing: Option<Testing>,
    /// What must be true before a change moves on.
    pub gates: Vec<Gate>,
    /// How patches are deployed.
    pub deployment: Option<Deployment>,
    /// The stages of a rollout.
    pub rings: Vec<Ring>,
    /// When assets may be changed.
    pub windows: Vec<Window>,
    /// When they may not.
    pub freezes: Vec<Freeze>,
    /// What happens when it cannot wait.
    pub emergency: Option<Emergency>,
    /// What is kept, and how long.
    pub records: Vec<Record>,
    /// What is measured, with its target.
    pub measures: Vec<Measure>,
    /// Who is told of what.
    pub alerts: Option<Alerts>,
    /// What follows from violations, in their order.
    pub responses: Vec<Response>,
    /// When the policy itself is looked at again.
    pub review: Option<Review>,
    /// How deadlines may be departed from.
    pub exceptions: Option<Exceptions>,
    /// What those owe who manage services for the organisation.
    pub vendors: Option<Vendors>,
    /// What people learn.
    pub training: Vec<Training>,
    /// That people have read it.
    pub acknowledgement: Option<Acknowledgement>,
    /// The frameworks whose demands it must meet, by their ids.
    pub frameworks: Vec<Spanned<String>>,
}

impl Promises {
    /// Whether it says nothing: the policy is a table of deadlines alone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A role by its id.
    #[must_use]
    pub fn role(&self, id: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.id.as_ref() == id)
    }
}
