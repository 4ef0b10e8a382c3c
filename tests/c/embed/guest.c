/* A plugin that uses what its host gives: `guest.count` a service of the application's own, `guest.call` a command of it (the params are
 * its key, a JSON text), whose answer it passes on. */

#include <jackfield/plugin.h>
#include <string.h>

#include "counter.h"

#ifndef CALL_CLASS
#define CALL_CLASS JF_CONCURRENT
#endif
#ifndef FLAGS
#define FLAGS 0
#endif

static const jf_command_info count = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_CONCURRENT, .key = JF_STR("guest.count"),
    .help = JF_STR("Counts by the application's service"),
};
static const jf_command_info call = {
    .struct_size = sizeof(jf_command_info), .command_class = CALL_CLASS, .key = JF_STR("guest.call"),
    .help = JF_STR("Calls the command that the params name"),
};
static const jf_command_info *const commands[] = {&count, &call};
static const jf_descriptor descriptor = {
    .struct_size = sizeof(jf_descriptor), .id = JF_STR("guest"), .name = JF_STR("Guest"), .version = JF_STR("1"),
    .commands = commands, .command_count = 2, .flags = FLAGS,
};

/* One call at a time is enough here. */
static struct {
    const jf_host *host;
    jf_token token;
} guest;

static jf_status create(const jf_host *host, jf_str config, void **out, jf_buf *why)
{
    (void)config, (void)why;
    guest.host = host;
    *out = &guest;
    return JF_OK;
}

static void destroy(void *instance) { (void)instance; }

static jf_status answer(jf_token token, jf_status status, jf_str json)
{
    jf_reply reply = {.struct_size = sizeof reply, .status = status, .json = json};
    guest.host->reply(guest.host, token, &reply);
    return status;
}

static void done(void *ctx, const jf_reply *reply)
{
    (void)ctx;
    answer(guest.token, reply->status, reply->json);
}

static jf_status handle(void *instance, const jf_command *command)
{
    const jf_host *host = guest.host;
    (void)instance;
    if (command->key.len == count.key.len) {
        const struct counter_v1 *service = host->get_service(host, (jf_str)JF_STR("example.counter/1"));
        char digit;
        if (!service || !JF_HAS(service, next)) return answer(command->token, JF_E_NO_SERVICE, (jf_str){NULL, 0});
        digit = (char)('0' + service->next(service->context));
        return answer(command->token, JF_OK, (jf_str){&digit, 1});
    }
    const jf_call_v1 *calls = host->get_service(host, (jf_str)JF_STR(JF_SERVICE_CALL));
    jf_str key = {command->params.ptr + 1, command->params.len - 2};
    guest.token = command->token;
    jf_status status = calls->call(host, command->token, key, (jf_str)JF_STR("{}"), NULL, 0, 5000, done, NULL);
    return status == JF_OK ? JF_PENDING : answer(command->token, status, (jf_str){NULL, 0});
}

JF_EXPORT jf_status JF_CALL jackfield_plugin_v1(const jf_host *host, jf_plugin *out)
{
    jf_plugin plugin = {.struct_size = sizeof plugin, .abi_minor = JF_ABI_MINOR, .descriptor = &descriptor,
                        .create = create, .handle = handle, .destroy = destroy};
    (void)host;
    memcpy(out, &plugin, out->struct_size < sizeof plugin ? out->struct_size : sizeof plugin);
    return JF_OK;
}
