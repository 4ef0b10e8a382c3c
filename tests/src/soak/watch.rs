//! What the server's log says of the plugins under swap: who serves, who has ended, and how long each step took.

use crate::PATIENCE;
use crate::log::Log;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// For each plugin, the stamp of the generation that was last reported to serve; and which had ended by when.
pub struct Floors {
    floors: Vec<AtomicU64>,
    ended: Mutex<BTreeMap<(usize, u64), Instant>>,
}

impl Floors {
    /// Of so many plugins.
    pub fn new(plugins: usize) -> Self {
        Self { floors: (0..plugins).map(|_| AtomicU64::new(0)).collect(), ended: Mutex::default() }
    }

    /// The least stamp that an answer to a command may have that is sent from now on.
    pub fn of(&self, plugin: usize) -> u64 {
        self.floors[plugin].load(Ordering::Acquire)
    }

    /// The generation of `stamp` was reported to serve.
    pub fn serve(&self, plugin: usize, stamp: u64) {
        self.floors[plugin].store(stamp, Ordering::Release);
    }

    /// The generation of `stamp` was reported closed or retired.
    pub fn end(&self, plugin: usize, stamp: u64) {
        lock(&self.ended).insert((plugin, stamp), Instant::now());
    }

    /// Whether that had been reported at `when`.
    pub fn had_ended(&self, plugin: usize, stamp: u64, when: Instant) -> bool {
        lock(&self.ended).get(&(plugin, stamp)).is_some_and(|ended| *ended <= when)
    }
}

/// A step of a swap, as its log line tells it.
#[derive(Clone, Debug)]
pub struct Step {
    /// `seen` and so on.
    pub name: String,
    /// When the server wrote the line, in microseconds since midnight UTC.
    pub at: u64,
    /// How long the step took, in microseconds.
    pub us: u64,
}

/// What is known of one plugin.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The generation that serves, and its version.
    pub serving: Option<(u64, String)>,
    /// Times that a new generation began to serve, the first included.
    pub served: u64,
    /// Generations that were replaced and have not ended.
    pub draining: Vec<u64>,
    /// Generations that are kept, and why.
    pub retired: Vec<(u64, String)>,
    /// Reasons of refusals, and other warnings of the plugin.
    pub refused: Vec<String>,
    /// Times that an INLINE command was moved to CONCURRENT for being slow.
    pub demoted: u64,
    /// Steps since the file was last seen to change.
    pub steps: Vec<Step>,
}

/// Reads a log to its end. A clone is the same watch.
#[derive(Clone)]
pub struct Watch(Arc<Inner>);

struct Inner {
    files: Vec<(String, PathBuf)>,
    floors: Arc<Floors>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    plugins: Vec<Seen>,
    /// The stamp of each generation.
    born: BTreeMap<u64, u64>,
    /// The version of each stamp of each plugin that has served.
    versions: BTreeMap<(usize, u64), String>,
    /// Microseconds of each step, of all plugins.
    phases: BTreeMap<String, Vec<u64>>,
    /// Why nothing that follows can be trusted.
    broken: Option<String>,
}

impl Watch {
    /// Reads the log of a server that runs with `-v --log json`, from its first line on. `files` are the plugins' ids and
    /// files, in the order of their numbers.
    pub fn start(log: &Log, files: Vec<(String, PathBuf)>) -> Self {
        let state = State { plugins: vec![Seen::default(); files.len()], ..State::default() };
        let floors = Arc::new(Floors::new(files.len()));
        let watch = Self(Arc::new(Inner { files, floors, state: Mutex::new(state), changed: Condvar::new() }));
        let (log, reader) = (log.clone(), watch.clone());
        thread::spawn(move || {
            let mut next = 0;
            loop {
                match log.wait_for(next, Duration::from_secs(1), |_| true) {
                    Some((line, after)) => {
                        if after != next + 1 {
                            lock(&reader.0.state).broken = Some(format!("{} lines were lost", after - next - 1));
                        }
                        next = after;
                        reader.line(&line);
                    }
                    None if log.wait_for_end(Duration::ZERO) => return,
                    None => {}
                }
            }
        });
        watch
    }

    /// What sessions compare with.
    pub fn floors(&self) -> Arc<Floors> {
        self.0.floors.clone()
    }

