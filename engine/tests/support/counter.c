/*
 * A STATEFUL plugin for the engine's tests. It counts, and tells what happens to it, a line each, to the descriptor that its
 * config names ("log"). "count.add" adds one, "count.get" tells {"count": N}; "count.status" returns the number that its
 * params are, such as JF_E_PANIC; "count.wait" reads a byte from the descriptor that its params are.
 *
 * -DVERSION="2" -DSCHEMA=2 -DFLAGS=... -DSAVE_FAILS -DSAVE_WAITS -DSAVE_BYTES=... -DRESTORE_REFUSES_ABOVE=1 -DSTART_FAILS
 * -DTHREADS -DENTER_FAILS
 */
#define _GNU_SOURCE
#include <jackfield/plugin.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "1"
#endif
#ifndef SCHEMA
#define SCHEMA 1
#endif
#ifndef FLAGS
#define FLAGS JF_PLUGIN_STATEFUL
#endif
#ifndef RESTORE_REFUSES_ABOVE
#define RESTORE_REFUSES_ABOVE SCHEMA
#endif

typedef struct {
    const jf_host *host;
    int log;
    int save_waits;
    long count;
} counter;

static int log_descriptor = -1;
/* The thread of the first `enter`, which comes before there is anybody to tell. */
static long first_entered;

static long thread_id(void) { return (long)syscall(SYS_gettid); }

static void say(const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    line[length] = '\n';
    if (log_descriptor >= 0 && write(log_descriptor, line, (size_t)length + 1) < 0) log_descriptor = -1;
}

static long number(jf_str text, const char *name, long otherwise) {
    char copy[256] = {0};
    memcpy(copy, text.ptr, text.len < sizeof copy ? text.len : sizeof copy - 1);
    const char *at = strstr(copy, name);
    return at ? atol(at + strlen(name)) : otherwise;
}

static void await(int descriptor) {
    char byte;
    if (descriptor >= 0 && read(descriptor, &byte, 1) < 0) return;
}

static jf_status create(const jf_host *host, jf_str config, void **instance, jf_buf *why) {
    (void)why;
    counter *c = calloc(1, sizeof *c);
    c->host = host;
    c->log = log_descriptor = (int)number(config, "\"log\":", -1);
    c->save_waits = (int)number(config, "\"save_waits\":", -1);
    say("create " VERSION " %ld %ld", thread_id(), first_entered);
    *instance = c;
    return JF_OK;
}

static jf_status start(void *instance, jf_buf *why) {
    (void)instance;
    say("start " VERSION);
#ifdef START_FAILS
    why->ptr = (const uint8_t *)"port taken";
    why->len = strlen("port taken");
    return JF_E_UNAVAILABLE;
#endif
    (void)why;
    return JF_OK;
}

static jf_status handle(void *instance, const jf_command *command) {
    counter *c = instance;
    if (command->key.len == strlen("count.status") && !memcmp(command->key.ptr, "count.status", command->key.len))
        return (jf_status)number(command->params, "", 0);
    if (command->key.len == strlen("count.wait") && !memcmp(command->key.ptr, "count.wait", command->key.len)) {
        say("wait " VERSION);
        await((int)number(command->params, "", -1));
        return JF_OK;
    }
    if (!memcmp(command->key.ptr, "count.add", command->key.len)) c->count++;
    char json[64];
    snprintf(json, sizeof json, "{\"count\":%ld,\"version\":\"%s\"}", c->count, VERSION);
    jf_reply reply = {0};
    reply.struct_size = sizeof reply;
    reply.json.ptr = json;
    reply.json.len = strlen(json);
    c->host->reply(c->host, command->token, &reply);
    return JF_OK;
}

static void stop(void *instance) {
    (void)instance;
    say("stop " VERSION);
}

static void destroy(void *instance) {
    say("destroy " VERSION);
    free(instance);
}

