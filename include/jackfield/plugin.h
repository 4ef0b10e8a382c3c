/*
 * jackfield/plugin.h - the plugin ABI of Jackfield, version 1.
 *
 * A plugin is a shared library that exports one function, jackfield_plugin_v1, and takes commands by key. It needs this
 * header and nothing to link with. The smallest one is examples/plugin-c.
 *
 * Strings    jf_str is UTF-8 with a length, not ended by a NUL. JSON travels as text in jf_str; what the host hands over is
 *            valid UTF-8 and well-formed JSON already. What the plugin hands over has at most 64 KiB where it is a name or
 *            help, 1 MiB where it is a message, a reason or a line of the log (of which the beginning is told), and the
 *            host's limit `attachment_bytes` where it is JSON; what is longer is refused, and not read.
 * Ownership  A pointer, jf_str or jf_bytes is borrowed: valid until the call returns, or as long as its comment says. A
 *            jf_buf is owned: whoever takes it calls its `release` once. Nobody frees the other side's memory otherwise.
 *            `why`, where a function has it, is an empty jf_buf that the plugin may fill in; the host releases it.
 * Threads    Every function says which thread calls it or may call it. Plugin code runs on threads that belong to one
 *            loaded version of the plugin (its *generation*) and end before it is unloaded: a control thread, a serial
 *            thread and some worker threads. INLINE commands are the exception: they run on the host's threads.
 * Errors     A jf_status below 0. There is no global "last error": texts and details go with the reply or with `why`.
 *            No panic, exception or longjmp may cross this interface, in either direction.
 * Growth     Tables, descriptors, commands and replies begin with `struct_size`, set by the side that makes them, and grow
 *            only at the end. A field is there only if it lies inside `struct_size`: test with JF_HAS for fields that came
 *            after version 1.0. jf_str, jf_bytes and jf_buf never change. Function pointers of optional functions may be
 *            NULL. Unknown flags are ignored.
 * Versions   The major version is in the name of the entry function; within it nothing that exists changes. `abi_minor` is
 *            told, never a reason to refuse.
 *
 * Made from plugin-api/src/{plugin,ext}.rs by `cargo xtask header`: do not edit.
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_PLUGIN_H
#define JACKFIELD_PLUGIN_H

#include "command.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- ids of services (jf_host.get_service) and extensions (jf_plugin.get_extension) ---- */

/** Service of the host: jf_store_v1. */
#define JF_SERVICE_STORE "jackfield.store/1"
/** Service of the host: jf_topics_v1. */
#define JF_SERVICE_TOPICS "jackfield.topics/1"
/** Service of the host: jf_call_v1. */
#define JF_SERVICE_CALL "jackfield.call/1"
/** Extension of the plugin: jf_state_v1. */
#define JF_EXTENSION_STATE "jackfield.state/1"
/** Extension of the plugin: jf_events_v1. */
#define JF_EXTENSION_TOPICS "jackfield.topics/1"
/** Extension of the plugin: jf_thread_v1. */
#define JF_EXTENSION_THREAD "jackfield.thread/1"

/* ---- structs, in the order of their definitions below ---- */

typedef struct jf_host jf_host;
typedef struct jf_plugin jf_plugin;
typedef struct jf_descriptor jf_descriptor;
typedef struct jf_store_v1 jf_store_v1;
typedef struct jf_topics_v1 jf_topics_v1;
typedef struct jf_call_v1 jf_call_v1;
typedef struct jf_sink jf_sink;
typedef struct jf_state_v1 jf_state_v1;
typedef struct jf_events_v1 jf_events_v1;
typedef struct jf_thread_v1 jf_thread_v1;

/**
 * Minor version of this header. Told to the other side in `abi_minor`, never a reason to refuse: what a side has is seen
 * from `struct_size`, services and extensions. The major version is in the name of the entry function.
 */
#define JF_ABI_MINOR 0

/* ---- flags of a plugin; unknown bits are ignored ---- */

/** The library is never unloaded from the process (Go and Python runtimes); a new version is loaded beside it. */
#define JF_PLUGIN_PINNED 1
/** The old version must have stopped before the new one starts (one port, one camera). */
#define JF_PLUGIN_EXCLUSIVE 2
/** EXCLUSIVE, and the state is handed over through the extension jackfield.state/1. */
#define JF_PLUGIN_STATEFUL 4

