use super::library::guarded;
use super::read::{MAX_STORY, lossy_text, text};
use super::{call, reply, store, topics};
use crate::flights::Step;
use crate::host::{Ledger, Phase, inline};
use jackfield_message::{Progress, Reply};
use jackfield_plugin_api as abi;
use std::ffi::c_void;
use std::sync::{Arc, PoisonError};

/// Behind the `ctx` of a table.
struct Context {
    ledger: Arc<Ledger>,
}

/// The table of host functions of one generation. The plugin keeps a pointer to it: it must live as long as the library is
/// mapped.
pub(crate) struct HostTable {
    raw: Box<abi::jf_host>,
    /// What `raw.ctx` points to.
    context: Box<Context>,
}

// SAFETY: immutable after construction; `ctx` points to a Context, which is Sync.
unsafe impl Send for HostTable {}
// SAFETY: as above.
unsafe impl Sync for HostTable {}

impl HostTable {
    pub fn new(ledger: Arc<Ledger>) -> Arc<Self> {
        let context = Box::new(Context { ledger });
        let raw = abi::jf_host {
            struct_size: size_of::<abi::jf_host>() as u32,
            abi_minor: abi::JF_ABI_MINOR,
            ctx: std::ptr::from_ref(&*context).cast_mut().cast(),
            log: Some(log),
            get_service: Some(get_service),
            reply: Some(reply_to),
            progress: Some(progress),
            is_cancelled: Some(is_cancelled),
        };
        Arc::new(Self { raw: Box::new(raw), context })
    }

    pub fn as_ptr(&self) -> *const abi::jf_host {
        &*self.raw
    }

    /// What the host keeps on the generation that has this table.
    pub fn ledger(&self) -> &Ledger {
        &self.context.ledger
    }
}

/// The generation that calls.
///
/// # Safety
/// `host` is null or the table that this generation was given, which outlives its library.
pub(super) unsafe fn ledger<'a>(host: *const abi::jf_host) -> Option<&'a Arc<Ledger>> {
    // SAFETY: promised by the caller.
    let host = unsafe { host.as_ref() }?;
    // SAFETY: `ctx` was set in `new` and points to what the table owns.
    unsafe { host.ctx.cast::<Context>().as_ref() }.map(|context| &context.ledger)
}

extern "C" fn log(host: *const abi::jf_host, level: i32, message: abi::jf_str) {
    const MAX: usize = 8 << 10;
    guarded((), || {
        // SAFETY: the plugin passes its own table.
        let Some(ledger) = (unsafe { ledger(host) }) else { return };
        // SAFETY: the plugin passes a borrowed text.
        let message = match unsafe { lossy_text(message, MAX_STORY) } {
            Ok(message) => message,
            Err(why) => return ledger.misuse(&format!("a log line with {}", why.what), 0),
        };
        let message = &message[..message.floor_char_boundary(MAX)];
        let (plugin, generation) = (ledger.plugin(), ledger.number);
        match level {
            i32::MIN..abi::JF_LOG_INFO => tracing::debug!(plugin, generation, "{message}"),
            abi::JF_LOG_INFO..abi::JF_LOG_WARN => tracing::info!(plugin, generation, "{message}"),
            abi::JF_LOG_WARN..abi::JF_LOG_ERROR => tracing::warn!(plugin, generation, "{message}"),
            _ => tracing::error!(plugin, generation, "{message}"),
        }
    });
}

/// Longest id of a service that is looked at.
const MAX_ID: usize = 256;

extern "C" fn get_service(host: *const abi::jf_host, id: abi::jf_str) -> *const c_void {
    guarded(std::ptr::null(), || {
        // SAFETY: the plugin passes its own table and a borrowed text.
        let (Some(ledger), Ok(id)) = (unsafe { ledger(host) }, unsafe { text(id, MAX_ID) }) else {
            return std::ptr::null();
        };
        if !ledger.is_in(Phase::Creating, Phase::Stopped) {
            return std::ptr::null();
        }
        // The application's own first: it may put its project in the place of the built-in store.
        if let Some(core) = ledger.core.upgrade() {
            let services = core.services.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(service) = services.get(id) {
                return std::ptr::with_exposed_provenance(service.address);
            }
        }
        match id {
            abi::SERVICE_TOPICS => std::ptr::from_ref(&topics::TABLE).cast(),
            abi::SERVICE_CALL => std::ptr::from_ref(&call::TABLE).cast(),
            abi::SERVICE_STORE if ledger.store().is_some() => std::ptr::from_ref(&store::TABLE).cast(),
            _ => std::ptr::null(),
        }
    })
}

