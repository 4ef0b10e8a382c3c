/* A host and its plugins: `plugins FILE`, guest.c in a plugin folder. Services and commands of the application reach them, keys
 * belong to one side at a time, and a chain that leads back to a busy thread is found through a plugin, too. */

#include "check.h"
#include "counter.h"
#include <pthread.h>
#include <stdatomic.h>

static jf_engine *engine;
static pthread_t main_thread;
static atomic_int swaps;
static int keys;

static int next(void *context) { return ++*(int *)context; }

static jf_status own(void *userdata, const jf_command *command)
{
    (void)userdata;
    CHECK(pthread_equal(pthread_self(), main_thread));
    return answer(engine, command, "\"own\"");
}

/* Waits for the plugin, which calls what only this thread can do. */
static jf_status round_trip(void *userdata, const jf_command *command)
{
    (void)userdata;
    GIVES(engine, jf_engine_call(engine, str("guest.call"), str("\"own\""), 0, NULL), JF_E_CYCLE);
    calls(engine, "guest.call", "\"other\"", "\"other\"");
    return answer(engine, command, "\"round\"");
}

static jf_status other(void *userdata, const jf_command *command)
{
    (void)userdata;
    return answer(engine, command, "\"other\"");
}

static jf_status nothing(void *userdata, const jf_command *command)
{
    (void)userdata, (void)command;
    return JF_OK;
}

/* Whether clients are told of a command now. */
static int is_listed(const char *key)
{
    jf_buf document;
    char name[64];
    int listed;
    snprintf(name, sizeof name, "\"name\":\"%s\"", key);
    OK(engine, jf_engine_call(engine, str("rpc.discover"), str(""), 0, &document));
    listed = memmem(document.ptr, document.len, name, strlen(name)) != NULL;
    give_back(&document);
    return listed;
}

static void step(void *userdata, jf_str topic, jf_str data, uint64_t dropped)
{
    static const char *const members[] = {"plugin", "file", "generation", "version", "step", "us", "reason"};
    size_t at;
    (void)userdata, (void)topic, (void)dropped;
    for (at = 0; at < sizeof members / sizeof *members; at++)
        CHECK(memmem(data.ptr, data.len, members[at], strlen(members[at])));
    if (memmem(data.ptr, data.len, "\"swapped\"", 9)) swaps++;
    if (!memmem(data.ptr, data.len, "\"key\":\"late\"", 12)) return;
    CHECK(memmem(data.ptr, data.len, "\"plugin\":null", 13));
    if (memmem(data.ptr, data.len, "\"step\":\"registered\"", 19)) {
        CHECK(is_listed("late"));
        keys++;
    } else {
        CHECK(memmem(data.ptr, data.len, "\"step\":\"unregistered\"", 21) && !is_listed("late"));
        keys--;
    }
}

static void expect_error(const char *part)
{
    jf_error error;
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    OK(engine, jf_engine_last_error(engine, &error));
    CHECK(memmem(error.message.ptr, error.message.len, part, strlen(part)));
}

int main(int count, char **arguments)
{
    static int counted;
    static const struct counter_v1 counter = {sizeof counter, 0, &counted, next};
    jf_command_info info = info_of("guest.count", JF_SERIAL);
    jf_handler handler = handler_of(nothing, NULL);
    jf_str pattern = JF_STR("jackfield.plugins");
    jf_subscription subscription;
    jf_buf buf;
    char folder[4096];
    CHECK(count == 2);
    main_thread = pthread_self();
    snprintf(folder, sizeof folder, "%s", arguments[1]);
    *strrchr(folder, '/') = 0;
    OK(NULL, jf_engine_new(&engine));
    OK(engine, jf_engine_set(engine, str("plugins.folders"), str(folder)));
    OK(engine, jf_engine_provide(engine, str("example.counter/1"), &counter));
    register_key(engine, "own", JF_HOST_THREAD, own, NULL);
    register_key(engine, "round", JF_HOST_THREAD, round_trip, NULL);
    register_key(engine, "other", JF_CONCURRENT, other, NULL);
    OK(engine, jf_engine_start(engine));
    OK(engine, jf_engine_poll(engine, 0, NULL));

    calls(engine, "guest.count", "{}", "1");
    calls(engine, "guest.count", "{}", "2");
    calls(engine, "guest.call", "\"own\"", "\"own\"");
    calls(engine, "round", "{}", "\"round\"");

    /* A key has one owner. */
    GIVES(engine, jf_engine_register(engine, &info, &handler), JF_E_BUSY);
    expect_error("plugin 'guest'");
    OK(engine, jf_engine_plugins(engine, &buf));
    CHECK(memmem(buf.ptr, buf.len, "\"guest\"", 7));
    give_back(&buf);
    OK(engine, jf_engine_unload(engine, str("guest")));
    GIVES(engine, jf_engine_call(engine, str("guest.count"), str(""), 0, NULL), JF_E_UNKNOWN_KEY);
    OK(engine, jf_engine_register(engine, &info, &handler));
    calls(engine, "guest.count", "{}", "null");
    GIVES(engine, jf_engine_load(engine, str(arguments[1])), JF_E_UNAVAILABLE);
    expect_error("which the application does already");

    memset(&subscription, 0, sizeof subscription);
    subscription.struct_size = sizeof subscription;
    subscription.flags = JF_ON_HOST_THREAD;
    subscription.patterns = &pattern;
    subscription.pattern_count = 1;
    subscription.event = step;
    OK(engine, jf_engine_subscribe(engine, &subscription, NULL));

    /* A key that comes, or goes, is told to those who keep the list. */
    register_key(engine, "late", JF_SERIAL, nothing, NULL);
    while (keys < 1) OK(engine, jf_engine_poll(engine, 10000, NULL));
    OK(engine, jf_engine_unregister(engine, str("late")));
    while (keys > 0) OK(engine, jf_engine_poll(engine, 10000, NULL));

    /* Given up by the application, it goes to the plugin that wanted it. */
    OK(engine, jf_engine_unregister(engine, str("guest.count")));
    while (!swaps) OK(engine, jf_engine_poll(engine, 1000, NULL));
    calls(engine, "guest.count", "{}", "3");
    OK(engine, jf_engine_reload(engine, str("guest")));
    calls(engine, "guest.count", "{}", "4");
    OK(engine, jf_engine_free(engine));
    puts("done");
    return 0;
}
