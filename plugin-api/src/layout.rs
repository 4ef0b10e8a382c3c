//! The frozen layout: size of every struct and offset of every field, for 64 bit. Asserted here when the crate is compiled,
//! and by a C compiler through the table (`tests/tests/header.rs`). Structs grow only at the end, so a line here may be
//! added but, after the first tagged release, never changed.

use crate::{command::*, ext::*, plugin::*, types::*};

/// One struct: name, size in bytes, and (field, offset) in order.
pub struct Layout {
    /// C name of the struct.
    pub name: &'static str,
    /// `sizeof`.
    pub size: usize,
    /// Name and `offsetof` of each field.
    pub fields: &'static [(&'static str, usize)],
}

/// Asserts layouts when the crate is compiled, and gives them as `LAYOUTS`. What the crate around it needs to name are the
/// structs.
#[macro_export]
macro_rules! layouts {
    ($($name:ident: $size:literal { $($field:ident: $offset:literal),+ $(,)? })+) => {
        $(const _: () = {
            assert!(size_of::<$name>() == $size);
            $(assert!(core::mem::offset_of!($name, $field) == $offset);)+
            // A field that the table forgets would leave a hole: every struct literal below must name all of them.
            #[allow(dead_code)]
            fn all_fields_are_listed(value: &$name) {
                let $name { $($field: _),+ } = value;
            }
        };)+
        /// Every struct that crosses the ABI.
        pub const LAYOUTS: &[$crate::layout::Layout] = &[
            $($crate::layout::Layout { name: stringify!($name), size: $size, fields: &[$((stringify!($field), $offset)),+] }),+
        ];
    };
}

layouts! {
    jf_str: 16 { ptr: 0, len: 8 }
    jf_bytes: 16 { ptr: 0, len: 8 }
    jf_buf: 32 { ptr: 0, len: 8, release: 16, ctx: 24 }
    jf_host: 56 {
        struct_size: 0, abi_minor: 4, ctx: 8, log: 16, get_service: 24, reply: 32, progress: 40, is_cancelled: 48,
    }
    jf_plugin: 72 {
        struct_size: 0, abi_minor: 4, descriptor: 8, create: 16, start: 24, handle: 32, cancel: 40, stop: 48,
        destroy: 56, get_extension: 64,
    }
    jf_descriptor: 120 {
        struct_size: 0, flags: 4, id: 8, name: 24, version: 40, license: 56, build: 72, topics: 88, topic_count: 96,
        commands: 104, command_count: 112,
    }
    jf_command_info: 104 {
        struct_size: 0, command_class: 4, flags: 8, param_count: 12, key: 16, help: 32, params_schema: 48,
        result_schema: 64, param_order: 80, examples: 88, example_count: 96,
    }
    jf_attachment: 56 { struct_size: 0, flags: 4, name: 8, content_type: 24, bytes: 40 }
    jf_command: 120 {
        struct_size: 0, attachment_count: 4, token: 8, key: 16, params: 32, attachments: 48, session: 56,
        principal: 64, dialect: 80, trace_id: 96, deadline_ns: 112,
    }
    jf_reply_attachment: 88 { struct_size: 0, flags: 4, name: 8, content_type: 24, bytes: 40, buf: 56 }
    jf_reply: 96 {
        struct_size: 0, status: 4, code: 8, message: 16, json: 32, json_buf: 48, attachments: 80,
        attachment_count: 88,
    }
    jf_store_v1: 112 {
        struct_size: 0, flags: 4, begin: 8, put: 16, remove: 24, blob_begin: 32, blob_write: 40, blob_finish: 48,
        commit: 56, abort: 64, get: 72, list: 80, count: 88, blob_size: 96, blob_read: 104,
    }
    jf_topics_v1: 16 { struct_size: 0, flags: 4, publish: 8 }
    jf_call_v1: 16 { struct_size: 0, flags: 4, call: 8 }
    jf_sink: 24 { struct_size: 0, flags: 4, ctx: 8, write: 16 }
    jf_state_v1: 24 { struct_size: 0, schema: 4, save: 8, restore: 16 }
    jf_events_v1: 16 { struct_size: 0, flags: 4, event: 8 }
    jf_thread_v1: 24 { struct_size: 0, flags: 4, enter: 8, leave: 16 }
}
