//! The C side of [`testing`](crate::testing): a host table, and a plugin called through its own table.

use super::bench_calls::{CALL_TABLE, TOPICS_TABLE};
use super::bench_store::STORE_TABLE;
use super::buffer::Buffer;
use super::entry::entry;
use super::host::HostTable;
use super::tables::{Table, bytes, element, read, str_bytes, text};
use crate::testing::desk::{Desk, Phase};
use crate::testing::{Attachment, Outcome, Progress, Refused, Request};
use crate::{Host, Plugin, Status, Store};
use jackfield_plugin_api::*;
use std::ffi::c_void;
use std::ptr::{from_ref, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};

/// A plugin that has been through its entry function, and its instance.
pub(crate) struct Loaded {
    host: &'static jf_host,
    table: jf_plugin,
    instance: AtomicPtr<c_void>,
}

// SAFETY: the host table is only read and all that it leads to is locked; the plugin's functions are called on threads as
// plugin.h says, which `Bench` keeps.
unsafe impl Send for Loaded {}
// SAFETY: as above.
unsafe impl Sync for Loaded {}

impl Loaded {
    /// Calls the entry function.
    pub fn load<P: Plugin>(desk: &'static Desk) -> Result<Self, Refused> {
        let host: &'static jf_host = Box::leak(Box::new(jf_host {
            struct_size: size_of::<jf_host>() as u32,
            abi_minor: JF_ABI_MINOR,
            ctx: from_ref(desk).cast_mut().cast(),
            log: Some(log),
            get_service: Some(get_service),
            reply: Some(reply),
            progress: Some(progress),
            is_cancelled: Some(is_cancelled),
        }));
        // SAFETY: zero is a value of it (trait `Table`).
        let mut table: jf_plugin = unsafe { std::mem::zeroed() };
        table.struct_size = size_of::<jf_plugin>() as u32;
        // SAFETY: both tables are whole and of our own making.
        let status = unsafe { entry::<P>(host, &mut table, Box::leak(Box::default())) };
        let refused = |status| Refused { step: "load", status, why: desk.lines().join("\n") };
        Status::check(status).map_err(refused)?;
        Ok(Self { host, table, instance: AtomicPtr::new(null_mut()) })
    }

    pub fn create(&self, config: &str) -> Result<(), Refused> {
        let create = self.table.create.ok_or_else(|| missing("create"))?;
        let (mut instance, mut why) = (null_mut(), jf_buf::EMPTY);
        // SAFETY: all pointers are to values of this frame, or static.
        let status = unsafe { create(self.host, jf_str::new(config), &mut instance, &mut why) };
        self.instance.store(instance, Ordering::Release);
        outcome("create", status, why)
    }

    pub fn start(&self) -> Result<(), Refused> {
        let Some(start) = self.table.start else { return Ok(()) };
        let mut why = jf_buf::EMPTY;
        // SAFETY: the instance is alive: only `destroy` ends it, which leaves NULL.
        outcome("start", unsafe { start(self.instance(), &mut why) }, why)
    }

    pub fn handle(&self, command: &CommandMemory) -> jf_status {
        let Some(handle) = self.table.handle else { return JF_E_INVALID };
        // SAFETY: as in `start`; the desk keeps the command until its token is finished, the caller until this returns.
        unsafe { handle(self.instance(), &command.raw) }
    }

    pub fn cancel(&self, token: jf_token) {
        if let Some(cancel) = self.table.cancel {
            // SAFETY: as in `start`.
            unsafe { cancel(self.instance(), token) }
        }
    }

    /// Hands an event over; false: the plugin has no ear for it.
    pub fn event(&self, topic: &str, data: &str, dropped: u64) -> bool {
        let Some(get_extension) = self.table.get_extension else { return false };
        // SAFETY: the id lives until the call returns, and the table that goes with it is static.
        let events = unsafe { get_extension(jf_str::new(EXTENSION_TOPICS)).cast::<jf_events_v1>().as_ref() };
        let Some(event) = events.and_then(|events| events.event) else { return false };
        // SAFETY: as in `start`; the texts live until the call returns.
        unsafe { event(self.instance(), jf_str::new(topic), jf_str::new(data), dropped) }
        true
    }

    pub fn stop(&self) {
        if let Some(stop) = self.table.stop {
            // SAFETY: as in `start`.
            unsafe { stop(self.instance()) }
        }
    }

    pub fn destroy(&self) {
        let instance = self.instance.swap(null_mut(), Ordering::AcqRel);
        if let Some(destroy) = self.table.destroy.filter(|_| !instance.is_null()) {
            // SAFETY: alive until now, and nobody gets it any more.
            unsafe { destroy(instance) }
        }
    }

    pub fn store(&self) -> Store {
        // SAFETY: our own host table is never freed.
        let host = Host::new(unsafe { HostTable::new(self.host) });
        host.store().expect("the bench has a store from `create` to `destroy`")
    }

    /// A copy of the table of an extension; `None` where the plugin has none.
    pub(super) fn extension<T: Table>(&self, id: &str) -> Option<T> {
        let get_extension = self.table.get_extension?;
        // SAFETY: `id` lives until the call returns; the plugin answers NULL or a static table, of the kind that each
        // caller of this function names with its id.
        unsafe {
            let table = get_extension(jf_str::new(id)).cast::<T>();
            (!table.is_null()).then(|| read(table))
        }
    }

    pub(super) fn instance(&self) -> *mut c_void {
        self.instance.load(Ordering::Acquire)
    }
}

