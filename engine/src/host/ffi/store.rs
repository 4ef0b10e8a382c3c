//! The C face of `jackfield.store/1` over the safe trait. Handles are tokens of the generation's own tables.

use super::lend::lend;
use super::library::guarded;
use super::read::{MAX_TEXT, slice, text};
use super::table::ledger;
use crate::call::lock;
use crate::host::{Ledger, Phase, inline};
use crate::services::{Store, StoreError};
use jackfield_plugin_api as abi;
use slotmap::{DefaultKey, Key, KeyData};
use std::ffi::c_void;
use std::sync::{Arc, Mutex};

/// Handles of one generation open at once, batches and blobs each.
const MAX_OPEN: usize = 256;

pub(super) static TABLE: abi::jf_store_v1 = abi::jf_store_v1 {
    struct_size: size_of::<abi::jf_store_v1>() as u32,
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

type Host = *const abi::jf_host;
type Outcome = Result<(), abi::jf_status>;

/// Checks that the store may be used here and now, and turns the outcome into a status.
///
/// # Safety
/// `host` is the generation's own table.
unsafe fn with_store(host: Host, work: impl FnOnce(&Arc<Ledger>, &dyn Store) -> Outcome) -> abi::jf_status {
    guarded(abi::JF_E_INTERNAL, || {
        // SAFETY: promised by the caller.
        let Some(ledger) = (unsafe { ledger(host) }) else { return abi::JF_E_INVALID };
        if inline::is_running() {
            return abi::JF_E_WRONG_THREAD;
        }
        if !ledger.is_in(Phase::Creating, Phase::Stopped) {
            return abi::JF_E_WRONG_STATE;
        }
        let Some(store) = ledger.store() else { return abi::JF_E_NO_SERVICE };
        work(ledger, &*store).err().unwrap_or(abi::JF_OK)
    })
}

/// Logs why, with the plugin's name, and gives the number.
fn status(ledger: &Ledger, function: &str, error: &StoreError) -> abi::jf_status {
    let status = match error {
        StoreError::NotFound => return abi::JF_E_NOT_FOUND,
        StoreError::Invalid(_) => abi::JF_E_INVALID,
        StoreError::TooLarge(_) => abi::JF_E_TOO_LARGE,
        StoreError::Unavailable(_) => abi::JF_E_UNAVAILABLE,
    };
    tracing::warn!(plugin = ledger.plugin(), generation = ledger.number, function, %error, "store");
    status
}

fn handle(key: DefaultKey) -> u64 {
    key.data().as_ffi()
}

fn key(handle: u64) -> DefaultKey {
    KeyData::from_ffi(handle).into()
}

/// # Safety
/// `input` is borrowed for the call.
unsafe fn string<'a>(input: abi::jf_str) -> Result<&'a str, abi::jf_status> {
    // SAFETY: promised by the caller.
    unsafe { string_within(input, MAX_TEXT) }
}

/// # Safety
/// As for [`string`].
unsafe fn string_within<'a>(input: abi::jf_str, max: usize) -> Result<&'a str, abi::jf_status> {
    // SAFETY: promised by the caller.
    unsafe { text(input, max) }.map_err(|why| if why.too_large { abi::JF_E_TOO_LARGE } else { abi::JF_E_INVALID })
}

/// Writes a result through an out-parameter.
///
/// # Safety
/// `out` is null or writable.
unsafe fn give<T>(out: *mut T, value: T) -> Outcome {
    if out.is_null() {
        return Err(abi::JF_E_INVALID);
    }
    // SAFETY: promised by the caller. What was there before is not read.
    unsafe { out.write(value) };
    Ok(())
}

unsafe extern "C" fn begin(host: Host, batch: *mut u64) -> abi::jf_status {
    // SAFETY: the plugin's own table; `batch` is an out-parameter.
    unsafe {
        with_store(host, |ledger, store| {
            if batch.is_null() {
                return Err(abi::JF_E_INVALID);
            }
            let begun = store.begin().map_err(|error| status(ledger, "begin", &error))?;
            let mut batches = lock(&ledger.batches);
            if batches.len() >= MAX_OPEN {
                return Err(abi::JF_E_BUSY);
            }
            give(batch, handle(batches.insert(begun)))
        })
    }
}

unsafe extern "C" fn put(
    host: Host,
    batch: u64,
    collection: abi::jf_str,
    id: abi::jf_str,
    json: abi::jf_str,
    blobs: *const abi::jf_str,
    blob_count: usize,
) -> abi::jf_status {
    // SAFETY: the plugin's own table; texts and array are borrowed for the call.
    unsafe {
        with_store(host, |ledger, _| {
            let blobs = super::read::elements(blobs, blob_count).map_err(|_| abi::JF_E_INVALID)?;
            let blobs = blobs.iter().map(|&name| string(name)).collect::<Result<Vec<_>, _>>()?;
            let json = string_within(json, ledger.limits.attachment_bytes)?;
            let (collection, id) = (string(collection)?, string(id)?);
            let mut batches = lock(&ledger.batches);
            let batch = batches.get_mut(key(batch)).ok_or(abi::JF_E_STALE)?;
            batch.put(collection, id, json, &blobs).map_err(|error| status(ledger, "put", &error))
        })
    }
}

unsafe extern "C" fn remove(host: Host, batch: u64, collection: abi::jf_str, id: abi::jf_str) -> abi::jf_status {
    // SAFETY: the plugin's own table; texts are borrowed for the call.
    unsafe {
        with_store(host, |ledger, _| {
            let (collection, id) = (string(collection)?, string(id)?);
            let mut batches = lock(&ledger.batches);
            let batch = batches.get_mut(key(batch)).ok_or(abi::JF_E_STALE)?;
            batch.remove(collection, id).map_err(|error| status(ledger, "remove", &error))
        })
    }
}

unsafe extern "C" fn blob_begin(host: Host, batch: u64, blob: *mut u64) -> abi::jf_status {
    // SAFETY: the plugin's own table; `blob` is an out-parameter.
    unsafe {
        with_store(host, |ledger, _| {
            if blob.is_null() {
                return Err(abi::JF_E_INVALID);
            }
            let writer = lock(&ledger.batches)
                .get_mut(key(batch))
                .ok_or(abi::JF_E_STALE)?
                .blob()
                .map_err(|error| status(ledger, "blob_begin", &error))?;
            let mut blobs = lock(&ledger.blobs);
            if blobs.len() >= MAX_OPEN {
                return Err(abi::JF_E_BUSY);
            }
            give(blob, handle(blobs.insert((batch, Arc::new(Mutex::new(Some(writer)))))))
        })
    }
}

unsafe extern "C" fn blob_write(host: Host, blob: u64, bytes: abi::jf_bytes) -> abi::jf_status {
    // SAFETY: the plugin's own table; the bytes are borrowed for the call.
    unsafe {
        with_store(host, |ledger, _| {
            let bytes = slice(bytes.ptr, bytes.len).map_err(|_| abi::JF_E_INVALID)?;
            let writer = lock(&ledger.blobs).get(key(blob)).map(|(_, writer)| writer.clone()).ok_or(abi::JF_E_STALE)?;
            // The table is free again: the disk holds up no other handle.
            let mut writer = lock(&writer);
            let writer = writer.as_mut().ok_or(abi::JF_E_STALE)?;
            writer.write(bytes).map_err(|error| status(ledger, "blob_write", &error))
        })
    }
}

unsafe extern "C" fn blob_finish(host: Host, blob: u64, name: *mut u8) -> abi::jf_status {
    // SAFETY: the plugin's own table; `name` has room for the name of a blob.
    unsafe {
        with_store(host, |ledger, _| {
            if name.is_null() {
                return Err(abi::JF_E_INVALID);
            }
            let (_, writer) = lock(&ledger.blobs).remove(key(blob)).ok_or(abi::JF_E_STALE)?;
            let writer = lock(&writer).take().ok_or(abi::JF_E_STALE)?;
            let finished = writer.finish().map_err(|error| status(ledger, "blob_finish", &error))?;
            if finished.len() != abi::JF_BLOB_NAME_LEN {
                return Err(abi::JF_E_INTERNAL);
            }
            std::ptr::copy_nonoverlapping(finished.as_ptr(), name, finished.len());
            Ok(())
        })
    }
}

unsafe extern "C" fn commit(host: Host, batch: u64) -> abi::jf_status {
    // SAFETY: the plugin's own table.
    unsafe {
        with_store(host, |ledger, _| {
            lock(&ledger.blobs).retain(|_, (of, _)| *of != batch);
            let staged = lock(&ledger.batches).remove(key(batch)).ok_or(abi::JF_E_STALE)?;
            staged.commit().map_err(|error| status(ledger, "commit", &error))
        })
    }
}

unsafe extern "C" fn abort(host: Host, batch: u64) -> abi::jf_status {
    // SAFETY: the plugin's own table.
    unsafe {
        with_store(host, |ledger, _| {
            lock(&ledger.blobs).retain(|_, (of, _)| *of != batch);
            let staged = lock(&ledger.batches).remove(key(batch));
            staged.map(drop).ok_or(abi::JF_E_STALE)
        })
    }
}

unsafe extern "C" fn get(
    host: Host,
    collection: abi::jf_str,
    id: abi::jf_str,
    json: *mut abi::jf_buf,
) -> abi::jf_status {
    // SAFETY: the plugin's own table; texts are borrowed for the call, `json` is an out-parameter.
    unsafe {
        with_store(host, |ledger, store| {
            if json.is_null() {
                return Err(abi::JF_E_INVALID);
            }
            let found = store.get(string(collection)?, string(id)?).map_err(|error| status(ledger, "get", &error))?;
            give(json, lend(found))
        })
    }
}

unsafe extern "C" fn list(
    host: Host,
    collection: abi::jf_str,
    offset: u64,
    limit: u64,
    each: Option<unsafe extern "C" fn(ctx: *mut c_void, id: abi::jf_str, json: abi::jf_str) -> i32>,
    ctx: *mut c_void,
) -> abi::jf_status {
    // SAFETY: the plugin's own table; the text is borrowed for the call, `each` is called only during it.
    unsafe {
        with_store(host, |ledger, store| {
            let each = each.ok_or(abi::JF_E_INVALID)?;
            let mut visit = |id: &str, json: &str| each(ctx, abi::jf_str::new(id), abi::jf_str::new(json)) == 0;
            store.list(string(collection)?, offset, limit, &mut visit).map_err(|error| status(ledger, "list", &error))
        })
    }
}

unsafe extern "C" fn count(host: Host, collection: abi::jf_str, count: *mut u64) -> abi::jf_status {
    // SAFETY: the plugin's own table; the text is borrowed for the call, `count` is an out-parameter.
    unsafe {
        with_store(host, |ledger, store| {
            give(count, store.count(string(collection)?).map_err(|error| status(ledger, "count", &error))?)
        })
    }
}

unsafe extern "C" fn blob_size(host: Host, name: abi::jf_str, size: *mut u64) -> abi::jf_status {
    // SAFETY: the plugin's own table; the text is borrowed for the call, `size` is an out-parameter.
    unsafe {
        with_store(host, |ledger, store| {
            give(size, store.blob_size(string(name)?).map_err(|error| status(ledger, "blob_size", &error))?)
        })
    }
}

unsafe extern "C" fn blob_read(
    host: Host,
    name: abi::jf_str,
    offset: u64,
    len: u64,
    bytes: *mut abi::jf_buf,
) -> abi::jf_status {
    // SAFETY: the plugin's own table; the text is borrowed for the call, `bytes` is an out-parameter.
    unsafe {
        with_store(host, |ledger, store| {
            if bytes.is_null() {
                return Err(abi::JF_E_INVALID);
            }
            let found =
                store.blob_read(string(name)?, offset, len).map_err(|error| status(ledger, "blob_read", &error))?;
            give(bytes, lend(found))
        })
    }
}
