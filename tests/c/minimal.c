/* The least that a plugin can be, in C99: it answers `minimal` with its params. */
#include <jackfield/plugin.h>

static const jf_command_info echo = {
    .struct_size = sizeof(jf_command_info),
    .command_class = JF_INLINE,
    .key = JF_STR("minimal"),
    .help = JF_STR("Gives its params back"),
};

static const jf_command_info *const commands[] = {&echo};

static const jf_descriptor descriptor = {
    .struct_size = sizeof(jf_descriptor),
    .id = JF_STR("minimal"),
    .name = JF_STR("Minimal"),
    .version = JF_STR("1.0.0"),
    .commands = commands,
    .command_count = sizeof commands / sizeof *commands,
};

static jf_status create(const jf_host *host, jf_str config, void **instance, jf_buf *why) {
    (void)config, (void)why;
    host->log(host, JF_LOG_INFO, JF_TEXT("made"));
    *instance = (void *)host;
    return JF_OK;
}

static jf_status handle(void *instance, const jf_command *command) {
    const jf_host *host = instance;
    jf_reply reply = {.struct_size = sizeof reply, .json = command->params};
    return host->reply(host, command->token, &reply);
}

static void destroy(void *instance) {
    (void)instance;
}

jf_status jackfield_plugin_v1(const jf_host *host, jf_plugin *out) {
    (void)host;
    out->struct_size = sizeof *out;
    out->abi_minor = JF_ABI_MINOR;
    out->descriptor = &descriptor;
    out->create = create;
    out->handle = handle;
    out->destroy = destroy;
    return JF_OK;
}
