//! The INLINE command that this thread is running right now. It has no entry anywhere: its token is known to this thread
//! alone, and its reply is collected here before `handle` returns.

use jackfield_message::Reply;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};

/// Set in the tokens of INLINE commands.
pub(crate) const INLINE_BIT: u64 = 1 << 63;

struct Current {
    token: u64,
    reply: Option<Reply>,
}

static NEXT_THREAD: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
    static NEXT_TOKEN: RefCell<u64> = RefCell::new(
        // 23 bits for the thread, 40 for the command: the tokens of two threads do not meet.
        INLINE_BIT | (NEXT_THREAD.fetch_add(1, Ordering::Relaxed) & 0x7f_ffff) << 40,
    );
}

thread_local! {
    // No destructor, no lazy start: it can be read in a signal handler.
    static GENERATION: Cell<u64> = const { Cell::new(0) };
}

/// The generation whose INLINE command this thread is running; 0: none. May be asked in a signal handler.
pub fn inline_generation() -> u64 {
    GENERATION.get()
}

/// Runs `handle` as the current INLINE command, of `generation`; gives its return value and the reply that was made, if any.
pub(crate) fn run<T>(generation: u64, handle: impl FnOnce(u64) -> T) -> (T, Option<Reply>) {
    let token = NEXT_TOKEN.with_borrow_mut(|next| {
        *next = *next & !0xff_ffff_ffff | (*next + 1) & 0xff_ffff_ffff;
        *next
    });
    CURRENT.set(Some(Current { token, reply: None }));
    GENERATION.set(generation);
    let value = handle(token);
    GENERATION.set(0);
    (value, CURRENT.take().and_then(|current| current.reply))
}

/// Whether this thread is inside an INLINE command: blocking services are not for it.
pub(crate) fn is_running() -> bool {
    CURRENT.with_borrow(Option::is_some)
}

/// Whether `token` is the INLINE command of this thread and has no reply yet.
pub(crate) fn is_open(token: u64) -> bool {
    CURRENT.with_borrow(|current| {
        current.as_ref().is_some_and(|current| current.token == token && current.reply.is_none())
    })
}

/// Takes the reply of this thread's INLINE command. False: not its token, or it has one already.
pub(crate) fn reply(token: u64, reply: Reply) -> bool {
    CURRENT.with_borrow_mut(|current| match current {
        Some(current) if current.token == token && current.reply.is_none() => {
            current.reply = Some(reply);
            true
        }
        _ => false,
    })
}
