//! The edge between C and Rust: names of engines become engines, panics and errors become numbers, and what went wrong is kept
//! for whoever asks.

use crate::api::engine::{jf_engine, jf_error};
use crate::handle::{self, Name};
use crate::instance::Instance;
use jackfield::config::ConfigError;
use jackfield_engine::{Limits, raw};
use jackfield_message::{Bytes, Culprit, ErrorCode, Failure};
use jackfield_plugin_api::*;
use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Why a call fails.
#[derive(Debug)]
pub(crate) struct Fault {
    pub status: jf_status,
    pub number: i32,
    pub code: i64,
    pub culprit: Culprit,
    pub message: String,
    pub data: String,
}

impl Fault {
    pub fn new(status: jf_status, culprit: Culprit, message: impl Into<String>) -> Self {
        Self { status, number: 0, code: 0, culprit, message: message.into(), data: String::new() }
    }

    /// An argument that is not usable.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(JF_E_INVALID, Culprit::Caller, message)
    }

    /// Not in this state of the engine.
    pub fn wrong_state(message: impl Into<String>) -> Self {
        Self::new(JF_E_WRONG_STATE, Culprit::Caller, message)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self {
            status: raw::status_of(failure.code),
            number: failure.code.number(),
            code: failure.plugin_code,
            culprit: failure.culprit,
            data: failure.data().to_string(),
            message: failure.message,
        }
    }
}

impl Fault {
    /// Of a call whose arguments are the params of a command of the engine.
    pub fn of_arguments(failure: Failure) -> Self {
        match Self::from(failure) {
            fault @ Self { status: JF_E_INVALID_PARAMS, .. } => Self { status: JF_E_INVALID, ..fault },
            fault => fault,
        }
    }
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        Self::new(JF_E_INVALID, Culprit::Operator, error.to_string())
    }
}

thread_local! {
    /// The last call on this thread that failed: with what engine, and why.
    static LAST: RefCell<Option<(*const jf_engine, Fault)>> = const { RefCell::new(None) };
    /// Callbacks of the application that this thread is in: of which engine, and whether they may wait.
    static INSIDE: RefCell<Vec<(Name, bool)>> = const { RefCell::new(Vec::new()) };
    /// Whether it is inside the application's log.
    static LOGGING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a callback of that engine.
pub(crate) fn is_inside(engine: Name) -> bool {
    is_in(|&(of, _)| of == engine)
}

/// Whether this thread is inside a callback, of whatever engine, that must not wait.
pub(crate) fn must_not_wait() -> bool {
    is_in(|&(_, may_wait)| !may_wait) || jackfield_engine::must_not_wait()
}

fn is_in(callback: impl Fn(&(Name, bool)) -> bool) -> bool {
    // A thread that ends is in none.
    INSIDE.try_with(|inside| inside.borrow().iter().any(callback)).unwrap_or(false)
}

/// Calls the application's log. What is logged meanwhile on this thread is lost: the log is busy with it.
pub(crate) fn call_log(engine: Name, call: impl FnOnce()) {
    LOGGING.set(true);
    call_out(engine, false, call);
    LOGGING.set(false);
}

/// Whether this thread is inside the application's log.
pub(crate) fn is_logging() -> bool {
    LOGGING.get()
}

/// Calls a function of the application, as one of that engine.
pub(crate) fn call_out<T>(engine: Name, may_wait: bool, call: impl FnOnce() -> T) -> T {
    // A thread that ends still tells the log.
    let noted = INSIDE.try_with(|inside| inside.borrow_mut().push((engine, may_wait))).is_ok();
    let value = call();
    if noted {
        INSIDE.with_borrow_mut(Vec::pop);
    }
    value
}

/// The engine of that name, in this process.
fn engine_of(engine: *const jf_engine) -> Result<Arc<Instance>, Fault> {
    let instance = handle::get(engine)?;
    instance.owner.check()?;
    Ok(instance)
}

/// Does `work` with an engine.
pub(crate) fn enter(engine: *const jf_engine, work: impl FnOnce(&Arc<Instance>) -> Result<(), Fault>) -> jf_status {
    enter_for_status(engine, |instance| work(instance).map(|()| JF_OK))
}

/// The same for work that has more than one good end.
pub(crate) fn enter_for_status(
    engine: *const jf_engine,
    work: impl FnOnce(&Arc<Instance>) -> Result<jf_status, Fault>,
) -> jf_status {
    enter_if_any(engine, |instance| work(instance?))
}

/// The same for work that has something to do also where there is no such engine.
pub(crate) fn enter_if_any(
    engine: *const jf_engine,
    work: impl FnOnce(Result<&Arc<Instance>, Fault>) -> Result<jf_status, Fault>,
) -> jf_status {
    let outcome = catch_unwind(AssertUnwindSafe(|| match engine_of(engine) {
        Ok(instance) => instance.logged(|| work(Ok(&instance))),
        Err(fault) => work(Err(fault)),
    }));
    settle(engine, outcome.unwrap_or_else(|_| Err(panicked())))
}

/// Does `work` without an engine.
pub(crate) fn free_standing(work: impl FnOnce() -> Result<(), Fault>) -> jf_status {
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()));
    settle(std::ptr::null(), outcome.map(|()| JF_OK))
}

/// Does what tells of errors itself.
pub(crate) fn guarded(work: impl FnOnce() -> jf_status) -> jf_status {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(JF_E_PANIC)
}

fn settle(engine: *const jf_engine, outcome: Result<jf_status, Fault>) -> jf_status {
    outcome.unwrap_or_else(|fault| {
        let status = fault.status;
        // A thread that ends has nobody who could ask.
        let _ = LAST.try_with(|last| last.replace(Some((engine, fault))));
        status
    })
}

