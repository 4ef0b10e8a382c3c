//! The service `jackfield.store/1` as safe calls.

use super::buffer::Buffer;
use super::host::STORE;
use super::tables::text;
use crate::{Host, Status};
use jackfield_plugin_api::*;
use std::any::Any;
use std::ffi::c_void;

/// The store of a host. The functions are those of `jf_store_v1`, one for one.
pub(crate) struct StoreTable {
    host: Host,
    table: jf_store_v1,
}

/// Calls one function of the table; [`Status::NoService`] where the host's table ends before it.
macro_rules! call {
    ($store:ident.$name:ident($($arg:expr),*)) => {{
        let function = $store.table.$name.ok_or(Status::NoService)?;
        // SAFETY: the table belongs to this host; what the arguments borrow lives until the call returns, and where they
        // point, one value can be written.
        Status::check(unsafe { function($store.host.table().raw(), $($arg),*) })
    }};
}

impl StoreTable {
    pub fn of(host: &Host) -> Option<Self> {
        Some(Self { host: host.clone(), table: host.table().service(STORE)? })
    }

    pub fn begin(&self) -> Result<u64, Status> {
        let mut batch = 0;
        call!(self.begin(&mut batch)).map(|()| batch)
    }

    pub fn put(&self, batch: u64, collection: &str, id: &str, json: &str, blobs: &[&str]) -> Result<(), Status> {
        let blobs: Vec<jf_str> = blobs.iter().map(|name| jf_str::new(name)).collect();
        let (collection, id, json) = (jf_str::new(collection), jf_str::new(id), jf_str::new(json));
        call!(self.put(batch, collection, id, json, blobs.as_ptr(), blobs.len()))
    }

    pub fn remove(&self, batch: u64, collection: &str, id: &str) -> Result<(), Status> {
        call!(self.remove(batch, jf_str::new(collection), jf_str::new(id)))
    }

    pub fn blob_begin(&self, batch: u64) -> Result<u64, Status> {
        let mut blob = 0;
        call!(self.blob_begin(batch, &mut blob)).map(|()| blob)
    }

    pub fn blob_write(&self, blob: u64, bytes: &[u8]) -> Result<(), Status> {
        call!(self.blob_write(blob, jf_bytes::new(bytes)))
    }

    pub fn blob_finish(&self, blob: u64) -> Result<String, Status> {
        let mut name = vec![0_u8; JF_BLOB_NAME_LEN];
        call!(self.blob_finish(blob, name.as_mut_ptr()))?;
        String::from_utf8(name).map_err(|_| Status::Internal)
    }

    pub fn commit(&self, batch: u64) -> Result<(), Status> {
        call!(self.commit(batch))
    }

    pub fn abort(&self, batch: u64) -> Result<(), Status> {
        call!(self.abort(batch))
    }

    pub fn get(&self, collection: &str, id: &str) -> Result<Buffer, Status> {
        let mut json = jf_buf::EMPTY;
        call!(self.get(jf_str::new(collection), jf_str::new(id), &mut json))?;
        // SAFETY: the store has handed it over to us.
        Ok(unsafe { Buffer::new(json) })
    }

    /// `each(id, json)` returns whether to go on. Its panic is carried past the store's frames.
    pub fn list<F>(&self, collection: &str, offset: u64, limit: u64, each: F) -> Result<(), Status>
    where
        F: FnMut(&str, &str) -> bool,
    {
        let mut visitor = Visitor { each, panic: None };
        let ctx = (&raw mut visitor).cast();
        let done = call!(self.list(jf_str::new(collection), offset, limit, Some(visit::<F>), ctx));
        if let Some(payload) = visitor.panic {
            std::panic::resume_unwind(payload);
        }
        done
    }

    pub fn count(&self, collection: &str) -> Result<u64, Status> {
        let mut count = 0;
        call!(self.count(jf_str::new(collection), &mut count)).map(|()| count)
    }

    pub fn blob_size(&self, name: &str) -> Result<u64, Status> {
        let mut size = 0;
        call!(self.blob_size(jf_str::new(name), &mut size)).map(|()| size)
    }

    pub fn blob_read(&self, name: &str, offset: u64, len: u64) -> Result<Buffer, Status> {
        let mut bytes = jf_buf::EMPTY;
        call!(self.blob_read(jf_str::new(name), offset, len, &mut bytes))?;
        // SAFETY: the store has handed it over to us.
        Ok(unsafe { Buffer::new(bytes) })
    }
}

struct Visitor<F> {
    each: F,
    panic: Option<Box<dyn Any + Send>>,
}

unsafe extern "C" fn visit<F: FnMut(&str, &str) -> bool>(ctx: *mut c_void, id: jf_str, json: jf_str) -> i32 {
    // SAFETY: `list` gave the address of its visitor, which nobody else uses meanwhile.
    let visitor = unsafe { &mut *ctx.cast::<Visitor<F>>() };
    // SAFETY: both are borrowed from the store during this call.
    let (id, json) = unsafe { (text(id), text(json)) };
    let each = std::panic::AssertUnwindSafe(|| (visitor.each)(id, json));
    match std::panic::catch_unwind(each) {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(payload) => {
            visitor.panic = Some(payload);
            1
        }
    }
}
