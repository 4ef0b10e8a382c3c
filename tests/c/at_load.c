/* A plugin that does one thing while it is loaded: which, says the macro that it is compiled with. It leaves files in
 * FOLDER, so that a test can see how far it came. */
#include <jackfield/plugin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

extern char **environ;

static inline void leave(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    if (!file) abort();
    fputs(text, file);
    fclose(file);
}

static inline void leave_process(int process)
{
    char text[16];
    snprintf(text, sizeof text, "%d", process);
    leave(FOLDER "/process", text);
}

static inline void crash(int signal)
{
    fputs("about to crash\n", stderr);
    fflush(stderr);
    raise(signal);
}

static inline void write_a_megabyte(void)
{
    for (int line = 0; line < 1 << 14; line++) {
        puts("{\"id\": \"not-me\"} {\"id\": \"not-me\"} {\"id\": \"not-me\"} {\"id\": 1}");
    }
    fflush(stdout);
}

__attribute__((constructor)) static void at_load(void)
{
#if defined CRASH_IN_CONSTRUCTOR
    fputs("about to crash\n", stderr);
    *(volatile int *)(size_t)8 = 1;
#elif defined HANG_IN_CONSTRUCTOR
    leave_process((int)getpid());
    fputs("hanging\n", stderr);
    fclose(stderr);
    for (;;) pause();
#elif defined FORK_A_CHILD_THAT_STAYS
    int child = (int)fork();
    if (!child) for (;;) pause();
    leave_process(child);
#elif defined WRITE_A_MEGABYTE
    write_a_megabyte();
#elif defined WRITE_A_MEGABYTE_AND_CRASH
    write_a_megabyte();
    fputs("the end", stderr);
    abort();
#elif defined WRITE_WITHOUT_END
    for (;;) write_a_megabyte();
#endif
}

__attribute__((destructor)) static void at_unload(void)
{
#if defined CRASH_AT_UNLOAD
    crash(SIGFPE);
#endif
}

static const jf_command_info info = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_SERIAL, .key = JF_STR("at-load"),
    .help = JF_STR("Does nothing"),
};
static const jf_command_info *const commands[] = {&info};
static const jf_descriptor descriptor = {
    .struct_size = sizeof(jf_descriptor),
#if defined BAD_DESCRIPTOR
    .id = JF_STR("At Load"),
#else
    .id = JF_STR("at-load"),
#endif
    .name = JF_STR("At load"), .version = JF_STR("1.2.3"), .flags = JF_PLUGIN_EXCLUSIVE, .commands = commands,
    .command_count = 1,
};

static jf_status create(const jf_host *host, jf_str config, void **instance, jf_buf *why)
{
    (void)host, (void)config, (void)instance, (void)why;
    leave(FOLDER "/created", "");
    return JF_OK;
}

static jf_status handle(void *instance, const jf_command *command)
{
    (void)instance, (void)command;
    return JF_OK;
}

static void destroy(void *instance) { (void)instance; }

static void look_around(const jf_host *host)
{
    struct rlimit core = {.rlim_cur = 1};
    char text[64], names[8192] = "", byte;
    int services = 0;
    const char *const ids[] = {"jackfield.store/1", "jackfield.topics/1", "jackfield.call/1"};
    for (int id = 0; id < 3; id++) services += host->get_service(host, (jf_str){ids[id], strlen(ids[id])}) != NULL;
    getrlimit(RLIMIT_CORE, &core);
    snprintf(text, sizeof text, "%s, stdin is %s, %s", services ? "a service" : "no service",
             read(0, &byte, 1) == 0 ? "empty" : "not empty", core.rlim_cur || prctl(PR_GET_DUMPABLE) ? "core" : "no core");
    leave(FOLDER "/entered", text);
    for (char **variable = environ; *variable; variable++) {
        size_t length = strcspn(*variable, "=");
        if (strlen(names) + length + 2 > sizeof names) abort();
        strncat(names, *variable, length);
        strcat(names, "\n");
    }
    leave(FOLDER "/environment", names);
}

JF_EXPORT jf_status JF_CALL jackfield_plugin_v1(const jf_host *host, jf_plugin *out)
{
    jf_plugin plugin = {.struct_size = sizeof plugin, .abi_minor = JF_ABI_MINOR, .descriptor = &descriptor,
                        .create = create, .handle = handle, .destroy = destroy};
#if defined CRASH_IN_ENTRY
    crash(SIGABRT);
#elif defined EXIT_0_IN_ENTRY
    exit(0);
#elif defined EXIT_1_IN_ENTRY
    exit(1);
#elif defined EXIT_3_IN_ENTRY
    exit(3);
#elif defined ENTRY_FAILS
    (void)look_around;
    return -3;
#elif defined MISSING_SYMBOL
    extern void nowhere_at_all(void);
    nowhere_at_all();
#endif
    host->log(host, JF_LOG_INFO, JF_TEXT("entered"));
    look_around(host);
    memcpy(out, &plugin, out->struct_size < sizeof plugin ? out->struct_size : sizeof plugin);
    return JF_OK;
}
