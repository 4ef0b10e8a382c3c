//! jackfield-plugin-elements