/**
 * What the host offers. One table a generation, valid from the entry function until the library is unloaded; a thread
 * that outlives `destroy` may still call it and gets JF_E_STALE or JF_E_WRONG_STATE. All functions may be called from any
 * thread and never block, unless said. Every function takes the table itself as its first argument.
 */
struct jf_host {
    /** Size of this struct as the host knows it. */
    uint32_t struct_size;
    /** The host's JF_ABI_MINOR. */
    uint32_t abi_minor;
    /** The host's own; not for the plugin. */
    void *ctx;
    /**
     * Writes a line into the host's log, with the plugin's name and generation added. `level` is one of JF_LOG_*; `text`
     * is UTF-8 (other bytes are replaced), borrowed. Any thread, any state; the only function that also works in a probe
     * process and from `destroy`.
     */
    void (*log)(const jf_host *host, int32_t level, jf_str text);
    /**
     * Looks up a service by id, such as JF_SERVICE_STORE. The result is a pointer to the service's table, valid as long
     * as this one, or NULL where the host does not offer it. Any thread; from `create` on; NULL in a probe process.
     */
    const void *(*get_service)(const jf_host *host, jf_str id);
    /**
     * Answers a command, once. Everything borrowed in `reply` is copied before the call returns; owned buffers pass to
     * the host whatever the result. Any thread, from within `handle` or later (INLINE: only from within `handle`).
     * JF_OK; JF_E_STALE: already answered, or no such command (also when the client was told something else meanwhile,
     * the first reply is JF_OK); JF_E_INVALID: the reply is not usable (the command is then answered with an error that
     * names the plugin); JF_E_WRONG_STATE: from `create`, `restore` or `destroy`.
     */
    jf_status (*reply)(const jf_host *host, jf_token token, const jf_reply *reply);
    /**
     * Tells how far a command is: `done` of `total` (0: not known), and a short text. May be called often; the host thins
     * them out. Any thread. JF_OK, JF_E_STALE, JF_E_INVALID, JF_E_WRONG_STATE.
     */
    jf_status (*progress)(const jf_host *host,
                          jf_token token,
                          uint64_t done,
                          uint64_t total,
                          jf_str text);
    /**
     * 1 when the command should be given up (asked for by the caller, past its deadline, or already answered for), else 0.
     * Any thread; cheap enough for an inner loop.
     */
    int32_t (*is_cancelled)(const jf_host *host, jf_token token);
};

/**
 * What the plugin offers: filled in by the entry function. The host has set `struct_size` to the bytes it has room for and
 * the rest to zero; the plugin writes at most that far and then sets its own size. `instance` is what `create` made.
 *
 * Order of calls: entry; `create`; `start`; then `handle`, `cancel`, events, replies to calls and releases; `stop`; (`start`
 * again, or) `destroy`. No call comes before `create` has returned or after `destroy` has begun, and no `handle` after
 * `stop` was called. All but `handle` run on the generation's control thread; `cancel`, events and releases may overlap `handle`,
 * the others never do. No function may let a panic, an exception or a longjmp out, or end the process.
 */
struct jf_plugin {
    /** See above. */
    uint32_t struct_size;
    /** The plugin's JF_ABI_MINOR. */
    uint32_t abi_minor;
    /** Who this is and what it can do. Required; static until unload. */
    const jf_descriptor *descriptor;
    /**
     * Makes an instance from `config` (a JSON object, `{}` where the operator gave none; borrowed). Takes no exclusive
     * resources. On an error `*why` may be set to a text for the operator. Control thread, within `lifecycle_s`. Required.
     */
    jf_status (*create)(const jf_host *host, jf_str config, void **instance, jf_buf *why);
    /**
     * Takes what is exclusive: ports, cameras, threads, timers. Called after `create`, and again after a `stop`.
     * Control thread, within `lifecycle_s`. Optional.
     */
    jf_status (*start)(void *instance, jf_buf *why);
    /**
     * Does a command. Everything reachable from `command` stays valid until `handle` has returned *and* the token is
     * finished. Returns JF_OK (no reply made: success with the result null), JF_PENDING (the answer comes later through
     * the token), or an error (no reply made: the command fails with it). An error after a reply of success contradicts it
     * and is logged against the plugin; the reply stands. Runs on the thread of the command's class. Required.
     */
    jf_status (*handle)(void *instance, const jf_command *command);
    /**
     * Asks for a command to be given up; the command is still to be answered, with JF_E_CANCELLED or with its result.
     * Control thread, may overlap `handle`. Optional: a plugin can poll `is_cancelled` instead.
     */
    void (*cancel)(void *instance, jf_token token);
    /**
     * Gives up what `start` took; all threads that the plugin made end here. May be followed by `start`.
     * Control thread, within `lifecycle_s`. Optional.
     */
    void (*stop)(void *instance);
    /** Ends the instance. Only `log` of the host works from here. Control thread, within `lifecycle_s`. Required. */
    void (*destroy)(void *instance);
    /**
     * Looks up an optional ability of the plugin by id, such as JF_EXTENSION_STATE; NULL where it has none. The table is
     * static until unload. Control thread, any time after the entry function. Optional.
     */
    const void *(*get_extension)(jf_str id);
};

