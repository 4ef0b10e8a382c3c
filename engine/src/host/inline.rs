//! The INLINE command that this thread is running right now. It has no entry anywhere: its token is known to this thread
//! alone, and its reply is collected here before `handle` returns.

use jackfield_message::Reply;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};

/// Set in the tokens of INLINE commands.
pub(crate) const INLINE_BIT: u64 = 1 << 63;

/// Bits of the command in a token; the 23 above are the thread's, so that the tokens of two threads do not meet.
const COMMAND_BITS: u32 = 40;
const COMMAND: u64 = (1 << COMMAND_BITS) - 1;

static NEXT_THREAD: AtomicU64 = AtomicU64::new(0);

thread_local! {
    // No destructor, no lazy start: it can be read in a signal handler.
    static GENERATION: Cell<u64> = const { Cell::new(0) };
    /// The last token that this thread gave out; 0: none so far.
    static LAST: Cell<u64> = const { Cell::new(0) };
    /// The token of the command that runs and has no reply yet; 0: none.
    static OPEN: Cell<u64> = const { Cell::new(0) };
    static REPLY: RefCell<Option<Reply>> = const { RefCell::new(None) };
}

/// The generation whose INLINE command this thread is running; 0: none. May be asked in a signal handler.
pub fn inline_generation() -> u64 {
    GENERATION.get()
}

/// Runs `handle` as the current INLINE command, of `generation`. The reply that was made stands in [`take_reply`].
pub(crate) fn run<T>(generation: u64, handle: impl FnOnce(u64) -> T) -> T {
    let token = next_token();
    OPEN.set(token);
    GENERATION.set(generation);
    let value = handle(token);
    GENERATION.set(0);
    OPEN.set(0);
    value
}

/// Takes the reply of the command that ran last on this thread, if it made one, once `complete` has seen it where it lies.
#[inline(always)]
pub(crate) fn take_reply(complete: impl FnOnce(&mut Option<Reply>)) -> Option<Reply> {
    REPLY.with_borrow_mut(|reply| {
        complete(reply);
        reply.take()
    })
}

fn next_token() -> u64 {
    let last = match LAST.get() {
        0 => INLINE_BIT | (NEXT_THREAD.fetch_add(1, Ordering::Relaxed) & 0x7f_ffff) << COMMAND_BITS,
        last => last,
    };
    let token = last & !COMMAND | (last + 1) & COMMAND;
    LAST.set(token);
    token
}

/// Whether this thread is inside an INLINE command: blocking services are not for it.
pub(crate) fn is_running() -> bool {
    GENERATION.get() != 0
}

/// Whether `token` is the INLINE command of this thread and has no reply yet.
pub(crate) fn is_open(token: u64) -> bool {
    token != 0 && OPEN.get() == token
}

/// Has the reply of this thread's INLINE command written where it stays. `None`: not its token, or it has one already.
pub(crate) fn reply<T>(token: u64, write: impl FnOnce(&mut Option<Reply>) -> T) -> Option<T> {
    is_open(token).then(|| {
        OPEN.set(0);
        REPLY.with_borrow_mut(write)
    })
}
