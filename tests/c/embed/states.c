/* `states FOLDER`: what each function says before the start, while it stops, after that, and after a start that failed. Nothing
 * is written, and nobody called, but where JF_OK says so. */

#include "check.h"
#include <poll.h>
#include <stdatomic.h>

static jf_engine *engine;
static uint64_t number;
static atomic_int dones;
static int taken;

static void done(void *userdata, const jf_reply *reply)
{
    (void)userdata, (void)reply;
    dones++;
}

static void event(void *userdata, jf_str topic, jf_str data, uint64_t dropped)
{
    (void)userdata, (void)topic, (void)data, (void)dropped;
}

static jf_status submits(const char *key)
{
    jf_request request = request_of(key, done, NULL);
    request.flags = JF_ON_HOST_THREAD;
    return jf_engine_submit(engine, &request, &number);
}

static jf_status subscribes(void)
{
    jf_str pattern = JF_STR("a");
    jf_subscription subscription = subscription_of(&pattern, event);
    return jf_engine_subscribe(engine, &subscription, &number);
}

/* All that needs an engine that is started. */
static void is_not_started(void)
{
    jf_buf buf;
    int before = dones;
    memset(&buf, 0x55, sizeof buf);
    number = 55;
    GIVES(engine, jf_engine_listeners(engine, &buf), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_plugins(engine, &buf), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_call(engine, str("inline"), str("{}"), 0, &buf), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_load(engine, str("f")), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_publish(engine, str("a"), str("1")), JF_E_WRONG_STATE);
    GIVES(engine, submits("inline"), JF_E_WRONG_STATE);
    GIVES(engine, subscribes(), JF_E_WRONG_STATE);
    CHECK(number == 55 && dones == before && buf.len == (size_t)0x5555555555555555);
}

static int rings(void)
{
    struct pollfd bell;
    int64_t descriptor;
    OK(engine, jf_engine_poll_handle(engine, &descriptor));
    bell.fd = (int)descriptor;
    bell.events = POLLIN;
    return poll(&bell, 1, 0);
}

static void polls(jf_status expected)
{
    uint64_t ran = 55;
    GIVES(engine, jf_engine_poll(engine, 0, &ran), expected);
    CHECK(ran == 55);
}

static void has_stopped(void)
{
    is_not_started();
    polls(JF_E_SHUTTING_DOWN);
    CHECK(rings() == 1);
    GIVES(engine, jf_engine_reply(engine, 1, NULL), JF_E_STALE);
    GIVES(engine, jf_engine_progress(engine, 1, 0, 0, str("")), JF_E_STALE);
    CHECK(jf_engine_is_cancelled(engine, 1) == 1);
    GIVES(engine, jf_engine_cancel(engine, 1), JF_E_STALE);
    GIVES(engine, jf_engine_unsubscribe(engine, 1), JF_E_STALE);
    OK(engine, jf_engine_wake(engine));
    OK(engine, jf_engine_stop(engine, 0));
}

/* Runs within the submit: the number is there already. */
static jf_status inlined(void *userdata, const jf_command *command)
{
    (void)userdata;
    CHECK(number != 0 && number != 55);
    return answer(engine, command, "1");
}

/* As long as this has not returned it stops. */
static jf_status stopping(void *userdata, const jf_command *command)
{
    jf_status status;
    (void)userdata;
    GIVES(engine, jf_engine_stop(engine, 60000), JF_PENDING);
    while ((status = submits("nobody")) == JF_OK) taken++;
    CHECK(status == JF_E_SHUTTING_DOWN);
    GIVES(engine, subscribes(), JF_E_SHUTTING_DOWN);
    /* What runs is given what it needs for its end. */
    calls(engine, "inline", "{}", "1");
    return answer(engine, command, "1");
}

static void cannot_start(void)
{
    jf_error error;
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    GIVES(engine, jf_engine_start(engine), JF_E_UNAVAILABLE);
    OK(engine, jf_engine_last_error(engine, &error));
    /* What there is to change, in words of the configuration. */
    CHECK(memmem(error.message.ptr, error.message.len, "in use", 6));
    CHECK(memmem(error.message.ptr, error.message.len, "`data`", 6));
    CHECK(!memmem(error.message.ptr, error.message.len, "--", 2));
}

int main(int count, char **arguments)
{
    jf_engine *holder;
    CHECK(count == 2);
    OK(NULL, jf_engine_new(&holder));
    OK(holder, jf_engine_set(holder, str("data"), str(arguments[1])));
    OK(holder, jf_engine_start(holder));

    OK(NULL, jf_engine_new(&engine));
    OK(engine, jf_engine_set(engine, str("data"), str(arguments[1])));
    register_key(engine, "inline", JF_INLINE, inlined, NULL);
    register_key(engine, "stopping", JF_HOST_THREAD, stopping, NULL);
    is_not_started();
    polls(JF_E_WRONG_STATE);
    CHECK(rings() == 0);
    cannot_start();
    is_not_started();
    polls(JF_E_WRONG_STATE);
    CHECK(rings() == 0);

    OK(holder, jf_engine_stop(holder, 0));
    OK(engine, jf_engine_start(engine));
    OK(engine, jf_engine_poll(engine, 0, NULL));
    CHECK(rings() == 0);
    number = 0;
    OK(engine, submits("inline"));
    while (dones < 1) OK(engine, jf_engine_poll(engine, -1, NULL));
    OK(engine, submits("stopping"));
    while (dones < 2 + taken) OK(engine, jf_engine_poll(engine, -1, NULL));
    OK(engine, jf_engine_stop(engine, 0));
    has_stopped();

    OK(holder, jf_engine_start(holder));
    cannot_start();
    has_stopped();
    OK(holder, jf_engine_free(holder));
    OK(engine, jf_engine_start(engine));
    CHECK(rings() == 0);
    OK(engine, jf_engine_poll(engine, 0, NULL));
    OK(engine, jf_engine_free(engine));
    GIVES(engine, jf_engine_start(engine), JF_E_STALE);
    puts("done");
    return 0;
}
