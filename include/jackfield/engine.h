/*
 * jackfield/engine.h - libjackfield, the command server inside a host application.
 *
 *     jf_engine *engine;
 *     jf_engine_new(&engine);
 *     jf_engine_set(engine, JF_TEXT("listen"), JF_TEXT("ws://127.0.0.1:40010"));
 *     jf_engine_register(engine, &info, &handler);      what it is, and who handles it
 *     jf_engine_start(engine);                          clients may call it now
 *     while (running) jf_engine_poll(engine, 100, NULL);
 *     jf_engine_free(engine);
 *
 * Results    Functions give a jf_status: JF_OK, or an error below 0. jf_engine_last_error tells what, where, which
 *            value, what would be valid, and whose fault it is; it is that thread's last one. JF_E_STALE (no such
 *            engine), JF_E_INVALID (a NULL where none is allowed, a text that is not UTF-8) and JF_E_PANIC (a bug of the
 *            library, stopped at its edge) may come from every function. Results go through pointers, which come last,
 *            and are written on JF_OK only.
 * States     An engine is new, started, stopping or stopped. What needs a started one is JF_E_WRONG_STATE before the
 *            start and after the stop, also after a start that failed; while it stops, new commands and subscriptions
 *            are JF_E_SHUTTING_DOWN, but for what a handler calls and waits for. Setting up, jf_engine_register and
 *            jf_engine_provide are for the states that each says. Polling, answering and giving up go on after a
 *            stop, for what it has left.
 * Ownership  Arguments are borrowed for the call, and copied where they are needed for longer. What a callback is
 *            given is borrowed until it returns, a command until it is answered, too, also where its engine was
 *            started again or freed before that. A jf_buf that a function gives is the caller's, who calls its
 *            `release` once, on any thread. A jf_buf that the application gives away is released by the engine, on
 *            any thread. Nobody frees the other side's memory otherwise. `userdata` belongs to the application, until
 *            `release` where there is one.
 * Strings    jf_str is UTF-8 with a length, not ended by a NUL; so is the text in a jf_buf.
 * Threads    All functions may be called on all threads, also within callbacks; none deadlocks there: what would wait
 *            for itself is JF_E_CYCLE, what must not wait is JF_E_WRONG_THREAD, and jf_engine_free and jf_engine_poll
 *            are JF_E_WRONG_STATE in callbacks of that engine. Every callback says on which thread it comes. No
 *            exception or longjmp may leave one.
 * Engines    of one process are strangers. A callback of one may use the others, and free them. A command that it calls
 *            there is one of the application's own, without session and deadline of the one that it handles, and is
 *            not cancelled with that; but a chain of calls through several that leads back to a thread that waits for
 *            it is JF_E_CYCLE, too.
 * Process    The library changes nothing of the process: no signal handler, no working folder, no environment, no
 *            logger, no limit. It reads no environment. An engine belongs to the process that has started it: in a fork
 *            of that every function says JF_E_STALE at once, and jf_engine_free leaves the memory.
 *            Before a plugin is loaded it is tried in a child process, started from the program `jackfield` that is
 *            installed with the library (`plugins.probe`, `plugin.ID.isolation`). An application that takes the exit
 *            status of all children, or ignores SIGCHLD, may go on to do so.
 * Growth     Structs begin with `struct_size`, set by the side that makes them, and grow only at the end. Functions are
 *            added, and never changed or taken away, within one major version: a program runs with every later library
 *            of its soname.
 *
 * Made from embed/src/api by `cargo xtask header`: do not edit.
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_ENGINE_H
#define JACKFIELD_ENGINE_H

#include "command.h"

/** Version of this header, as jf_version() gives that of the library. */
#define JF_VERSION 0x000100

/** Marks the functions of the library. Define JF_STATIC where libjackfield.a is linked on Windows. */
#if defined(_WIN32) && !defined(JF_STATIC)
#define JF_API __declspec(dllimport)
#else
#define JF_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jf_error jf_error;
typedef struct jf_engine jf_engine;
typedef struct jf_handler jf_handler;
typedef struct jf_request jf_request;
typedef struct jf_subscription jf_subscription;

/* ---- the library ---- */

/** Version of the library: major * 65536 + minor * 256 + patch. Compare it with JF_VERSION, that of the header. */
JF_API uint32_t jf_version(void);

/** The same as text, such as "0.1.0": static, ended by a NUL. */
JF_API const char *jf_version_text(void);

/* ---- errors ---- */