fn missing(step: &'static str) -> Refused {
    Refused { step, status: Status::Invalid, why: "the plugin's table has no such function".into() }
}

pub(super) fn outcome(step: &'static str, status: jf_status, why: jf_buf) -> Result<(), Refused> {
    // SAFETY: the plugin has handed it over to us.
    let why = unsafe { Buffer::new(why) };
    Status::check(status).map_err(|status| Refused { step, status, why: String::from_utf8_lossy(&why).into_owned() })
}

/// A command, and all that it points to.
pub(crate) struct CommandMemory {
    raw: jf_command,
    request: Request,
    _attachments: Vec<jf_attachment>,
    _pointers: Vec<*const jf_attachment>,
}

// SAFETY: not changed once made; all pointers lead into its own heap memory.
unsafe impl Send for CommandMemory {}
// SAFETY: as above.
unsafe impl Sync for CommandMemory {}

impl CommandMemory {
    pub fn new(token: u64, request: Request) -> Self {
        let attachments: Vec<_> = request
            .attachments
            .iter()
            .map(|attachment| jf_attachment {
                struct_size: size_of::<jf_attachment>() as u32,
                flags: 0,
                name: jf_str::new(&attachment.name),
                content_type: jf_str::new(&attachment.content_type),
                bytes: jf_bytes::new(&attachment.bytes),
            })
            .collect();
        let pointers: Vec<*const jf_attachment> = attachments.iter().map(from_ref).collect();
        let raw = jf_command {
            struct_size: size_of::<jf_command>() as u32,
            attachment_count: pointers.len() as u32,
            token,
            key: jf_str::new(&request.key),
            params: jf_str::new(&request.params),
            attachments: pointers.as_ptr(),
            session: request.session,
            principal: jf_str::new(&request.principal),
            dialect: jf_str::new(&request.dialect),
            trace_id: jf_str::new(&request.trace_id),
            deadline_ns: request.deadline_ns,
        };
        Self { raw, request, _attachments: attachments, _pointers: pointers }
    }

    pub fn request(&self) -> &Request {
        &self.request
    }

    pub fn token(&self) -> u64 {
        self.raw.token
    }
}

/// The desk behind a host table.
///
/// # Safety
/// `host` is a table that [`Loaded::load`] made.
pub(crate) unsafe fn desk(host: *const jf_host) -> &'static Desk {
    // SAFETY: such tables and their desks are never freed.
    unsafe { &*(*host).ctx.cast::<Desk>() }
}

unsafe extern "C" fn log(host: *const jf_host, _level: i32, text: jf_str) {
    // SAFETY: the plugin calls with the table it was given, and a text that lives meanwhile. So do all below.
    let (desk, text) = unsafe { (desk(host), str_bytes(text)) };
    desk.log(String::from_utf8_lossy(text).into_owned());
}

