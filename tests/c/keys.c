/* A plugin that takes three thread-local keys when it is loaded and never gives them back. PLUGIN_ID.value tells the value
 * that one of them has on the SERIAL thread, and counts it up. */
#include <jackfield/plugin.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_key_t keys[3];

static void forget(void *value) { (void)value; }

__attribute__((constructor)) static void take_keys(void)
{
    for (int key = 0; key < 3; key++) {
        if (pthread_key_create(&keys[key], forget)) abort();
    }
}

static const jf_command_info value_info = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_SERIAL, .key = JF_STR(PLUGIN_ID ".value"),
};
static const jf_command_info *const commands[] = {&value_info};
static const jf_descriptor descriptor = {
    .struct_size = sizeof(jf_descriptor), .id = JF_STR(PLUGIN_ID), .name = JF_STR("Keys"), .version = JF_STR("1.0.0"),
    .commands = commands, .command_count = 1,
};

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
    char text[16];
    jf_reply reply = {.struct_size = sizeof reply, .status = JF_OK};
    uintptr_t value = (uintptr_t)pthread_getspecific(keys[1]);
    pthread_setspecific(keys[1], (void *)(value + 1));
    reply.json = (jf_str){text, (size_t)snprintf(text, sizeof text, "%u", (unsigned)value)};
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
