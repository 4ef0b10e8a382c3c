/*
 * jackfield/plugin.h - the plugin ABI of Jackfield, version 1.
 *
 * A plugin is a shared library that exports one function, @ENTRY@, and takes commands by key. It needs this
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

@IDS@

/* ---- structs, in the order of their definitions below ---- */

@STRUCTS@

@ITEMS@

/** The one function that a plugin exports; see jf_entry_v1. */
JF_EXPORT jf_status JF_CALL @ENTRY@(const jf_host *host, jf_plugin *out);

#ifdef __cplusplus
}
#endif

#endif /* JACKFIELD_PLUGIN_H */
