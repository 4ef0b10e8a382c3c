//! The C faces of commands and replies, for a host application: the same structs as for plugins, read and shown in the same
//! way. What is behind pointers is copied and checked here; nothing is kept of it.

use super::call::read_attachments;
use super::descriptor::{MAX_SCHEMAS, read_command_info};
use super::read::{Unusable, release, slice, within};
use super::reply::{Maker, failure_of, read_reply};
use crate::Limits;
use crate::host::CommandInfo;
use crate::router::Class;
use jackfield_message::{Attachment, Bytes, Culprit, ErrorCode, Failure, Reply};
use jackfield_plugin_api as abi;

/// Copies what an application says of a command.
///
/// # Safety
/// `info` is null or borrowed as the ABI describes it.
pub unsafe fn command_info(info: *const abi::jf_command_info) -> Result<CommandInfo, String> {
    let mut left = MAX_SCHEMAS;
    // SAFETY: promised by the caller.
    unsafe { read_command_info("the command", info, &mut left, Some(Class::HostThread)) }
}

/// Copies the attachments of a command that is to be called.
///
/// # Safety
/// All is borrowed for this call as the ABI describes it.
pub unsafe fn attachments(
    attachments: *const *const abi::jf_attachment,
    count: usize,
    limits: &Limits,
) -> Result<Vec<Attachment>, Unusable> {
    // SAFETY: promised by the caller.
    unsafe { read_attachments(attachments, count, limits) }
}

/// Copies or takes over a reply of the application. `Err`: it cannot be used; the command is to be answered with what stands
/// beside the reason. Owned buffers are taken in any case, and released on whatever thread is the last to need them.
///
/// # Safety
/// `reply` is null or borrowed as the ABI describes it.
pub unsafe fn reply(reply: *const abi::jf_reply, limits: &Limits) -> Result<Reply, (Reply, Unusable)> {
    let mut read = None;
    // SAFETY: promised by the caller.
    let outcome = unsafe { read_reply(reply, &Application { limits }, &mut read) };
    match (outcome, read) {
        (Ok(()), Some(reply)) => Ok(reply),
        (Err(why), _) => Err((unusable(&why), why)),
        (Ok(()), None) => {
            let why = Unusable::new("no reply");
            Err((unusable(&why), why))
        }
    }
}

/// What a command is answered that the application's callback ended with `status`.
pub(crate) fn application_failure(status: abi::jf_status, message: &str) -> Failure {
    failure_of(status, message, || "the application".to_owned())
}

fn unusable(why: &Unusable) -> Reply {
    let code = if why.too_large { ErrorCode::TooLarge } else { ErrorCode::Internal };
    Failure::new(code, format!("The application answered with {}.", why.what)).blame(Culprit::Plugin).into()
}

struct Application<'a> {
    limits: &'a Limits,
}

impl Maker for Application<'_> {
    fn limits(&self) -> &Limits {
        self.limits
    }

    unsafe fn own(&self, buf: abi::jf_buf, max: usize) -> Result<Bytes, Unusable> {
        let owned = OwnedBuf(buf);
        within(buf.len, max)?;
        // SAFETY: promised by the caller; an unusable one is given back all the same, by OwnedBuf.
        unsafe { slice(buf.ptr, buf.len) }?;
        Ok(Bytes::from_owner(owned))
    }

    fn failure(&self, status: abi::jf_status, message: &str) -> Failure {
        application_failure(status, message)
    }
}

/// A buffer of the application, given back when it is dropped.
struct OwnedBuf(abi::jf_buf);

// SAFETY: the bytes are never changed while owned, and `release` may be called from any thread by contract.
unsafe impl Send for OwnedBuf {}
// SAFETY: shared access only reads.
unsafe impl Sync for OwnedBuf {}

impl AsRef<[u8]> for OwnedBuf {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `own` checked pointer and length, and the application keeps them until `release`.
        unsafe { slice(self.0.ptr, self.0.len) }.unwrap_or_default()
    }
}

impl Drop for OwnedBuf {
    fn drop(&mut self) {
        // SAFETY: dropped once, so released once.
        unsafe { release(self.0) };
    }
}
