/// How far a command is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all; 0: not known.
    pub total: u64,
    /// For people.
    pub text: String,
}
