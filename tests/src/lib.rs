//! jackfield-tests