/** Why a call failed. All texts are borrowed: valid until the next call on this thread that fails. */
struct jf_error {
    /** Size of this struct as the caller knows it: set before the call. */
    uint32_t struct_size;
    /** What the call returned; JF_OK: none has failed on this thread. */
    jf_status status;
    /** The error's number, as JSON-RPC clients get it; 0: it is no command's. */
    int32_t number;
    /** None yet: 0. */
    uint32_t flags;
    /** The handler's own error number; 0: none. */
    int64_t code;
    /**
     * Whose fault: "caller", "plugin" (also: a handler of the application), "operator" (configuration, files, disks) or
     * "engine" (a bug of Jackfield).
     */
    jf_str culprit;
    /** For people: what, where, which value, what would be valid. */
    jf_str message;
    /** Details as one JSON object; may be empty. */
    jf_str data;
};

/**
 * Tells why the last call on this thread that failed did, if that was with `engine`: what that call was given, also
 * where that was NULL or stale. With another one there is nothing to tell. JF_OK; JF_E_INVALID: `error` is NULL or its
 * struct_size is not set.
 */
JF_API jf_status jf_engine_last_error(const jf_engine *engine, jf_error *error);

/* ---- an engine ---- */

/**
 * An engine: a name, not an address. A wrong or freed one is JF_E_STALE in every function, and harmless. Any number of
 * them may be in one process; any thread may use them.
 */
struct jf_engine;

/**
 * Makes an engine that does nothing yet: no thread, no file, no descriptor. A process may fork until it is started.
 * JF_OK; JF_E_INVALID: `engine` is NULL.
 */
JF_API jf_status jf_engine_new(jf_engine **engine);

/**
 * Adds configuration as TOML text: the keys of `jackfield.toml`. What comes later wins. Environment and configuration
 * files are not looked at. Without `listen` the engine has no sockets, without `data` a temporary folder that goes with
 * its stop; `quit` of a client is an unknown request, unless `http.quit` says otherwise, and then ends the engine,
 * never the process. JF_OK; JF_E_INVALID: the last error names line, value and what would be valid; JF_E_WRONG_STATE:
 * it is started.
 */
JF_API jf_status jf_engine_configure(jf_engine *engine, jf_str toml);

/** The same from a file, which is read now. Relative paths in it are relative to its folder. */
JF_API jf_status jf_engine_configure_file(jf_engine *engine, jf_str path);

/**
 * The same for one value: `key` such as "limits.shutdown_s", `value` in TOML, or a bare text where the key wants one.
 * Lists may be separated by commas: "ws://127.0.0.1:0,tcp://127.0.0.1:0".
 */
JF_API jf_status jf_engine_set(jf_engine *engine, jf_str key, jf_str value);

/**
 * Has `log` called for each line of the engine's log from JF_LOG_* `level` on: `target` is the part that speaks, `text`
 * one line without control characters, both borrowed. On any thread, several at once; it must not block, and may call
 * functions that do not wait. Without it nothing is logged. NULL ends that. `userdata` must live until jf_engine_free.
 * JF_OK; JF_E_WRONG_STATE: it is started.
 */
JF_API jf_status jf_engine_on_log(jf_engine *engine, int32_t level,
    void (*log)(void *userdata, int32_t level, jf_str target, jf_str text), void *userdata);

/**
 * Starts the engine: data folder, sockets, threads, plugins. Returns when each plugin that is there is loaded or
 * refused, and connections are let in. All signals but those of faults are blocked on its threads, and nothing of the
 * process is changed. May be called again after a stop, or after it failed, which leaves all as it was. JF_OK;
 * JF_E_INVALID: the configuration; JF_E_UNAVAILABLE: a port is taken, the data folder is in use, and the like;
 * JF_E_WRONG_STATE: it is started.
 */
JF_API jf_status jf_engine_start(jf_engine *engine);

/**
 * Where it listens, as a JSON array of URLs with the ports that were chosen. `*json` is the caller's, who releases it.
 * JF_OK; JF_E_WRONG_STATE: it is not started.
 */
JF_API jf_status jf_engine_listeners(jf_engine *engine, jf_buf *json);

/**
 * Stops it in order: no new commands, those that run are answered for up to `timeout_ms` (negative:
 * `limits.shutdown_s`), the rest is answered that nobody knows; connections close, plugins save and are unloaded,
 * ports and data folder are given up. On the thread that polls it polls meanwhile. JF_OK: it is stopped; JF_PENDING:
 * called from within a callback of its own, or one that must not wait, so the stop has only begun: call it again from
 * outside; JF_E_WRONG_STATE: it was never started.
 */
JF_API jf_status jf_engine_stop(jf_engine *engine, int64_t timeout_ms);

