//! jackfield-plugin-project
