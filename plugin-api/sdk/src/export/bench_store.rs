//! `jackfield.store/1` of the test host: the table over `testing::memory`.

use super::bench::{desk, raw};
use super::buffer::into_buf;
use super::tables::{bytes, text};
use crate::Status;
use crate::testing::desk::Phase;
use crate::testing::memory::Memory;
use jackfield_plugin_api::*;
use std::ffi::c_void;
use std::sync::Arc;

pub(crate) static STORE_TABLE: jf_store_v1 = jf_store_v1 {
    struct_size: size_of::<jf_store_v1>() as u32,
    flags: 0,
    begin: Some(begin),
    put: Some(put),
    remove: Some(remove),
    blob_begin: Some(blob_begin),
    blob_write: Some(blob_write),
    blob_finish: Some(blob_finish),
    commit: Some(commit),
    abort: Some(abort),
    get: Some(get),
    list: Some(list),
    count: Some(count),
    blob_size: Some(blob_size),
    blob_read: Some(blob_read),
};

type Host = *const jf_host;

/// The store, if this state and thread may use it.
///
/// # Safety
/// `host` is a table of the bench.
unsafe fn store(host: Host) -> Result<Arc<Memory>, Status> {
    // SAFETY: as promised by the caller.
    let desk = unsafe { desk(host) };
    match desk.phase() {
        Phase::Created | Phase::Running if desk.is_inline_thread() => Err(Status::WrongThread),
        Phase::Created | Phase::Running => Ok(desk.store()),
        Phase::Probed | Phase::Gone => Err(Status::WrongState),
    }
}

/// Writes a result where the caller wants it.
///
/// # Safety
/// `out` can be written.
unsafe fn give<T>(out: *mut T, result: Result<T, Status>) -> jf_status {
    // SAFETY: as promised by the caller.
    raw(result.map(|value| unsafe { out.write(value) }))
}

// SAFETY, for every block below: the plugin calls with the table it was given, with texts, bytes and arrays that live until
// the call returns, and with places for results that can be written (plugin.h).

unsafe extern "C" fn begin(host: Host, batch: *mut u64) -> jf_status {
    // SAFETY: see above.
    unsafe { give(batch, store(host).map(|store| store.begin())) }
}

unsafe extern "C" fn put(
    host: Host,
    batch: u64,
    collection: jf_str,
    id: jf_str,
    json: jf_str,
    blobs: *const jf_str,
    blob_count: usize,
) -> jf_status {
    // SAFETY: see above.
    unsafe {
        let names: Vec<&str> = (0..blob_count).map(|index| text(*blobs.add(index))).collect();
        raw(store(host).and_then(|store| store.put(batch, text(collection), text(id), text(json), &names)))
    }
}

unsafe extern "C" fn remove(host: Host, batch: u64, collection: jf_str, id: jf_str) -> jf_status {
    // SAFETY: see above.
    unsafe { raw(store(host).and_then(|store| store.remove(batch, text(collection), text(id)))) }
}

unsafe extern "C" fn blob_begin(host: Host, batch: u64, blob: *mut u64) -> jf_status {
    // SAFETY: see above.
    unsafe { give(blob, store(host).and_then(|store| store.blob_begin(batch))) }
}

unsafe extern "C" fn blob_write(host: Host, blob: u64, data: jf_bytes) -> jf_status {
    // SAFETY: see above.
    unsafe { raw(store(host).and_then(|store| store.blob_write(blob, bytes(data)))) }
}

unsafe extern "C" fn blob_finish(host: Host, blob: u64, name: *mut u8) -> jf_status {
    // SAFETY: see above; `name` has room for JF_BLOB_NAME_LEN bytes, which is what the name has.
    unsafe {
        let finished = store(host).and_then(|store| store.blob_finish(blob));
        raw(finished.map(|text| name.copy_from_nonoverlapping(text.as_ptr(), text.len().min(JF_BLOB_NAME_LEN))))
    }
}

unsafe extern "C" fn commit(host: Host, batch: u64) -> jf_status {
    // SAFETY: see above.
    unsafe { raw(store(host).and_then(|store| store.commit(batch))) }
}

unsafe extern "C" fn abort(host: Host, batch: u64) -> jf_status {
    // SAFETY: see above.
    unsafe { raw(store(host).and_then(|store| store.abort(batch))) }
}

unsafe extern "C" fn get(host: Host, collection: jf_str, id: jf_str, json: *mut jf_buf) -> jf_status {
    // SAFETY: see above.
    unsafe {
        let found = store(host).and_then(|store| store.get(text(collection), text(id)));
        give(json, found.map(|json| into_buf(json.into_bytes())))
    }
}

unsafe extern "C" fn list(
    host: Host,
    collection: jf_str,
    offset: u64,
    limit: u64,
    each: Option<unsafe extern "C" fn(ctx: *mut c_void, id: jf_str, json: jf_str) -> i32>,
    ctx: *mut c_void,
) -> jf_status {
    let Some(each) = each else { return JF_E_INVALID };
    // SAFETY: see above; `each` is called with its own `ctx`.
    unsafe {
        raw(store(host).map(|store| {
            for (id, json) in store.list(text(collection), offset, limit) {
                if each(ctx, jf_str::new(&id), jf_str::new(&json)) != 0 {
                    break;
                }
            }
        }))
    }
}

unsafe extern "C" fn count(host: Host, collection: jf_str, count: *mut u64) -> jf_status {
    // SAFETY: see above.
    unsafe { give(count, store(host).map(|store| store.count(text(collection)))) }
}

unsafe extern "C" fn blob_size(host: Host, name: jf_str, size: *mut u64) -> jf_status {
    // SAFETY: see above.
    unsafe { give(size, store(host).and_then(|store| store.blob_size(text(name)))) }
}

unsafe extern "C" fn blob_read(host: Host, name: jf_str, offset: u64, len: u64, data: *mut jf_buf) -> jf_status {
    // SAFETY: see above.
    unsafe { give(data, store(host).and_then(|store| store.blob_read(text(name), offset, len)).map(into_buf)) }
}
