/* Counts how often it was called, so that a test can see that nothing was done: PLUGIN_KEY counts, PLUGIN_ID.count tells. */
#include <jackfield/plugin.h>
#include <stdio.h>

#ifndef PLUGIN_ID
#define PLUGIN_ID "counter"
#endif
#ifndef PLUGIN_KEY
#define PLUGIN_KEY "count"
#endif

/* SERIAL both, so that one thread at a time is in `handle`. */
static const jf_command_info count = {
    .struct_size = sizeof(jf_command_info),
    .key = JF_STR(PLUGIN_KEY),
    .help = JF_STR("Counts, and tells how often it was called"),
};
static const jf_command_info tell = {
    .struct_size = sizeof(jf_command_info),
    .key = JF_STR(PLUGIN_ID ".count"),
    .help = JF_STR("Tells how often it was counted"),
};
static const jf_command_info *const commands[] = {&count, &tell};

static const jf_descriptor descriptor = {
    .struct_size = sizeof(jf_descriptor),
    .id = JF_STR(PLUGIN_ID),
    .name = JF_STR("Counter"),
    .version = JF_STR("1.0.0"),
    .commands = commands,
    .command_count = sizeof commands / sizeof *commands,
};

static unsigned counted;

static jf_status create(const jf_host *host, jf_str config, void **instance, jf_buf *why) {
    (void)config, (void)why;
    *instance = (void *)host;
    return JF_OK;
}

static jf_status handle(void *instance, const jf_command *command) {
    const jf_host *host = instance;
    char text[16];
    jf_reply reply = {.struct_size = sizeof reply};
    if (command->key.len == count.key.len) counted++;
    reply.json = (jf_str){text, (size_t)snprintf(text, sizeof text, "%u", counted)};
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
