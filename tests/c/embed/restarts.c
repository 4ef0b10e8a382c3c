/* One thread starts an engine again and again, others stop it: each stop comes back when the run that it found is over, whatever
 * has been started since. */

#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

enum { STOPPERS = 3, STARTS = 60 };

static jf_engine *engine;
static atomic_int starts;

static void *stop(void *unused)
{
    (void)unused;
    while (starts < STARTS) {
        jf_status status = jf_engine_stop(engine, 0);
        CHECK(status == JF_OK || status == JF_E_WRONG_STATE);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[STOPPERS];
    int at;
    OK(NULL, jf_engine_new(&engine));
    for (at = 0; at < STOPPERS; at++) CHECK(!pthread_create(&threads[at], NULL, stop, NULL));
    while (starts < STARTS) {
        jf_status status = jf_engine_start(engine);
        CHECK(status == JF_OK || status == JF_E_WRONG_STATE);
        if (status == JF_OK) starts++;
    }
    for (at = 0; at < STOPPERS; at++) CHECK(!pthread_join(threads[at], NULL));
    OK(engine, jf_engine_free(engine));
    puts("done");
    return 0;
}
