//! jackfield

pub mod transport;
