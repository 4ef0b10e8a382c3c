//! Swapping plugins under load, and what it does to clients and to the process: shared by `cargo xtask soak` and the tests.
//!
//! [`load`] sends numbered commands and [`book`] checks every answer, [`subject`] and [`target`] put new versions in place,
//! [`watch`] reads the steps from the log, [`sample`] looks at the process. [`run`] joins them; [`latency`] and [`neighbour`]
//! are two measurements with the same parts.
//!
//! How an answer by a generation that no longer served is found: each instance takes the monotonic clock when it is made,
//! logs it as `born STAMP`, and tells it in every answer, so that stamps of one plugin grow with its generations. The server
//! logs `swapped` only when no command can enter the old generation any more. When that line has been read, the stamp of the
//! new generation becomes the plugin's *floor*; a session notes the floor before it writes a command. An answer with a lesser
//! stamp was then made by a generation that had been reported replaced before the command existed. That is stricter than
//! "reported closed", which is counted beside it. A log that is read late only makes the check milder, never wrong.

pub mod answer;
pub mod book;
pub mod latency;
pub mod load;
pub mod neighbour;
pub mod report;
pub mod run;
pub mod sample;
pub mod subject;
pub mod table;
pub mod target;
pub mod watch;