/**
 * Frees an engine, and stops it first if need be, as jf_engine_stop with -1: until it has stopped, what runs can be
 * answered. Callbacks that nobody polled for are made up for here: answers that the engine had not yet, and each
 * `release`. Other threads may still be in functions of it; they get JF_E_STALE once it has stopped. JF_OK, also for
 * NULL; JF_E_STALE: it is freed already; JF_E_WRONG_STATE: called from within a callback of its own, and nothing was
 * done. In a fork of its process it is JF_E_STALE, and its memory is left.
 */
JF_API jf_status jf_engine_free(jf_engine *engine);

/** The library's name of a status, such as "JF_E_BUSY": static, ended by a NUL. "?" for a number that is none. */
JF_API const char *jf_status_name(jf_status status);

/* ---- commands of the host application ---- */

/** Who takes the commands of a key. Copied by jf_engine_register. */
struct jf_handler {
    /** Size of this struct as the caller knows it. */
    uint32_t struct_size;
    /** None yet: 0. */
    uint32_t flags;
    /** Handed to the functions below unchanged. */
    void *userdata;
    /**
     * Handles a command, where its class says: JF_SERIAL on one thread of the engine, with answers and events that are
     * not for the host's thread; JF_CONCURRENT on one of four, or of more while some of them wait in jf_engine_call;
     * JF_INLINE on whatever thread brings the command, which must not be held up; JF_HOST_THREAD within
     * jf_engine_poll. `command` and all behind it is borrowed until this has returned and the command is answered.
     * JF_OK: done, with null as the result unless jf_engine_reply gave one; JF_PENDING: jf_engine_reply comes later,
     * from any thread; an error: it failed, unless jf_engine_reply said otherwise. Required.
     */
    jf_status (*handle)(void *userdata, const jf_command *command);
    /**
     * A command should be given up, perhaps before its `handle` is called: its caller asked for that, or its time is
     * over. Answer it soon, by JF_E_CANCELLED or with its result; after `limits.cancel_grace_s` the caller is told that
     * nobody knows. JF_HOST_THREAD: within jf_engine_poll; else on any thread, and it must not wait. May be NULL.
     */
    void (*cancel)(void *userdata, jf_token token);
    /**
     * The last call with `userdata`, once: when the key is taken back, or the engine freed, and all commands are out.
     * JF_HOST_THREAD: within jf_engine_poll, or jf_engine_free; else on any thread. May be NULL.
     */
    void (*release)(void *userdata);
};

/**
 * Serves a key from now on, also before the engine is started and over its stops. All is copied. That the list of
 * commands has changed is an event on `jackfield.plugins`, with `step` "registered" and `key`, for
 * jf_engine_unregister with "unregistered". On an error `release` is not called. JF_OK; JF_E_INVALID: what is said of
 * the command is not as it must be; JF_E_BUSY: the key is served already, by a plugin or by the application;
 * JF_E_WRONG_STATE: it is stopping.
 */
JF_API jf_status jf_engine_register(jf_engine *engine, const jf_command_info *info,
    const jf_handler *handler);

/**
 * Takes a key back. Commands that wait are answered that it is gone, those inside go on, no other is handed over.
 * JF_OK; JF_E_NOT_FOUND: it is not registered.
 */
JF_API jf_status jf_engine_unregister(jf_engine *engine, jf_str key);

/**
 * Answers a command, once, from within its handler or later, on any thread. What is borrowed in `reply` is copied
 * before the call returns; owned buffers pass to the engine whatever the result, and are released on any thread.
 * JF_OK; JF_E_STALE: answered already, or no such command (where the client was told something else meanwhile, the
 * first answer is JF_OK; but for where the engine was started again, or freed, since: then it only gives the command's
 * memory back); JF_E_INVALID: the reply is not usable, and the client was told so.
 */
JF_API jf_status jf_engine_reply(jf_engine *engine, jf_token token, const jf_reply *reply);

/**
 * Tells the caller of a command how far it is: `done` of `total` (0: not known) and a short text. May be called often;
 * the engine thins them out. Any thread. JF_OK; JF_E_STALE; JF_E_INVALID: the text.
 */
JF_API jf_status jf_engine_progress(jf_engine *engine, jf_token token, uint64_t done, uint64_t total,
    jf_str text);

/**
 * 1 when a command should be given up (asked for by its caller, past its deadline, answered already, or none of this
 * engine), else 0. Any thread; cheap enough for an inner loop.
 */
JF_API int32_t jf_engine_is_cancelled(jf_engine *engine, jf_token token);

