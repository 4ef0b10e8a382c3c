//! The frozen layout of the structs of `engine.h`, for 64 bit: they grow only at the end (see `jackfield_plugin_api::layout`).

use crate::api::{client::*, commands::*, engine::*};

jackfield_plugin_api::layouts! {
    jf_error: 72 { struct_size: 0, status: 4, number: 8, flags: 12, code: 16, culprit: 24, message: 40, data: 56 }
    jf_handler: 40 { struct_size: 0, flags: 4, userdata: 8, handle: 16, cancel: 24, release: 32 }
    jf_request: 88 {
        struct_size: 0, flags: 4, key: 8, params: 24, attachments: 40, attachment_count: 48, timeout_ms: 56,
        userdata: 64, done: 72, progress: 80,
    }
    jf_subscription: 64 {
        struct_size: 0, flags: 4, patterns: 8, pattern_count: 16, filter: 24, userdata: 40, event: 48, release: 56,
    }
}
