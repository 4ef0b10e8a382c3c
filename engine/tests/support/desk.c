/*
 * The plugin of the engine's tests. It does what a command's params say ("do"), and tells what happens to it, a line each,
 * to the descriptor that its config names ("log"). What it waits for is a byte on a descriptor ("fd"): so nothing sleeps.
 *
 * -DVERSION="2" -DID="desk" -DPREFIX="desk." -DFLAGS=... -DSECOND_CLASS=... -DTHREAD_LOCAL -DCATCH_ALL -DEXTRA="key"
 * -DSCHEMA="{}" -DORDER='JF_STR("a")' -DSTART_FAILS -DCREATE_FAILS -DCREATE_WAITS -DREPLY_IN_CREATE
 */
#define _GNU_SOURCE
#include <jackfield/plugin.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "1"
#endif
#ifndef ID
#define ID "desk"
#endif
#ifndef PREFIX
#define PREFIX ID "."
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef SCHEMA
#define SCHEMA ""
#endif

typedef struct {
    const jf_host *host;
    int log;
    pthread_t threads[64];
    int thread_count;
    jf_token last;
    const jf_store_v1 *store;
} desk;

typedef struct {
    desk *d;
    jf_token token;
    int wait;
} job;

#ifdef THREAD_LOCAL
static __thread int calls;
#endif

static void say(desk *d, const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    line[length] = '\n';
    if (d->log >= 0 && write(d->log, line, (size_t)length + 1) < 0) d->log = -1;
}

static long thread_id(void) { return (long)syscall(SYS_gettid); }

static long number(const char *text, const char *name, long otherwise) {
    const char *at = strstr(text, name);
    return at ? atol(at + strlen(name)) : otherwise;
}

static int has(const char *text, const char *what) { return strstr(text, what) != NULL; }

static jf_str str(const char *text) {
    jf_str s = {text, strlen(text)};
    return s;
}

static jf_status answer(desk *d, jf_token token, const char *json) {
    jf_reply reply = {0};
    reply.struct_size = sizeof reply;
    reply.json = str(json);
    return d->host->reply(d->host, token, &reply);
}

static void await(int descriptor) {
    char byte;
    if (descriptor >= 0 && read(descriptor, &byte, 1) < 0) return;
}

static void *pend(void *argument) {
    job *j = argument;
    await(j->wait);
    jf_status status = answer(j->d, j->token, "\"" VERSION "\"");
    say(j->d, "answered %d", status);
    free(j);
    return NULL;
}

static void released(void *ctx, const uint8_t *ptr, size_t len) {
    say(ctx, "released %zu %ld", len, thread_id());
    free((void *)(size_t)ptr);
}

static jf_buf owned(desk *d, const char *text) {
    jf_buf buf = {0};
    buf.len = strlen(text);
    buf.ptr = (const uint8_t *)strdup(text);
    buf.release = released;
    buf.ctx = d;
    return buf;
}

static int32_t each(void *ctx, jf_str id, jf_str json) {
    say(ctx, "each %.*s %.*s", (int)id.len, id.ptr, (int)json.len, json.ptr);
    return 0;
}

static jf_status store(desk *d, const jf_command *c) {
    const jf_store_v1 *s = d->store;
    const jf_host *h = d->host;
    if (!s) return JF_E_NO_SERVICE;
    uint64_t batch, blob, count, size;
    jf_status status = s->begin(h, &batch);
    if (status != JF_OK) return status;
    uint8_t name[JF_BLOB_NAME_LEN];
    jf_bytes bytes = {(const uint8_t *)"abc", 3};
    status = s->blob_begin(h, batch, &blob);
    say(d, "blob %d %d", status, s->blob_write(h, blob, bytes));
    say(d, "finish %d", s->blob_finish(h, blob, name));
    jf_str blob_name = {(const char *)name, sizeof name};
    say(d, "put %d", s->put(h, batch, JF_TEXT("things"), JF_TEXT("a"), c->params, &blob_name, 1));
    status = s->count(h, JF_TEXT("things"), &count);
    say(d, "count %d %d", status, (int)count);
    say(d, "commit %d", s->commit(h, batch));
    say(d, "stale %d %d", s->commit(h, batch), s->blob_write(h, blob, bytes));
    status = s->begin(h, &batch);
    say(d, "aborted %d %d", status, s->put(h, batch, JF_TEXT("things"), JF_TEXT("b"), c->params, NULL, 0));
    say(d, "abort %d", s->abort(h, batch));
    say(d, "list %d", s->list(h, JF_TEXT("things"), 0, 10, each, d));
    status = s->blob_size(h, blob_name, &size);
    say(d, "size %d %d", status, (int)size);
    jf_buf buf;
    status = s->blob_read(h, blob_name, 1, 9, &buf);
    say(d, "read %d %.*s", status, (int)buf.len, (const char *)buf.ptr);
    buf.release(buf.ctx, buf.ptr, buf.len);
    say(d, "missing %d", s->get(h, JF_TEXT("things"), JF_TEXT("none"), &buf));
    say(d, "bad %d", s->get(h, JF_TEXT("things"), JF_TEXT("\xff"), &buf));
    status = s->get(h, JF_TEXT("things"), JF_TEXT("a"), &buf);
    if (status != JF_OK) return status;
    jf_reply reply = {0};
    reply.struct_size = sizeof reply;
    reply.json_buf = buf;
    h->reply(h, c->token, &reply);
    return JF_OK;
}

