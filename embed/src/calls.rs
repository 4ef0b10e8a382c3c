//! Commands that the application calls: those that it waits for, and those whose answers come by a callback.

use crate::api::client::{JF_ON_HOST_THREAD, jf_request};
use crate::edge::{self, Fault, call_out};
use crate::handle::Name;
use crate::read;
use jackfield_engine::{CallHandle, Engine, Limits, Progress, ReplySink, Submitted, raw};
use jackfield_message::{Command, ErrorCode, Reply, json};
use jackfield_plugin_api::*;
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// What commands of the application say of where they come from.
pub(crate) const DIALECT: &str = "host";

/// A command as the application asks for it. Its JSON is checked as that of every client.
pub(crate) fn command(key: &str, params: &str, timeout_ms: i64, limits: &Limits) -> Result<Command, Fault> {
    let params = if params.is_empty() { "null" } else { params };
    json::check(params, limits.nesting)
        .map_err(|why| Fault::invalid(format!("The params of '{key}' are no JSON: {why}.")))?;
    let mut command = Command::new(key, params);
    command.dialect = DIALECT;
    let timeout = match timeout_ms {
        0 => Some(Limits::seconds(limits.call_s)),
        ms => u64::try_from(ms).ok().map(Duration::from_millis),
    };
    command.deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    Ok(command)
}

/// The error that a request is over.
pub(crate) fn no_request(id: u64) -> Fault {
    let message = format!("No request {id} can be cancelled: it is answered already, or none.");
    Fault { status: JF_E_STALE, ..Fault::invalid(message) }
}

type RawDone = unsafe extern "C" fn(userdata: *mut c_void, reply: *const jf_reply);
type RawProgress = unsafe extern "C" fn(userdata: *mut c_void, done: u64, total: u64, text: jf_str);

/// Whom the application wants called; the answer is told once, at the latest when this is dropped.
struct Hearer {
    of: Name,
    done: Option<RawDone>,
    progress: Option<RawProgress>,
    userdata: *mut c_void,
}

// SAFETY: the application promises that its functions may be called where it asked for them.
unsafe impl Send for Hearer {}
// SAFETY: as above.
unsafe impl Sync for Hearer {}

impl Hearer {
    fn tell(&mut self, reply: &Reply) {
        if let Some(done) = self.done.take() {
            let (of, userdata) = (self.of, self.userdata);
            // SAFETY: the application's function; the reply and all behind it lives until the call returns.
            raw::with_raw_reply(reply, |raw| call_out(of, true, || unsafe { done(userdata, raw) }));
        }
    }

    /// What to call with a progress; the request may be answered meanwhile.
    fn progress(&self) -> Option<impl FnOnce(Progress) + Send + 'static> {
        struct Userdata(*mut c_void);
        // SAFETY: as for `Hearer`.
        unsafe impl Send for Userdata {}
        let (of, progress, userdata) = (self.of, self.progress?, Userdata(self.userdata));
        Some(move |Progress { done, total, text }: Progress| {
            let Userdata(userdata) = { userdata };
            // SAFETY: the application's function; the text lives until the call returns.
            call_out(of, true, || unsafe { progress(userdata, done, total, jf_str::new(&text)) });
        })
    }
}

impl Drop for Hearer {
    fn drop(&mut self) {
        // Nobody polled for it before the engine was freed.
        if self.done.is_some() {
            self.tell(&Reply::error(ErrorCode::ShuttingDown, "The engine was freed."));
        }
    }
}

struct Out {
    hearer: Hearer,
    /// `None` while it is being submitted, and where it cannot be cancelled.
    handle: Option<CallHandle>,
    newest: Option<Progress>,
    on_host_thread: bool,
}

/// The requests of one run of an engine that are out.
pub(crate) struct Requests {
    of: Name,
    engine: Weak<Engine>,
    book: Mutex<Book>,
    /// Itself, for jobs.
    me: Weak<Self>,
}

#[derive(Default)]
struct Book {
    last: u64,
    out: HashMap<u64, Out>,
}

