//! What the project's tests share: the case runner, the reference data's place, the mutation fuzzer, a PostgreSQL
//! server, a fleet that rollouts are played on.

pub mod cases;
pub mod fuzz;
pub mod hosts;
pub mod postgres;
pub mod reference;
pub mod rollout;
pub mod s3;
pub mod smtp;