extern "C" fn reply_to(host: *const abi::jf_host, token: abi::jf_token, raw: *const abi::jf_reply) -> abi::jf_status {
    guarded(abi::JF_E_INTERNAL, || {
        // SAFETY: the plugin passes its own table.
        let Some(ledger) = (unsafe { ledger(host) }) else { return abi::JF_E_INVALID };
        // INLINE commands run only while the generation does.
        // SAFETY: the plugin passes a reply as the ABI describes it, or null.
        if let Some(status) = inline::reply(token, |into| unsafe { read_reply(raw, ledger, token, into) }) {
            return status;
        }
        // Read in any case: buffers that are handed over must be given back.
        let mut reply = None;
        // SAFETY: as above.
        let status = unsafe { read_reply(raw, ledger, token, &mut reply) };
        let Some(reply) = reply else { return status };
        if !ledger.is_in(Phase::Running, Phase::Stopped) {
            ledger.misuse("a reply outside start and destroy", token);
            return abi::JF_E_WRONG_STATE;
        }
        if token & inline::INLINE_BIT != 0 {
            ledger.misuse("a second or late reply to an INLINE command", token);
            return abi::JF_E_STALE;
        }
        match ledger.flights.finish(token, reply.outcome.is_ok()) {
            Step::Stale => {
                ledger.misuse("a second or late reply", token);
                abi::JF_E_STALE
            }
            Step::Open(call) => {
                call.answer(reply);
                status
            }
            Step::Done(call) => {
                call.answer(reply);
                ledger.leave();
                status
            }
        }
    })
}

/// What stands in `into` then is the reply, or that it cannot be used.
///
/// # Safety
/// As for [`reply::read_reply`].
unsafe fn read_reply(
    raw: *const abi::jf_reply,
    ledger: &Arc<Ledger>,
    token: abi::jf_token,
    into: &mut Option<Reply>,
) -> abi::jf_status {
    // SAFETY: promised by the caller.
    match unsafe { reply::read_reply(raw, ledger, into) } {
        Ok(()) => abi::JF_OK,
        Err(why) => {
            ledger.misuse(&why.what, token);
            *into = Some(reply::unusable(why, ledger));
            abi::JF_E_INVALID
        }
    }
}

extern "C" fn progress(
    host: *const abi::jf_host,
    token: abi::jf_token,
    done: u64,
    total: u64,
    message: abi::jf_str,
) -> abi::jf_status {
    guarded(abi::JF_E_INTERNAL, || {
        // SAFETY: the plugin passes its own table and a borrowed text.
        let (Some(ledger), Ok(message)) = (unsafe { ledger(host) }, unsafe { text(message, MAX_STORY) }) else {
            return abi::JF_E_INVALID;
        };
        if !ledger.is_in(Phase::Running, Phase::Stopped) {
            return abi::JF_E_WRONG_STATE;
        }
        if inline::is_open(token) {
            return abi::JF_OK;
        }
        let Some(call) = ledger.flights.find(token) else { return abi::JF_E_STALE };
        call.progress(Progress { done, total, text: message[..message.floor_char_boundary(1024)].to_owned() });
        abi::JF_OK
    })
}

extern "C" fn is_cancelled(host: *const abi::jf_host, token: abi::jf_token) -> i32 {
    guarded(1, || {
        // SAFETY: the plugin passes its own table.
        let Some(ledger) = (unsafe { ledger(host) }) else { return 1 };
        if inline::is_open(token) {
            return 0;
        }
        i32::from(ledger.flights.find(token).is_none_or(|call| call.is_cancelled() || call.is_answered()))
    })
}
