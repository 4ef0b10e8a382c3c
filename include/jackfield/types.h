/*
 * jackfield/types.h - value types and status numbers shared by the headers of Jackfield.
 *
 * Made from plugin-api/src/types.rs by `cargo xtask header`: do not edit.
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_TYPES_H
#define JACKFIELD_TYPES_H

#include <stddef.h>
#include <stdint.h>

#if !defined(UINTPTR_MAX) || UINTPTR_MAX != 0xFFFFFFFFFFFFFFFFu
#error "Jackfield's C interface is for 64-bit systems only"
#endif

/** Makes a function visible outside its library, also where the compiler hides functions by default. */
#if defined(_WIN32)
#define JF_EXPORT __declspec(dllexport)
#else
#define JF_EXPORT __attribute__((visibility("default")))
#endif

/** Calling convention of every function of the interface: the one C convention of 64-bit systems. */
#define JF_CALL

/** Initializer of a jf_str from a string literal, also for static data: `static const jf_str name = JF_STR("echo");` */
#define JF_STR(literal) {"" literal, sizeof(literal) - 1}

/** A string literal as an argument: `host->log(host, JF_LOG_INFO, JF_TEXT("ready"));` */
#ifdef __cplusplus
#define JF_TEXT(literal) (jf_str JF_STR(literal))
#else
#define JF_TEXT(literal) ((jf_str)JF_STR(literal))
#endif

/**
 * Whether the struct at `pointer` has `field`: the side that made it may be older than this header. `field` must not be
 * read where this is 0; a field that is not there counts as NULL or 0.
 */
#define JF_HAS(pointer, field)                                                                                         \
    ((size_t)((const char *)(&(pointer)->field + 1) - (const char *)(pointer)) <= (size_t)(pointer)->struct_size)

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jf_str jf_str;
typedef struct jf_bytes jf_bytes;
typedef struct jf_buf jf_buf;

/**
 * Result of a call across the ABI: JF_OK, JF_PENDING (from `handle` only), or an error from the fixed list below. Any other
 * number is read as JF_E_INTERNAL.
 */
typedef int32_t jf_status;

/** Done. */
#define JF_OK 0
/** Returned by `handle` only: the answer will come later through the token. */
#define JF_PENDING 1
/** An argument of this call is not usable: a null where none is allowed, a NULL with a length, invalid UTF-8 or JSON. */
#define JF_E_INVALID (-1)
/** The command could not be done; the reason is in the message. What a plugin answers when nothing below fits better. */
#define JF_E_FAILED (-2)
/** The command's params are missing something or have a wrong type. */
#define JF_E_INVALID_PARAMS (-3)
/** No such command. */
#define JF_E_UNKNOWN_KEY (-4)
/** A queue is full; the same call may succeed later. */
#define JF_E_BUSY (-5)
/** The command was given up because its caller asked for that. */
#define JF_E_CANCELLED (-6)
/** The command's time limit has passed. */
#define JF_E_DEADLINE (-7)
/** Larger than a limit of the host. */
#define JF_E_TOO_LARGE (-8)
/** The token (or handle) is finished, unknown, or belongs to somebody else. Harmless; counted and logged by the host. */
#define JF_E_STALE (-9)
/** Not allowed in this state, such as a reply from within `create`. */
#define JF_E_WRONG_STATE (-10)
/** Not allowed on this thread, such as a blocking service from within an INLINE command. */
#define JF_E_WRONG_THREAD (-11)
/** The service or extension is not there. */
#define JF_E_NO_SERVICE (-12)
/** Made for another version. */
#define JF_E_VERSION (-13)
/** The saved state cannot be taken over. */
#define JF_E_STATE (-14)
/** A panic or exception was stopped at the edge of the plugin. */
#define JF_E_PANIC (-15)
/** A fault of the side that answers. */
#define JF_E_INTERNAL (-16)
/** The host is stopping. */
#define JF_E_SHUTTING_DOWN (-17)
/** No such document, blob or thing. */
#define JF_E_NOT_FOUND (-18)
/** The call would wait for itself. */
#define JF_E_CYCLE (-19)
/** What the command needs is not there now: a device, a disk, a connection. */
#define JF_E_UNAVAILABLE (-20)
/** Nobody knows whether the command took effect. */
#define JF_E_OUTCOME_UNKNOWN (-21)
/** The plugin that would have answered was unloaded. */
#define JF_E_PLUGIN_GONE (-22)
/** The plugin's process ended under the command. */
#define JF_E_PLUGIN_CRASHED (-23)
/** The caller may not do this. */
#define JF_E_FORBIDDEN (-24)
/** The caller is not known. */
#define JF_E_UNAUTHENTICATED (-25)

/**
 * Names one command in flight: a slot and a counter, never an address. It stays harmless after its command is finished:
 * every use of a finished token answers JF_E_STALE. 0 names no command.
 */
typedef uint64_t jf_token;

/**
 * Borrowed UTF-8 text, not ended by a NUL. `ptr` may be NULL only with `len` 0. Valid as long as the function or struct
 * that hands it over says; where nothing is said, until the call returns.
 */
struct jf_str {
    /** First byte. */
    const char *ptr;
    /** Length in bytes. */
    size_t len;
};

/** Borrowed bytes. `ptr` may be NULL only with `len` 0. Valid as for jf_str. */
struct jf_bytes {
    /** First byte. */
    const uint8_t *ptr;
    /** Length in bytes. */
    size_t len;
};

/**
 * Owned bytes with the way to give them back. Who takes a jf_buf calls `release(ctx, ptr, len)` exactly once, unless
 * `release` is NULL (static data, or none). The engine gives a plugin's back on the control thread of its generation, a host
 * application's on any thread. Nobody frees the other side's memory in any other way.
 */
struct jf_buf {
    /** First byte; may be NULL only with `len` 0. */
    const uint8_t *ptr;
    /** Length in bytes. */
    size_t len;
    /** Gives the bytes back; NULL: nothing to give back. */
    void (*release)(void *ctx, const uint8_t *ptr, size_t len);
    /** Handed to `release` unchanged. */
    void *ctx;
};

#ifdef __cplusplus
}
#endif

#endif /* JACKFIELD_TYPES_H */
