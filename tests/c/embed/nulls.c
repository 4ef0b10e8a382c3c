/* Every function with every null, stale and foreign handle, and every struct that is too short: an error with a reason, and
 * nothing else happens. */

#include "check.h"

static jf_status handle(void *userdata, const jf_command *command)
{
    (void)userdata, (void)command;
    return JF_OK;
}

static void released(void *userdata) { ++*(int *)userdata; }

static void event(void *userdata, jf_str topic, jf_str data, uint64_t dropped)
{
    (void)userdata, (void)topic, (void)data, (void)dropped;
}

/* Each function with an engine that is none. */
static void no_engine(jf_engine *none)
{
    jf_command_info info = info_of("key", JF_SERIAL);
    jf_handler handler = handler_of(handle, NULL);
    jf_request request;
    jf_subscription subscription;
    jf_reply reply;
    jf_buf buf;
    jf_str pattern = str("**");
    uint64_t number;
    int64_t descriptor;
    memset(&request, 0, sizeof request);
    request.struct_size = sizeof request;
    request.key = str("key");
    memset(&subscription, 0, sizeof subscription);
    subscription.struct_size = sizeof subscription;
    subscription.patterns = &pattern;
    subscription.pattern_count = 1;
    subscription.event = event;
    memset(&reply, 0, sizeof reply);
    reply.struct_size = sizeof reply;
    GIVES(none, jf_engine_configure(none, str("")), JF_E_STALE);
    GIVES(none, jf_engine_configure_file(none, str("/nowhere")), JF_E_STALE);
    GIVES(none, jf_engine_set(none, str("data"), str("d")), JF_E_STALE);
    GIVES(none, jf_engine_on_log(none, JF_LOG_INFO, NULL, NULL), JF_E_STALE);
    GIVES(none, jf_engine_start(none), JF_E_STALE);
    GIVES(none, jf_engine_listeners(none, &buf), JF_E_STALE);
    GIVES(none, jf_engine_stop(none, 0), JF_E_STALE);
    GIVES(none, jf_engine_register(none, &info, &handler), JF_E_STALE);
    GIVES(none, jf_engine_unregister(none, str("key")), JF_E_STALE);
    GIVES(none, jf_engine_reply(none, 1, &reply), JF_E_STALE);
    GIVES(none, jf_engine_progress(none, 1, 0, 0, str("")), JF_E_STALE);
    CHECK(jf_engine_is_cancelled(none, 1) == 1);
    GIVES(none, jf_engine_poll(none, 0, &number), JF_E_STALE);
    GIVES(none, jf_engine_wake(none), JF_E_STALE);
    GIVES(none, jf_engine_poll_handle(none, &descriptor), JF_E_STALE);
    GIVES(none, jf_engine_call(none, str("key"), str("{}"), 0, &buf), JF_E_STALE);
    GIVES(none, jf_engine_submit(none, &request, &number), JF_E_STALE);
    GIVES(none, jf_engine_cancel(none, 1), JF_E_STALE);
    GIVES(none, jf_engine_publish(none, str("t"), str("1")), JF_E_STALE);
    GIVES(none, jf_engine_subscribe(none, &subscription, &number), JF_E_STALE);
    GIVES(none, jf_engine_unsubscribe(none, 1), JF_E_STALE);
    GIVES(none, jf_engine_plugins(none, &buf), JF_E_STALE);
    GIVES(none, jf_engine_load(none, str("f")), JF_E_STALE);
    GIVES(none, jf_engine_reload(none, str("p")), JF_E_STALE);
    GIVES(none, jf_engine_unload(none, str("p")), JF_E_STALE);
    GIVES(none, jf_engine_provide(none, str("s/1"), &reply), JF_E_STALE);
}

