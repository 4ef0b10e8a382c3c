/* What callbacks may do: call the engine again without a deadlock; what would wait for itself, must not wait, or would pull the
 * ground away is an error with a name. And each promise of when a callback comes, and that it comes once. */

#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static jf_engine *engine;
static pthread_t main_thread;
static atomic_int releases, dones, told, steps;

static int on_main(void) { return pthread_equal(pthread_self(), main_thread); }

static void released(void *userdata)
{
    if (userdata) CHECK(on_main());
    releases++;
}

/* All that is an error within a callback, and all that is not. */
static void forbidden(void)
{
    jf_buf buf;
    GIVES(engine, jf_engine_free(engine), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_poll(engine, 0, NULL), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_start(engine), JF_E_WRONG_STATE);
    OK(engine, jf_engine_listeners(engine, &buf));
    give_back(&buf);
    OK(engine, jf_engine_publish(engine, str("a.b"), str("{}")));
    OK(engine, jf_engine_wake(engine));
}

static jf_status nested(void *userdata, const jf_command *command)
{
    /* Another command of the application on the same thread would wait for this one. */
    const char *same = userdata;
    jf_buf buf;
    forbidden();
    GIVES(engine, jf_engine_call(engine, str(same), str("{}"), 1000, NULL), JF_E_CYCLE);
    calls(engine, "concurrent", "{}", "\"concurrent\"");
    OK(engine, jf_engine_plugins(engine, &buf));
    give_back(&buf);
    OK(engine, jf_engine_call(engine, str("jackfield.info"), str(""), 0, NULL));
    return answer(engine, command, "\"nested\"");
}

static jf_status concurrent(void *userdata, const jf_command *command)
{
    (void)userdata;
    CHECK(!on_main());
    return answer(engine, command, "\"concurrent\"");
}

/* Calls back into the line of the one that calls it, from within a chain. */
static jf_status back(void *userdata, const jf_command *command)
{
    GIVES(engine, jf_engine_call(engine, str(userdata), str("{}"), 1000, NULL), JF_E_CYCLE);
    return answer(engine, command, "\"back\"");
}

static jf_status chain(void *userdata, const jf_command *command)
{
    calls(engine, userdata, "{}", "\"back\"");
    return answer(engine, command, "\"chain\"");
}

static jf_status inline_one(void *userdata, const jf_command *command)
{
    (void)userdata;
    forbidden();
    GIVES(engine, jf_engine_call(engine, str("concurrent"), str("{}"), 0, NULL), JF_E_WRONG_THREAD);
    GIVES(engine, jf_engine_reload(engine, str("x")), JF_E_WRONG_THREAD);
    return answer(engine, command, "\"inline\"");
}

static jf_status plain(void *userdata, const jf_command *command)
{
    (void)userdata, (void)command;
    return JF_OK;
}

static jf_status failing(void *userdata, const jf_command *command)
{
    jf_reply reply;
    (void)userdata;
    memset(&reply, 0, sizeof reply);
    reply.struct_size = sizeof reply;
    reply.status = JF_E_FAILED;
    reply.code = 42;
    reply.message = str("The lamp is off; switch it on.");
    reply.json = str("{\"lamp\": 3}");
    OK(engine, jf_engine_reply(engine, command->token, &reply));
    GIVES(engine, jf_engine_reply(engine, command->token, &reply), JF_E_STALE);
    return JF_E_FAILED;
}

static jf_status unusable(void *userdata, const jf_command *command)
{
    (void)userdata;
    GIVES(engine, answer(engine, command, "{broken"), JF_E_INVALID);
    return JF_OK;
}

/* Answered later by another thread. */
static void *later(void *token)
{
    jf_command command;
    memset(&command, 0, sizeof command);
    command.token = *(jf_token *)token;
    OK(engine, jf_engine_progress(engine, command.token, 1, 2, str("half")));
    OK(engine, answer(engine, &command, "\"later\""));
    GIVES(engine, answer(engine, &command, "\"twice\""), JF_E_STALE);
    free(token);
    return NULL;
}

static jf_status pending(void *userdata, const jf_command *command)
{
    jf_token *token = malloc(sizeof *token);
    (void)userdata;
    pthread_t thread;
    CHECK(token);
    *token = command->token;
    CHECK(!pthread_create(&thread, NULL, later, token) && !pthread_detach(thread));
    return JF_PENDING;
}

static jf_token waiting;
static atomic_int cancels;

static jf_status patient(void *userdata, const jf_command *command)
{
    (void)userdata;
    waiting = command->token;
    return JF_PENDING;
}

static void cancel(void *userdata, jf_token token)
{
    jf_reply reply;
    (void)userdata;
    CHECK(on_main() && token == waiting && jf_engine_is_cancelled(engine, token) == 1);
    GIVES(engine, jf_engine_call(engine, str("concurrent"), str("{}"), 0, NULL), JF_E_WRONG_THREAD);
    memset(&reply, 0, sizeof reply);
    reply.struct_size = sizeof reply;
    reply.status = JF_E_CANCELLED;
    OK(engine, jf_engine_reply(engine, token, &reply));
    cancels++;
}

