//! What the system knows of a process: its CPU time, its memory, its cores.

use crate::Outcome;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs;

/// Nanoseconds on a core of all threads that live now. A thread that has ended is not in it: see [`long_cpu`].
pub fn cpu(pid: u32) -> Outcome<u64> {
    let folder = format!("/proc/{pid}/task");
    let tasks = fs::read_dir(&folder).map_err(|e| format!("cannot list {folder}: {e}"))?;
    let mut sum = 0;
    for task in tasks {
        // A thread may end while its folder is read.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        sum += text.split_whitespace().next().and_then(|first| first.parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(sum)
}

/// Nanoseconds of the whole process, also of threads that have ended, in steps of 10 ms: for long windows in which threads come
/// and go.
pub fn long_cpu(pid: u32) -> Outcome<u64> {
    let text = read(pid, "stat")?;
    // The name of the program stands in brackets and may hold anything.
    let mut fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    let mut ticks = |skip: usize| fields.nth(skip).and_then(|field| field.parse::<u64>().ok());
    match (ticks(11), ticks(0)) {
        (Some(user), Some(system)) => Ok((user + system) * (1_000_000_000 / rustix::param::clock_ticks_per_second())),
        _ => Err(format!("/proc/{pid}/stat is not as expected: {text}").into()),
    }
}

/// Resident memory in KiB, summed over the mappings: exact, where `status` lags behind by some pages a thread.
pub fn memory(pid: u32) -> Outcome<u64> {
    kib(pid, "smaps_rollup", "Rss:")
}

/// Resident memory in KiB, as monitors show it.
pub fn quick_memory(pid: u32) -> Outcome<u64> {
    kib(pid, "status", "VmRSS:")
}

fn kib(pid: u32, file: &str, name: &str) -> Outcome<u64> {
    let text = read(pid, file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|line| line.split_whitespace().next()).and_then(|value| value.parse().ok());
    Ok(value.ok_or_else(|| format!("no {name} in /proc/{pid}/{file}"))?)
}

fn read(pid: u32, file: &str) -> Outcome<String> {
    let path = format!("/proc/{pid}/{file}");
    Ok(fs::read_to_string(&path).map_err(|e| format!("cannot read {path}: {e}"))?)
}

/// The cores that the bench uses.
#[derive(Clone)]
pub struct Cores {
    /// For what is measured.
    pub server: usize,
    /// For the generator.
    pub generator: usize,
    all: CpuSet,
}

impl Cores {
    /// The last two cores that this process may use; one for both where it has but one, which makes times worthless.
    pub fn choose() -> Outcome<Self> {
        let all = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).rev().filter(|core| all.is_set(*core));
        let server = cores.next().ok_or("no core to run on")?;
        let generator = cores.next().unwrap_or_else(|| {
            eprintln!("WARNING: one core for server and generator: rates and latencies mean nothing");
            server
        });
        Ok(Self { server, generator, all })
    }

    /// Keeps this thread on one core, or with `None` on none in particular.
    pub fn pin(&self, core: Option<usize>) -> Outcome {
        match core {
            Some(core) => pin(core),
            None => Ok(sched_setaffinity(None, &self.all)?),
        }
    }
}

/// Keeps this thread, and what it starts from now on, on one core.
pub fn pin(core: usize) -> Outcome {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Goes before what else the machine does, with all that is started from now on, where that is allowed.
pub fn raise() {
    if rustix::process::setpriority_process(None, -10).is_err() {
        eprintln!("no right to a higher priority: figures depend more on what else runs here");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_time_and_memory() {
        let pid = std::process::id();
        assert!(cpu(pid).unwrap() > 0);
        assert!(long_cpu(pid).is_ok());
        assert!(memory(pid).unwrap() > 500);
        assert!(quick_memory(pid).unwrap() > 500);
        assert!(cpu(u32::MAX).unwrap_err().to_string().contains("/proc/4294967295/task"));
    }
}