    /// Waits until a plugin is `as_wished`, and returns what is known of it.
    pub fn wait_for(&self, plugin: usize, as_wished: impl Fn(&Seen) -> bool) -> Result<Seen, String> {
        let met = |state: &mut State| state.broken.is_some() || as_wished(&state.plugins[plugin]);
        let waited = self.0.changed.wait_timeout_while(lock(&self.0.state), PATIENCE, |state| !met(state));
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let seen = &state.plugins[plugin];
        match &state.broken {
            Some(broken) => Err(format!("the log cannot be trusted: {broken}")),
            None if as_wished(seen) => Ok(seen.clone()),
            None => Err(format!("{} does not get there within {PATIENCE:?}: {seen:?}", self.0.files[plugin].0)),
        }
    }

    /// What is known of a plugin now.
    pub fn seen(&self, plugin: usize) -> Seen {
        lock(&self.0.state).plugins[plugin].clone()
    }

    /// The version of the generation of `stamp`; `None`: there is none.
    pub fn version(&self, plugin: usize, stamp: u64) -> Option<String> {
        lock(&self.0.state).versions.get(&(plugin, stamp)).cloned()
    }

    /// Microseconds of each step so far.
    pub fn phases(&self) -> BTreeMap<String, Vec<u64>> {
        lock(&self.0.state).phases.clone()
    }

    fn line(&self, line: &str) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { return };
        let message = line["message"].as_str().unwrap_or_default();
        let of = |(id, file): &(String, PathBuf)| match line["file"].as_str() {
            Some(named) => file == Path::new(named),
            None => line["plugin"].as_str() == Some(id),
        };
        let Some(plugin) = self.0.files.iter().position(of) else { return };
        let generation = line["generation"].as_u64();
        let mut state = lock(&self.0.state);
        if let (Some(stamp), Some(generation)) = (message.strip_prefix("born "), generation) {
            state.born.insert(generation, stamp.parse().unwrap_or(u64::MAX));
        } else if message == "plugin" {
            self.step(&mut state, plugin, generation, &line);
            self.0.changed.notify_all();
        } else if line["level"] == "WARN" || line["level"] == "ERROR" {
            state.plugins[plugin].refused.push(line.to_string());
        }
    }

    fn step(&self, state: &mut State, plugin: usize, generation: Option<u64>, line: &Value) {
        let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        let (name, us) = (text("step"), line["us"].as_u64().unwrap_or_default());
        state.phases.entry(name.clone()).or_default().push(us);
        let seen = &mut state.plugins[plugin];
        if name == "demoted" {
            // A machine that is busy enough: the key goes on as CONCURRENT until the next swap.
            seen.demoted += 1;
            return;
        }
        if name == "seen" {
            seen.steps.clear();
        }
        let at = microseconds(&text("timestamp"));
        seen.steps.push(Step { name: name.clone(), at, us });
        match text("reason") {
            reason if name == "refused" => seen.refused.push(reason),
            _ => {}
        }
        let Some(generation) = generation else { return };
        let born = state.born.get(&generation).copied();
        match name.as_str() {
            "swapped" => {
                seen.draining.extend(seen.serving.take().map(|(old, _)| old));
                seen.serving = Some((generation, text("version")));
                seen.served += 1;
                match born {
                    Some(born) => {
                        state.versions.insert((plugin, born), text("version"));
                        self.0.floors.serve(plugin, born);
                    }
                    None => state.broken = Some(format!("generation {generation} serves and was not born")),
                }
            }
            "closed" | "retired" => {
                seen.draining.retain(|old| *old != generation);
                if name == "retired" {
                    seen.retired.push((generation, text("reason")));
                }
                if let Some(born) = born {
                    self.0.floors.end(plugin, born);
                }
            }
            _ => {}
        }
    }
}

/// Microseconds since midnight of `2026-01-31T12:34:56.123456Z`.
fn microseconds(timestamp: &str) -> u64 {
    let clock = timestamp.split('T').nth(1).unwrap_or_default().trim_end_matches('Z');
    let mut parts = clock.split([':', '.']).map(|part| part.parse::<u64>().unwrap_or_default());
    let mut part = || parts.next().unwrap_or_default();
    ((part() * 60 + part()) * 60 + part()) * 1_000_000 + part()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_microseconds_of_the_day() {
        assert_eq!(microseconds("2026-11-24T00:21:31.015827Z"), 1_291_015_827);
        assert_eq!(microseconds("2026-11-24T23:59:59.999999Z"), 86_399_999_999);
    }
}
