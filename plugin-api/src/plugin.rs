//! Entry, host table, plugin table and descriptor (`plugin.h`).

use crate::{command::*, types::*};
use core::ffi::c_void;

/// Minor version of this header. Told to the other side in `abi_minor`, never a reason to refuse: what a side has is seen
/// from `struct_size`, services and extensions. The major version is in the name of the entry function.
pub const JF_ABI_MINOR: u32 = 0;

/* ---- flags of a plugin; unknown bits are ignored ---- */

/// The library is never unloaded from the process (Go and Python runtimes); a new version is loaded beside it.
pub const JF_PLUGIN_PINNED: u32 = 1;
/// The old version must have stopped before the new one starts (one port, one camera).
pub const JF_PLUGIN_EXCLUSIVE: u32 = 2;
/// EXCLUSIVE, and the state is handed over through the extension jackfield.state/1.
pub const JF_PLUGIN_STATEFUL: u32 = 4;

/// What the host offers. One table a generation, valid from the entry function until the library is unloaded; a thread
/// that outlives `destroy` may still call it and gets JF_E_STALE or JF_E_WRONG_STATE. All functions may be called from any
/// thread and never block, unless said. Every function takes the table itself as its first argument.
#[repr(C)]
pub struct jf_host {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// The host's JF_ABI_MINOR.
    pub abi_minor: u32,
    /// The host's own; not for the plugin.
    pub ctx: *mut c_void,
    /// Writes a line into the host's log, with the plugin's name and generation added. `level` is one of JF_LOG_*; `text`
    /// is UTF-8 (other bytes are replaced), borrowed. Any thread, any state; the only function that also works in a probe
    /// process and from `destroy`.
    pub log: Option<unsafe extern "C" fn(host: *const jf_host, level: i32, text: jf_str)>,
    /// Looks up a service by id, such as JF_SERVICE_STORE. The result is a pointer to the service's table, valid as long
    /// as this one, or NULL where the host does not offer it. Any thread; from `create` on; NULL in a probe process.
    pub get_service: Option<unsafe extern "C" fn(host: *const jf_host, id: jf_str) -> *const c_void>,
    /// Answers a command, once. Everything borrowed in `reply` is copied before the call returns; owned buffers pass to
    /// the host whatever the result. Any thread, from within `handle` or later (INLINE: only from within `handle`).
    /// JF_OK; JF_E_STALE: already answered, or no such command (also when the client was told something else meanwhile,
    /// the first reply is JF_OK); JF_E_INVALID: the reply is not usable (the command is then answered with an error that
    /// names the plugin); JF_E_WRONG_STATE: from `create`, `restore` or `destroy`.
    pub reply: Option<unsafe extern "C" fn(host: *const jf_host, token: jf_token, reply: *const jf_reply) -> jf_status>,
    /// Tells how far a command is: `done` of `total` (0: not known), and a short text. May be called often; the host thins
    /// them out. Any thread. JF_OK, JF_E_STALE, JF_E_INVALID, JF_E_WRONG_STATE.
    pub progress: Option<
        unsafe extern "C" fn(host: *const jf_host, token: jf_token, done: u64, total: u64, text: jf_str) -> jf_status,
    >,
    /// 1 when the command should be given up (asked for by the caller, past its deadline, or already answered for), else 0.
    /// Any thread; cheap enough for an inner loop.
    pub is_cancelled: Option<unsafe extern "C" fn(host: *const jf_host, token: jf_token) -> i32>,
}