/* ---- the host's thread ---- */

/**
 * Runs what waits for the host's thread: handlers of JF_HOST_THREAD, their `cancel` and `release`, and the answers and
 * events that were asked for with JF_ON_HOST_THREAD. Waits for the first of them up to `timeout_ms` (0: not at all;
 * negative: for ever), then runs those that are there, and writes their number to `*ran`, which may be NULL. Poll on
 * one thread. JF_OK; JF_E_SHUTTING_DOWN: the engine has stopped, and nothing is left; JF_E_WRONG_STATE: called from
 * within a callback of its own, or never started; JF_E_WRONG_THREAD: within one of another that must not wait.
 */
JF_API jf_status jf_engine_poll(jf_engine *engine, int64_t timeout_ms, uint64_t *ran);

/** Makes a poll that waits return, or the next one that would. Any thread. JF_OK; JF_E_WRONG_STATE: never started. */
JF_API jf_status jf_engine_wake(jf_engine *engine);

/**
 * Something that the system can wait for: readable (Unix: a descriptor, for poll, epoll, GLib, Qt, libuv) or signalled
 * (Windows: an event) while a poll would find something, and once the engine has stopped. The engine's own until it is
 * freed: not to be read, written or closed. It stays readable while there is more: who is told of changes only (EPOLLET)
 * polls until `*ran` is 0. JF_OK; JF_E_UNAVAILABLE: the system gives none.
 */
JF_API jf_status jf_engine_poll_handle(jf_engine *engine, int64_t *handle);

/* ---- calling commands ---- */

/**
 * Flag of jf_request and jf_subscription: their callbacks come within jf_engine_poll. Without it they come on the
 * thread of the application's JF_SERIAL commands; answers, and `release`, on any once a stop has ended that.
 */
#define JF_ON_HOST_THREAD 1

/**
 * Calls a command, of a plugin, of the application or of the engine, and waits for its answer. `params` is one JSON
 * text; empty: null. `timeout_ms` 0 is the limit `call_s`, negative as long as it takes. An INLINE command runs here
 * and now, within callbacks on a thread of JF_CONCURRENT commands. JF_OK: `*result`, one JSON text, is the caller's,
 * who releases it (NULL: not wanted). Any other: what the command, or the way to it, said; the last error has its text
 * and data. On the thread that polls, outside of callbacks, it polls this engine while it waits. Legal in callbacks
 * that may wait; JF_E_CYCLE: it would wait for the callback that makes it, or is a JF_HOST_THREAD command that the
 * thread that has started the engine calls before anybody has polled; JF_E_WRONG_THREAD: the callback must not wait
 * (JF_INLINE, `cancel`, `release`, the log); JF_E_BUSY, also: the handlers of 64 JF_CONCURRENT commands wait already.
 * Each that waits lends its thread, so that others go on meanwhile. JF_E_WRONG_STATE: it is not started.
 */
JF_API jf_status jf_engine_call(jf_engine *engine, jf_str key, jf_str params, int64_t timeout_ms,
    jf_buf *result);

/** A command to be called, and who hears of it. Copied by jf_engine_submit. */
struct jf_request {
    /** Size of this struct as the caller knows it. */
    uint32_t struct_size;
    /** JF_ON_HOST_THREAD, or 0. */
    uint32_t flags;
    /** Which command. */
    jf_str key;
    /** One JSON text; empty: null. */
    jf_str params;
    /** Array of pointers. */
    const jf_attachment *const *attachments;
    /** Number of `attachments`. */
    size_t attachment_count;
    /** 0: the limit `call_s`; negative: as long as it takes. */
    int64_t timeout_ms;
    /** Handed to the functions below unchanged. */
    void *userdata;
    /** The answer, once for each request that was taken; all of it is borrowed until the call returns. NULL: not wanted. */
    void (*done)(void *userdata, const jf_reply *reply);
    /** How far it is; never after `done`. NULL: not wanted. */
    void (*progress)(void *userdata, uint64_t done, uint64_t total, jf_str text);
};

/**
 * Calls a command and returns at once; `*id`, which may be NULL, names it for jf_engine_cancel, and is written before
 * anybody is called for it. JF_OK: `done` will come; any other: it will not. JF_E_INVALID; JF_E_BUSY: as many requests
 * are out as the limit `plugin_queue` allows; JF_E_TOO_LARGE; JF_E_WRONG_STATE: it is not started; JF_E_SHUTTING_DOWN:
 * it stops. An unknown key and the like are answers.
 */
JF_API jf_status jf_engine_submit(jf_engine *engine, const jf_request *request, uint64_t *id);

