//! Promises of the C face that no safe code can try: short tables, null pointers, released buffers.

use super::buffer::into_buf;
use super::descriptor::Slot;
use super::entry::entry;
use crate::{Call, Commands, Error, Host, Info, NoConfig, Plugin};
use jackfield_plugin_api::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr::{null, null_mut};

struct Small;

impl Plugin for Small {
    type Config = NoConfig;
    const INFO: Info = Info::new("small", "Small", "1.0.0").license("MIT").exclusive().topics(&["a.*", "b"]);

    fn new(host: Host, _config: NoConfig) -> Result<Self, Error> {
        match host.store() {
            None => Ok(Self),
            Some(_) => Err("a store where there is none".into()),
        }
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add_raw("z", |_: &Self, call: &Call, _| Ok(call.attachment_count().to_string().into()));
        commands.add_raw("a", |_: &Self, call: &Call, params| {
            call.progress(0, 0, "");
            Ok(if call.is_cancelled() { "1".into() } else { params.into() })
        });
        let large = "9".repeat(5000);
        let registration = commands.add_raw("large", move |_: &Self, _: &Call, _| Ok(large.clone().into()));
        registration.concurrent().help("Large").order(&["x", "y"]).example("1").example("2").read_only();
    }
}

thread_local! {
    /// JSON of the replies, and the owned buffers among them, on this test's thread.
    static REPLIES: RefCell<Vec<(jf_status, String)>> = const { RefCell::new(Vec::new()) };
    static OWNED: RefCell<Vec<jf_buf>> = const { RefCell::new(Vec::new()) };
}

unsafe extern "C" fn take_reply(_host: *const jf_host, _token: jf_token, reply: *const jf_reply) -> jf_status {
    // SAFETY: the plugin hands over a whole reply.
    let reply = unsafe { &*reply };
    let owned = reply.json_buf;
    let json = if owned.ptr.is_null() { reply.json } else { jf_str { ptr: owned.ptr.cast(), len: owned.len } };
    if !owned.ptr.is_null() {
        OWNED.with_borrow_mut(|all| all.push(owned));
    }
    // SAFETY: borrowed until we return, or owned by us.
    let json = unsafe { super::tables::text(json) }.to_owned();
    REPLIES.with_borrow_mut(|all| all.push((reply.status, json)));
    JF_OK
}

fn host() -> jf_host {
    jf_host {
        struct_size: size_of::<jf_host>() as u32,
        abi_minor: 0,
        ctx: null_mut(),
        log: None,
        get_service: None,
        reply: Some(take_reply),
        progress: None,
        is_cancelled: None,
    }
}

fn command(key: &'static str, params: &'static str) -> jf_command {
    jf_command {
        struct_size: size_of::<jf_command>() as u32,
        attachment_count: 0,
        token: 1,
        key: jf_str::new(key),
        params: jf_str::new(params),
        attachments: null(),
        session: 0,
        principal: jf_str::EMPTY,
        dialect: jf_str::EMPTY,
        trace_id: jf_str::EMPTY,
        deadline_ns: 0,
    }
}

fn load(host: &jf_host, room: usize) -> (jf_status, jf_plugin) {
    static SLOT: Slot = Slot::new();
    // SAFETY: zero is a value of it.
    let mut out: jf_plugin = unsafe { std::mem::zeroed() };
    out.struct_size = room as u32;
    // SAFETY: both are whole; the plugin writes at most `room` bytes, no more than there are.
    let status = unsafe { entry::<Small>(host, &mut out, &SLOT) };
    (status, out)
}

/// The instance and its table, on a host that outlives it.
fn running(host: &jf_host) -> (jf_plugin, *mut c_void) {
    let (status, plugin) = load(host, size_of::<jf_plugin>());
    assert_eq!(status, JF_OK);
    let mut instance = null_mut();
    // SAFETY: all places can be written, or are NULL where that is allowed.
    let status = unsafe { plugin.create.unwrap()(host, jf_str::EMPTY, &mut instance, null_mut()) };
    assert_eq!(status, JF_OK);
    (plugin, instance)
}

#[test]
fn the_descriptor_says_what_was_declared() {
    let (_, plugin) = load(&host(), size_of::<jf_plugin>());
    // SAFETY: the descriptor is static, and all it points to is as declared.
    unsafe {
        let d = &*plugin.descriptor;
        assert_eq!(d.flags, JF_PLUGIN_EXCLUSIVE);
        let texts = [d.id, d.name, d.version, d.license, d.build].map(|raw| super::tables::text(raw));
        assert_eq!(texts, ["small", "Small", "1.0.0", "MIT", ""]);
        let topics: Vec<&str> = (0..d.topic_count).map(|n| super::tables::text(*d.topics.add(n))).collect();
        assert_eq!(topics, ["a.*", "b"]);
        let commands: Vec<&jf_command_info> = (0..d.command_count).map(|n| &**d.commands.add(n)).collect();
        let keys: Vec<&str> = commands.iter().map(|info| super::tables::text(info.key)).collect();
        assert_eq!(keys, ["a", "large", "z"]);
        let large = commands[1];
        assert_eq!((large.command_class, large.flags), (JF_CONCURRENT, JF_COMMAND_READ_ONLY));
        assert_eq!((large.param_count, large.example_count), (2, 2));
        assert_eq!(super::tables::text(*large.param_order.add(1)), "y");
        assert_eq!(super::tables::text(*large.examples), "1");
        assert_eq!(large.struct_size as usize, size_of::<jf_command_info>());
    }
    assert_eq!(plugin.struct_size as usize, size_of::<jf_plugin>());
}