static void done(void *userdata, const jf_reply *reply)
{
    const char *expected = userdata;
    forbidden();
    if (expected) {
        CHECK(reply->status == JF_OK && reply->json.len == strlen(expected));
        CHECK(!memcmp(reply->json.ptr, expected, reply->json.len));
    } else {
        CHECK(reply->status < 0 && reply->message.len > 0);
    }
    dones++;
}

static void done_on_main(void *userdata, const jf_reply *reply)
{
    CHECK(on_main());
    done(userdata, reply);
}

static void progress(void *userdata, uint64_t at, uint64_t total, jf_str text)
{
    (void)userdata;
    CHECK(at == 1 && total == 2 && text.len == 4 && dones == 0);
    steps++;
}

static void event(void *userdata, jf_str topic, jf_str data, uint64_t dropped)
{
    CHECK(on_main() && dropped == 0 && topic.len == 3 && data.len == 2);
    forbidden();
    if (++told == 1) OK(engine, jf_engine_unsubscribe(engine, *(uint64_t *)userdata));
}

static uint64_t submits(const char *key, void (*hears)(void *, const jf_reply *), const char *expected, uint32_t flags)
{
    jf_request request;
    uint64_t id = 0;
    memset(&request, 0, sizeof request);
    request.struct_size = sizeof request;
    request.flags = flags;
    request.key = str(key);
    request.done = hears;
    request.progress = progress;
    request.userdata = (void *)expected;
    OK(engine, jf_engine_submit(engine, &request, &id));
    return id;
}

static void polls_until(atomic_int *value, int wanted)
{
    while (*value < wanted) OK(engine, jf_engine_poll(engine, 1000, NULL));
}

static void logged(void *userdata, int32_t level, jf_str target, jf_str text)
{
    (void)userdata, (void)level, (void)target, (void)text;
    GIVES(engine, jf_engine_free(engine), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_call(engine, str("concurrent"), str("{}"), 0, NULL), JF_E_WRONG_THREAD);
}

static jf_status stopping(void *userdata, const jf_command *command)
{
    (void)userdata;
    GIVES(engine, jf_engine_stop(engine, 5000), JF_PENDING);
    return answer(engine, command, "\"stops\"");
}

static atomic_int early;

static void *calls_early(void *unused)
{
    (void)unused;
    calls(engine, "other.host", "{}", "null");
    early = 1;
    OK(engine, jf_engine_wake(engine));
    return NULL;
}

/* A stop on a thread that does not poll. */
static void *stops(void *unused)
{
    (void)unused;
    OK(engine, jf_engine_stop(engine, 5000));
    return NULL;
}

static void fails_with(const char *key, jf_status status, const char *text, const char *data)
{
    jf_error error;
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    GIVES(engine, jf_engine_call(engine, str(key), str("{}"), 0, NULL), status);
    OK(engine, jf_engine_last_error(engine, &error));
    CHECK(memmem(error.message.ptr, error.message.len, text, strlen(text)));
    CHECK(memmem(error.data.ptr, error.data.len, data, strlen(data)));
}

