//! What frameworks ask of a policy, and whether it is met. Frameworks are data: no code here names one of their clauses.

mod demand;
mod frameworks;

pub use demand::{Demand, unmet};
pub use frameworks::{Clause, FRAMEWORKS, Framework, Section, framework};
pub use toml::de::Error;
