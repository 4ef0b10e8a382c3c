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
#define JF_VERSION @VERSION@

/** Marks the functions of the library. Define JF_STATIC where libjackfield.a is linked on Windows. */
#if defined(_WIN32) && !defined(JF_STATIC)
#define JF_API __declspec(dllimport)
#else
#define JF_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

@STRUCTS@

@ITEMS@

#ifdef __cplusplus
}
#endif

#endif /* JACKFIELD_ENGINE_H */
