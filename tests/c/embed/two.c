/* `two FILE`: callbacks of one engine and functions of another, guest.c with a SERIAL `guest.call` in the plugin folder of both. What a
 * callback must not do is so for its own engine; a call into the other takes over nothing but the chain, by which one that leads
 * back to who waits for it is told so at once. */

#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

static jf_engine *a, *b;
static pthread_t main_thread;
static atomic_int releases;

static jf_status end(void *userdata, const jf_command *command)
{
    /* Of the command for which it is called in the other engine it knows nothing; guest.c sets a limit of its own. */
    CHECK(command->session == 0 && (userdata || command->deadline_ns == 0));
    return answer(b, command, "\"end\"");
}

static jf_status on_main(void *userdata, const jf_command *command)
{
    (void)userdata;
    CHECK(pthread_equal(pthread_self(), main_thread));
    return answer(b, command, "\"main\"");
}

/* Calls a command of the other that has no time limit. */
static jf_status forward(void *userdata, const jf_command *command)
{
    jf_buf result;
    CHECK(command->deadline_ns != 0);
    OK(b, jf_engine_call(b, str(userdata), str("\"end\""), -1, &result));
    CHECK(is(&result, "\"end\"") || is(&result, "\"main\""));
    give_back(&result);
    return answer(a, command, "\"forward\"");
}

/* Calls a command of A, which is waiting for this one. */
static jf_status back(void *userdata, const jf_command *command)
{
    GIVES(a, jf_engine_call(a, str(userdata), str("{}"), -1, NULL), JF_E_CYCLE);
    return answer(b, command, "\"back\"");
}

static jf_status to_back(void *userdata, const jf_command *command)
{
    calls(b, userdata, "{}", "\"back\"");
    return answer(a, command, "\"cycle\"");
}

/* B's host thread is the one that waits here: for A alone it would not poll. */
static jf_status other_thread(void *userdata, const jf_command *command)
{
    (void)userdata;
    GIVES(b, jf_engine_call(b, str("host"), str("{}"), -1, NULL), JF_E_CYCLE);
    return answer(a, command, "\"cycle\"");
}

static jf_status by_thread(void *userdata, const jf_command *command)
{
    (void)userdata;
    calls(a, "other thread", "{}", "\"cycle\"");
    return answer(a, command, "\"by thread\"");
}

static void released(void *userdata)
{
    (void)userdata;
    releases++;
}

/* What is refused for A is done for others. */
static jf_status uses_others(void *userdata, const jf_command *command)
{
    jf_engine *other;
    jf_command_info info = info_of("never", JF_SERIAL);
    jf_handler handler = handler_of(end, NULL);
    (void)userdata;
    GIVES(a, jf_engine_poll(a, 0, NULL), JF_E_WRONG_STATE);
    GIVES(a, jf_engine_free(a), JF_E_WRONG_STATE);
    OK(b, jf_engine_poll(b, 0, NULL));
    OK(NULL, jf_engine_new(&other));
    handler.release = released;
    OK(other, jf_engine_register(other, &info, &handler));
    OK(other, jf_engine_start(other));
    OK(other, jf_engine_stop(other, 0));
    GIVES(other, jf_engine_poll(other, 0, NULL), JF_E_SHUTTING_DOWN);
    OK(other, jf_engine_start(other));
    OK(other, jf_engine_free(other));
    CHECK(releases == 1);
    return answer(a, command, "\"others\"");
}

/* Must not wait, for whichever engine. */
static jf_status in_a_hurry(void *userdata, const jf_command *command)
{
    (void)userdata;
    GIVES(b, jf_engine_call(b, str("serial"), str("{}"), 0, NULL), JF_E_WRONG_THREAD);
    GIVES(b, jf_engine_poll(b, 0, NULL), JF_E_WRONG_THREAD);
    return answer(a, command, "\"hurry\"");
}

static jf_engine *engine_with(const char *folder)
{
    jf_engine *engine;
    OK(NULL, jf_engine_new(&engine));
    OK(engine, jf_engine_set(engine, str("plugins.folders"), str(folder)));
    return engine;
}

int main(int count, char **arguments)
{
    char folder[4096];
    CHECK(count == 2);
    snprintf(folder, sizeof folder, "%s", arguments[1]);
    *strrchr(folder, '/') = 0;
    main_thread = pthread_self();
    a = engine_with(folder);
    b = engine_with(folder);
    register_key(b, "serial", JF_SERIAL, end, NULL);
    register_key(b, "host", JF_HOST_THREAD, on_main, NULL);
    register_key(b, "end", JF_CONCURRENT, end, "by guest");
    register_key(b, "back to serial", JF_SERIAL, back, "serial");
    register_key(b, "back to host", JF_CONCURRENT, back, "host");
    register_key(a, "serial", JF_SERIAL, forward, "serial");
    register_key(a, "host", JF_HOST_THREAD, forward, "host");
    register_key(a, "end", JF_CONCURRENT, forward, "guest.call");
    register_key(a, "cycle serial", JF_SERIAL, to_back, "back to serial");
    register_key(a, "cycle host", JF_HOST_THREAD, to_back, "back to host");
    register_key(a, "by thread", JF_HOST_THREAD, by_thread, NULL);
    register_key(a, "other thread", JF_CONCURRENT, other_thread, NULL);
    register_key(a, "uses others", JF_HOST_THREAD, uses_others, NULL);
    register_key(a, "hurry", JF_INLINE, in_a_hurry, NULL);
    OK(a, jf_engine_start(a));
    OK(b, jf_engine_start(b));
    OK(a, jf_engine_poll(a, 0, NULL));
    OK(b, jf_engine_poll(b, 0, NULL));

    calls(a, "serial", "{}", "\"forward\"");
    calls(a, "host", "{}", "\"forward\"");
    calls(a, "guest.call", "\"end\"", "\"forward\"");
    calls(a, "cycle serial", "{}", "\"cycle\"");
    calls(a, "cycle host", "{}", "\"cycle\"");
    calls(a, "by thread", "{}", "\"by thread\"");
    calls(a, "uses others", "{}", "\"others\"");
    calls(a, "hurry", "{}", "\"hurry\"");
    OK(a, jf_engine_free(a));
    OK(b, jf_engine_free(b));
    puts("done");
    return 0;
}
