//! Plugins that misbehave (`tests/misbehaving/`), each in a server of its own: what is promised of each, and at the end a
//! table of what happened to it. What ends a process is not among them: a plugin in the server's process is trusted.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

mod calls;
mod case;
mod library;
mod life;
mod panics;
mod replies;
mod stage;
mod state;
mod table;
mod tables;

use case::Case;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use table::{End, Row};

/// Servers at once.
const AT_ONCE: usize = 4;

#[test]
fn whatever_a_plugin_does_the_server_and_the_other_plugins_go_on() {
    let cases: Vec<Case> =
        [tables::cases(), replies::cases(), life::cases(), panics::cases(), state::cases(), calls::cases()]
            .into_iter()
            .flatten()
            .collect();
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = Row { plugin: case.plugin(), does: case.does, end: end(case) };
                    rows.lock().unwrap().push(row);
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap();
    rows.sort_by_key(|row| cases.iter().position(|case| case.does == row.does));
    table::print(&rows);
    let failed: Vec<_> = rows.iter().filter(|row| matches!(row.end, End::Failed(_))).map(|row| row.does).collect();
    assert!(failed.is_empty(), "not as promised: {failed:#?}");
}

fn end(case: &Case) -> End {
    match catch_unwind(AssertUnwindSafe(|| stage::play(case))) {
        Ok(told) => End::AsPromised(told),
        Err(why) => {
            let text = why.downcast::<String>().map(|text| *text);
            End::Failed(text.or_else(|why| why.downcast::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
        }
    }
}