/** Who the plugin is and which commands it takes. Static until unload. */
struct jf_descriptor {
    /** Size of this struct as the plugin knows it. */
    uint32_t struct_size;
    /** JF_PLUGIN_*. */
    uint32_t flags;
    /** Stable identity: 1 to 64 of a-z, 0-9, `-`, `_`, `.`. Two files with one id are not served together. */
    jf_str id;
    /** For people. */
    jf_str name;
    /** Version text, such as "1.2.0". */
    jf_str version;
    /** SPDX expression; may be empty. */
    jf_str license;
    /** Anything that tells builds apart; may be empty. */
    jf_str build;
    /**
     * Topic patterns to subscribe to, at most 64 of at most 256 bytes: parts joined by dots, of which `*` is any one part and
     * `**`, at the end, any rest. Events come through JF_EXTENSION_TOPICS, an event that fits several patterns once.
     */
    const jf_str *topics;
    /** Number of `topics`. */
    size_t topic_count;
    /** The commands: an array of pointers. */
    const jf_command_info *const *commands;
    /** Number of `commands`: at most 1,024. */
    size_t command_count;
};

/**
 * The type of the one function that a plugin exports, `jackfield_plugin_v1`. Pure and fast: fills in `out` and returns.
 * May be run in a probe process, where only `log` works. JF_OK, or an error: the library is not a plugin then.
 */
typedef jf_status (*jf_entry_v1)(const jf_host *host, jf_plugin *out);

/** Length in bytes of a blob's name: SHA-256 in lower-case hexadecimal. */
#define JF_BLOB_NAME_LEN 64

/**
 * Service JF_SERVICE_STORE: durable documents and blobs. A batch is invisible until `commit` has returned JF_OK, and is on
 * disk then. Blobs are named by the hash of their content and live as long as a document refers to them. Any thread but
 * that of an INLINE command (JF_E_WRONG_THREAD); all functions may block on the disk. From `create` until `destroy`
 * (JF_E_WRONG_STATE outside). Handles are numbers: a finished one answers JF_E_STALE. Errors beside those named:
 * JF_E_INVALID, JF_E_TOO_LARGE, JF_E_UNAVAILABLE (the disk), JF_E_INTERNAL.
 */
