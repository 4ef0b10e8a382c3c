/* A plugin in C, to start from: `c.greet` answers an object with a greeting, `c.echo` gives its params back. */

#include <jackfield/plugin.h>
#include <stdlib.h>
#include <string.h>

#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION "1.0.0"
#endif

struct greeter {
    const jf_host *host;
};

static const jf_str greet_example = JF_STR("{\"name\": \"Ada\"}");
static const jf_command_info greet = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_CONCURRENT, .flags = JF_COMMAND_READ_ONLY,
    .key = JF_STR("c.greet"), .help = JF_STR("Greets whom the params name"),
    .params_schema = JF_STR("{\"type\": \"object\"}"), .examples = &greet_example, .example_count = 1,
};
static const jf_command_info echo = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_SERIAL, .flags = JF_COMMAND_READ_ONLY,
    .key = JF_STR("c.echo"), .help = JF_STR("Gives its params back"),
};
static const jf_command_info *const commands[] = {&echo, &greet};
static const jf_descriptor descriptor = {
    .struct_size = sizeof(jf_descriptor), .id = JF_STR("c-example"), .name = JF_STR("Example in C"),
    .version = JF_STR(PLUGIN_VERSION), .commands = commands, .command_count = 2,
};

static jf_status create(const jf_host *host, jf_str config, void **out, jf_buf *why)
{
    struct greeter *instance = malloc(sizeof *instance);
    (void)config, (void)why;
    if (!instance) return JF_E_FAILED;
    instance->host = host;
    *out = instance;
    return JF_OK;
}

static void destroy(void *instance) { free(instance); }

static void release(void *ctx, const uint8_t *bytes, size_t len)
{
    (void)bytes, (void)len;
    free(ctx);
}

/* The answer is made in memory of our own, which the host gives back through `release`. A plugin that looks into its params
 * brings a JSON library; here they go into the answer as they came, and are known to be well-formed. */
static void answer_greet(const jf_command *command, jf_reply *reply)
{
    static const char format[] = "{\"greeting\": \"Hello\", \"version\": \"" PLUGIN_VERSION "\", \"to\": ";
    const jf_str to = command->params;
    size_t len = sizeof format - 1 + to.len + 1, blank = 0;
    char *json = malloc(len);
    while (blank < to.len && strchr(" \t\r\n", to.ptr[blank])) blank++;
    if (!json || blank == to.len || to.ptr[blank] != '{') {
        reply->status = json ? JF_E_INVALID_PARAMS : JF_E_FAILED;
        reply->message = json ? JF_TEXT("The params of 'c.greet' must be an object, such as {\"name\": \"Ada\"}.")
                              : JF_TEXT("Out of memory.");
        free(json);
        return;
    }
    memcpy(json, format, sizeof format - 1);
    memcpy(json + sizeof format - 1, to.ptr, to.len);
    json[len - 1] = '}';
    reply->json_buf = (jf_buf){(const uint8_t *)json, len, release, json};
}

static jf_status handle(void *instance, const jf_command *command)
{
    const jf_host *host = ((struct greeter *)instance)->host;
    jf_reply reply = {.struct_size = sizeof reply, .status = JF_OK};
    if (command->key.len == echo.key.len && !memcmp(command->key.ptr, echo.key.ptr, echo.key.len))
        reply.json = command->params;
    else
        answer_greet(command, &reply);
    host->reply(host, command->token, &reply);
    return reply.status;
}

JF_EXPORT jf_status JF_CALL jackfield_plugin_v1(const jf_host *host, jf_plugin *out)
{
    jf_plugin plugin = {.struct_size = sizeof plugin, .abi_minor = JF_ABI_MINOR, .descriptor = &descriptor,
                        .create = create, .handle = handle, .destroy = destroy};
    (void)host;
    memcpy(out, &plugin, out->struct_size < sizeof plugin ? out->struct_size : sizeof plugin);
    return JF_OK;
}