#[test]
fn the_entry_writes_no_further_than_the_host_has_room() {
    let (status, plugin) = load(&host(), 64);
    assert_eq!(status, JF_OK);
    assert!(plugin.destroy.is_some() && plugin.get_extension.is_none());
    let (status, plugin) = load(&host(), 56);
    assert_eq!(status, JF_E_VERSION);
    assert!(plugin.descriptor.is_null());
}

#[test]
fn null_tables_are_refused() {
    // SAFETY: NULL is what is tried.
    let status = unsafe { entry::<Small>(null(), null_mut(), Box::leak(Box::new(Slot::new()))) };
    assert_eq!(status, JF_E_INVALID);
    let host = host();
    let (plugin, instance) = running(&host);
    // SAFETY: NULL is what is tried; the instance is destroyed once.
    unsafe {
        assert_eq!(plugin.handle.unwrap()(null_mut(), &command("a", "1")), JF_E_INVALID);
        assert_eq!(plugin.handle.unwrap()(instance, null()), JF_E_INVALID);
        assert_eq!(plugin.start.unwrap()(null_mut(), null_mut()), JF_E_INVALID);
        assert!(plugin.get_extension.unwrap()(jf_str::new(EXTENSION_STATE)).is_null());
        plugin.stop.unwrap()(null_mut());
        plugin.cancel.unwrap()(null_mut(), 1);
        plugin.destroy.unwrap()(null_mut());
        plugin.destroy.unwrap()(instance);
    }
}

#[test]
fn a_command_of_an_older_host_lacks_its_last_fields() {
    let host = host();
    let (plugin, instance) = running(&host);
    let mut short = command("z", "1");
    short.attachment_count = 3;
    short.attachments = std::ptr::without_provenance(8);
    // Ends before `attachments`, so that nothing may be read there.
    short.struct_size = 48;
    // SAFETY: the instance is alive until `destroy`.
    unsafe {
        assert_eq!(plugin.handle.unwrap()(instance, &short), JF_OK);
        plugin.destroy.unwrap()(instance);
    }
    assert_eq!(REPLIES.take(), [(JF_OK, "0".into())]);
}

#[test]
fn a_host_without_optional_functions_is_enough() {
    let mut host = host();
    // Up to and with `reply`.
    host.struct_size = 40;
    let (plugin, instance) = running(&host);
    // SAFETY: the instance is alive until `destroy`.
    unsafe {
        assert_eq!(plugin.handle.unwrap()(instance, &command("a", " 7")), JF_OK);
        plugin.destroy.unwrap()(instance);
    }
    assert_eq!(REPLIES.take(), [(JF_OK, " 7".into())]);
    let mut mute = self::host();
    mute.struct_size = 32;
    let (plugin, instance) = running(&mute);
    // SAFETY: as above.
    unsafe {
        assert_eq!(plugin.handle.unwrap()(instance, &command("a", "7")), JF_E_NO_SERVICE);
        plugin.destroy.unwrap()(instance);
    }
}

#[test]
fn large_results_pass_as_owned_buffers_and_small_ones_do_not() {
    let host = host();
    let (plugin, instance) = running(&host);
    // SAFETY: the instance is alive until `destroy`; each buffer is released once, before that.
    unsafe {
        assert_eq!(plugin.handle.unwrap()(instance, &command("a", "1")), JF_OK);
        assert!(OWNED.take().is_empty());
        assert_eq!(plugin.handle.unwrap()(instance, &command("large", "1")), JF_OK);
        let owned = OWNED.take();
        assert_eq!((owned.len(), owned[0].len), (1, 5000));
        owned[0].release.unwrap()(owned[0].ctx, owned[0].ptr, owned[0].len);
        plugin.destroy.unwrap()(instance);
    }
}

#[test]
fn buffers_are_released_once_with_what_came_with_them() {
    thread_local!(static RELEASED: RefCell<Vec<(usize, usize)>> = const { RefCell::new(Vec::new()) });
    unsafe extern "C" fn release(ctx: *mut c_void, _ptr: *const u8, len: usize) {
        RELEASED.with_borrow_mut(|all| all.push((ctx.addr(), len)));
    }
    let raw =
        jf_buf { ptr: b"four".as_ptr(), len: 4, release: Some(release), ctx: std::ptr::without_provenance_mut(8) };
    // SAFETY: static bytes, and nobody else releases them.
    let text = unsafe { super::buffer::Buffer::new(raw) }.into_text().unwrap();
    assert_eq!(&*text, "four");
    assert!(RELEASED.take().is_empty());
    drop(text);
    assert_eq!(RELEASED.take(), [(8, 4)]);
    let mut vec = Vec::with_capacity(100);
    vec.extend_from_slice(b"abc");
    // SAFETY: handed over by `into_buf`.
    let buffer = unsafe { super::buffer::Buffer::new(into_buf(vec)) };
    assert_eq!(&*buffer, b"abc");
}

/// Counts the allocations of each thread.
struct Counting;

thread_local!(static ALLOCATIONS: Cell<usize> = const { Cell::new(0) });

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_borrowed_result_costs_no_allocation() {
    unsafe extern "C" fn drop_reply(_: *const jf_host, _: jf_token, _: *const jf_reply) -> jf_status {
        JF_OK
    }
    let host = jf_host { reply: Some(drop_reply), ..host() };
    let (plugin, instance) = running(&host);
    let (handle, command) = (plugin.handle.unwrap(), command("a", "[1, 2, 3]"));
    let before = ALLOCATIONS.get();
    // SAFETY: the instance is alive until `destroy`.
    let status = unsafe { handle(instance, &command) };
    assert_eq!((status, ALLOCATIONS.get() - before), (JF_OK, 0));
    // SAFETY: destroyed once.
    unsafe { plugin.destroy.unwrap()(instance) };
}