struct jf_store_v1 {
    /** Size of this struct as the host knows it. */
    uint32_t struct_size;
    /** None yet: 0. */
    uint32_t flags;
    /** Begins a batch; `*batch` is its handle until `commit` or `abort`. */
    jf_status (*begin)(const jf_host *host, uint64_t *batch);
    /**
     * Puts a document: `json` (one JSON text) under `id` in `collection`, in place of an older one. `blobs` are the names
     * of the blobs that it refers to, `blob_count` of them. All borrowed.
     */
    jf_status (*put)(const jf_host *host,
                     uint64_t batch,
                     jf_str collection,
                     jf_str id,
                     jf_str json,
                     const jf_str *blobs,
                     size_t blob_count);
    /** Removes a document; removing what is not there is JF_OK. */
    jf_status (*remove)(const jf_host *host, uint64_t batch, jf_str collection, jf_str id);
    /** Begins a blob of this batch; `*blob` is its handle until `blob_finish`, `commit` or `abort`. */
    jf_status (*blob_begin)(const jf_host *host, uint64_t batch, uint64_t *blob);
    /** Adds bytes to a blob. */
    jf_status (*blob_write)(const jf_host *host, uint64_t blob, jf_bytes bytes);
    /** Ends a blob and writes its name, JF_BLOB_NAME_LEN bytes without a NUL, to `name`. */
    jf_status (*blob_finish)(const jf_host *host, uint64_t blob, uint8_t *name);
    /** Makes the batch durable and visible as a whole, or (on any error) not at all. Ends the batch. */
    jf_status (*commit)(const jf_host *host, uint64_t batch);
    /** Gives the batch up. Ends it. */
    jf_status (*abort)(const jf_host *host, uint64_t batch);
    /** Reads a document into `*json` (owned by the caller, who releases it). JF_E_NOT_FOUND. */
    jf_status (*get)(const jf_host *host, jf_str collection, jf_str id, jf_buf *json);
    /**
     * Calls `each` for up to `limit` documents of a collection, in the order in which they were first put, after the
     * first `offset`. `id` and `json` are borrowed during `each`, which returns 0 to go on and anything else to end.
     * `each` must not call the store.
     */
    jf_status (*list)(const jf_host *host,
                      jf_str collection,
                      uint64_t offset,
                      uint64_t limit,
                      int32_t (*each)(void *ctx, jf_str id, jf_str json),
                      void *ctx);
    /** Number of documents in a collection. */
    jf_status (*count)(const jf_host *host, jf_str collection, uint64_t *count);
    /** Size of a blob in bytes. JF_E_NOT_FOUND. */
    jf_status (*blob_size)(const jf_host *host, jf_str name, uint64_t *size);
    /**
     * Reads up to `len` bytes of a blob from `offset` into `*bytes` (owned by the caller, who releases it); shorter only
     * at the end of the blob. JF_E_NOT_FOUND.
     */
    jf_status (*blob_read)(const jf_host *host,
                           jf_str name,
                           uint64_t offset,
                           uint64_t len,
                           jf_buf *bytes);
};

/**
 * Service JF_SERVICE_TOPICS: publishes events. Any thread, also that of an INLINE command; never blocks. From the call of
 * `start` until that of `stop` (JF_E_WRONG_STATE outside).
 */
struct jf_topics_v1 {
    /** Size of this struct as the host knows it. */
    uint32_t struct_size;
    /** None yet: 0. */
    uint32_t flags;
    /**
     * Publishes `data` (one JSON text) on `topic`: 1 to 256 bytes, parts joined by dots, none of them empty, without `*` and
     * control characters, not beginning with `jackfield.`. Both borrowed: copied during the call. JF_OK, also where nobody
     * listens; a full subscriber loses its oldest events and is told. JF_E_INVALID: no such topic, no JSON, or nested
     * deeper than the host's limit; JF_E_TOO_LARGE: larger than a subscriber's whole queue; JF_E_WRONG_STATE.
     */
    jf_status (*publish)(const jf_host *host, jf_str topic, jf_str data);
};

/**
 * Service JF_SERVICE_CALL: calls another command, of any plugin or of the host. Asynchronous only. Any thread; from the call
 * of `start` until that of `stop` (JF_E_WRONG_STATE outside), and, once the generation is replaced or unloaded, only on behalf
 * of commands that are inside.
 *
 * `done` is called exactly once for each call that was taken, on the generation's control thread, never from within `call`,
 * and before `stop`: calls that are out then are cancelled, and end with JF_E_OUTCOME_UNKNOWN where no answer has come. A call
 * made on another thread may find `done` at work when it returns. Do not wait for `done` on the control thread (`start`, an
 * event, another `done`), and better on no other: a command that returns JF_PENDING and answers in `done` holds no thread. A
 * swap of an EXCLUSIVE plugin waits for its calls to other plugins as it does for its commands.
 */