static jf_status misuse(desk *d, const jf_command *c, const char *params) {
    const jf_host *h = d->host;
    jf_reply reply = {0};
    reply.struct_size = sizeof reply;
    jf_reply_attachment attachment = {0};
    attachment.struct_size = sizeof attachment;
    const jf_reply_attachment *attachments[] = {&attachment};
    if (has(params, "twice")) {
        jf_status first = answer(d, c->token, "1"), second = answer(d, c->token, "2");
        say(d, "twice %d %d", first, second);
        return has(params, "then-error") ? JF_E_FAILED : JF_OK;
    }
    if (has(params, "old-token")) {
        say(d, "old %d", answer(d, d->last, "1"));
        say(d, "foreign %d", answer(d, c->token ^ 0xfff0000000000000u, "1"));
        say(d, "near %d", answer(d, c->token ^ (1u << 21), "1"));
        say(d, "zero %d", answer(d, 0, "1"));
        say(d, "null %d", h->reply(h, 0, NULL));
        say(d, "progress %d", h->progress(h, d->last, 1, 2, str("late")));
        say(d, "cancelled %d", h->is_cancelled(h, d->last));
        return JF_OK;
    }
    if (has(params, "bad-json")) say(d, "bad %d", answer(d, c->token, "{\"a\":"));
    if (has(params, "bad-utf8")) say(d, "bad %d", answer(d, c->token, "\"\xff\""));
    if (has(params, "null-length")) {
        reply.json.len = 5;
        say(d, "bad %d", h->reply(h, c->token, &reply));
    }
    if (has(params, "gibibyte")) {
        reply.json = (jf_str){"1", (size_t)1 << 30};
        attachment.buf = owned(d, "attachment");
        reply.attachments = attachments;
        reply.attachment_count = 1;
        say(d, "bad %d", h->reply(h, c->token, &reply));
    }
    if (has(params, "bad-and-owned")) {
        reply.json = str("{");
        reply.json.ptr = NULL;
        attachment.buf = owned(d, "attachment");
        reply.attachments = attachments;
        reply.attachment_count = 1;
        say(d, "bad %d", h->reply(h, c->token, &reply));
    }
    if (has(params, "late-owned")) {
        answer(d, c->token, "1");
        reply.json_buf = owned(d, "\"late\"");
        say(d, "late %d", h->reply(h, c->token, &reply));
    }
    if (has(params, "small")) {
        reply.struct_size = offsetof(jf_reply, json_buf);
        reply.json = str("\"small\"");
        memset(&reply.json_buf, 0xee, sizeof reply - offsetof(jf_reply, json_buf));
        say(d, "small %d", h->reply(h, c->token, &reply));
    }
    if (has(params, "tiny")) {
        reply.struct_size = 4;
        say(d, "tiny %d", h->reply(h, c->token, &reply));
    }
    return JF_OK;
}

