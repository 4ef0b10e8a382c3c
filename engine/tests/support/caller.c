/*
 * A plugin that calls other commands, publishes and hears events. It does what a command's params say ("do"), and tells
 * what happens to it, a line each, to the descriptor that its config names ("log"). What it waits for is a byte on a
 * descriptor ("fd"). What it calls with ("with") stands last in its params.
 *
 * -DVERSION="2" -DID="a" -DFLAGS=... -DTOPICS='JF_STR("t.*")' -DNO_EXTENSION -DNULL_EVENT -DSTART_FAILS -DSCHEMA="{}"
 */
#define _GNU_SOURCE
#include <jackfield/plugin.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "1"
#endif
#ifndef ID
#define ID "a"
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef SCHEMA
#define SCHEMA ""
#endif

typedef struct {
    const jf_host *host;
    const jf_topics_v1 *topics;
    const jf_call_v1 *calls;
    int log;
    int event_fd;
    int start_fd;
    int done_fd;
    int alive;
    char in_start[128];
} caller;

typedef struct {
    caller *c;
    jf_token token; /* to be answered with the reply; 0: none */
    int is_back;
    pthread_mutex_t lock;
    pthread_cond_t back;
    jf_status status;
} job;

static void say(caller *c, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof line - 2) length = (int)sizeof line - 2;
    line[length] = '\n';
    if (c->log >= 0 && write(c->log, line, (size_t)length + 1) < 0) c->log = -1;
}

static long thread_id(void) { return (long)syscall(SYS_gettid); }

static void await(int descriptor) {
    char byte;
    if (descriptor >= 0 && read(descriptor, &byte, 1) < 0) return;
}

static long number(const char *text, const char *name, long otherwise) {
    const char *at = strstr(text, name);
    return at ? atol(at + strlen(name)) : otherwise;
}

/* The text between `name` and the next quote. */
static jf_str quoted(const char *text, const char *name) {
    jf_str found = {"", 0};
    const char *at = strstr(text, name);
    if (!at) return found;
    found.ptr = at + strlen(name);
    found.len = strcspn(found.ptr, "\"");
    return found;
}

/* The first "do": others are in what is called with. */
static int does(const char *text, const char *what) {
    jf_str first = quoted(text, "\"do\":\"");
    return first.len == strlen(what) && !memcmp(first.ptr, what, first.len);
}

/* What follows "with", without the brace that closes the params. */
static jf_str with(const char *text, size_t len) {
    const char *at = strstr(text, "\"with\":");
    jf_str found = JF_TEXT("null");
    if (!at) return found;
    found.ptr = at + strlen("\"with\":");
    found.len = len - (size_t)(found.ptr - text) - 1;
    return found;
}

static jf_status answer(caller *c, jf_token token, const char *json) {
    jf_reply reply = {0};
    reply.struct_size = sizeof reply;
    reply.json.ptr = json;
    reply.json.len = strlen(json);
    return c->host->reply(c->host, token, &reply);
}

static job *new_job(caller *c, jf_token token) {
    job *j = calloc(1, sizeof *j);
    j->c = c;
    j->token = token;
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->back, NULL);
    return j;
}

static void done(void *ctx, const jf_reply *reply) {
    job *j = ctx;
    caller *c = j->c;
    if (!c->alive) abort();
    say(c, "done " VERSION " %d %ld %.*s%.*s", reply->status, thread_id(), (int)reply->json.len, reply->json.ptr,
        (int)reply->message.len, reply->message.ptr);
    await(c->done_fd);
    if (j->token) {
        jf_reply own = {0};
        own.struct_size = sizeof own;
        jf_reply_attachment copy = {0};
        const jf_reply_attachment *copies[] = {&copy};
        copy.struct_size = sizeof copy;
        if (reply->attachment_count) {
            copy.name = reply->attachments[0]->name;
            copy.bytes = reply->attachments[0]->bytes;
            own.attachments = copies;
            own.attachment_count = 1;
        }
        own.status = reply->status;
        own.json = reply->json;
        own.message = reply->message;
        own.code = reply->code;
        say(c, "passed on %d", c->host->reply(c->host, j->token, &own));
    }
    pthread_mutex_lock(&j->lock);
    j->is_back = 1;
    j->status = reply->status;
    pthread_cond_signal(&j->back);
    pthread_mutex_unlock(&j->lock);
    say(c, "done over " VERSION);
}