struct jf_call_v1 {
    /** Size of this struct as the host knows it. */
    uint32_t struct_size;
    /** None yet: 0. */
    uint32_t flags;
    /**
     * Calls `key` with `params` (one JSON text) and `attachment_count` attachments (an array of pointers): all borrowed,
     * copied during the call.
     *
     * `parent` is the token of the command on whose behalf it is, or 0. Session, principal, dialect and trace are taken over
     * from it, its deadline too where that is the earlier one; when it is cancelled or past its deadline, the call is
     * cancelled. It must not be answered yet. `timeout_ms` 0 is the host's limit for nested calls; over it `done` gets
     * JF_E_DEADLINE. What is called never runs on the calling thread, also when it is INLINE.
     *
     * `done` gets `ctx` and the reply, whose parts are borrowed until it returns: `json` is the result, or the details of an
     * error; `json_buf` and `buf` are never set. JF_OK: `done` will come. Any other: it will not. JF_E_CYCLE: the key is SERIAL
     * and the parent, or a command further up the chain of calls, is an unfinished SERIAL command of the same instance; or the
     * chain is 64 calls long. JF_E_UNKNOWN_KEY; JF_E_BUSY: the target's queue is full, or as many calls are out;
     * JF_E_STALE: `parent` is answered or unknown; JF_E_WRONG_THREAD: `parent` is an INLINE command, which is answered before
     * `done` could come; JF_E_CANCELLED: `parent` is to be given up; JF_E_INVALID: a text, the JSON or `done`;
     * JF_E_TOO_LARGE: params or attachments; JF_E_PLUGIN_GONE, JF_E_UNAVAILABLE: the target is being unloaded, or gets no
     * threads; JF_E_SHUTTING_DOWN: the host is stopping, and there is no parent; JF_E_WRONG_STATE.
     */
    jf_status (*call)(const jf_host *host,
                      jf_token parent,
                      jf_str key,
                      jf_str params,
                      const jf_attachment *const *attachments,
                      size_t attachment_count,
                      uint64_t timeout_ms,
                      void (*done)(void *ctx, const jf_reply *reply),
                      void *ctx);
};

/** Where `save` writes the state to. Valid during `save`. */
struct jf_sink {
    /** Size of this struct as the host knows it. */
    uint32_t struct_size;
    /** None yet: 0. */
    uint32_t flags;
    /** The host's own. */
    void *ctx;
    /** Adds bytes. JF_OK, or JF_E_TOO_LARGE: give up, the swap is refused. */
    jf_status (*write)(const jf_sink *sink, jf_bytes bytes);
};

/**
 * Extension JF_EXTENSION_STATE of a STATEFUL plugin: the state goes from the old version to the new one, and to disk at an
 * orderly stop. Control thread, between `stop` and `destroy` (`save`) or between `create` and `start` (`restore`), each
 * within `lifecycle_s`.
 */
struct jf_state_v1 {
    /** Size of this struct as the plugin knows it. */
    uint32_t struct_size;
    /** Number of the schema that `save` writes; chosen by the plugin, higher is newer. */
    uint32_t schema;
    /**
     * Writes the whole state to `sink`, in any number of pieces. The instance keeps it: `start` may follow. JF_OK, or an
     * error: the swap is refused. Why, is for `log`.
     */
    jf_status (*save)(void *instance, const jf_sink *sink);
    /**
     * Takes over a state that version `version` wrote with schema number `schema`, lower or (where an older version is put
     * back) higher than its own. All borrowed. Called only with something saved. JF_OK; JF_E_STATE, with `*why` for the
     * operator: cannot, the swap is refused.
     */
    jf_status (*restore)(void *instance, uint32_t schema, jf_str version, jf_bytes bytes, jf_buf *why);
};

/**
 * Extension JF_EXTENSION_TOPICS: gets the events of the topics that the descriptor names; required where it names any. The
 * subscription is the plugin's, not a generation's: what is published during a swap waits, in the plugin's bounded queue, for
 * the generation that serves next. Each event is given to one generation, once, in order.
 */
struct jf_events_v1 {
    /** Size of this struct as the plugin knows it. */
    uint32_t struct_size;
    /** None yet: 0. */
    uint32_t flags;
    /**
     * One event: `data` is one JSON text; `dropped` events before it were lost, because the queue was full. Both texts are
     * borrowed until the call returns. Control thread, after `start` has returned and before `stop`; may overlap `handle`.
     * Meanwhile `stop` waits, within its `lifecycle_s`. Required.
     */
    void (*event)(void *instance, jf_str topic, jf_str data, uint64_t dropped);
};

/** Extension JF_EXTENSION_THREAD: hooks for runtimes that want to know their threads (Python, JVM). */
struct jf_thread_v1 {
    /** Size of this struct as the plugin knows it. */
    uint32_t struct_size;
    /** None yet: 0. */
    uint32_t flags;
    /**
     * First call on each thread of the generation, before `create` on the control thread. An error: that generation is
     * refused.
     */
    jf_status (*enter)(void);
    /**
     * Last call on each thread of the generation; on the control thread after `destroy`. Not on a thread whose `enter`
     * gave an error.
     */
    void (*leave)(void);
};

/** The one function that a plugin exports; see jf_entry_v1. */
JF_EXPORT jf_status JF_CALL jackfield_plugin_v1(const jf_host *host, jf_plugin *out);

#ifdef __cplusplus
}
#endif

#endif /* JACKFIELD_PLUGIN_H */
