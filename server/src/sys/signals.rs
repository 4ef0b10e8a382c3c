/// The signals that end a process because of its own doing: numbers and names.
pub const FATAL: [(i32, &str); 5] = [
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGABRT, "SIGABRT"),
];

/// Others that a process may be ended by.
const OTHERS: [(i32, &str); 6] = [
    (libc::SIGKILL, "SIGKILL"),
    (libc::SIGTERM, "SIGTERM"),
    (libc::SIGTRAP, "SIGTRAP"),
    (libc::SIGSYS, "SIGSYS"),
    (libc::SIGPIPE, "SIGPIPE"),
    (libc::SIGXCPU, "SIGXCPU"),
];

/// The name of a signal; its number where it has none here.
pub fn name(signal: i32) -> String {
    let found = FATAL.iter().chain(&OTHERS).find(|(number, _)| *number == signal);
    found.map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}
