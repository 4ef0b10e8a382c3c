//! What the commands of one plugin cost, and how long they take, while another one is swapped without pause: windows with and
//! without swaps take turns in one run, so that the machine is the same to both.
//!
//! Commands come at a fixed rate, and latency counts from when each was due. CPU is told twice: of the whole process, which
//! includes the work of swapping, and of the threads alone that the commands run on (those that read sockets, and the
//! neighbour's own).

use super::book::Faults;
use super::load::{Load, Manner, Pace, within};
use super::subject::Subject;
use super::table::{quantile, spread, table};
use super::target::Target;
use super::watch::Watch;
use crate::server::{Server, Setup};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Windows of each kind.
const PAIRS: usize = 20;
/// Length of a window.
const WINDOW: Duration = Duration::from_secs(1);
/// 4,000 commands a second in all.
const PACE: Pace = Pace { sessions: 8, manner: Manner::Every(Duration::from_millis(2)) };
/// Unit of `/proc/PID/stat`: 100 ticks a second on every Linux that user space sees.
const TICK_US: u64 = 10_000;

/// One window.
struct Window {
    from: Instant,
    to: Instant,
    swaps: usize,
    /// Microseconds of CPU: of the process, and of the threads that commands run on.
    cpu: [u64; 2],
}

/// Measures; the tables, and what was wrong with answers.
pub fn run(optimised: bool) -> Result<(String, Faults), String> {
    let setup = Setup::new().config("[plugins]\nsettle_ms = 5\n").arg("-v").arg("--log").arg("json");
    let subjects = [Subject::of("c-plain"), Subject::of("rust-plain")];
    let mut targets = Target::all(&subjects, setup.home(), optimised);
    let server = setup.start();
    let watch = Watch::start(server.log(), Target::files(&targets));
    let neighbour = targets[0].swapped(&watch)?.serving.map(|(generation, _)| generation);
    let own = format!("jf-{}-", neighbour.unwrap_or_default());
    let load = Load::start(server.url("ws"), PACE, &subjects[0].routes(0), &watch.floors());
    let mut windows = [Vec::new(), Vec::new()];
    for number in 0..2 * PAIRS {
        let swapping = number % 2 == 1;
        let (from, cpu) = (Instant::now(), cpu(&server, &own));
        let mut swaps = 0;
        while from.elapsed() < WINDOW {
            if swapping {
                targets[1].put_next()?;
                targets[1].swapped(&watch)?;
                swaps += 1;
            } else {
                thread::park_timeout(WINDOW.saturating_sub(from.elapsed()));
            }
        }
        let (to, after) = (Instant::now(), self::cpu(&server, &own));
        windows[usize::from(swapping)].push(Window { from, to, swaps, cpu: [after[0] - cpu[0], after[1] - cpu[1]] });
        // The next window does not pay for this one's last swap.
        targets[1].settled(&watch)?;
        if load.has_failed() {
            return Err(format!("the clients ended\n{}", load.finish().faults));
        }
    }
    let tally = load.finish();
    let row = |(what, windows): (&str, &Vec<Window>)| {
        let latencies: Vec<Vec<u32>> = windows.iter().map(|window| within(&tally, window.from, window.to)).collect();
        let each = |figure: &dyn Fn(&Window, &[u32]) -> f64| {
            let values = windows.iter().zip(&latencies).map(|(window, us)| figure(window, us)).collect();
            let [middle, least, greatest] = spread(values);
            format!("{middle:.1} ({least:.1}-{greatest:.1})")
        };
        let cpu = |which: usize| move |window: &Window, us: &[u32]| window.cpu[which] as f64 / us.len().max(1) as f64;
        vec![
            what.to_owned(),
            each(&|window, _| window.swaps as f64),
            each(&|_, us| us.len() as f64),
            each(&cpu(0)),
            each(&cpu(1)),
            each(&|_, us| f64::from(quantile(us, 0.5))),
            each(&|_, us| f64::from(quantile(us, 0.99))),
        ]
    };
    let rows: Vec<_> = ["still", "swapping"].into_iter().zip(&windows).map(row).collect();
    let head = ["windows", "swaps", "commands", "CPU us each", "without swapping", "p50 us", "p99 us"];
    let what = format!("{PAIRS} pairs of windows of {WINDOW:?}: middle (least-greatest) of the windows\n");
    Ok((what + &table(&head, &rows), tally.faults))
}

/// Microseconds of CPU that the process has used so far, and those of its threads that read sockets or are the neighbour's.
fn cpu(server: &Server, own: &str) -> [u64; 2] {
    let process = Path::new("/proc").join(server.pid().to_string());
    let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
    // After the name, which may hold anything: state is field 3, utime 14, stime 15.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |index: usize| fields.get(index - 3).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or_default();
    let tasks = fs::read_dir(process.join("task")).into_iter().flatten().flatten();
    let of_commands = |task: &PathBuf| {
        let name = fs::read_to_string(task.join("comm")).unwrap_or_default();
        name.starts_with("tokio") || name.starts_with(own) && !name.contains("control")
    };
    // A task's time on the CPU, in nanoseconds, stands first.
    let ns = |task: PathBuf| -> Option<u64> {
        fs::read_to_string(task.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    let of_commands = tasks.map(|task| task.path()).filter(of_commands).filter_map(ns).sum::<u64>();
    [(ticks(14) + ticks(15)) * TICK_US, of_commands / 1000]
}