impl Requests {
    pub fn new(of: Name, engine: &Arc<Engine>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self { of, engine: Arc::downgrade(engine), book: Mutex::default(), me: me.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Submits a request; writes its number before anybody is called.
    ///
    /// # Safety
    /// `request` is null or borrowed as the header says, `id` null or writable.
    pub unsafe fn submit(
        self: &Arc<Self>,
        request: *const jf_request,
        id: *mut u64,
        limits: &Limits,
    ) -> Result<(), Fault> {
        // SAFETY: promised by the caller, also for all that is read below.
        let request = unsafe { read::read(request, "request") }?;
        // SAFETY: as above.
        let (key, params, attachments) = unsafe {
            let key = edge::text(request.key, "key")?;
            let params = edge::long_text(request.params, "params", limits)?;
            let attachments = raw::attachments(request.attachments, request.attachment_count, limits);
            (key, params, attachments)
        };
        let mut command = command(key, params, request.timeout_ms, limits)?;
        command.attachments = attachments
            .map_err(|why| {
                let status = if why.too_large { JF_E_TOO_LARGE } else { JF_E_INVALID };
                Fault { status, ..Fault::invalid(format!("The attachments have {}.", why.what)) }
            })?
            .into();
        let engine = self.engine.upgrade().filter(|engine| engine.is_accepting()).ok_or_else(edge::shutting_down)?;
        let hearer = Hearer { of: self.of, done: request.done, progress: request.progress, userdata: request.userdata };
        let on_host_thread = request.flags & JF_ON_HOST_THREAD != 0;
        let number = {
            let mut book = self.lock();
            if book.out.len() >= limits.plugin_queue {
                let limit = limits.plugin_queue;
                std::mem::forget(hearer);
                let message = format!("The application has {limit} requests out (limit plugin_queue).");
                return Err(Fault { status: JF_E_BUSY, ..Fault::invalid(message) });
            }
            book.last += 1;
            let number = book.last;
            book.out.insert(number, Out { hearer, handle: None, newest: None, on_host_thread });
            number
        };
        if !id.is_null() {
            // SAFETY: promised by the caller.
            unsafe { id.write(number) };
        }
        let sink: Arc<dyn ReplySink> = self.clone();
        match engine.submit(command, &sink, number) {
            Submitted::Answered(reply) => self.reply(number, reply),
            Submitted::Waiting(handle) => {
                if let Some(out) = self.lock().out.get_mut(&number) {
                    out.handle = Some(handle);
                }
            }
        }
        Ok(())
    }

    /// Asks for a request to be given up.
    pub fn cancel(&self, id: u64) -> Result<(), Fault> {
        let handle = self.lock().out.get(&id).and_then(|out| out.handle.clone());
        match (handle, self.engine.upgrade()) {
            (Some(handle), Some(engine)) if engine.cancel(&handle) => Ok(()),
            _ => Err(no_request(id)),
        }
    }

    fn tell_progress(&self, id: u64) {
        let told = self.lock().out.get_mut(&id).and_then(|out| Some((out.hearer.progress()?, out.newest.take()?)));
        if let Some((tell, newest)) = told {
            tell(newest);
        }
    }
}

impl ReplySink for Requests {
    fn reply(&self, request: u64, reply: Reply) {
        let Some(mut out) = self.lock().out.remove(&request) else { return };
        let on_host_thread = out.on_host_thread;
        let mut tell = move || {
            // The last word before it, if that was not told yet.
            if let (Some(tell), Some(newest)) = (out.hearer.progress(), out.newest.take()) {
                tell(newest);
            }
            out.hearer.tell(&reply);
        };
        match self.engine.upgrade() {
            Some(engine) => engine.post(on_host_thread, Box::new(tell)),
            None => tell(),
        }
    }

    fn progress(&self, request: u64, progress: Progress) {
        let (first, on_host_thread) = {
            let mut book = self.lock();
            let Some(out) = book.out.get_mut(&request).filter(|out| out.hearer.progress.is_some()) else { return };
            (out.newest.replace(progress).is_none(), out.on_host_thread)
        };
        // While one is on its way it takes the newest with it.
        if first && let (Some(engine), Some(me)) = (self.engine.upgrade(), self.me.upgrade()) {
            // Where the engine has stopped, the answer does that.
            let _ = engine.try_post(on_host_thread, Box::new(move || me.tell_progress(request)));
        }
    }
}
