//! Events for the application.

use crate::api::client::{JF_ON_HOST_THREAD, JF_SUBSCRIBE_CLOSE, JF_SUBSCRIBE_LAST, jf_subscription};
use crate::calls::{self, DIALECT};
use crate::edge::{self, Fault, call_out};
use crate::handle::Name;
use crate::instance::Instance;
use crate::read;
use crate::release::{RawRelease, Release};
use jackfield_engine::{Engine, ReplySink, Submitted, Subscriber, Told, raw};
use jackfield_message::{Command, Reply};
use jackfield_plugin_api::jf_str;
use serde_json::{Value, json};
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

type RawEvent = unsafe extern "C" fn(userdata: *mut c_void, topic: jf_str, data: jf_str, dropped: u64);

/// One subscription of the application. Dropped when it can be called no more.
pub(crate) struct Subscription {
    of: Name,
    subscriber: Subscriber,
    event: RawEvent,
    userdata: *mut c_void,
    on_host_thread: bool,
    /// `None` until it has begun: an application that was told of an error keeps its userdata.
    release: Mutex<Option<RawRelease>>,
    engine: Weak<Engine>,
    instance: Weak<Instance>,
    number: AtomicU64,
    ended: AtomicBool,
    /// A job is on its way that takes what is there.
    posted: AtomicBool,
    me: Weak<Self>,
}

// SAFETY: the application promises that its functions may be called where it asked for them.
unsafe impl Send for Subscription {}
// SAFETY: as above; events are told by one job at a time.
unsafe impl Sync for Subscription {}

impl Subscription {
    /// Subscribes as the application says; gives its number.
    ///
    /// # Safety
    /// `wanted` is null or borrowed as the header says.
    pub unsafe fn begin(instance: &Arc<Instance>, wanted: *const jf_subscription) -> Result<u64, Fault> {
        let engine = instance.run()?.engine;
        // SAFETY: promised by the caller, also for all that is read here.
        let (wanted, params) = unsafe {
            let wanted = read::read(wanted, "subscription")?;
            let params = params(&wanted)?;
            (wanted, params)
        };
        let event = wanted.event.ok_or_else(|| Fault::invalid("`subscription.event` is NULL."))?;
        let subscription = Arc::new_cyclic(|me| Self {
            of: instance.name,
            subscriber: Subscriber::default(),
            event,
            userdata: wanted.userdata,
            on_host_thread: wanted.flags & JF_ON_HOST_THREAD != 0,
            release: Mutex::new(None),
            engine: Arc::downgrade(&engine),
            instance: Arc::downgrade(instance),
            number: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            posted: AtomicBool::new(false),
            me: me.clone(),
        });
        let mut command: Command = calls::command("jackfield.subscribe", &params, 0, &instance.limits())?;
        command.dialect = DIALECT;
        let sink: Arc<dyn ReplySink> = subscription.clone();
        // Events that come at once find the number, and the release, that they need at their end.
        subscription.number.store(instance.add_subscription(subscription.clone()), Ordering::Release);
        let number = subscription.number.load(Ordering::Acquire);
        *subscription.release.lock().unwrap_or_else(PoisonError::into_inner) = wanted.release;
        let failure = match engine.submit(command, &sink, 0) {
            Submitted::Answered(Reply { outcome: Err(failure) }) => *failure,
            // The engine answers that at once.
            Submitted::Answered(Reply { outcome: Ok(_) }) | Submitted::Waiting(_) => return Ok(number),
        };
        subscription.release.lock().unwrap_or_else(PoisonError::into_inner).take();
        instance.take_subscription(number);
        Err(Fault::of_arguments(failure))
    }

    /// No event begins any more.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Tells what is there, in small portions, so that others have their turn.
    fn deliver(self: &Arc<Self>) {
        const BYTES: usize = 1 << 20;
        self.posted.store(false, Ordering::Release);
        let mut told = Vec::new();
        let more = self.subscriber.take(&mut told, BYTES);
        for told in told {
            if self.ended.load(Ordering::Acquire) {
                return;
            }
            match told {
                Told::Event { event, dropped, .. } => {
                    let (topic, data) = (jf_str::new(event.topic()), jf_str::new(event.data()));
                    // SAFETY: the application's function; both texts live until the call returns.
                    call_out(self.of, true, || unsafe { (self.event)(self.userdata, topic, data, dropped) });
                }
                Told::Closed { .. } => {
                    self.end();
                    if let Some(instance) = self.instance.upgrade() {
                        instance.take_subscription(self.number.load(Ordering::Acquire));
                    }
                }
            }
        }
        if more {
            self.wake();
        }
    }
}

impl ReplySink for Subscription {
    /// Subscribing is answered at once.
    fn reply(&self, _: u64, _: Reply) {}

    fn subscriber(&self) -> Option<&Subscriber> {
        Some(&self.subscriber)
    }

    fn wake(&self) {
        if self.posted.swap(true, Ordering::AcqRel) {
            return;
        }
        if let (Some(engine), Some(me)) = (self.engine.upgrade(), self.me.upgrade()) {
            // With the engine's stop it has ended.
            let _ = engine.try_post(self.on_host_thread, Box::new(move || me.deliver()));
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let call = self.release.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let release = Release { of: self.of, call, userdata: self.userdata };
        if self.on_host_thread {
            release.on_host_thread(&self.engine);
        }
    }
}

/// The params of `jackfield.subscribe` that say the same.
///
/// # Safety
/// What is behind `wanted` is borrowed as the header says.
unsafe fn params(wanted: &jf_subscription) -> Result<String, Fault> {
    // SAFETY: promised by the caller.
    let patterns = unsafe { raw::elements(wanted.patterns, wanted.pattern_count) }
        .map_err(|why| Fault::invalid(format!("`subscription.patterns` has {}.", why.what)))?;
    let mut topics = Vec::with_capacity(patterns.len());
    for &pattern in patterns {
        // SAFETY: as above.
        topics.push(unsafe { edge::text(pattern, "subscription.patterns") }?);
    }
    // SAFETY: as above.
    let filter = unsafe { edge::text(wanted.filter, "subscription.filter") }?;
    let filter: Value = match filter {
        "" => Value::Null,
        text => serde_json::from_str(text)
            .map_err(|why| Fault::invalid(format!("`subscription.filter` is no JSON: {why}.")))?,
    };
    let when_full = if wanted.flags & JF_SUBSCRIBE_CLOSE != 0 { "close" } else { "drop" };
    let last = wanted.flags & JF_SUBSCRIBE_LAST != 0;
    Ok(json!({"topics": topics, "last": last, "when_full": when_full, "where": filter}).to_string())
}
