/* Uses every function and every struct of the first engine.h. Kept compiled in tests/fixtures/abi: a program that was built
 * then must say the same with every later library of the same soname, unrebuilt. */

#include "check.h"
#include <stdatomic.h>
#include <unistd.h>

static jf_engine *engine;
static int dones, steps, events, releases, cancels, lines;
static atomic_int handled;

static jf_status handle(void *userdata, const jf_command *command)
{
    jf_reply_attachment part;
    const jf_reply_attachment *parts[1];
    jf_reply reply;
    handled++;
    memset(&part, 0, sizeof part);
    part.struct_size = (uint32_t)sizeof part;
    part.name = str("part");
    part.bytes.ptr = (const uint8_t *)"bytes";
    part.bytes.len = 5;
    parts[0] = &part;
    memset(&reply, 0, sizeof reply);
    reply.struct_size = (uint32_t)sizeof reply;
    reply.json = command->params;
    reply.attachments = parts;
    reply.attachment_count = command->attachment_count;
    CHECK(userdata == &handled && JF_HAS(command, deadline_ns) && command->dialect.len == 4);
    OK(engine, jf_engine_progress(engine, command->token, 1, 2, str("half")));
    CHECK(jf_engine_is_cancelled(engine, command->token) == 0);
    OK(engine, jf_engine_reply(engine, command->token, &reply));
    return JF_OK;
}

static jf_status wait_for_cancel(void *userdata, const jf_command *command)
{
    (void)userdata, (void)command;
    return JF_PENDING;
}

static void cancel(void *userdata, jf_token token)
{
    jf_reply reply;
    (void)userdata;
    memset(&reply, 0, sizeof reply);
    reply.struct_size = (uint32_t)sizeof reply;
    reply.status = JF_E_CANCELLED;
    OK(engine, jf_engine_reply(engine, token, &reply));
    cancels++;
}

static void release(void *userdata)
{
    (void)userdata;
    releases++;
}

static void done(void *userdata, const jf_reply *reply)
{
    CHECK(userdata == &dones);
    if (reply->status == JF_OK) CHECK(reply->attachment_count == 1 && reply->attachments[0]->bytes.len == 5);
    dones++;
}

static void progress(void *userdata, uint64_t at, uint64_t total, jf_str text)
{
    CHECK(userdata == &dones && at == 1 && total == 2 && text.len == 4);
    steps++;
}

static void event(void *userdata, jf_str topic, jf_str data, uint64_t dropped)
{
    CHECK(userdata == &events && topic.len == 9 && data.len == 11 && dropped == 0);
    events++;
}

static void line(void *userdata, int32_t level, jf_str target, jf_str text)
{
    CHECK(userdata == &lines && level >= JF_LOG_INFO && target.len > 0 && text.len > 0);
    lines++;
}

static uint64_t submits(const char *key)
{
    jf_attachment part;
    const jf_attachment *parts[1];
    jf_request request;
    uint64_t id;
    memset(&part, 0, sizeof part);
    part.struct_size = (uint32_t)sizeof part;
    parts[0] = &part;
    memset(&request, 0, sizeof request);
    request.struct_size = (uint32_t)sizeof request;
    request.flags = JF_ON_HOST_THREAD;
    request.key = str(key);
    request.params = str("[1]");
    request.attachments = parts;
    request.attachment_count = 1;
    request.userdata = &dones;
    request.done = done;
    request.progress = progress;
    OK(engine, jf_engine_submit(engine, &request, &id));
    return id;
}

static void polls_until(const int *value, int wanted)
{
    uint64_t ran;
    while (*value < wanted) OK(engine, jf_engine_poll(engine, 1000, &ran));
}

