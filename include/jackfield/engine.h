/*
 * jackfield/engine.h - libjackfield, the command server inside a host application.
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


/* ---- the library ---- */

/** Version of the library: major * 65536 + minor * 256 + patch. Compare it with JF_VERSION, that of the header. */
JF_API uint32_t jf_version(void);

/** The same as text, such as "0.1.0": static, ended by a NUL. */
JF_API const char *jf_version_text(void);

#ifdef __cplusplus
}
#endif

#endif /* JACKFIELD_ENGINE_H */