/** Asks for a request to be given up; its answer comes all the same. JF_OK; JF_E_STALE: it is answered, or none. */
JF_API jf_status jf_engine_cancel(jf_engine *engine, uint64_t id);

/* ---- topics ---- */

/**
 * Publishes `data` (one JSON text) on `topic`, as plugins do. Any thread; never waits. JF_OK, also where nobody
 * listens; JF_E_INVALID; JF_E_TOO_LARGE; JF_E_WRONG_STATE: it is not started.
 */
JF_API jf_status jf_engine_publish(jf_engine *engine, jf_str topic, jf_str data);

/** Flag of jf_subscription: it begins with the last event of each topic. */
#define JF_SUBSCRIBE_LAST 2
/** Flag of jf_subscription: when its queue is full it ends, instead of losing its oldest events. */
#define JF_SUBSCRIBE_CLOSE 4

/** What events are wanted, and who hears them. Copied by jf_engine_subscribe. */
struct jf_subscription {
    /** Size of this struct as the caller knows it. */
    uint32_t struct_size;
    /** JF_ON_HOST_THREAD, JF_SUBSCRIBE_*. */
    uint32_t flags;
    /** 1 to 64 patterns: `*` is one part, `**` the rest. */
    const jf_str *patterns;
    /** Number of `patterns`. */
    size_t pattern_count;
    /** JSON object of paths and the values that the data of an event must have there; empty: all events. */
    jf_str filter;
    /** Handed to the functions below unchanged. */
    void *userdata;
    /**
     * An event: `data` is one JSON text, `dropped` events before it were lost. Both texts are borrowed. One at a time,
     * in order. Required.
     */
    void (*event)(void *userdata, jf_str topic, jf_str data, uint64_t dropped);
    /**
     * The last call with `userdata`, once: it was unsubscribed, or has ended by itself, or with the engine's stop. May
     * be NULL.
     */
    void (*release)(void *userdata);
};

/**
 * Subscribes; `*id`, which may be NULL, names it for jf_engine_unsubscribe. JF_OK; JF_E_INVALID: the last error names
 * what; JF_E_WRONG_STATE: it is not started; JF_E_SHUTTING_DOWN: it stops. On an error `release` is not called.
 */
JF_API jf_status jf_engine_subscribe(jf_engine *engine, const jf_subscription *subscription, uint64_t *id);

/**
 * Ends a subscription: no event begins any more once this has returned; `release` comes when the one that may run is
 * over. JF_OK; JF_E_STALE: it has ended, or is none.
 */
JF_API jf_status jf_engine_unsubscribe(jf_engine *engine, uint64_t id);

/* ---- plugins ---- */

/**
 * All plugins, their generations and why files were refused, as one JSON object: what `jackfield.plugins` answers.
 * `*json` is the caller's, who releases it.
 */
JF_API jf_status jf_engine_plugins(jf_engine *engine, jf_buf *json);

/**
 * Loads a file that is in one of the plugin folders, also one that was refused or unloaded. Waits until that is done;
 * not in callbacks that must not wait (JF_E_WRONG_THREAD). JF_OK; JF_E_INVALID_PARAMS: it is not there;
 * JF_E_UNAVAILABLE and others: it was refused, the last error says why.
 */
JF_API jf_status jf_engine_load(jf_engine *engine, jf_str file);

/** Swaps a plugin, by its id, from the same file. Waits, as jf_engine_load. */
JF_API jf_status jf_engine_reload(jf_engine *engine, jf_str plugin);

/**
 * Unloads a plugin, by its id, until it is loaded again or its file changes. Waits until it serves no more, as
 * jf_engine_load; commands that it has still are answered by it later. Until then one that is EXCLUSIVE or STATEFUL
 * cannot be loaded again: JF_E_UNAVAILABLE; others can.
 */
JF_API jf_status jf_engine_unload(jf_engine *engine, jf_str plugin);

/**
 * Offers a service to plugins: `get_service(id)` gives them `service` as it is, from now on and over stops. Ids of 1 to
 * 256 bytes; `jackfield.store/1`, with a jf_store_v1 of plugin.h, puts the application's own project in the place of
 * the built-in store; others are best named NAME/REVISION. `service` must live until jf_engine_free, and what it points
 * to is called on threads of plugins. JF_OK; JF_E_INVALID; JF_E_BUSY: that id is offered already.
 */
JF_API jf_status jf_engine_provide(jf_engine *engine, jf_str id, const void *service);

#ifdef __cplusplus
}
#endif

#endif /* JACKFIELD_ENGINE_H */
