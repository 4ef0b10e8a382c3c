/* A plugin whose commands end the process, each in its own way. `ends.other` does it on a thread that the plugin started. */
#include <jackfield/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "1.0.0"
#endif

#define COMMAND(name, called) COMMAND_OF_CLASS(name, called, JF_SERIAL)
#define COMMAND_OF_CLASS(name, called, class)                                                                                          \
    static const jf_command_info name = {                                                                              \
        .struct_size = sizeof(jf_command_info), .command_class = class, .key = JF_STR("ends." called),              \
    }

COMMAND(null_info, "null");
COMMAND(abort_info, "abort");
COMMAND(exit_info, "exit");
COMMAND(other_info, "other");
COMMAND(fork_info, "fork");
COMMAND(overflow_info, "overflow");
COMMAND_OF_CLASS(inline_info, "inline", JF_INLINE);
static const jf_command_info *const commands[] = {
    &null_info, &abort_info, &exit_info, &other_info, &fork_info, &overflow_info, &inline_info,
};
static const jf_descriptor descriptor = {
    .struct_size = sizeof(jf_descriptor), .id = JF_STR("ends"), .name = JF_STR("Ends"), .version = JF_STR(VERSION),
    .commands = commands, .command_count = sizeof commands / sizeof *commands,
};

static jf_status create(const jf_host *host, jf_str config, void **out, jf_buf *why)
{
    (void)config, (void)why;
    *out = (void *)host;
    return JF_OK;
}

static void destroy(void *instance) { (void)instance; }

static void *dereference_null(void *null)
{
    *(volatile int *)null = 1;
    return NULL;
}

static int overflow(volatile const char *outer)
{
    volatile char inner[512];
    inner[0] = outer ? outer[0] : 0;
    return inner[0] == 1 ? 1 : overflow(inner) + inner[0];
}

/* A process of the plugin's own crashes, which is none of the server's ends. */
static int fork_and_crash(void)
{
    int status = 0, child = (int)fork();
    if (!child) dereference_null(NULL);
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

static jf_status handle(void *instance, const jf_command *command)
{
    const jf_host *host = instance;
    const char *what = command->key.ptr + strlen("ends.");
    pthread_t thread;
    jf_reply reply = {.struct_size = sizeof reply, .status = JF_OK};
    if (!strncmp(what, "null", 4) || !strncmp(what, "inline", 6)) dereference_null(NULL);
    if (!strncmp(what, "abort", 5)) abort();
    if (!strncmp(what, "exit", 4)) exit(0);
    if (!strncmp(what, "other", 5) && !pthread_create(&thread, NULL, dereference_null, NULL)) pthread_join(thread, NULL);
    if (!strncmp(what, "overflow", 8)) overflow(NULL);
    reply.json = fork_and_crash() ? JF_TEXT("true") : JF_TEXT("false");
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
