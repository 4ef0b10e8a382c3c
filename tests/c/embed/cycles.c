/* `cycles COUNT KIB`: so many starts and stops of one engine, and of fresh ones, leave nothing: no thread, no
 * descriptor, and no more memory than KIB. */

#include "check.h"
#include "resident.h"
#include <dirent.h>

static long entries(const char *folder)
{
    long count = 0;
    DIR *open = opendir(folder);
    CHECK(open);
    while (readdir(open)) count++;
    closedir(open);
    return count;
}

static jf_status handle(void *userdata, const jf_command *command)
{
    return answer(*(jf_engine **)userdata, command, "1");
}

static void event(void *userdata, jf_str topic, jf_str data, uint64_t dropped)
{
    (void)topic, (void)data, (void)dropped;
    ++*(int *)userdata;
}

static void use(jf_engine *engine)
{
    static int events;
    jf_str pattern = JF_STR("a.**");
    jf_subscription subscription;
    int64_t descriptor;
    OK(engine, jf_engine_start(engine));
    memset(&subscription, 0, sizeof subscription);
    subscription.struct_size = sizeof subscription;
    subscription.patterns = &pattern;
    subscription.pattern_count = 1;
    subscription.event = event;
    subscription.userdata = &events;
    OK(engine, jf_engine_subscribe(engine, &subscription, NULL));
    OK(engine, jf_engine_publish(engine, str("a.b"), str("1")));
    OK(engine, jf_engine_poll_handle(engine, &descriptor));
    calls(engine, "serial", "{}", "1");
    calls(engine, "concurrent", "{}", "1");
    OK(engine, jf_engine_poll(engine, 0, NULL));
    calls(engine, "host", "{}", "1");
}

int main(int count, char **arguments)
{
    int cycles = count > 1 ? atoi(arguments[1]) : 100, most = count > 2 ? atoi(arguments[2]) : 2048, warm = cycles / 4, at;
    long threads = 0, descriptors = 0, memory = 0;
    jf_engine *engine = NULL;
    for (at = 0; at < cycles; at++) {
        /* A fresh one each second time; the other stands for its restart. */
        if (at % 2 == 0) {
            OK(NULL, jf_engine_new(&engine));
            OK(engine, jf_engine_set(engine, str("listen"), str("ws://127.0.0.1:0,tcp://127.0.0.1:0")));
            register_key(engine, "serial", JF_SERIAL, handle, &engine);
            register_key(engine, "concurrent", JF_CONCURRENT, handle, &engine);
            register_key(engine, "host", JF_HOST_THREAD, handle, &engine);
        }
        use(engine);
        OK(engine, jf_engine_stop(engine, 5000));
        if (at % 2 == 1) OK(engine, jf_engine_free(engine));
        if (at % 100 == 99) printf("%d done\n", at + 1), fflush(stdout);
        if (at % 2 == 1 && at >= warm && !threads) {
            threads = entries("/proc/self/task");
            descriptors = entries("/proc/self/fd");
            memory = resident();
        }
    }
    printf("threads %ld -> %ld, descriptors %ld -> %ld, resident %ld -> %ld KiB over %d cycles\n", threads,
           entries("/proc/self/task"), descriptors, entries("/proc/self/fd"), memory, resident(), cycles - warm);
    CHECK(entries("/proc/self/task") == threads);
    CHECK(entries("/proc/self/fd") == descriptors);
    CHECK(resident() < memory + most);
    return 0;
}
