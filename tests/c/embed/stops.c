/* What is logged of a stop that has no time: nothing of callbacks where none is inside, and that one does not return where it does
 * not. */

#include "check.h"
#include <sched.h>
#include <stdatomic.h>

static jf_engine *engine;
static atomic_int begun, left, over, done_waiting;

static void log_line(void *userdata, int32_t level, jf_str target, jf_str text)
{
    (void)userdata, (void)level, (void)target;
    if (memmem(text.ptr, text.len, "does not return", 15)) left++;
}

/* Is not answered. */
static jf_status pends(void *userdata, const jf_command *command)
{
    (void)userdata, (void)command;
    begun++;
    return JF_PENDING;
}

static jf_status hangs(void *userdata, const jf_command *command)
{
    (void)userdata, (void)command;
    begun++;
    while (!over) sched_yield();
    done_waiting = 1;
    return JF_OK;
}

static void stops_with(const char *key, int lines)
{
    jf_request request = request_of(key, NULL, NULL);
    begun = left = 0;
    OK(engine, jf_engine_start(engine));
    OK(engine, jf_engine_submit(engine, &request, NULL));
    while (!begun) sched_yield();
    OK(engine, jf_engine_stop(engine, 0));
    CHECK(left == lines);
}

int main(void)
{
    OK(NULL, jf_engine_new(&engine));
    OK(engine, jf_engine_on_log(engine, JF_LOG_WARN, log_line, NULL));
    register_key(engine, "serial", JF_SERIAL, pends, NULL);
    register_key(engine, "concurrent", JF_CONCURRENT, pends, NULL);
    register_key(engine, "hangs", JF_SERIAL, hangs, NULL);
    stops_with("serial", 0);
    stops_with("concurrent", 0);
    stops_with("hangs", 1);
    over = 1;
    while (!done_waiting) sched_yield();
    OK(engine, jf_engine_free(engine));
    puts("done");
    return 0;
}
