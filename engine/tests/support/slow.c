/*
 * A plugin of which one end takes long: SLOW_FUNCTION (stop, destroy, or the end of a thread's locals) waits for a byte from
 * the descriptor that its config names ("waits").
 */
#include <jackfield/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int descriptor = -1;
static pthread_key_t key;

static void wait_for_it(void) {
    char byte;
    if (descriptor >= 0 && read(descriptor, &byte, 1) < 0) return;
}

static void slow_stop(const char *name) {
    if (!strcmp(name, "SLOW_FUNCTION")) wait_for_it();
}

static void end_of_thread(void *value) {
    (void)value;
    slow_stop("thread_local");
}

static jf_status create(const jf_host *host, jf_str config, void **instance, jf_buf *why) {
    (void)host;
    (void)why;
    char text[128] = {0};
    memcpy(text, config.ptr, config.len < sizeof text ? config.len : sizeof text - 1);
    const char *at = strstr(text, "\"waits\":");
    if (at) descriptor = atoi(at + strlen("\"waits\":"));
    pthread_key_create(&key, end_of_thread);
    *instance = &descriptor;
    return JF_OK;
}

static jf_status handle(void *instance, const jf_command *command) {
    (void)command;
    pthread_setspecific(key, instance);
    return JF_OK;
}

static void stop(void *instance) {
    (void)instance;
    slow_stop("stop");
}

static void destroy(void *instance) {
    (void)instance;
    slow_stop("destroy");
}

static const jf_command_info serial = {.struct_size = sizeof serial, .key = JF_STR("slow.serial")};
static const jf_command_info *const commands[] = {&serial};
static const jf_descriptor descriptor_of_plugin = {.struct_size = sizeof descriptor_of_plugin,
                                                   .id = JF_STR("slow"),
                                                   .name = JF_STR("Slow"),
                                                   .version = JF_STR("1"),
                                                   .commands = commands,
                                                   .command_count = 1};

JF_EXPORT jf_status JF_CALL jackfield_plugin_v1(const jf_host *host, jf_plugin *out) {
    (void)host;
    out->struct_size = sizeof *out;
    out->descriptor = &descriptor_of_plugin;
    out->create = create;
    out->handle = handle;
    out->stop = stop;
    out->destroy = destroy;
    return JF_OK;
}