static jf_status call(caller *c, job *j, jf_token parent, const jf_command *command, const char *params) {
    jf_str key = quoted(params, "\"key\":\"");
    return c->calls->call(c->host, parent, key, with(params, command->params.len), command->attachments,
                          command->attachment_count, (uint64_t)number(params, "\"timeout_ms\":", 0), done, j);
}

/* Answers with the status of a call that was refused. */
static jf_status refused(caller *c, jf_token token, jf_status status) {
    jf_reply reply = {0};
    char text[64];
    snprintf(text, sizeof text, "refused %d", status);
    reply.struct_size = sizeof reply;
    reply.status = JF_E_FAILED;
    reply.code = status;
    reply.message.ptr = text;
    reply.message.len = strlen(text);
    c->host->reply(c->host, token, &reply);
    return JF_OK;
}

static jf_status misuse(caller *c, const jf_command *command) {
    const jf_host *h = c->host;
    const jf_call_v1 *s = c->calls;
    jf_str key = JF_TEXT("none"), null = JF_TEXT("null"), bad = JF_TEXT("{\"a\":"), broken = JF_TEXT("\"\xff\"");
    jf_attachment small = {0};
    const jf_attachment *list[] = {&small};
    job *j = new_job(c, 0);
    say(c, "no host %d", s->call(NULL, 0, key, null, NULL, 0, 0, done, j));
    say(c, "no done %d", s->call(h, 0, key, null, NULL, 0, 0, NULL, j));
    say(c, "unknown %d", s->call(h, 0, key, null, NULL, 0, 0, done, j));
    say(c, "empty key %d", s->call(h, 0, JF_TEXT(""), null, NULL, 0, 0, done, j));
    say(c, "bad json %d", s->call(h, 0, key, bad, NULL, 0, 0, done, j));
    say(c, "bad text %d", s->call(h, 0, key, broken, NULL, 0, 0, done, j));
    say(c, "bad attachment %d", s->call(h, 0, key, null, list, 1, 0, done, j));
    say(c, "null list %d", s->call(h, 0, key, null, NULL, 1, 0, done, j));
    say(c, "foreign parent %d", s->call(h, command->token ^ (1u << 21), key, null, NULL, 0, 0, done, j));
    answer(c, command->token, "1");
    say(c, "late parent %d", s->call(h, command->token, key, null, NULL, 0, 0, done, j));
    return JF_OK;
}