/// What the plugin offers: filled in by the entry function. The host has set `struct_size` to the bytes it has room for and
/// the rest to zero; the plugin writes at most that far and then sets its own size. `instance` is what `create` made.
///
/// Order of calls: entry; `create`; `start`; then `handle`, `cancel`, events, replies to calls and releases; `stop`; (`start`
/// again, or) `destroy`. No call comes before `create` has returned or after `destroy` has begun, and no `handle` after
/// `stop` was called. All but `handle` run on the generation's control thread; `cancel`, events and releases may overlap `handle`,
/// the others never do. No function may let a panic, an exception or a longjmp out, or end the process.
#[repr(C)]
pub struct jf_plugin {
    /// See above.
    pub struct_size: u32,
    /// The plugin's JF_ABI_MINOR.
    pub abi_minor: u32,
    /// Who this is and what it can do. Required; static until unload.
    pub descriptor: *const jf_descriptor,
    /// Makes an instance from `config` (a JSON object, `{}` where the operator gave none; borrowed). Takes no exclusive
    /// resources. On an error `*why` may be set to a text for the operator. Control thread, within `lifecycle_s`. Required.
    pub create: Option<
        unsafe extern "C" fn(
            host: *const jf_host,
            config: jf_str,
            instance: *mut *mut c_void,
            why: *mut jf_buf,
        ) -> jf_status,
    >,
    /// Takes what is exclusive: ports, cameras, threads, timers. Called after `create`, and again after a `stop`.
    /// Control thread, within `lifecycle_s`. Optional.
    pub start: Option<unsafe extern "C" fn(instance: *mut c_void, why: *mut jf_buf) -> jf_status>,
    /// Does a command. Everything reachable from `command` stays valid until `handle` has returned *and* the token is
    /// finished. Returns JF_OK (no reply made: success with the result null), JF_PENDING (the answer comes later through
    /// the token), or an error (no reply made: the command fails with it). An error after a reply of success contradicts it
    /// and is logged against the plugin; the reply stands. Runs on the thread of the command's class. Required.
    pub handle: Option<unsafe extern "C" fn(instance: *mut c_void, command: *const jf_command) -> jf_status>,
    /// Asks for a command to be given up; the command is still to be answered, with JF_E_CANCELLED or with its result.
    /// Control thread, may overlap `handle`. Optional: a plugin can poll `is_cancelled` instead.
    pub cancel: Option<unsafe extern "C" fn(instance: *mut c_void, token: jf_token)>,
    /// Gives up what `start` took; all threads that the plugin made end here. May be followed by `start`.
    /// Control thread, within `lifecycle_s`. Optional.
    pub stop: Option<unsafe extern "C" fn(instance: *mut c_void)>,
    /// Ends the instance. Only `log` of the host works from here. Control thread, within `lifecycle_s`. Required.
    pub destroy: Option<unsafe extern "C" fn(instance: *mut c_void)>,
    /// Looks up an optional ability of the plugin by id, such as JF_EXTENSION_STATE; NULL where it has none. The table is
    /// static until unload. Control thread, any time after the entry function. Optional.
    pub get_extension: Option<unsafe extern "C" fn(id: jf_str) -> *const c_void>,
}

/// Who the plugin is and which commands it takes. Static until unload.
#[repr(C)]
pub struct jf_descriptor {
    /// Size of this struct as the plugin knows it.
    pub struct_size: u32,
    /// JF_PLUGIN_*.
    pub flags: u32,
    /// Stable identity: 1 to 64 of a-z, 0-9, `-`, `_`, `.`. Two files with one id are not served together.
    pub id: jf_str,
    /// For people.
    pub name: jf_str,
    /// Version text, such as "1.2.0".
    pub version: jf_str,
    /// SPDX expression; may be empty.
    pub license: jf_str,
    /// Anything that tells builds apart; may be empty.
    pub build: jf_str,
    /// Topic patterns to subscribe to, at most 64 of at most 256 bytes: parts joined by dots, of which `*` is any one part and
    /// `**`, at the end, any rest. Events come through JF_EXTENSION_TOPICS, an event that fits several patterns once.
    pub topics: *const jf_str,
    /// Number of `topics`.
    pub topic_count: usize,
    /// The commands: an array of pointers.
    pub commands: *const *const jf_command_info,
    /// Number of `commands`: at most 1,024.
    pub command_count: usize,
}

/// The type of the one function that a plugin exports, `jackfield_plugin_v1`. Pure and fast: fills in `out` and returns.
/// May be run in a probe process, where only `log` works. JF_OK, or an error: the library is not a plugin then.
pub type jf_entry_v1 = unsafe extern "C" fn(host: *const jf_host, out: *mut jf_plugin) -> jf_status;

/// Name of the entry function of this major version.
pub const ENTRY_V1: &str = "jackfield_plugin_v1";
