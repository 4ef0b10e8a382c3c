/*
 * What every plugin of this folder is, but for its one fault: plugin `subject`, whose one command `subject` answers the
 * version. A source says what it does otherwise before it includes this:
 *
 *   CREATE START HANDLE CANCEL STOP DESTROY GET_EXTENSION   names of functions of its own, in the place of those here
 *   SPOIL           statements over `plugin`, `descriptor` and `info`, run by the entry function before it hands them over
 *   ID KEY VERSION CLASS FLAGS KEY_FLAGS                    what the descriptor says
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#define _GNU_SOURCE

#include <jackfield/plugin.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef ID
#define ID "subject"
#endif
#ifndef KEY
#define KEY ID
#endif
#ifndef VERSION
#define VERSION "2.0.0"
#endif
#ifndef CLASS
#define CLASS JF_SERIAL
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef KEY_FLAGS
#define KEY_FLAGS 0
#endif

/* A length that no text here has. */
#define GIB ((size_t)1 << 30)

static const jf_host *host;

/* A line in the server's log. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    host->log(host, JF_LOG_INFO, (jf_str){line, (size_t)length});
}

static inline jf_str text(const char *text) {
    return (jf_str){text, strlen(text)};
}

static inline jf_status answer(jf_token token, const char *json) {
    jf_reply reply = {.struct_size = sizeof reply, .json = text(json)};
    return host->reply(host, token, &reply);
}

/* Waits until the test lets go: its FIFO `gate` lies in the working folder of the server. */
static inline void wait_at_gate(void) {
    char byte;
    int gate = open("gate", O_RDONLY);
    while (read(gate, &byte, 1) > 0) continue;
    close(gate);
}

/* Name of this thread, until it is asked for again; the host's begin with jf- and the number of the generation. */
static inline const char *thread_name(void) {
    static char name[16];
    pthread_getname_np(pthread_self(), name, sizeof name);
    return name;
}

#ifdef CREATE
static jf_status CREATE(const jf_host *table, jf_str config, void **instance, jf_buf *why);
#else
#define CREATE create
static jf_status create(const jf_host *table, jf_str config, void **instance, jf_buf *why) {
    (void)table, (void)config, (void)why;
    *instance = NULL;
    return JF_OK;
}
#endif

#ifdef HANDLE
static jf_status HANDLE(void *instance, const jf_command *command);
#else
#define HANDLE handle
static jf_status handle(void *instance, const jf_command *command) {
    (void)instance;
    return answer(command->token, "\"" VERSION "\"");
}
#endif

#ifdef DESTROY
static void DESTROY(void *instance);
#else
#define DESTROY destroy
static void destroy(void *instance) {
    (void)instance;
}
#endif

#ifdef START
static jf_status START(void *instance, jf_buf *why);
#else
#define START NULL
#endif

#ifdef CANCEL
static void CANCEL(void *instance, jf_token token);
#else
#define CANCEL NULL
#endif

#ifdef STOP
static void STOP(void *instance);
#else
#define STOP NULL
#endif

#ifdef GET_EXTENSION
static const void *GET_EXTENSION(jf_str id);
#else
#define GET_EXTENSION NULL
#endif

static jf_command_info info = {
    .struct_size = sizeof info, .command_class = CLASS, .flags = KEY_FLAGS, .key = JF_STR(KEY), .help = JF_STR("Helps"),
};
static const jf_command_info *commands[] = {&info, &info};
static jf_descriptor descriptor = {
    .struct_size = sizeof descriptor, .flags = FLAGS, .id = JF_STR(ID), .name = JF_STR("Subject"),
    .version = JF_STR(VERSION), .commands = commands, .command_count = 1,
};

JF_EXPORT jf_status JF_CALL jackfield_plugin_v1(const jf_host *table, jf_plugin *out) {
    jf_plugin plugin = {
        .struct_size = sizeof plugin, .abi_minor = JF_ABI_MINOR, .descriptor = &descriptor, .create = CREATE, .start = START,
        .handle = HANDLE, .cancel = CANCEL, .stop = STOP, .destroy = DESTROY, .get_extension = GET_EXTENSION,
    };
    jf_status status = JF_OK;
    size_t room = out->struct_size;
    host = table;
#ifdef SPOIL
    SPOIL;
#endif
    memcpy(out, &plugin, room < sizeof plugin ? room : sizeof plugin);
    return status;
}

#endif
