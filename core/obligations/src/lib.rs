//! Obligations: what is owed by whom and by when, who need not do it for now, and which promises were broken. What follows from the
//! record is found by `lifecycle`.

mod breach;
mod duty;
mod excuse;

pub use breach::{Breach, BreachKind, Party, day_of};
pub use duty::{Duty, DutyKind, Standing, reminded};
pub use excuse::Excuse;
