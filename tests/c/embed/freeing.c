/* What runs when its engine is freed is answered by those who run it, as at a stop. */

#include "check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static jf_engine *engine;
static atomic_int begun, dones;
static atomic_intptr_t pending;

/* Returns when the engine takes no commands any more. */
static void await_end(void)
{
    jf_request request = request_of("none", NULL, NULL);
    while (!jf_engine_submit(engine, &request, NULL)) usleep(1000);
}

static jf_status slow(void *userdata, const jf_command *command)
{
    (void)userdata;
    begun++;
    await_end();
    CHECK(!jf_engine_is_cancelled(engine, command->token));
    OK(engine, jf_engine_progress(engine, command->token, 1, 2, str("half")));
    return answer(engine, command, "\"slow\"");
}

static jf_status later(void *userdata, const jf_command *command)
{
    (void)userdata;
    pending = (intptr_t)command;
    begun++;
    return JF_PENDING;
}

static void *answers_later(void *unused)
{
    await_end();
    OK(engine, answer(engine, (const jf_command *)pending, "\"later\""));
    return unused;
}

static void done(void *userdata, const jf_reply *reply)
{
    CHECK(reply->status == JF_OK);
    CHECK(reply->json.len == strlen(userdata) && !memcmp(reply->json.ptr, userdata, reply->json.len));
    dones++;
}

static void submits(const char *key, const char *expected)
{
    jf_request request = request_of(key, done, (void *)expected);
    OK(engine, jf_engine_submit(engine, &request, NULL));
}

int main(void)
{
    pthread_t thread;
    OK(NULL, jf_engine_new(&engine));
    register_key(engine, "slow", JF_CONCURRENT, slow, NULL);
    register_key(engine, "later", JF_SERIAL, later, NULL);
    OK(engine, jf_engine_start(engine));
    submits("slow", "\"slow\"");
    submits("later", "\"later\"");
    while (begun < 2) usleep(1000);
    CHECK(!pthread_create(&thread, NULL, answers_later, NULL));
    OK(engine, jf_engine_free(engine));
    CHECK(dones == 2);
    CHECK(!pthread_join(thread, NULL));
    GIVES(engine, jf_engine_free(engine), JF_E_STALE);
    puts("done");
    return 0;
}
