//! The inside of a probe process: what it does before it runs the code of a plugin, and how it ends.

use rustix::process::{Resource, Rlimit, Signal, getrlimit, kill_current_process_group, setrlimit};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

/// Descriptors that are put away get a number from here on: 0 to 2 are the plugin's.
const BEYOND_STDIO: i32 = 3;

/// Gives the real stdout, and stdout to stderr: whatever the plugin prints is no answer of ours. No core is dumped. With
/// `watched`, stdin is a pipe that its starter holds open: when the starter has gone, this process ends, and its process
/// group with it; the plugin finds an empty stdin.
pub fn begin(watched: bool) -> io::Result<File> {
    let answer = rustix::io::fcntl_dupfd_cloexec(io::stdout(), BEYOND_STDIO)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), ..getrlimit(Resource::Core) })?;
    // A limit of nothing does not keep a dump from a program that collects them.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    if watched {
        let line = rustix::io::fcntl_dupfd_cloexec(io::stdin(), BEYOND_STDIO)?;
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        let (stands, is_standing) = std::sync::mpsc::channel();
        std::thread::Builder::new().name("jf-line".to_owned()).spawn(move || {
            let _ = stands.send(());
            end_with(line);
        })?;
        // A thread that begins takes the loader's lock, which a plugin that hangs in a constructor holds for ever.
        let _ = is_standing.recv();
    }
    Ok(answer.into())
}

/// Waits for the end of a pipe on which nothing is ever sent.
fn end_with(line: OwnedFd) {
    let mut line = File::from(line);
    while matches!(line.read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::Interrupted) {}
    let _ = kill_current_process_group(Signal::KILL);
}

/// Writes a line to the real stdout and ends the process: at once, as whatever the plugin has left to be done at an exit
/// is no part of the probe.
pub fn end(mut answer: File, line: &str, code: u8) -> ! {
    let told = writeln!(answer, "{line}").is_ok();
    // SAFETY: it takes no pointer and does not return; nothing of ours needs an orderly end.
    unsafe { libc::_exit(if told { code.into() } else { 1 }) }
}
