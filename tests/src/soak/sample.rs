//! What the server's process holds, and how much more of it there may be after thousands of swaps.

use crate::census::Census;
use crate::server::Server;
use std::fs;
use std::path::Path;

/// RSS that a swap may add in the long run, in KiB per 1,000 swaps, by least squares over the samples after warm-up: 1 KiB a
/// swap. The smallest library that stayed mapped would be 16 KiB a swap, a Rust one some 300, a stack that was not given back
/// 8; the heap's own noise is below this.
pub const RSS_SLOPE_KIB: f64 = 1024.0;

/// Swaps from which on that holds: over fewer the steps in which a heap grows are all that a slope shows.
pub const RSS_SLOPE_SWAPS: u64 = 5000;

/// RSS at the end above that after warm-up, in KiB. glibc gives a new thread one of 8 arenas a core as chance will have it, and
/// an arena that was used once stays: some MiB that come late, once.
pub const RSS_KIB: u64 = 16 << 10;

/// Lines of `/proc/PID/maps` at the end above those after warm-up. An arena is two lines, a stack that glibc keeps for the next
/// thread is two; a library that stayed mapped would be five a swap.
pub const MAPS: u64 = 48;

/// Threads at the end above those after warm-up: the 4 workers of each of the two INLINE plugins, which begin only when a
/// command had to wait or was moved to CONCURRENT. Control and serial threads are as many as before, exactly; a generation
/// whose threads stayed would be 6 a swap.
pub const THREADS: u64 = 8;

/// RSS that a kept generation may cost, in KiB: its pages that were written or read, and what its threads left.
pub const KEPT_RSS_KIB: f64 = 1024.0;

/// Thread-local keys that a kept generation may hold: one for std's current thread, one for destructors.
pub const KEPT_KEYS: u64 = 2;

/// One look at the process.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Resident memory in KiB.
    pub rss_kib: u64,
    /// Lines of its memory map.
    pub maps: u64,
    /// All its threads.
    pub threads: u64,
    /// Threads by name, copies and descriptors.
    pub census: Census,
}

impl Sample {
    /// Looks now.
    pub fn take(server: &Server) -> Self {
        let maps = read(server, "maps").lines().count() as u64;
        Self { rss_kib: rss_kib(server), maps, threads: status(server, "Threads:"), census: Census::take(server) }
    }
}

/// Resident memory now, in KiB.
pub fn rss_kib(server: &Server) -> u64 {
    status(server, "VmRSS:")
}

fn status(server: &Server, field: &str) -> u64 {
    let status = read(server, "status");
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("/proc/PID/status has no {field} in {status:?}"))
}

fn read(server: &Server, file: &str) -> String {
    let file = Path::new("/proc").join(server.pid().to_string()).join(file);
    fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}