int main(void)
{
    jf_command_info info = info_of("patient", JF_HOST_THREAD);
    jf_handler handler = handler_of(patient, &releases);
    jf_subscription subscription;
    jf_str pattern = JF_STR("a.*");
    struct pollfd bell;
    pthread_t other;
    int64_t descriptor;
    uint64_t ran;
    uint64_t id, number;
    main_thread = pthread_self();
    OK(NULL, jf_engine_new(&engine));
    OK(engine, jf_engine_on_log(engine, JF_LOG_DEBUG, logged, NULL));
    register_key(engine, "nested.host", JF_HOST_THREAD, nested, "other.host");
    register_key(engine, "other.host", JF_HOST_THREAD, plain, NULL);
    register_key(engine, "nested.serial", JF_SERIAL, nested, "other.serial");
    register_key(engine, "other.serial", JF_SERIAL, plain, NULL);
    register_key(engine, "chain.host", JF_HOST_THREAD, chain, "back.host");
    register_key(engine, "back.host", JF_CONCURRENT, back, "other.host");
    register_key(engine, "chain.serial", JF_SERIAL, chain, "back.serial");
    register_key(engine, "back.serial", JF_CONCURRENT, back, "other.serial");
    register_key(engine, "concurrent", JF_CONCURRENT, concurrent, NULL);
    register_key(engine, "inline", JF_INLINE, inline_one, NULL);
    register_key(engine, "failing", JF_SERIAL, failing, NULL);
    register_key(engine, "unusable", JF_SERIAL, unusable, NULL);
    register_key(engine, "pending", JF_HOST_THREAD, pending, NULL);
    register_key(engine, "stopping", JF_HOST_THREAD, stopping, NULL);
    OK(engine, jf_engine_start(engine));

    /* Before the first poll the thread that has started it would wait for itself; others wait for that poll. */
    fails_with("other.host", JF_E_CYCLE, "Poll once before", "");
    CHECK(!pthread_create(&other, NULL, calls_early, NULL));
    while (!early) OK(engine, jf_engine_poll(engine, 1000, NULL));
    CHECK(!pthread_join(other, NULL));

    /* Readable while something waits, and only then, until it has stopped. */
    OK(engine, jf_engine_poll_handle(engine, &descriptor));
    bell.fd = (int)descriptor;
    bell.events = POLLIN;
    CHECK(poll(&bell, 1, 0) == 0);
    submits("concurrent", done_on_main, "\"concurrent\"", JF_ON_HOST_THREAD);
    CHECK(poll(&bell, 1, 10000) == 1);
    polls_until(&dones, 1);
    CHECK(poll(&bell, 1, 0) == 0);
    dones = 0;

    /* A wake that came before the poll is heard by it. */
    OK(engine, jf_engine_wake(engine));
    OK(engine, jf_engine_poll(engine, -1, NULL));

    /* Called from the thread that polls, and on it while it waits. */
    calls(engine, "nested.host", "{}", "\"nested\"");
    calls(engine, "nested.serial", "{}", "\"nested\"");
    calls(engine, "chain.host", "{}", "\"chain\"");
    calls(engine, "chain.serial", "{}", "\"chain\"");
    calls(engine, "inline", "{}", "\"inline\"");
    calls(engine, "pending", "{}", "\"later\"");
    calls(engine, "other.serial", "{}", "null");
    fails_with("failing", JF_E_FAILED, "The lamp is off", "\"lamp\":3");
    fails_with("unusable", JF_E_INTERNAL, "malformed", "\"culprit\":\"plugin\"");

    /* Answers come once, where they are wanted. */
    submits("pending", done_on_main, "\"later\"", JF_ON_HOST_THREAD);
    polls_until(&dones, 1);
    CHECK(steps == 1);
    submits("concurrent", done_on_main, "\"concurrent\"", JF_ON_HOST_THREAD);
    submits("nobody", done_on_main, NULL, JF_ON_HOST_THREAD);
    polls_until(&dones, 3);
    submits("concurrent", done, "\"concurrent\"", 0);
    polls_until(&dones, 3);
    while (dones < 4) usleep(1000);

    /* A cancel, an unregister under way, a release when it is over. */
    handler.cancel = cancel;
    handler.release = released;
    OK(engine, jf_engine_register(engine, &info, &handler));
    id = submits("patient", done_on_main, NULL, JF_ON_HOST_THREAD);
    while (!waiting) OK(engine, jf_engine_poll(engine, 1000, NULL));
    OK(engine, jf_engine_unregister(engine, str("patient")));
    OK(engine, jf_engine_poll(engine, 0, NULL));
    CHECK(releases == 0);
    OK(engine, jf_engine_cancel(engine, id));
    polls_until(&cancels, 1);
    polls_until(&dones, 5);
    polls_until(&releases, 1);
    GIVES(engine, jf_engine_cancel(engine, id), JF_E_STALE);

    /* What waits for a key that is taken back is told. */
    waiting = 0;
    OK(engine, jf_engine_register(engine, &info, &handler));
    submits("patient", done_on_main, NULL, JF_ON_HOST_THREAD);
    OK(engine, jf_engine_unregister(engine, str("patient")));
    polls_until(&dones, 6);
    CHECK(waiting == 0);
    polls_until(&releases, 2);

    /* Events, until a callback ends its own subscription. */
    memset(&subscription, 0, sizeof subscription);
    subscription.struct_size = sizeof subscription;
    subscription.flags = JF_ON_HOST_THREAD;
    subscription.patterns = &pattern;
    subscription.pattern_count = 1;
    subscription.event = event;
    subscription.userdata = &number;
    subscription.release = released;
    OK(engine, jf_engine_subscribe(engine, &subscription, &number));
    OK(engine, jf_engine_publish(engine, str("a.b"), str("{}")));
    OK(engine, jf_engine_publish(engine, str("a.c"), str("{}")));
    polls_until(&releases, 3);
    CHECK(told == 1);

    /* A stop from within begins; what was not polled for is made up for when it is freed. */
    submits("patient", done_on_main, NULL, JF_ON_HOST_THREAD);
    calls(engine, "stopping", "{}", "\"stops\"");
    OK(engine, jf_engine_stop(engine, 5000));
    OK(engine, jf_engine_start(engine));
    OK(engine, jf_engine_subscribe(engine, &subscription, &number));
    CHECK(!pthread_create(&other, NULL, stops, NULL) && !pthread_join(other, NULL));
    OK(engine, jf_engine_poll(engine, 0, &ran));
    CHECK(ran == 1 && releases == 4 && poll(&bell, 1, 0) == 1);
    GIVES(engine, jf_engine_poll(engine, 0, NULL), JF_E_SHUTTING_DOWN);
    OK(engine, jf_engine_free(engine));
    CHECK(dones == 7 && releases == 4);
    puts("done");
    return 0;
}