static jf_status handle(void *instance, const jf_command *command) {
    caller *c = instance;
    char params[1024] = {0};
    memcpy(params, command->params.ptr, command->params.len < sizeof params ? command->params.len : sizeof params - 1);
    if (does(params, "version")) return answer(c, command->token, "\"" VERSION "\"");
    if (does(params, "thread")) {
        char text[32];
        snprintf(text, sizeof text, "%ld", thread_id());
        return answer(c, command->token, text);
    }
    if (does(params, "wait")) {
        say(c, "begin " VERSION);
        await((int)number(params, "\"fd\":", -1));
        return answer(c, command->token, "\"" VERSION "\"");
    }
    if (does(params, "fail")) return JF_E_INVALID_PARAMS;
    if (does(params, "until-cancelled")) {
        say(c, "begin " VERSION);
        for (int i = 0; i < 10000 && !c->host->is_cancelled(c->host, command->token); i++) usleep(500);
        say(c, "cancelled %d", c->host->is_cancelled(c->host, command->token));
        return JF_E_CANCELLED;
    }
    if (does(params, "from")) {
        char text[256];
        snprintf(text, sizeof text, "[%llu,\"%.*s\",\"%.*s\",\"%.*s\",%d]", (unsigned long long)command->session,
                 (int)command->principal.len, command->principal.ptr, (int)command->dialect.len, command->dialect.ptr,
                 (int)command->trace_id.len, command->trace_id.ptr, command->deadline_ns != 0);
        return answer(c, command->token, text);
    }
    if (does(params, "attachments")) {
        jf_reply reply = {0};
        jf_reply_attachment back = {0};
        const jf_reply_attachment *list[] = {&back};
        back.struct_size = sizeof back;
        back.name = command->attachments[0]->name;
        back.bytes = command->attachments[0]->bytes;
        reply.struct_size = sizeof reply;
        reply.attachments = list;
        reply.attachment_count = 1;
        c->host->reply(c->host, command->token, &reply);
        return JF_OK;
    }
    if (does(params, "misuse")) return misuse(c, command);
    if (does(params, "again")) {
        /* Calls itself with the same params, again and again. */
        say(c, "calls " VERSION);
        jf_status status = c->calls->call(c->host, command->token, command->key, command->params, NULL, 0, 0, done,
                                          new_job(c, command->token));
        if (status != JF_OK) return refused(c, command->token, status);
        return JF_PENDING;
    }
    if (does(params, "call")) {
        /* Answered by `done`; what it calls may wait before it begins ("fd"). */
        say(c, "calls " VERSION);
        await((int)number(params, "\"wait_fd\":", -1));
        jf_status status = call(c, new_job(c, command->token), command->token, command, params);
        if (status != JF_OK) return refused(c, command->token, status);
        return JF_PENDING;
    }
    if (does(params, "orphan-later")) {
        say(c, "calls " VERSION);
        await((int)number(params, "\"wait_fd\":", -1));
        return refused(c, command->token, call(c, new_job(c, 0), 0, command, params));
    }
    if (does(params, "block")) {
        /* Holds its thread until the reply has come. */
        job *j = new_job(c, 0);
        jf_status status = call(c, j, command->token, command, params);
        if (status != JF_OK) return refused(c, command->token, status);
        say(c, "blocked " VERSION);
        pthread_mutex_lock(&j->lock);
        while (!j->is_back) pthread_cond_wait(&j->back, &j->lock);
        pthread_mutex_unlock(&j->lock);
        if (j->status != JF_OK) return j->status;
        return answer(c, command->token, "\"" VERSION "\"");
    }
    if (does(params, "fire")) {
        /* Does not care when the reply comes. */
        jf_token parent = strstr(params, "\"orphan\":true") ? 0 : command->token;
        jf_status status = call(c, new_job(c, 0), parent, command, params);
        if (status != JF_OK) return refused(c, command->token, status);
        return answer(c, command->token, "\"" VERSION "\"");
    }
    if (does(params, "publish")) {
        char text[32];
        jf_status status = c->topics->publish(c->host, quoted(params, "\"topic\":\""), with(params, command->params.len));
        snprintf(text, sizeof text, "%d", status);
        return answer(c, command->token, text);
    }
    return JF_E_INVALID_PARAMS;
}

static void say_services(caller *c, const char *when) {
    jf_str key = JF_TEXT(ID ".concurrent"), null = JF_TEXT("null");
    say(c, "%s publish %d call %d", when, c->topics->publish(c->host, JF_TEXT("t.life"), null),
        c->calls->call(c->host, 0, key, JF_TEXT("{\"do\":\"version\"}"), NULL, 0, 0, done, new_job(c, 0)));
}

