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

@STRUCTS@

@ITEMS@

#ifdef __cplusplus
}
#endif

#endif /* JACKFIELD_TYPES_H */
