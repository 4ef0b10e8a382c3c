/* Commands that are left pending over a stop, a restart and the end of their engine: what they point to stays until they are answered,
 * and their tokens name nothing else. For memory checkers. With an argument: and no longer. */

#include "check.h"
#include "resident.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { SIZE = 1000 };

static jf_engine *engine;
static atomic_intptr_t pending;
static atomic_int dones;
static char params[SIZE + 3], bytes[SIZE];
static const jf_status unknown = JF_E_OUTCOME_UNKNOWN, well = JF_OK;

static jf_status keep(void *userdata, const jf_command *command)
{
    (void)userdata;
    pending = (intptr_t)command;
    return JF_PENDING;
}

static void done(void *userdata, const jf_reply *reply)
{
    CHECK(reply->status == *(const jf_status *)userdata);
    dones++;
}

/* One more command that waits for its answer. */
static const jf_command *submits(const jf_status *expected, const char *content, size_t size)
{
    jf_attachment attachment;
    const jf_attachment *attachments = &attachment;
    jf_request request;
    memset(&attachment, 0, sizeof attachment);
    attachment.struct_size = sizeof attachment;
    attachment.name = str("part");
    attachment.content_type = str("text/plain");
    attachment.bytes.ptr = (const uint8_t *)content;
    attachment.bytes.len = size;
    memset(&request, 0, sizeof request);
    request.struct_size = sizeof request;
    request.key = str("keep");
    request.params = str(params);
    request.attachments = &attachments;
    request.attachment_count = 1;
    request.userdata = (void *)expected;
    request.done = done;
    pending = 0;
    OK(engine, jf_engine_submit(engine, &request, NULL));
    while (!pending) usleep(1000);
    return (const jf_command *)pending;
}

static void is_whole(const jf_command *command)
{
    const jf_attachment *attachment = *command->attachments;
    CHECK(command->key.len == 4 && !memcmp(command->key.ptr, "keep", 4));
    CHECK(command->params.len == strlen(params) && !memcmp(command->params.ptr, params, strlen(params)));
    CHECK(command->attachment_count == 1 && attachment->bytes.len == SIZE && !memcmp(attachment->bytes.ptr, bytes, SIZE));
    CHECK(attachment->name.len == 4 && attachment->content_type.len == 10);
}

static void release(void *ctx, const uint8_t *ptr, size_t len)
{
    CHECK(ptr == (const uint8_t *)bytes && len == 1);
    ++*(int *)ctx;
}

/* What an answer owns is the engine's, also where there is none any more. */
static void answers_owned(jf_token token)
{
    int releases = 0;
    jf_reply reply;
    memset(&reply, 0, sizeof reply);
    reply.struct_size = sizeof reply;
    reply.json_buf.ptr = (const uint8_t *)bytes;
    reply.json_buf.len = 1;
    reply.json_buf.ctx = &releases;
    reply.json_buf.release = release;
    GIVES(engine, jf_engine_reply(engine, token, &reply), JF_E_STALE);
    CHECK(releases == 1);
}

static void *frees(void *unused)
{
    (void)unused;
    OK(engine, jf_engine_free(engine));
    return NULL;
}

/* Each leaves a large command over a restart, and answers it then. */
static void gives_back(void)
{
    enum { ROUNDS = 20, LARGE = 8 << 20, MOST_KIB = 64 << 10 };
    char *large = malloc(LARGE);
    long before;
    int round;
    CHECK(large);
    memset(large, 'z', LARGE);
    before = resident();
    for (round = 0; round < ROUNDS; round++) {
        const jf_command *command;
        OK(engine, jf_engine_start(engine));
        command = submits(&unknown, large, LARGE);
        OK(engine, jf_engine_stop(engine, 0));
        OK(engine, jf_engine_start(engine));
        GIVES(engine, answer(engine, command, "1"), JF_E_STALE);
        OK(engine, jf_engine_stop(engine, 0));
        CHECK(resident() - before < MOST_KIB);
    }
    free(large);
    dones = 0;
}

int main(int count, char **arguments)
{
    const jf_command *first, *second, *third;
    jf_token of_first, of_second;
    pthread_t other;
    memset(params, 'x', sizeof params - 1);
    params[0] = params[SIZE + 1] = '"';
    memset(bytes, 'y', sizeof bytes);
    OK(NULL, jf_engine_new(&engine));
    OK(engine, jf_engine_set(engine, str("limits.shutdown_s"), str("0.01")));
    register_key(engine, "keep", JF_SERIAL, keep, NULL);
    (void)arguments;
    if (count > 1) gives_back();

    OK(engine, jf_engine_start(engine));
    first = submits(&unknown, bytes, SIZE);
    second = submits(&unknown, bytes, SIZE);
    OK(engine, jf_engine_stop(engine, 0));
    CHECK(dones == 2);
    is_whole(first);
    /* Not heard by the client any more, but by its engine. */
    OK(engine, answer(engine, second, "1"));

    OK(engine, jf_engine_start(engine));
    third = submits(&well, bytes, SIZE);
    of_first = first->token;
    CHECK(of_first != third->token);
    is_whole(first);
    CHECK(jf_engine_is_cancelled(engine, of_first) == 1);
    GIVES(engine, answer(engine, first, "1"), JF_E_STALE);
    GIVES(engine, jf_engine_reply(engine, of_first, NULL), JF_E_STALE);
    is_whole(third);
    OK(engine, answer(engine, third, "1"));
    while (dones < 3) usleep(1000);

    /* Another thread frees it while this one reads. */
    first = submits(&unknown, bytes, SIZE);
    second = submits(&unknown, bytes, SIZE);
    of_second = second->token;
    CHECK(!pthread_create(&other, NULL, frees, NULL));
    while (dones < 5) is_whole(first);
    CHECK(!pthread_join(other, NULL));
    is_whole(first);
    is_whole(second);
    GIVES(engine, answer(engine, first, "1"), JF_E_STALE);
    is_whole(second);
    answers_owned(second->token);
    GIVES(engine, jf_engine_reply(engine, of_second, NULL), JF_E_STALE);
    puts("done");
    return 0;
}
