//! jackfield-plugin-echo