/* What must not be null, or too short, with an engine that runs. */
static void no_arguments(jf_engine *engine)
{
    static int releases;
    jf_command_info info = info_of("key", JF_SERIAL);
    jf_handler handler = handler_of(handle, &releases);
    jf_error error;
    jf_str half = {NULL, 4}, broken = {"\xff", 1}, empty = {NULL, 0}, pattern = JF_STR("**"), bad = JF_STR("a..b");
    jf_request request;
    jf_subscription subscription;
    uint64_t number;
    handler.release = released;
    memset(&error, 0, sizeof error);
    GIVES(engine, jf_engine_last_error(engine, NULL), JF_E_INVALID);
    GIVES(engine, jf_engine_last_error(engine, &error), JF_E_INVALID);
    GIVES(engine, jf_engine_new(NULL), JF_E_INVALID);
    GIVES(engine, jf_engine_listeners(engine, NULL), JF_E_INVALID);
    GIVES(engine, jf_engine_plugins(engine, NULL), JF_E_INVALID);
    GIVES(engine, jf_engine_poll_handle(engine, NULL), JF_E_INVALID);
    OK(engine, jf_engine_poll(engine, 0, NULL));

    GIVES(engine, jf_engine_register(engine, NULL, &handler), JF_E_INVALID);
    GIVES(engine, jf_engine_register(engine, &info, NULL), JF_E_INVALID);
    handler.struct_size = 8;
    GIVES(engine, jf_engine_register(engine, &info, &handler), JF_E_INVALID);
    handler.struct_size = sizeof handler;
    handler.handle = NULL;
    GIVES(engine, jf_engine_register(engine, &info, &handler), JF_E_INVALID);
    handler.handle = handle;
    info.struct_size = 0;
    GIVES(engine, jf_engine_register(engine, &info, &handler), JF_E_INVALID);
    info.struct_size = sizeof info;
    info.key = half;
    GIVES(engine, jf_engine_register(engine, &info, &handler), JF_E_INVALID);
    info.key = empty;
    GIVES(engine, jf_engine_register(engine, &info, &handler), JF_E_INVALID);
    info.key = str("jackfield.mine");
    GIVES(engine, jf_engine_register(engine, &info, &handler), JF_E_INVALID);
    info.key = str("jackfield.info");
    GIVES(engine, jf_engine_register(engine, &info, &handler), JF_E_INVALID);
    info.key = str("key");
    info.command_class = 4;
    GIVES(engine, jf_engine_register(engine, &info, &handler), JF_E_INVALID);
    info.command_class = JF_SERIAL;
    info.params_schema = str("{\"type\": \"nonsense\"}");
    GIVES(engine, jf_engine_register(engine, &info, &handler), JF_E_INVALID);
    info.params_schema = empty;
    CHECK(releases == 0);
    OK(engine, jf_engine_register(engine, &info, &handler));
    GIVES(engine, jf_engine_register(engine, &info, &handler), JF_E_BUSY);
    OK(engine, jf_engine_unregister(engine, str("key")));
    GIVES(engine, jf_engine_unregister(engine, str("key")), JF_E_NOT_FOUND);
    GIVES(engine, jf_engine_unregister(engine, half), JF_E_INVALID);
    CHECK(releases == 1);

    GIVES(engine, jf_engine_reply(engine, 0, NULL), JF_E_STALE);
    GIVES(engine, jf_engine_reply(engine, 12345, NULL), JF_E_STALE);
    GIVES(engine, jf_engine_progress(engine, 12345, 0, 0, str("x")), JF_E_STALE);
    GIVES(engine, jf_engine_progress(engine, 12345, 0, 0, broken), JF_E_INVALID);
    CHECK(jf_engine_is_cancelled(engine, 0) == 1);

    GIVES(engine, jf_engine_call(engine, half, str("{}"), 0, NULL), JF_E_INVALID);
    GIVES(engine, jf_engine_call(engine, str("jackfield.info"), half, 0, NULL), JF_E_INVALID);
    GIVES(engine, jf_engine_call(engine, str("jackfield.info"), broken, 0, NULL), JF_E_INVALID);
    GIVES(engine, jf_engine_call(engine, str("jackfield.info"), str("{"), 0, NULL), JF_E_INVALID);
    GIVES(engine, jf_engine_call(engine, str("nobody"), empty, 0, NULL), JF_E_UNKNOWN_KEY);
    GIVES(engine, jf_engine_call(engine, empty, empty, 0, NULL), JF_E_UNKNOWN_KEY);
    OK(engine, jf_engine_call(engine, str("jackfield.info"), empty, 0, NULL));

    GIVES(engine, jf_engine_submit(engine, NULL, &number), JF_E_INVALID);
    memset(&request, 0, sizeof request);
    GIVES(engine, jf_engine_submit(engine, &request, &number), JF_E_INVALID);
    request.struct_size = sizeof request;
    request.key = half;
    GIVES(engine, jf_engine_submit(engine, &request, &number), JF_E_INVALID);
    request.key = str("jackfield.info");
    request.attachment_count = 1;
    GIVES(engine, jf_engine_submit(engine, &request, &number), JF_E_INVALID);
    request.attachment_count = 1000000;
    GIVES(engine, jf_engine_submit(engine, &request, &number), JF_E_TOO_LARGE);
    request.attachment_count = 0;
    OK(engine, jf_engine_submit(engine, &request, NULL));
    GIVES(engine, jf_engine_cancel(engine, 99999), JF_E_STALE);

    GIVES(engine, jf_engine_publish(engine, half, str("1")), JF_E_INVALID);
    GIVES(engine, jf_engine_publish(engine, str("a..b"), str("1")), JF_E_INVALID);
    GIVES(engine, jf_engine_publish(engine, str("jackfield.plugins"), str("1")), JF_E_INVALID);
    GIVES(engine, jf_engine_publish(engine, str("a"), str("{")), JF_E_INVALID);
    GIVES(engine, jf_engine_publish(engine, str("a"), empty), JF_E_INVALID);

    GIVES(engine, jf_engine_subscribe(engine, NULL, &number), JF_E_INVALID);
    memset(&subscription, 0, sizeof subscription);
    subscription.userdata = &releases;
    subscription.release = released;
    GIVES(engine, jf_engine_subscribe(engine, &subscription, &number), JF_E_INVALID);
    subscription.struct_size = sizeof subscription;
    subscription.pattern_count = 1;
    subscription.event = event;
    GIVES(engine, jf_engine_subscribe(engine, &subscription, &number), JF_E_INVALID);
    subscription.patterns = &bad;
    GIVES(engine, jf_engine_subscribe(engine, &subscription, &number), JF_E_INVALID);
    subscription.patterns = &pattern;
    subscription.event = NULL;
    GIVES(engine, jf_engine_subscribe(engine, &subscription, &number), JF_E_INVALID);
    subscription.event = event;
    subscription.filter = str("[1]");
    GIVES(engine, jf_engine_subscribe(engine, &subscription, &number), JF_E_INVALID);
    subscription.filter = empty;
    CHECK(releases == 1);
    OK(engine, jf_engine_subscribe(engine, &subscription, &number));
    OK(engine, jf_engine_unsubscribe(engine, number));
    GIVES(engine, jf_engine_unsubscribe(engine, number), JF_E_STALE);
    CHECK(releases == 2);

    GIVES(engine, jf_engine_load(engine, half), JF_E_INVALID);
    GIVES(engine, jf_engine_load(engine, str("/nowhere.so")), JF_E_INVALID_PARAMS);
    GIVES(engine, jf_engine_reload(engine, str("nobody")), JF_E_INVALID_PARAMS);
    GIVES(engine, jf_engine_unload(engine, str("nobody")), JF_E_INVALID_PARAMS);
    GIVES(engine, jf_engine_provide(engine, str("s/1"), NULL), JF_E_INVALID);
    GIVES(engine, jf_engine_provide(engine, empty, &error), JF_E_INVALID);
    OK(engine, jf_engine_provide(engine, str("s/1"), &error));
    GIVES(engine, jf_engine_provide(engine, str("s/1"), &error), JF_E_BUSY);
}

