use serde::{Deserialize, Serialize};
use std::time::Duration;

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr;)+) => {
        /// Every limit, with its unit in the name. What happens at it is said on each.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Limits { $($(#[$doc])* pub $name: $type),+ }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default),+ }
            }
        }

        impl Limits {
            /// Names of all limits.
            pub const NAMES: &[&str] = &[$(stringify!($name)),+];
        }
    };
}

limits! {
    /// Longest message from a client. ws: close 1009; tcp: an error text, then closed.
    message_bytes: usize = 16 << 20;
    /// Deepest JSON nesting. The message is malformed.
    nesting: usize = 128;
    /// Connections at once. ws: 503; tcp: an error text, then closed.
    connections: usize = 1024;
    /// From accept to the end of the handshake. Closed.
    handshake_s: f64 = 10.0;
    /// Commands of one session at once. In-order sessions are read no further; others get BUSY.
    session_in_flight: usize = 64;
    /// Commands that wait for one plugin, and calls that one plugin has out. BUSY.
    plugin_queue: usize = 1024;
    /// All attachments of one message of a client together, and each one of a plugin. TOO_LARGE.
    attachment_bytes: usize = 256 << 20;
    /// Attachments of one message. TOO_LARGE.
    attachments: usize = 16;
    /// Events that wait for one subscriber. The oldest is dropped and told, or the subscriber is closed, as it chose.
    topic_queue: usize = 1024;
    /// Bytes of events that wait for one subscriber. As above.
    topic_queue_bytes: usize = 8 << 20;
    /// Topics whose last event is kept for new subscribers, in no more than `topic_queue_bytes`. The first is forgotten.
    topics: usize = 1024;
    /// Subscriptions of one session. BUSY.
    subscriptions: usize = 64;
    /// Requests in one batch. Invalid request.
    batch: usize = 256;
    /// Params of a command with a schema, and data of events that filters look into: both are taken apart for that. TOO_LARGE;
    /// longer events pass every filter.
    checked_bytes: usize = 1 << 20;
    /// A swap's hold, from held to started. Over it the swap is refused.
    hold_ms: u64 = 5000;
    /// How long a closed generation may take to become empty. Its commands are answered OUTCOME_UNKNOWN, it is retired.
    drain_s: f64 = 30.0;
    /// From a cancel to the engine's own answer, OUTCOME_UNKNOWN.
    cancel_grace_s: f64 = 5.0;
    /// Each of create, start, stop, save, restore, destroy and joining a generation's threads. Refused, or retired.
    lifecycle_s: f64 = 10.0;
    /// Trying a candidate in a process of its own. Refused.
    probe_s: f64 = 5.0;
    /// How long a new generation is on trial: one that panics in that time is replaced by the last good one.
    rollback_s: f64 = 10.0;
    /// A nested call whose caller set no limit. DEADLINE.
    call_s: f64 = 60.0;
    /// State of one plugin in MiB. The swap is refused.
    state_mib: u64 = 256;
    /// Orderly stop. What is still running then is answered OUTCOME_UNKNOWN.
    shutdown_s: f64 = 10.0;
    /// Pixels of one image. The import is refused.
    image_pixels: u64 = 400_000_000;
    /// Size of an imported file in MiB. The import is refused.
    import_mib: u64 = 4096;
}

impl Limits {
    /// `seconds` as a duration; negative, NaN and absurd values become the nearest sensible one.
    pub fn seconds(seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::from_secs(u32::MAX.into()))
    }
}
