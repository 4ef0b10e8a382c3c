/* A plugin whose commands the tests hold and release: `gate.wait "PATH"` (or ["PATH"]) opens the FIFO and answers at its end. The test's
 * end of the FIFO opens when the command runs; closing it releases the command. The others answer their params at once. */

#include <jackfield/plugin.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const jf_command_info wait_info = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_SERIAL, .key = JF_STR("gate.wait"),
};
static const jf_command_info concurrent_info = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_CONCURRENT, .key = JF_STR("gate.concurrent"),
};
static const jf_command_info serial_info = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_SERIAL, .key = JF_STR("gate.serial"),
};
static const jf_command_info inline_info = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_INLINE, .key = JF_STR("gate.inline"),
};
static const jf_command_info *const commands[] = {&wait_info, &concurrent_info, &serial_info, &inline_info};
static const jf_descriptor descriptor = {
    .struct_size = sizeof(jf_descriptor), .id = JF_STR("gate"), .name = JF_STR("Gate"), .version = JF_STR("1.0.0"),
    .commands = commands, .command_count = 4,
};

static jf_status create(const jf_host *host, jf_str config, void **out, jf_buf *why)
{
    (void)config, (void)why;
    *out = (void *)host;
    return JF_OK;
}

static void destroy(void *instance) { (void)instance; }

static jf_status pass(jf_str params)
{
    char path[4096], byte;
    size_t around = params.len && *params.ptr == '[' ? 2 : 1;
    int fifo;
    if (params.len < 2 * around || params.len > sizeof path) return JF_E_INVALID_PARAMS;
    memcpy(path, params.ptr + around, params.len - 2 * around);
    path[params.len - 2 * around] = 0;
    if ((fifo = open(path, O_RDONLY)) < 0) return JF_E_FAILED;
    while (read(fifo, &byte, 1) > 0) continue;
    close(fifo);
    return JF_OK;
}

static jf_status handle(void *instance, const jf_command *command)
{
    const jf_host *host = instance;
    jf_reply reply = {.struct_size = sizeof reply, .status = JF_OK, .json = command->params};
    if (command->key.len == wait_info.key.len && !memcmp(command->key.ptr, wait_info.key.ptr, wait_info.key.len)) {
        reply.status = pass(command->params);
        reply.json = JF_TEXT("\"released\"");
        reply.message = JF_TEXT("The FIFO cannot be read.");
    }
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
