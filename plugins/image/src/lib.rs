//! jackfield-plugin-image
