//! jackfield-dialects
