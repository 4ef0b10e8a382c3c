//! jackfield-plugin