fn panicked() -> Fault {
    Fault::new(
        JF_E_PANIC,
        Culprit::Engine,
        "A panic in the library was stopped at its edge; this is a bug of Jackfield.",
    )
}

/// Frees an engine.
pub(crate) fn free(engine: *const jf_engine) -> jf_status {
    if engine.is_null() {
        return JF_OK;
    }
    let outcome = engine_of(engine).and_then(|instance| match is_inside(instance.name) {
        true => {
            let message = "An engine cannot be freed from within its callbacks. jf_engine_stop can be called there.";
            Err(Fault::wrong_state(message))
        }
        false => {
            // It has its name until it has stopped: what runs meanwhile is answered by that.
            instance.stop_for_good().then_some(()).ok_or_else(|| handle::stale(engine))?;
            handle::remove(engine)?.end();
            Ok(JF_OK)
        }
    });
    settle(engine, outcome)
}

/// Writes why the last call failed.
///
/// # Safety
/// `error` is null or points to a struct that begins with its size, of which as many bytes are writable.
pub(crate) unsafe fn tell_last(engine: *const jf_engine, error: *mut jf_error) -> jf_status {
    if error.is_null() {
        return JF_E_INVALID;
    }
    // SAFETY: promised by the caller; read without any claim on alignment.
    let size = unsafe { error.cast::<u32>().read_unaligned() } as usize;
    if size < std::mem::offset_of!(jf_error, culprit) {
        return JF_E_INVALID;
    }
    let size = size.min(size_of::<jf_error>());
    LAST.with_borrow(|last| {
        let fault = last.as_ref().filter(|(of, _)| *of == engine).map(|(_, fault)| fault);
        let text = |of: fn(&Fault) -> &str| fault.map_or(jf_str::EMPTY, |fault| jf_str::new(of(fault)));
        let told = jf_error {
            struct_size: size as u32,
            status: fault.map_or(JF_OK, |fault| fault.status),
            number: fault.map_or(0, |fault| fault.number),
            flags: 0,
            code: fault.map_or(0, |fault| fault.code),
            culprit: text(|fault| fault.culprit.as_str()),
            message: text(|fault| &fault.message),
            data: text(|fault| &fault.data),
        };
        // SAFETY: `size` bytes are writable by the caller's promise, and `told` has as many.
        unsafe { std::ptr::copy_nonoverlapping((&raw const told).cast::<u8>(), error.cast::<u8>(), size) };
    });
    JF_OK
}

/// Borrows a short text: a key, a name, a path, configuration.
///
/// # Safety
/// As for [`raw::text`].
pub(crate) unsafe fn text<'a>(text: jf_str, name: &str) -> Result<&'a str, Fault> {
    const LONGEST: usize = 1 << 20;
    // SAFETY: promised by the caller.
    unsafe { raw::text(text, LONGEST) }.map_err(|why| Fault::invalid(format!("`{name}` has {}.", why.what)))
}

/// Borrows a text that may be as long as a message.
///
/// # Safety
/// As for [`raw::text`].
pub(crate) unsafe fn long_text<'a>(text: jf_str, name: &str, limits: &Limits) -> Result<&'a str, Fault> {
    // SAFETY: promised by the caller.
    unsafe { raw::text(text, limits.message_bytes) }.map_err(|why| {
        let status = if why.too_large { JF_E_TOO_LARGE } else { JF_E_INVALID };
        let limit = if why.too_large { " (limit message_bytes)" } else { "" };
        Fault::new(status, Culprit::Caller, format!("`{name}` has {}{limit}.", why.what))
    })
}

/// Writes a value through an out-parameter. It is made only where there is a place for it.
///
/// # Safety
/// `out` is null or writable.
pub(crate) unsafe fn put<T>(out: *mut T, name: &str, value: impl FnOnce() -> T) -> Result<(), Fault> {
    if out.is_null() {
        return Err(Fault::invalid(format!("`{name}`, where the result is to be written, is NULL.")));
    }
    // SAFETY: promised by the caller.
    unsafe { out.write(value()) };
    Ok(())
}

/// Gives a text away, to be released by its new owner.
///
/// # Safety
/// As for [`put`].
pub(crate) unsafe fn give(out: *mut jf_buf, text: String) -> Result<(), Fault> {
    // SAFETY: promised by the caller.
    unsafe { give_bytes(out, text.into()) }
}

/// The same for bytes.
///
/// # Safety
/// As for [`put`].
pub(crate) unsafe fn give_bytes(out: *mut jf_buf, bytes: Bytes) -> Result<(), Fault> {
    // SAFETY: promised by the caller.
    unsafe { put(out, "the buffer", || raw::lend(bytes)) }
}

/// The error that a token is finished.
pub(crate) fn stale(token: jf_token) -> Fault {
    Fault::new(JF_E_STALE, Culprit::Caller, format!("No command {token:#x} is open: it is answered already, or none."))
}

/// The error that nothing new is taken any more.
pub(crate) fn shutting_down() -> Fault {
    Failure::new(ErrorCode::ShuttingDown, "The engine is stopping.").into()
}

/// What a status is called.
pub(crate) fn status_name(status: jf_status) -> &'static CStr {
    STATUSES.iter().find(|(number, _)| *number == status).map_or(c"?", |(_, name)| name)
}

/// A failure of a blocking call that could not be made.
pub(crate) fn wrong_thread() -> Fault {
    let message = "This callback must not wait for a command: it is INLINE, a cancel, a release, or of the log.";
    Fault { number: ErrorCode::InvalidRequest.number(), ..Fault::new(JF_E_WRONG_THREAD, Culprit::Caller, message) }
}
