//! What the project's tests share: the case runner, the reference data's place and the mutation fuzzer.

pub mod cases;
pub mod fuzz;
pub mod reference;
