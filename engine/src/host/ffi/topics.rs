//! `jackfield.topics/1`, both ways: the C face of publishing, and the call of a plugin with an event.

use super::library::guarded;
use super::read::{MAX_TEXT, text};
use super::table::ledger;
use crate::host::{Instance, Ledger, Phase};
use crate::names;
use jackfield_message::{ByteString, Event, json};
use jackfield_plugin_api as abi;

pub(super) static TABLE: abi::jf_topics_v1 =
    abi::jf_topics_v1 { struct_size: size_of::<abi::jf_topics_v1>() as u32, flags: 0, publish: Some(publish) };

unsafe extern "C" fn publish(host: *const abi::jf_host, topic: abi::jf_str, data: abi::jf_str) -> abi::jf_status {
    guarded(abi::JF_E_INTERNAL, || {
        // SAFETY: the plugin's own table.
        let Some(ledger) = (unsafe { ledger(host) }) else { return abi::JF_E_INVALID };
        if !ledger.is_in(Phase::Running, Phase::Running) {
            return abi::JF_E_WRONG_STATE;
        }
        // Data larger than a whole queue would push out everything else and then itself.
        // SAFETY: the texts are borrowed for the call.
        match unsafe { (text(topic, MAX_TEXT), text(data, ledger.limits.topic_queue_bytes)) } {
            (Ok(topic), Ok(data)) => publish_checked(ledger, topic, data),
            (_, Err(why)) if why.too_large => abi::JF_E_TOO_LARGE,
            (Err(why), _) | (_, Err(why)) => refused(ledger, "", &why.what),
        }
    })
}

fn publish_checked(ledger: &Ledger, topic: &str, data: &str) -> abi::jf_status {
    if let Err(why) = names::check_topic(topic) {
        return refused(ledger, topic, why);
    }
    if topic.len() + data.len() > ledger.limits.topic_queue_bytes {
        return abi::JF_E_TOO_LARGE;
    }
    if json::check(data, ledger.limits.nesting).is_err() {
        return refused(ledger, topic, "data that is malformed JSON or nested too deeply");
    }
    let Some(core) = ledger.core.upgrade() else { return abi::JF_E_WRONG_STATE };
    core.topics.publish(topic, ByteString::from(data));
    abi::JF_OK
}

fn refused(ledger: &Ledger, topic: &str, why: &str) -> abi::jf_status {
    let topic = &topic[..topic.floor_char_boundary(256)];
    tracing::warn!(plugin = ledger.plugin(), generation = ledger.number, topic, why, "an event is not published");
    abi::JF_E_INVALID
}

impl Instance {
    /// Calls `event`. On the control thread, between `start` and `stop`.
    pub fn event(&self, event: &Event, dropped: u64) {
        if let Some(deliver) = self.table().extensions.event {
            let (topic, data) = (abi::jf_str::new(event.topic()), abi::jf_str::new(event.data()));
            // SAFETY: the instance is alive, the texts live until the call returns.
            unsafe { deliver(self.pointer(), topic, data, dropped) };
        }
    }
}
