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

@STRUCTS@

@ITEMS@

#ifdef __cplusplus
}
#endif

#endif /* JACKFIELD_COMMAND_H */
