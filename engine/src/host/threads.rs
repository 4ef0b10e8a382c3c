//! Threads that a plugin has left running. The system names a thread after the one that made it until it names itself, so
//! theirs begin as those of its generation do: with `jf-N-`, or `jf-N.E-` in engine E of the process.

use std::time::Duration;

/// How many threads the process still has whose name begins with `name` and a dash; asked when all that the engine made are
/// joined. A hint: threads that gave themselves another name are not among them. 0 where the system does not tell names. May
/// take some milliseconds.
#[allow(clippy::disallowed_methods, reason = "nobody is told when the system forgets a thread")]
pub(crate) fn left_running(name: &str) -> usize {
    // The system lists a thread for a moment after it was joined.
    const TRIES: usize = 50;
    const APART: Duration = Duration::from_millis(2);
    let start = format!("{name}-");
    let count = || names().iter().filter(|name| name.starts_with(&start)).count();
    for _ in 1..TRIES {
        if count() == 0 {
            return 0;
        }
        std::thread::sleep(APART);
    }
    count()
}

/// Names of all threads of the process, as far as the system keeps them (Linux: 15 bytes).
#[cfg(target_os = "linux")]
fn names() -> Vec<String> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
    // A thread that ends while it is asked has no name any more.
    tasks.flatten().filter_map(name).collect()
}

#[cfg(not(target_os = "linux"))]
fn names() -> Vec<String> {
    Vec::new()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_thread_that_the_control_thread_left_is_counted_for_its_generation_alone() {
        let ((end, ended), (begin, begun)) = (channel::<()>(), channel());
        let control = std::thread::Builder::new().name("jf-1234567-control".to_owned());
        let left = control.spawn(|| {
            std::thread::spawn(move || {
                begin.send(()).unwrap();
                ended.recv().unwrap_err();
            })
        });
        let left = left.unwrap().join().unwrap();
        begun.recv().unwrap();
        assert_eq!((left_running("jf-1234567"), left_running("jf-123456"), left_running("jf-12345678")), (1, 0, 0));
        drop(end);
        left.join().unwrap();
        assert_eq!(left_running("jf-1234567"), 0);
    }
}
