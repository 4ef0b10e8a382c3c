/* What the C tests of libjackfield share: checks that say where and why, and the usual steps. */
#ifndef CHECK_H
#define CHECK_H

#include <jackfield/engine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define UNUSED __attribute__((unused))
#else
#define UNUSED
#endif

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The status that a call must give; else what the library says of it. */
#define GIVES(engine, call, expected)                                                                                  \
    do {                                                                                                               \
        jf_status gave_ = (call);                                                                                      \
        if (gave_ != (expected)) {                                                                                     \
            jf_error why_;                                                                                             \
            memset(&why_, 0, sizeof why_);                                                                             \
            why_.struct_size = (uint32_t)sizeof why_;                                                                  \
            jf_engine_last_error(engine, &why_);                                                                       \
            fprintf(stderr, "%s:%d: %s gave %s, not %s: %.*s\n", __FILE__, __LINE__, #call, jf_status_name(gave_),     \
                    jf_status_name(expected), (int)why_.message.len, why_.message.len ? why_.message.ptr : "");        \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#define OK(engine, call) GIVES(engine, call, JF_OK)

UNUSED static jf_str str(const char *text)
{
    jf_str borrowed;
    borrowed.ptr = text;
    borrowed.len = text ? strlen(text) : 0;
    return borrowed;
}

UNUSED static void give_back(jf_buf *buf)
{
    if (buf->release) buf->release(buf->ctx, buf->ptr, buf->len);
    memset(buf, 0, sizeof *buf);
}

/* Whether a buffer is exactly this text. */
UNUSED static int is(const jf_buf *buf, const char *text)
{
    return buf->len == strlen(text) && !memcmp(buf->ptr, text, buf->len);
}

UNUSED static jf_command_info info_of(const char *key, uint32_t command_class)
{
    jf_command_info info;
    memset(&info, 0, sizeof info);
    info.struct_size = (uint32_t)sizeof info;
    info.command_class = command_class;
    info.key = str(key);
    return info;
}

UNUSED static jf_handler handler_of(jf_status (*handle)(void *, const jf_command *), void *userdata)
{
    jf_handler handler;
    memset(&handler, 0, sizeof handler);
    handler.struct_size = (uint32_t)sizeof handler;
    handler.handle = handle;
    handler.userdata = userdata;
    return handler;
}

/* A request without params and time limit of its own. */
UNUSED static jf_request request_of(const char *key, void (*done)(void *, const jf_reply *), void *userdata)
{
    jf_request request;
    memset(&request, 0, sizeof request);
    request.struct_size = (uint32_t)sizeof request;
    request.key = str(key);
    request.done = done;
    request.userdata = userdata;
    return request;
}

/* A subscription to what `pattern` names, which is borrowed. */
UNUSED static jf_subscription subscription_of(const jf_str *pattern, void (*event)(void *, jf_str, jf_str, uint64_t))
{
    jf_subscription subscription;
    memset(&subscription, 0, sizeof subscription);
    subscription.struct_size = (uint32_t)sizeof subscription;
    subscription.patterns = pattern;
    subscription.pattern_count = 1;
    subscription.event = event;
    return subscription;
}

UNUSED static void register_key(jf_engine *engine, const char *key, uint32_t command_class,
                                jf_status (*handle)(void *, const jf_command *), void *userdata)
{
    jf_command_info info = info_of(key, command_class);
    jf_handler handler = handler_of(handle, userdata);
    OK(engine, jf_engine_register(engine, &info, &handler));
}

UNUSED static jf_status answer(jf_engine *engine, const jf_command *command, const char *json)
{
    jf_reply reply;
    memset(&reply, 0, sizeof reply);
    reply.struct_size = (uint32_t)sizeof reply;
    reply.json = str(json);
    return jf_engine_reply(engine, command->token, &reply);
}

/* Calls `key` and holds the result against `expected`. */
UNUSED static void calls(jf_engine *engine, const char *key, const char *params, const char *expected)
{
    jf_buf result;
    OK(engine, jf_engine_call(engine, str(key), str(params), 0, &result));
    if (!is(&result, expected)) {
        fprintf(stderr, "%s answered %.*s, not %s\n", key, (int)result.len, (const char *)result.ptr, expected);
        exit(1);
    }
    give_back(&result);
}

#endif
