//! A note for the next start of how this process ended. Written at a fatal signal, or at an exit that nobody asked for, to
//! a file that was opened before; what happens then is as without it: the same handler, the same signal, the same status.

use jackfield_engine::LastEnd;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

#[cfg(unix)]
pub use note::{orderly, watch};

/// The file in the data folder. Empty while a server runs.
const FILE: &str = "crash";
/// Longest note.
const LONGEST: u64 = 128;

/// Takes the note of the process that used the data folder before; its lock is held. A second call finds none.
pub fn take(data: &Path) -> LastEnd {
    if !cfg!(unix) {
        return LastEnd::Unknown;
    }
    let file = data.join(FILE);
    match read(&file) {
        Ok(text) => {
            let mut lines = text.lines();
            match (lines.next(), lines.next()) {
                (Some(what), thread) => {
                    LastEnd::Crash { thread: thread.unwrap_or_default().to_owned(), what: what.to_owned() }
                }
                _ => LastEnd::NoCrash,
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => LastEnd::NoCrash,
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "the note of how the last server ended cannot be read");
            LastEnd::Unknown
        }
    }
}

fn read(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.take(LONGEST).read_to_end(&mut bytes)?;
    std::fs::remove_file(file)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// There are no notes on this system.
#[cfg(not(unix))]
pub fn watch(_: &Path) -> io::Result<()> {
    Ok(())
}

/// There are no notes on this system.
#[cfg(not(unix))]
pub fn orderly() {}

#[cfg(unix)]
mod note {
    use super::FILE;
    use crate::sys::signals::FATAL;
    use std::fs::OpenOptions;
    use std::io;
    use std::os::fd::IntoRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// What is noted of an exit.
    const EXIT: &str = "exit";
    /// How long a thread that goes down too lets the first one write.
    const PATIENCE_MS: u32 = 100;

    struct Watched {
        /// Open for the rest of the process.
        note: i32,
        /// A fork of this process notes nothing.
        process: libc::pid_t,
        /// What was done at each signal of [`FATAL`] before.
        previous: [libc::sigaction; FATAL.len()],
    }

    static WATCHED: OnceLock<Watched> = OnceLock::new();
    /// The first thing that goes wrong is the one to know.
    static NOTED: AtomicBool = AtomicBool::new(false);
    static WRITTEN: AtomicBool = AtomicBool::new(false);
    static ORDERLY: AtomicBool = AtomicBool::new(false);

    /// Opens a new note in the data folder, and watches for the end of this process from now on. Once a process.
    pub fn watch(data: &Path) -> io::Result<()> {
        let note = OpenOptions::new().append(true).create_new(true).mode(0o600).open(data.join(FILE))?.into_raw_fd();
        // SAFETY: all-zero is a valid value of this struct of integers and a nullable function pointer.
        let mut previous: [libc::sigaction; FATAL.len()] = unsafe { std::mem::zeroed() };
        for ((signal, _), previous) in FATAL.iter().zip(&mut previous) {
            // SAFETY: a null asks for the present action only; `previous` is writable.
            if unsafe { libc::sigaction(*signal, std::ptr::null(), previous) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        // SAFETY: it takes nothing.
        let process = unsafe { libc::getpid() };
        if WATCHED.set(Watched { note, process, previous }).is_err() {
            return Err(io::Error::other("this process is watched already"));
        }
        // SAFETY: as above.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = on_signal as extern "C" fn(_, _, _) as usize;
        // On the stack that std has made for it: the thread's own may be what has run out.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        for (signal, _) in FATAL {
            // SAFETY: `on_signal` does only what POSIX allows in a handler, and lives as long as the process.
            if unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        // SAFETY: a function of the program itself, which is never unloaded.
        if unsafe { libc::atexit(on_exit) } != 0 {
            return Err(io::Error::other("no room for a handler at exit"));
        }
        Ok(())
    }

    /// The exit that follows is our own.
    pub fn orderly() {
        ORDERLY.store(true, Ordering::Release);
    }

    extern "C" fn on_exit() {
        if !ORDERLY.load(Ordering::Acquire) {
            note(EXIT);
        }
    }

    extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        let Some(watched) = WATCHED.get() else { return };
        for ((known, name), previous) in FATAL.iter().zip(&watched.previous) {
            if *known == signal {
                note(name);
                // SAFETY: an action that was in force before; sigaction, raise and reading `info` are allowed here.
                unsafe {
                    libc::sigaction(signal, previous, std::ptr::null_mut());
                    // What the thread did wrong happens again when this returns; what was sent, by abort() for one, does not.
                    if (*info).si_code <= 0 {
                        libc::raise(signal);
                    }
                }
            }
        }
    }

    /// Writes "WHAT, line break, name of the thread, line break" in one call. Allocates nothing, locks nothing.
    fn note(what: &str) {
        let Some(watched) = WATCHED.get() else { return };
        // SAFETY: it takes nothing, and is allowed in a handler.
        if unsafe { libc::getpid() } != watched.process {
            return;
        }
        if NOTED.swap(true, Ordering::AcqRel) {
            return wait_until_written();
        }
        let thread = thread_name();
        let mut text = [0; 64];
        let parts = [what.as_bytes(), b"\n", thread.split(|byte| *byte == 0).next().unwrap_or_default(), b"\n"];
        let mut length = 0;
        for byte in parts.into_iter().flatten().take(text.len()) {
            text[length] = *byte;
            length += 1;
        }
        // SAFETY: `text` has `length` readable bytes; write is allowed in a handler.
        unsafe { libc::write(watched.note, text.as_ptr().cast(), length) };
        WRITTEN.store(true, Ordering::Release);
    }

    /// Several threads may stumble over what one has broken: the second must not end the process under the first's pen.
    fn wait_until_written() {
        let nap = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        for _ in 0..PATIENCE_MS {
            if WRITTEN.load(Ordering::Acquire) {
                return;
            }
            // SAFETY: `nap` is readable; nanosleep is allowed in a handler.
            unsafe { libc::nanosleep(&nap, std::ptr::null_mut()) };
        }
    }

    /// Whose work this thread does, zeros behind: `jf-N-inline` inside an INLINE command of generation N, `main` for the
    /// program's own, and the name of any other.
    #[cfg(target_os = "linux")]
    fn thread_name() -> [u8; 32] {
        use std::io::Write;
        let mut name = [0; 32];
        // SAFETY: they take nothing, and are bare system calls.
        let is_main = unsafe { libc::gettid() == libc::getpid() };
        match jackfield_engine::inline_generation() {
            // Formatting a number into an array allocates nothing; there is room for the longest.
            generation if generation != 0 => drop(write!(&mut name[..], "jf-{generation}-inline")),
            _ if is_main => name[..4].copy_from_slice(b"main"),
            // SAFETY: the kernel writes at most 16 bytes; prctl is a bare system call.
            _ => drop(unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) }),
        }
        name
    }

    /// Other systems do not tell it in a signal handler.
    #[cfg(not(target_os = "linux"))]
    fn thread_name() -> [u8; 32] {
        [0; 32]
    }
}
