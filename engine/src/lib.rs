//! jackfield-engine

mod limits;
pub mod services;

pub use limits::Limits;