unsafe extern "C" fn get_service(host: *const jf_host, id: jf_str) -> *const c_void {
    // SAFETY: as in `log`.
    let (desk, id) = unsafe { (desk(host), text(id)) };
    match desk.phase() {
        Phase::Probed | Phase::Gone => std::ptr::null(),
        Phase::Created | Phase::Running if id == SERVICE_STORE => from_ref(&STORE_TABLE).cast(),
        Phase::Created | Phase::Running if id == SERVICE_TOPICS => from_ref(&TOPICS_TABLE).cast(),
        Phase::Created | Phase::Running if id == SERVICE_CALL => from_ref(&CALL_TABLE).cast(),
        _ => std::ptr::null(),
    }
}

unsafe extern "C" fn progress(
    host: *const jf_host,
    token: jf_token,
    done: u64,
    total: u64,
    words: jf_str,
) -> jf_status {
    // SAFETY: as in `log`.
    let (desk, text) = unsafe { (desk(host), text(words).to_owned()) };
    raw(desk.progress(token, Progress { done, total, text }))
}

unsafe extern "C" fn is_cancelled(host: *const jf_host, token: jf_token) -> i32 {
    // SAFETY: as in `log`.
    i32::from(unsafe { desk(host) }.is_cancelled(token))
}

unsafe extern "C" fn reply(host: *const jf_host, token: jf_token, reply: *const jf_reply) -> jf_status {
    if reply.is_null() {
        return JF_E_INVALID;
    }
    let mut buffers = Vec::new();
    // SAFETY: as in `log`; the reply and all it borrows live until the call returns.
    let (desk, outcome) = unsafe { (desk(host), take(&read(reply), &mut buffers)) };
    raw(desk.reply(token, outcome, buffers))
}

pub(crate) fn raw(result: Result<(), Status>) -> jf_status {
    result.map_or_else(Status::raw, |()| JF_OK)
}

/// Copies a reply, and takes over what it owns.
///
/// # Safety
/// It is as plugin.h describes it.
unsafe fn take(reply: &jf_reply, buffers: &mut Vec<Buffer>) -> Result<Outcome, String> {
    // SAFETY: as promised by the caller.
    let json = unsafe { owned_or(reply.json_buf, str_bytes(reply.json), buffers) };
    // SAFETY: as above.
    let message = unsafe { str_bytes(reply.message) }.to_vec();
    let mut attachments = Vec::new();
    for index in 0..reply.attachment_count {
        // SAFETY: as above.
        let raw: Option<jf_reply_attachment> = unsafe { element(reply.attachments, reply.attachment_count, index) };
        let raw = raw.ok_or("a NULL among the attachments")?;
        // SAFETY: as above.
        attachments.push(unsafe {
            Attachment {
                name: text(raw.name).to_owned(),
                content_type: text(raw.content_type).to_owned(),
                bytes: owned_or(raw.buf, bytes(raw.bytes), buffers),
            }
        });
    }
    let json = if json.is_empty() { b"null".to_vec() } else { json };
    let json = String::from_utf8(json).map_err(|_| "its JSON is not UTF-8")?;
    serde_json::from_str::<serde::de::IgnoredAny>(&json).map_err(|error| format!("its JSON: {error}"))?;
    Ok(Outcome {
        status: Status::check(reply.status),
        code: reply.code,
        message: String::from_utf8(message).map_err(|_| "its message is not UTF-8")?,
        json,
        attachments,
        progress: Vec::new(),
    })
}

/// # Safety
/// `buf` is the plugin's to hand over.
unsafe fn owned_or(buf: jf_buf, borrowed: &[u8], buffers: &mut Vec<Buffer>) -> Vec<u8> {
    if buf.ptr.is_null() {
        return borrowed.to_vec();
    }
    // SAFETY: as promised by the caller.
    let buffer = unsafe { Buffer::new(buf) };
    let copy = buffer.to_vec();
    buffers.push(buffer);
    copy
}