static jf_status create(const jf_host *host, jf_str config, void **instance, jf_buf *why) {
    caller *c = calloc(1, sizeof *c);
    char text[512] = {0};
    (void)why;
    memcpy(text, config.ptr, config.len < sizeof text ? config.len : sizeof text - 1);
    c->host = host;
    c->alive = 1;
    c->log = (int)number(text, "\"log\":", -1);
    c->event_fd = (int)number(text, "\"event_fd\":", -1);
    c->start_fd = (int)number(text, "\"start_fd\":", -1);
    c->done_fd = (int)number(text, "\"done_fd\":", -1);
    c->topics = host->get_service(host, JF_TEXT(JF_SERVICE_TOPICS));
    c->calls = host->get_service(host, JF_TEXT(JF_SERVICE_CALL));
    if (!c->topics || !c->calls) return JF_E_NO_SERVICE;
    if (strstr(text, "\"services\":true")) say_services(c, "create");
    jf_str key = quoted(text, "\"in_start\":\"");
    memcpy(c->in_start, key.ptr, key.len < sizeof c->in_start ? key.len : sizeof c->in_start - 1);
    *instance = c;
    return JF_OK;
}

static jf_status start(void *instance, jf_buf *why) {
    caller *c = instance;
    say(c, "start " VERSION);
    await(c->start_fd);
    if (c->in_start[0]) {
        jf_str key = {c->in_start, strlen(c->in_start)};
        jf_status status = c->calls->call(c->host, 0, key, JF_TEXT("{}"), NULL, 0, 0, done, new_job(c, 0));
        say(c, "called in start %d %ld", status, thread_id());
    }
#ifdef START_FAILS
    why->ptr = (const uint8_t *)"no luck";
    why->len = strlen("no luck");
    return JF_E_UNAVAILABLE;
#endif
    (void)why;
    return JF_OK;
}

static void stop(void *instance) {
    caller *c = instance;
    say(c, "stop " VERSION);
    say_services(c, "stop");
}

static void destroy(void *instance) {
    caller *c = instance;
    say_services(c, "destroy");
    say(c, "destroy " VERSION);
    /* Not freed: a `done` that comes now is found out. */
    c->alive = 0;
}

static void event(void *instance, jf_str topic, jf_str data, uint64_t dropped) {
    caller *c = instance;
    say(c, "event " VERSION " %.*s %.*s %d", (int)topic.len, topic.ptr, (int)data.len, data.ptr, (int)dropped);
    await(c->event_fd);
    say(c, "event-over " VERSION);
}

#ifdef NULL_EVENT
static const jf_events_v1 events = {.struct_size = sizeof events};
#else
static const jf_events_v1 events = {.struct_size = sizeof events, .event = event};
#endif

static const void *get_extension(jf_str id) {
    (void)event;
#ifdef NO_EXTENSION
    (void)id;
    (void)events;
    return NULL;
#else
    size_t len = strlen(JF_EXTENSION_TOPICS);
    return id.len == len && !memcmp(id.ptr, JF_EXTENSION_TOPICS, len) ? &events : NULL;
#endif
}

#define COMMAND(name, key_text, class_number, flag_bits)                                                               \
    static const jf_command_info name = {.struct_size = sizeof name,                                                   \
                                         .command_class = class_number,                                                \
                                         .flags = flag_bits,                                                           \
                                         .key = JF_STR(key_text),                                                      \
                                         .params_schema = JF_STR(SCHEMA),                                              \
                                         .help = JF_STR("does what it is told")}

COMMAND(serial_command, ID ".serial", JF_SERIAL, JF_COMMAND_CANCEL_ON_DISCONNECT);
COMMAND(concurrent_command, ID ".concurrent", JF_CONCURRENT, 0);
COMMAND(inline_command, ID ".inline", JF_INLINE, 0);

static const jf_command_info *const commands[] = {&serial_command, &concurrent_command, &inline_command};
#ifdef TOPICS
static const jf_str topics[] = {TOPICS};
#endif

static const jf_descriptor descriptor = {.struct_size = sizeof descriptor,
                                         .flags = FLAGS,
                                         .id = JF_STR(ID),
                                         .name = JF_STR("Caller"),
                                         .version = JF_STR(VERSION),
                                         .license = JF_STR("MIT"),
                                         .build = JF_STR("test"),
#ifdef TOPICS
                                         .topics = topics,
                                         .topic_count = sizeof topics / sizeof *topics,
#endif
                                         .commands = commands,
                                         .command_count = sizeof commands / sizeof *commands};

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
