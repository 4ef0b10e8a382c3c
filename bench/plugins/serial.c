/* What the bench runs beside `echo`: one SERIAL key that gives its params back, from a thread of its own. ID, KEY and VERSION
 * make as many plugins and versions of it as are needed. */

#include <jackfield/plugin.h>
#include <string.h>

#ifndef ID
#define ID "serial"
#endif
#ifndef KEY
#define KEY "serial"
#endif
#ifndef VERSION
#define VERSION "1.0.0"
#endif

static const jf_command_info command = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_SERIAL, .flags = JF_COMMAND_READ_ONLY, .key = JF_STR(KEY),
    .help = JF_STR("Gives its params back"),
};
static const jf_command_info *const commands[] = {&command};
static const jf_descriptor descriptor = {
    .struct_size = sizeof(jf_descriptor), .id = JF_STR(ID), .name = JF_STR("Bench"), .version = JF_STR(VERSION),
    .commands = commands, .command_count = 1,
};

/* The instance is the host, which outlives it. */
static jf_status create(const jf_host *host, jf_str config, void **out, jf_buf *why)
{
    (void)config, (void)why;
    *out = (void *)host;
    return JF_OK;
}

static void destroy(void *instance) { (void)instance; }

static jf_status handle(void *instance, const jf_command *command)
{
    const jf_host *host = instance;
    jf_reply reply = {.struct_size = sizeof reply, .status = JF_OK, .json = command->params};
    return host->reply(host, command->token, &reply);
}

JF_EXPORT jf_status JF_CALL jackfield_plugin_v1(const jf_host *host, jf_plugin *out)
{
    jf_plugin plugin = {.struct_size = sizeof plugin, .abi_minor = JF_ABI_MINOR, .descriptor = &descriptor,
                        .create = create, .handle = handle, .destroy = destroy};
    (void)host;
    memcpy(out, &plugin, out->struct_size < sizeof plugin ? out->struct_size : sizeof plugin);
    return JF_OK;
}
