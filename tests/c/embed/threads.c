/* Eight threads that call everything at once, for so many seconds: nothing is lost, doubled, or left behind. For helgrind. */

#include "check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8 };

static jf_engine *engine;
static atomic_int running = 1;
static atomic_long handled, submitted, answered, events, registered, released;

static jf_status handle(void *userdata, const jf_command *command)
{
    (void)userdata;
    handled++;
    jf_engine_progress(engine, command->token, 1, 2, str("half"));
    return answer(engine, command, "1");
}

static jf_status silent(void *userdata, const jf_command *command)
{
    (void)userdata, (void)command;
    return JF_OK;
}

static void done(void *userdata, const jf_reply *reply)
{
    (void)userdata;
    CHECK(reply->status <= JF_OK);
    answered++;
}

static void progress(void *userdata, uint64_t at, uint64_t total, jf_str text)
{
    (void)userdata, (void)text;
    CHECK(at == 1 && total == 2);
}

static void event(void *userdata, jf_str topic, jf_str data, uint64_t dropped)
{
    (void)userdata, (void)topic, (void)data, (void)dropped;
    events++;
}

static void release(void *userdata)
{
    (void)userdata;
    released++;
}

static void submit_one(const char *key, uint32_t flags)
{
    jf_request request;
    uint64_t id;
    jf_status status;
    memset(&request, 0, sizeof request);
    request.struct_size = sizeof request;
    request.flags = flags;
    request.key = str(key);
    request.timeout_ms = 60000;
    request.done = done;
    request.progress = progress;
    status = jf_engine_submit(engine, &request, &id);
    CHECK(status == JF_OK || status == JF_E_BUSY);
    if (status == JF_OK) submitted++;
    if (status == JF_OK && submitted % 7 == 0) jf_engine_cancel(engine, id);
}

static void register_one(int thread)
{
    char key[32];
    jf_command_info info;
    jf_handler handler = handler_of(silent, NULL);
    snprintf(key, sizeof key, "own.%d", thread);
    info = info_of(key, (uint32_t)thread % 4);
    handler.release = release;
    OK(engine, jf_engine_register(engine, &info, &handler));
    registered++;
    submit_one(key, 0);
    OK(engine, jf_engine_unregister(engine, str(key)));
}

static void subscribe_one(uint32_t flags)
{
    jf_str pattern = JF_STR("a.**");
    jf_subscription subscription;
    uint64_t id;
    memset(&subscription, 0, sizeof subscription);
    subscription.struct_size = sizeof subscription;
    subscription.flags = flags;
    subscription.patterns = &pattern;
    subscription.pattern_count = 1;
    subscription.event = event;
    subscription.release = release;
    OK(engine, jf_engine_subscribe(engine, &subscription, &id));
    registered++;
    OK(engine, jf_engine_publish(engine, str("a.b"), str("[1]")));
    OK(engine, jf_engine_unsubscribe(engine, id));
}

static void *work(void *number)
{
    int thread = (int)(intptr_t)number;
    unsigned turn = (unsigned)thread;
    while (running) {
        jf_error error;
        jf_buf buf;
        int64_t descriptor;
        memset(&error, 0, sizeof error);
        error.struct_size = sizeof error;
        switch (turn++ % 12) {
        case 0: calls(engine, "serial", "{}", "1"); break;
        case 1: calls(engine, "concurrent", "{}", "1"); break;
        case 2: calls(engine, "inline", "{}", "1"); break;
        case 3: calls(engine, "host", "{}", "1"); break;
        case 4: submit_one("serial", 0); break;
        case 5: submit_one("host", JF_ON_HOST_THREAD); break;
        case 6: register_one(thread); break;
        case 7: subscribe_one(turn % 2 ? JF_ON_HOST_THREAD : 0); break;
        case 8:
            OK(engine, jf_engine_plugins(engine, &buf));
            give_back(&buf);
            break;
        case 9:
            GIVES(engine, jf_engine_reload(engine, str("nobody")), JF_E_INVALID_PARAMS);
            OK(engine, jf_engine_last_error(engine, &error));
            CHECK(error.message.len > 0);
            break;
        case 10:
            OK(engine, jf_engine_poll_handle(engine, &descriptor));
            OK(engine, jf_engine_wake(engine));
            break;
        default:
            OK(engine, jf_engine_listeners(engine, &buf));
            give_back(&buf);
            GIVES(engine, jf_engine_reply(engine, 12345, NULL), JF_E_STALE);
        }
    }
    return NULL;
}

int main(int count, char **arguments)
{
    int seconds = count > 1 ? atoi(arguments[1]) : 2;
    time_t until;
    pthread_t threads[THREADS];
    intptr_t at;
    OK(NULL, jf_engine_new(&engine));
    OK(engine, jf_engine_set(engine, str("listen"), str("ws://127.0.0.1:0")));
    if (count > 2) {
        char folders[4096];
        snprintf(folders, sizeof folders, "[\"%s\"]", arguments[2]);
        OK(engine, jf_engine_set(engine, str("plugins.folders"), str(folders)));
    }
    register_key(engine, "serial", JF_SERIAL, handle, NULL);
    register_key(engine, "concurrent", JF_CONCURRENT, handle, NULL);
    register_key(engine, "inline", JF_INLINE, handle, NULL);
    register_key(engine, "host", JF_HOST_THREAD, handle, NULL);
    OK(engine, jf_engine_start(engine));
    for (at = 0; at < THREADS; at++) CHECK(!pthread_create(&threads[at], NULL, work, (void *)at));
    /* Longer on a machine that takes its time: something has to happen. */
    until = time(NULL) + seconds;
    while (time(NULL) < until || handled < THREADS) OK(engine, jf_engine_poll(engine, 100, NULL));
    running = 0;
    for (at = 0; at < THREADS; at++) {
        /* One of them may wait for this thread. */
        while (pthread_tryjoin_np(threads[at], NULL)) OK(engine, jf_engine_poll(engine, 10, NULL));
    }
    OK(engine, jf_engine_stop(engine, 10000));
    OK(engine, jf_engine_free(engine));
    printf("handled %ld, submitted %ld, answered %ld, events %ld, registered %ld, released %ld\n", (long)handled,
           (long)submitted, (long)answered, (long)events, (long)registered, (long)released);
    CHECK(handled > 0 && submitted == answered && registered == released);
    return 0;
}