static jf_status save(void *instance, const jf_sink *sink) {
    counter *c = instance;
    (void)c;
    say("save " VERSION);
#ifdef SAVE_FAILS
    return JF_E_UNAVAILABLE;
#endif
#ifdef SAVE_WAITS
    await(c->save_waits);
#endif
#ifdef SAVE_BYTES
    static const uint8_t zeros[1 << 16];
    jf_bytes piece = {zeros, sizeof zeros};
    for (long written = 0; written < SAVE_BYTES; written += (long)sizeof zeros) {
        jf_status status = sink->write(sink, piece);
        /* A plugin that does not listen: the host must not take this for a state. */
        if (status != JF_OK) say("write %d", status);
        if (status != JF_OK) return JF_OK;
    }
    return JF_OK;
#else
    char text[32];
    snprintf(text, sizeof text, "%ld", c->count);
    /* In two pieces. */
    jf_bytes first = {(const uint8_t *)text, 1}, rest = {(const uint8_t *)text + 1, strlen(text) - 1};
    jf_status status = sink->write(sink, first);
    return status == JF_OK ? sink->write(sink, rest) : status;
#endif
}

static jf_status restore(void *instance, uint32_t schema, jf_str version, jf_bytes bytes, jf_buf *why) {
    counter *c = instance;
    char text[32] = {0};
    memcpy(text, bytes.ptr, bytes.len < sizeof text ? bytes.len : sizeof text - 1);
    say("restore " VERSION " from %.*s schema %u: %s", (int)version.len, version.ptr, schema, text);
    if (schema > RESTORE_REFUSES_ABOVE) {
        why->ptr = (const uint8_t *)"that schema is news to me";
        why->len = strlen("that schema is news to me");
        return JF_E_STATE;
    }
    c->count = atol(text);
    return JF_OK;
}

static jf_status enter(void) {
    if (first_entered == 0) first_entered = thread_id();
    say("enter %ld", thread_id());
#ifdef ENTER_FAILS
    return JF_E_UNAVAILABLE;
#else
    return JF_OK;
#endif
}

static void leave(void) { say("leave %ld", thread_id()); }

static const jf_state_v1 state = {.struct_size = sizeof state, .schema = SCHEMA, .save = save, .restore = restore};
static const jf_thread_v1 threads = {.struct_size = sizeof threads, .enter = enter, .leave = leave};

static const void *get_extension(jf_str id) {
    if (id.len == strlen(JF_EXTENSION_STATE) && !memcmp(id.ptr, JF_EXTENSION_STATE, id.len)) return &state;
#ifdef THREADS
    if (id.len == strlen(JF_EXTENSION_THREAD) && !memcmp(id.ptr, JF_EXTENSION_THREAD, id.len)) return &threads;
#endif
    (void)threads;
    return NULL;
}

#define COMMAND(name, text, class_number)                                                                              \
    static const jf_command_info name = {                                                                              \
        .struct_size = sizeof name, .command_class = class_number, .key = JF_STR(text)}

COMMAND(add_command, "count.add", JF_SERIAL);
COMMAND(get_command, "count.get", JF_SERIAL);
COMMAND(status_command, "count.status", JF_CONCURRENT);
COMMAND(wait_command, "count.wait", JF_SERIAL);

static const jf_command_info *const commands[] = {&add_command, &get_command, &status_command, &wait_command};

static const jf_descriptor descriptor = {.struct_size = sizeof descriptor,
                                         .flags = FLAGS,
                                         .id = JF_STR("count"),
                                         .name = JF_STR("Counter"),
                                         .version = JF_STR(VERSION),
                                         .commands = commands,
                                         .command_count = 4};

JF_EXPORT jf_status JF_CALL jackfield_plugin_v1(const jf_host *host, jf_plugin *out) {
    (void)host;
    out->struct_size = sizeof *out;
    out->descriptor = &descriptor;
    out->create = create;
    out->start = start;
    out->handle = handle;
    out->stop = stop;
    out->destroy = destroy;
    out->get_extension = get_extension;
    return JF_OK;
}