static jf_status handle(void *instance, const jf_command *c) {
    desk *d = instance;
    const jf_host *h = d->host;
    char params[512] = {0};
    memcpy(params, c->params.ptr, c->params.len < sizeof params ? c->params.len : sizeof params - 1);
    int wait = (int)number(params, "\"fd\":", -1);
    jf_token last = d->last;
    d->last = c->token;
#ifdef THREAD_LOCAL
    calls++;
#endif
    jf_reply reply = {0};
    reply.struct_size = sizeof reply;
    if (has(params, "\"version\"")) {
        answer(d, c->token, "\"" VERSION "\"");
        return JF_OK;
    }
    if (has(params, "\"null\"")) return JF_OK;
    if (has(params, "\"burn\"")) {
        struct timespec begun, now;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
        do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        while ((now.tv_sec - begun.tv_sec) * 1000000000l + now.tv_nsec - begun.tv_nsec < 2000000l);
        return JF_OK;
    }
    if (has(params, "\"thread\"")) {
        char text[32];
        snprintf(text, sizeof text, "%ld", thread_id());
        answer(d, c->token, text);
        return JF_OK;
    }
    if (has(params, "\"return\"")) return (jf_status)number(params, "\"status\":", -2);
    if (has(params, "\"fail\"")) {
        reply.status = (jf_status)number(params, "\"status\":", -2);
        reply.code = 42;
        reply.message = str("no luck with 'a'");
        reply.json = str("{\"why\":1}");
        h->reply(h, c->token, &reply);
        return JF_OK;
    }
    if (has(params, "\"wait\"")) {
        say(d, "begin " VERSION " %ld", number(params, "\"n\":", 0));
        await(wait);
        say(d, "end " VERSION " %ld", number(params, "\"n\":", 0));
        jf_status status = answer(d, c->token, "\"" VERSION "\"");
        if (has(params, "\"tell\"")) say(d, "answered %d", status);
        return JF_OK;
    }
    if (has(params, "\"pend\"")) {
        job *j = malloc(sizeof *j);
        j->d = d;
        j->token = c->token;
        j->wait = wait;
        if (pthread_create(&d->threads[d->thread_count], NULL, pend, j)) return JF_E_FAILED;
        d->thread_count++;
        say(d, "pending " VERSION);
        return JF_PENDING;
    }
    if (has(params, "\"until-cancelled\"")) {
        say(d, "begin " VERSION " 0");
        for (int i = 0; i < 10000 && !h->is_cancelled(h, c->token); i++) usleep(500);
        say(d, "cancelled %d", h->is_cancelled(h, c->token));
        return JF_E_CANCELLED;
    }
    if (has(params, "\"nothing\"")) return JF_PENDING;
    if (has(params, "\"owned\"")) {
        jf_reply_attachment attachment = {0};
        attachment.struct_size = sizeof attachment;
        attachment.name = str("n");
        attachment.content_type = str("text/plain");
        attachment.buf = owned(d, "attachment");
        const jf_reply_attachment *attachments[] = {&attachment};
        reply.json_buf = owned(d, "\"owned\"");
        reply.attachments = attachments;
        reply.attachment_count = 1;
        h->reply(h, c->token, &reply);
        return JF_OK;
    }
    if (has(params, "\"attachments\"")) {
        jf_reply_attachment copies[8];
        const jf_reply_attachment *pointers[8];
        memset(copies, 0, sizeof copies);
        for (uint32_t i = 0; i < c->attachment_count && i < 8; i++) {
            copies[i].struct_size = sizeof copies[i];
            copies[i].name = c->attachments[i]->name;
            copies[i].content_type = c->attachments[i]->content_type;
            copies[i].bytes = c->attachments[i]->bytes;
            pointers[i] = &copies[i];
        }
        reply.attachments = pointers;
        reply.attachment_count = c->attachment_count;
        reply.json = c->params;
        h->reply(h, c->token, &reply);
        return JF_OK;
    }
    if (has(params, "\"progress\"")) {
        for (uint64_t done = 0; done <= 10; done++) h->progress(h, c->token, done, 10, str("parts"));
        answer(d, c->token, "true");
        return JF_OK;
    }
    if (has(params, "\"store\"")) return store(d, c);
    d->last = last;
    if (has(params, "\"misuse\"")) return misuse(d, c, params);
    d->last = c->token;
    reply.json = c->params;
    h->reply(h, c->token, &reply);
    return JF_OK;
}

