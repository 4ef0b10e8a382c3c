/* A host whose commands run where it polls. Writes where it listens, then polls. `where` tells on which thread it is, and how many there
 * were; `pause` answers, and after that the host does not poll until it gets a line. */

#include "check.h"
#include <pthread.h>
#include <unistd.h>

static jf_engine *engine;
static pthread_t main_thread;
static unsigned long count;
static int pausing, stopping;

static jf_status where(void *userdata, const jf_command *command)
{
    char json[64];
    (void)userdata;
    snprintf(json, sizeof json, "{\"main\":%s,\"count\":%lu}",
             pthread_equal(pthread_self(), main_thread) ? "true" : "false", ++count);
    return answer(engine, command, json);
}

static jf_status set(void *userdata, const jf_command *command)
{
    (void)command;
    *(int *)userdata = 1;
    return JF_OK;
}

int main(int arguments, char **argument)
{
    jf_buf urls;
    main_thread = pthread_self();
    OK(NULL, jf_engine_new(&engine));
    OK(engine, jf_engine_set(engine, str("listen"), str("ws://127.0.0.1:0")));
    for (; arguments > 2; arguments -= 2, argument += 2) OK(engine, jf_engine_set(engine, str(argument[1]), str(argument[2])));
    register_key(engine, "where", JF_HOST_THREAD, where, NULL);
    register_key(engine, "inline", JF_INLINE, where, NULL);
    register_key(engine, "pause", JF_HOST_THREAD, set, &pausing);
    register_key(engine, "stop", JF_HOST_THREAD, set, &stopping);
    OK(engine, jf_engine_start(engine));
    OK(engine, jf_engine_listeners(engine, &urls));
    printf("%.*s\n", (int)urls.len, (const char *)urls.ptr);
    fflush(stdout);
    give_back(&urls);
    while (!stopping) {
        OK(engine, jf_engine_poll(engine, -1, NULL));
        if (pausing) {
            char byte;
            CHECK(read(STDIN_FILENO, &byte, 1) == 1);
            pausing = 0;
        }
    }
    OK(engine, jf_engine_free(engine));
    printf("%lu\n", count);
    return 0;
}
