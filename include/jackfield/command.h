/*
 * jackfield/command.h - a command: what is said of it, how it comes, and its reply. Shared by plugin.h and engine.h.
 *
 * Made from plugin-api/src/command.rs by `cargo xtask header`: do not edit.
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_COMMAND_H
#define JACKFIELD_COMMAND_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jf_command_info jf_command_info;
typedef struct jf_attachment jf_attachment;
typedef struct jf_command jf_command;
typedef struct jf_reply_attachment jf_reply_attachment;
typedef struct jf_reply jf_reply;

/* ---- log levels ---- */

/** For the author of the handler. */
#define JF_LOG_DEBUG 10
/** For the operator, normal. */
#define JF_LOG_INFO 20
/** For the operator, something is odd and was handled. */
#define JF_LOG_WARN 30
/** For the operator, something was not done. */
#define JF_LOG_ERROR 40

/* ---- command classes: where `handle` runs ---- */

/**
 * On one thread that is there for such commands: of a plugin's instance, or of the host application. Excludes only other
 * SERIAL commands of the same.
 */
#define JF_SERIAL 0
/** On one of some worker threads, any number at once. */
#define JF_CONCURRENT 1
/**
 * On the thread that reads the client's socket, on several of them at once. For short work that never blocks. The reply
 * of a plugin must be made, or returned, before `handle` returns: JF_PENDING is an error there. A key of a plugin that is slow
 * again and again is moved to CONCURRENT, with an event.
 */
#define JF_INLINE 2
/** On the thread on which the host application polls (`jf_engine_poll`), one at a time. Not for plugins. */
#define JF_HOST_THREAD 3

/* ---- flags of a command; unknown bits are ignored ---- */

/** Clients of dialects without structured results get the bare acknowledgement instead of the result. */
#define JF_COMMAND_ACK_ONLY 1
/** Changes nothing. */
#define JF_COMMAND_READ_ONLY 2
/** The key is empty: gets every message that no key matches, whole, as params. One at most is served. */
#define JF_COMMAND_CATCH_ALL 4
/** Is cancelled when the session that sent it ends. */
#define JF_COMMAND_CANCEL_ON_DISCONNECT 8
/** Doing it twice is the same as doing it once. */
#define JF_COMMAND_IDEMPOTENT 16

/**
 * What is said of one command. A plugin's is static until it is unloaded, and the schemas, names of params and examples of
 * all its commands have at most 1 MiB together; a host application's is copied.
 */
struct jf_command_info {
    /** Size of this struct as its maker knows it. */
    uint32_t struct_size;
    /** JF_SERIAL, JF_CONCURRENT, JF_INLINE or, of a host application only, JF_HOST_THREAD. */
    uint32_t command_class;
    /** JF_COMMAND_*. */
    uint32_t flags;
    /** Number of `param_order`. */
    uint32_t param_count;
    /**
     * The key: 1 to 128 bytes without control characters; not beginning with `jackfield.` or `rpc.`. Empty only with
     * JF_COMMAND_CATCH_ALL.
     */
    jf_str key;
    /** One line for people. */
    jf_str help;
    /**
     * JSON Schema of the params (an object, `true` or `false`); empty: anything. Without a draft named in `$schema`, draft
     * 2020-12; a schema that refers to other documents, or cannot be compiled, is refused with its command. Params that do not fit
     * are answered JF_E_INVALID_PARAMS by the engine and `handle` is not called, but for clients of the plain dialect
     * (`zeiss`), or where the operator has turned that off for a plugin: so check them all the same. An attachment stands in params
     * as {"$attachment": N}.
     */
    jf_str params_schema;
    /** JSON Schema of the result, in the same way; results are not held against it. */
    jf_str result_schema;
    /** Names of the params in the order for callers that give them by position; none empty or twice. */
    const jf_str *param_order;
    /** Example params, each a JSON text. */
    const jf_str *examples;
    /** Number of `examples`. */
    size_t example_count;
};

/** Binary data beside the JSON of a command. Borrowed, valid as long as its command. */
struct jf_attachment {
    /** Size of this struct as its maker knows it. */
    uint32_t struct_size;
    /** None yet: 0. */
    uint32_t flags;
    /** Name given by the client; may be empty. */
    jf_str name;
    /** Media type; may be empty. */
    jf_str content_type;
    /** The whole data in one piece. */
    jf_bytes bytes;
};

/** A command for `handle`. Borrowed: valid until `handle` has returned and the token is finished. */
struct jf_command {
    /** Size of this struct as its maker knows it. */
    uint32_t struct_size;
    /** Number of `attachments`. */
    uint32_t attachment_count;
    /** Names this command where it is answered, told of, asked about and cancelled. */
    jf_token token;
    /** The key that was called. */
    jf_str key;
    /** One JSON text, checked by the engine: UTF-8, well formed, no deeper than its limit. Catch-all: the whole message. */
    jf_str params;
    /** Array of pointers. */
    const jf_attachment *const *attachments;
    /** The connection it came from; 0: none. */
    uint64_t session;
    /** Who the caller is; empty: anonymous. */
    jf_str principal;
    /** The wire format it came in, such as "zeiss". */
    jf_str dialect;
    /** W3C trace id in hexadecimal; may be empty. */
    jf_str trace_id;
    /** When it has to be answered, on the monotonic clock (Linux: CLOCK_MONOTONIC), in nanoseconds; 0: no limit. */
    uint64_t deadline_ns;
};

/** An attachment of a reply. */
struct jf_reply_attachment {
    /** Size of this struct as its maker knows it. */
    uint32_t struct_size;
    /** None yet: 0. */
    uint32_t flags;
    /** May be empty; copied. */
    jf_str name;
    /** Media type; may be empty; copied. */
    jf_str content_type;
    /** Borrowed data: copied while the reply is made. */
    jf_bytes bytes;
    /** Owned data: wins over `bytes` when its `ptr` is set. */
    jf_buf buf;
};

/** The answer to a command. */
struct jf_reply {
    /** Size of this struct as its maker knows it. */
    uint32_t struct_size;
    /** JF_OK, or why the command failed. */
    jf_status status;
    /** The handler's own error number, passed on to the caller; 0: none. */
    int64_t code;
    /**
     * For people, when `status` is an error: what, where, which value, what would be valid. Plain clients get "Error: "
     * and this text. Copied.
     */
    jf_str message;
    /**
     * One JSON text: the result, or details of the error; empty: null. Borrowed: copied while the reply
     * is made.
     */
    jf_str json;
    /** The same as an owned buffer: wins over `json` when its `ptr` is set. */
    jf_buf json_buf;
    /** Array of pointers; borrowed while the reply is made. */
    const jf_reply_attachment *const *attachments;
    /** Number of `attachments`. */
    size_t attachment_count;
};

#ifdef __cplusplus
}
#endif

#endif /* JACKFIELD_COMMAND_H */