int main(void)
{
    static const jf_str order[1] = {JF_STR("n")}, examples[1] = {JF_STR("{\"n\": 1}")}, patterns[1] = {JF_STR("first.**")};
    static const char *const keys[4] = {"first.serial", "first.concurrent", "first.inline", "first.host"};
    jf_command_info info;
    jf_handler handler;
    jf_subscription subscription;
    jf_error error;
    jf_buf buf;
    int64_t descriptor;
    uint64_t number;
    uint32_t at;
    char file[] = "/tmp/jackfield-first-XXXXXX";
    int written = mkstemp(file);
    CHECK(written >= 0 && write(written, "[limits]\nnesting = 64\n", 22) == 22 && !close(written));

    printf("header %x\n", JF_VERSION);
    OK(NULL, jf_engine_new(&engine));
    OK(engine, jf_engine_configure(engine, str("listen = [\"ws://127.0.0.1:0\"]\n")));
    OK(engine, jf_engine_configure_file(engine, str(file)));
    unlink(file);
    OK(engine, jf_engine_set(engine, str("limits.shutdown_s"), str("2")));
    OK(engine, jf_engine_on_log(engine, JF_LOG_INFO, line, &lines));
    for (at = 0; at < 4; at++) {
        info = info_of(keys[at], at);
        info.flags = JF_COMMAND_READ_ONLY | JF_COMMAND_IDEMPOTENT;
        info.help = str("Gives its params back");
        info.params_schema = str("{\"type\": [\"object\", \"array\"]}");
        info.result_schema = str("true");
        info.param_order = order;
        info.param_count = 1;
        info.examples = examples;
        info.example_count = 1;
        handler = handler_of(handle, &handled);
        handler.release = release;
        OK(engine, jf_engine_register(engine, &info, &handler));
    }
    info = info_of("first.pending", JF_HOST_THREAD);
    handler = handler_of(wait_for_cancel, NULL);
    handler.cancel = cancel;
    handler.release = release;
    OK(engine, jf_engine_register(engine, &info, &handler));
    OK(engine, jf_engine_provide(engine, str("first.service/1"), &dones));
    OK(engine, jf_engine_start(engine));
    OK(engine, jf_engine_listeners(engine, &buf));
    printf("listeners %d\n", buf.len > 10);
    give_back(&buf);

    OK(engine, jf_engine_wake(engine));
    OK(engine, jf_engine_poll_handle(engine, &descriptor));
    OK(engine, jf_engine_poll(engine, 0, NULL));
    for (at = 0; at < 4; at++) calls(engine, keys[at], "{\"n\": 2}", "{\"n\": 2}");
    GIVES(engine, jf_engine_call(engine, str(keys[0]), str("7"), 1000, NULL), JF_E_INVALID_PARAMS);
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    OK(engine, jf_engine_last_error(engine, &error));
    printf("error %d %d %s %.*s\n", error.status, error.number, jf_status_name(error.status), (int)error.culprit.len,
           error.culprit.ptr);

    submits("first.serial");
    polls_until(&dones, 1);
    number = submits("first.pending");
    OK(engine, jf_engine_poll(engine, 0, NULL));
    OK(engine, jf_engine_cancel(engine, number));
    polls_until(&dones, 2);
    printf("dones %d, steps %d, cancels %d\n", dones, steps, cancels);

    memset(&subscription, 0, sizeof subscription);
    subscription.struct_size = (uint32_t)sizeof subscription;
    subscription.flags = JF_ON_HOST_THREAD | JF_SUBSCRIBE_LAST | JF_SUBSCRIBE_CLOSE;
    subscription.patterns = patterns;
    subscription.pattern_count = 1;
    subscription.filter = str("{\"where\": 1}");
    subscription.userdata = &events;
    subscription.event = event;
    subscription.release = release;
    OK(engine, jf_engine_publish(engine, str("first.one"), str("{\"where\":1}")));
    OK(engine, jf_engine_subscribe(engine, &subscription, &number));
    polls_until(&events, 1);
    OK(engine, jf_engine_unsubscribe(engine, number));
    OK(engine, jf_engine_plugins(engine, &buf));
    printf("events %d, plugins %.*s\n", events, 13, (const char *)buf.ptr);
    give_back(&buf);
    GIVES(engine, jf_engine_load(engine, str("/nowhere.so")), JF_E_INVALID_PARAMS);
    GIVES(engine, jf_engine_reload(engine, str("nobody")), JF_E_INVALID_PARAMS);
    GIVES(engine, jf_engine_unload(engine, str("nobody")), JF_E_INVALID_PARAMS);

    OK(engine, jf_engine_unregister(engine, str(keys[0])));
    OK(engine, jf_engine_stop(engine, -1));
    OK(engine, jf_engine_free(engine));
    printf("handled %d, releases %d, lines %d, versions %d\n", (int)handled, releases, lines > 0,
           jf_version() >= JF_VERSION && strlen(jf_version_text()) >= 5);
    return 0;
}