static jf_status create(const jf_host *host, jf_str config, void **instance, jf_buf *why) {
    desk *d = calloc(1, sizeof *d);
    char text[512] = {0};
    memcpy(text, config.ptr, config.len < sizeof text ? config.len : sizeof text - 1);
    d->host = host;
    d->log = (int)number(text, "\"log\":", -1);
    d->store = host->get_service(host, JF_TEXT(JF_SERVICE_STORE));
    say(d, "create " VERSION " %ld", thread_id());
#ifdef REPLY_IN_CREATE
    jf_reply reply = {0};
    reply.struct_size = sizeof reply;
    reply.json_buf = owned(d, "1");
    say(d, "reply %d", host->reply(host, 1, &reply));
#endif
#ifdef CREATE_WAITS
    await((int)number(text, "\"create_waits\":", -1));
    say(d, "created");
#endif
    if (has(text, "\"refuse\":true")) {
        why->ptr = (const uint8_t *)"'refuse' is true";
        why->len = strlen("'refuse' is true");
        free(d);
        return JF_E_INVALID_PARAMS;
    }
#ifdef CREATE_FAILS
    why->ptr = (const uint8_t *)"no camera at bus 7";
    why->len = strlen("no camera at bus 7");
    free(d);
    return JF_E_UNAVAILABLE;
#endif
    (void)why;
    *instance = d;
    return JF_OK;
}

static jf_status start(void *instance, jf_buf *why) {
    say(instance, "start " VERSION);
#ifdef START_FAILS
    why->ptr = (const uint8_t *)"port taken";
    why->len = strlen("port taken");
    return JF_E_UNAVAILABLE;
#endif
    (void)why;
    return JF_OK;
}

static void cancel(void *instance, jf_token token) { say(instance, "cancel %d", token != 0); }

static void stop(void *instance) {
    desk *d = instance;
    for (int i = 0; i < d->thread_count; i++) pthread_join(d->threads[i], NULL);
    d->thread_count = 0;
    say(d, "stop " VERSION);
}

static void destroy(void *instance) {
    desk *d = instance;
    say(d, "reply %d", answer(d, d->last, "1"));
    say(d, "destroy " VERSION " %ld", thread_id());
    free(d);
}

/* One is not counted, so that there always is one. */
#ifdef ORDER
static const jf_str order[] = {ORDER, JF_STR("")};
#else
static const jf_str order[] = {JF_STR("")};
#endif

#define COMMAND(name, key_text, class_number, flag_bits)                                                               \
    static const jf_command_info name = {.struct_size = sizeof name,                                                   \
                                         .command_class = class_number,                                                \
                                         .flags = flag_bits,                                                           \
                                         .key = JF_STR(key_text),                                                      \
                                         .params_schema = JF_STR(SCHEMA),                                              \
                                         .param_order = order,                                                         \
                                         .param_count = (sizeof order - sizeof *order) / sizeof *order,                \
                                         .help = JF_STR("does what it is told")}

COMMAND(serial_command, PREFIX "serial", JF_SERIAL, 0);
COMMAND(ack_command, PREFIX "ack", JF_SERIAL, JF_COMMAND_ACK_ONLY | JF_COMMAND_CANCEL_ON_DISCONNECT);
#ifndef ONLY_INLINE
COMMAND(concurrent_command, PREFIX "concurrent", JF_CONCURRENT, 0);
#endif
#ifndef NO_INLINE
COMMAND(inline_command, PREFIX "inline", JF_INLINE, 0);
#endif
#ifdef CATCH_ALL
COMMAND(catch_all_command, "", JF_SERIAL, JF_COMMAND_CATCH_ALL);
#endif
#ifdef EXTRA
COMMAND(extra_command, EXTRA, JF_SERIAL, 0);
#endif

static const jf_command_info *const commands[] = {
    &serial_command,
    &ack_command,
#ifndef ONLY_INLINE
    &concurrent_command,
#endif
#ifndef NO_INLINE
    &inline_command,
#endif
#ifdef CATCH_ALL
    &catch_all_command,
#endif
#ifdef EXTRA
    &extra_command,
#endif
};

static const jf_descriptor descriptor = {.struct_size = sizeof descriptor,
                                         .flags = FLAGS,
                                         .id = JF_STR(ID),
                                         .name = JF_STR("Desk"),
                                         .version = JF_STR(VERSION),
                                         .license = JF_STR("MIT"),
                                         .build = JF_STR("test"),
                                         .commands = commands,
                                         .command_count = sizeof commands / sizeof *commands};

JF_EXPORT jf_status JF_CALL jackfield_plugin_v1(const jf_host *host, jf_plugin *out) {
    (void)host;
    out->struct_size = sizeof *out;
    out->descriptor = &descriptor;
    out->create = create;
    out->start = start;
    out->handle = handle;
    out->cancel = cancel;
    out->stop = stop;
    out->destroy = destroy;
    return JF_OK;
}
