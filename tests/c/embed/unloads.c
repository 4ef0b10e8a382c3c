/* `unloads FILE CLASS`: guest.c in a plugin folder, unloaded while a command of it is inside, and loaded again at once: beside that, or,
 * where CLASS is EXCLUSIVE, when that is out. */

#include "check.h"
#include "counter.h"
#include <sched.h>
#include <stdatomic.h>

static jf_engine *engine;
static atomic_int answered, swaps;
static atomic_uint_least64_t held;

static int next(void *context) { return ++*(int *)context; }

static jf_status hold(void *userdata, const jf_command *command)
{
    (void)userdata;
    held = command->token;
    return JF_PENDING;
}

static void done(void *userdata, const jf_reply *reply)
{
    (void)userdata;
    CHECK(reply->status == JF_OK && reply->json.len == 6 && !memcmp(reply->json.ptr, "\"late\"", 6));
    answered++;
}

static void step(void *userdata, jf_str topic, jf_str data, uint64_t dropped)
{
    (void)userdata, (void)topic, (void)dropped;
    if (memmem(data.ptr, data.len, "\"swapped\"", 9)) swaps++;
}

static void subscribes(void)
{
    jf_str pattern = JF_STR("jackfield.plugins");
    jf_subscription subscription = subscription_of(&pattern, step);
    OK(engine, jf_engine_subscribe(engine, &subscription, NULL));
}

int main(int count, char **arguments)
{
    static int counted;
    static const struct counter_v1 counter = {sizeof counter, 0, &counted, next};
    int exclusive;
    jf_request request;
    jf_command late;
    char folder[4096];
    CHECK(count == 3);
    exclusive = !strcmp(arguments[2], "EXCLUSIVE");
    snprintf(folder, sizeof folder, "%s", arguments[1]);
    *strrchr(folder, '/') = 0;
    OK(NULL, jf_engine_new(&engine));
    OK(engine, jf_engine_set(engine, str("plugins.folders"), str(folder)));
    OK(engine, jf_engine_provide(engine, str("example.counter/1"), &counter));
    register_key(engine, "hold", JF_CONCURRENT, hold, NULL);
    OK(engine, jf_engine_start(engine));
    subscribes();
    request = request_of("guest.call", done, NULL);
    request.params = str("\"hold\"");
    OK(engine, jf_engine_submit(engine, &request, NULL));
    while (!held) sched_yield();

    OK(engine, jf_engine_unload(engine, str("guest")));
    CHECK(!answered);
    GIVES(engine, jf_engine_call(engine, str("guest.count"), str(""), 0, NULL), JF_E_UNKNOWN_KEY);
    GIVES(engine, jf_engine_load(engine, str(arguments[1])), exclusive ? JF_E_UNAVAILABLE : JF_OK);
    if (!exclusive) calls(engine, "guest.count", "{}", "1");
    memset(&late, 0, sizeof late);
    late.token = held;
    OK(engine, answer(engine, &late, "\"late\""));
    while (!answered || !swaps) sched_yield();
    calls(engine, "guest.count", "{}", exclusive ? "1" : "2");
    OK(engine, jf_engine_free(engine));
    puts("done");
    return 0;
}