/* The texts of an error: what, where, which value, what would be valid, and whose fault. */
static void errors_speak(jf_engine *engine)
{
    jf_error error;
    struct {
        jf_error known;
        char beyond[64];
    } newer;
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    GIVES(engine, jf_engine_configure(engine, str("[limits]\nnesting = 1\nnesing = 2\n")), JF_E_INVALID);
    OK(engine, jf_engine_last_error(engine, &error));
    CHECK(error.status == JF_E_INVALID && error.culprit.len == 8 && !memcmp(error.culprit.ptr, "operator", 8));
    CHECK(error.message.len > 20 && memchr(error.message.ptr, '3', error.message.len));
    GIVES(engine, jf_engine_set(engine, str("limits.nesting"), str("-1")), JF_E_INVALID);
    OK(engine, jf_engine_last_error(engine, &error));
    CHECK(memmem(error.message.ptr, error.message.len, "at least 1", 10));
    GIVES(engine, jf_engine_configure_file(engine, str("/nowhere.toml")), JF_E_INVALID);
    OK(engine, jf_engine_last_error(engine, &error));
    CHECK(memmem(error.message.ptr, error.message.len, "/nowhere.toml", 13));
    /* A caller from before some fields, and one from after some more. */
    error.struct_size = 24;
    OK(engine, jf_engine_last_error(engine, &error));
    memset(&newer, 0x55, sizeof newer);
    newer.known.struct_size = sizeof newer;
    OK(engine, jf_engine_last_error(engine, &newer.known));
    CHECK(newer.known.struct_size == sizeof error && newer.beyond[0] == 0x55);
}

