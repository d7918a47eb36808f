//! What frameworks ask of a policy, and whether it is met. Frameworks are data: no code here names one of their clauses.

mod applicability;
mod demand;
mod frameworks;

pub use applicability::{Applicability, Applied, applicability, served};
pub use demand::{Demand, unmet};
pub use frameworks::{Clause, FRAMEWORKS, Framework, Section, framework};
pub use toml::de::Error;