static void wrong_states(jf_engine *engine)
{
    jf_buf buf;
    GIVES(engine, jf_engine_call(engine, str("jackfield.info"), str(""), 0, &buf), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_listeners(engine, &buf), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_publish(engine, str("a"), str("1")), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_poll(engine, 0, NULL), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_wake(engine), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_stop(engine, 0), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_reply(engine, 1, NULL), JF_E_WRONG_STATE);
}

int main(void)
{
    jf_engine *engine, *other;
    int stack, bit;
    CHECK(jf_version() == JF_VERSION && strlen(jf_version_text()) >= 5);
    CHECK(!strcmp(jf_status_name(JF_E_BUSY), "JF_E_BUSY") && !strcmp(jf_status_name(17), "?"));
    no_engine(NULL);
    no_engine((jf_engine *)&stack);
    no_engine((jf_engine *)1);
    OK(NULL, jf_engine_free(NULL));

    OK(NULL, jf_engine_new(&engine));
    errors_speak(engine);
    wrong_states(engine);
    OK(engine, jf_engine_start(engine));
    GIVES(engine, jf_engine_start(engine), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_set(engine, str("limits.nesting"), str("9")), JF_E_WRONG_STATE);
    GIVES(engine, jf_engine_on_log(engine, 0, NULL, NULL), JF_E_WRONG_STATE);
    no_arguments(engine);
    OK(engine, jf_engine_stop(engine, 1000));
    OK(engine, jf_engine_stop(engine, 1000));
    GIVES(engine, jf_engine_poll(engine, 0, NULL), JF_E_SHUTTING_DOWN);
    register_key(engine, "between", JF_SERIAL, handle, NULL);
    OK(engine, jf_engine_unregister(engine, str("between")));
    GIVES(engine, jf_engine_call(engine, str("jackfield.info"), str(""), 0, NULL), JF_E_WRONG_STATE);
    OK(engine, jf_engine_free(engine));
    GIVES(engine, jf_engine_free(engine), JF_E_STALE);
    /* Its place goes to another one, its name does not, nor any near it. */
    OK(NULL, jf_engine_new(&other));
    CHECK(other != engine);
    no_engine(engine);
    for (bit = 0; bit < 48; bit++) no_engine((jf_engine *)((uintptr_t)other ^ (uintptr_t)1 << bit));
    OK(NULL, jf_engine_free(other));
    puts("done");
    return 0;
}
