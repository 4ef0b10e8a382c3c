/* Fails, or does not return, in one of entry, create, start, stop, destroy: AT, and WHY where it fails with a text. */
#define ENTRY 1
#define CREATE_ 2
#define START_ 3
#define STOP_ 4
#define DESTROY_ 5
#define CREATE at_create
#define START at_start
#define STOP at_stop
#define DESTROY at_destroy
#define SPOIL if (AT == ENTRY) wait_at_gate()
#include "subject.h"

#ifdef FAILS
static jf_status here(int step, jf_buf *why) {
    if (AT != step) return JF_OK;
#ifdef WHY
    *why = (jf_buf)WHY;
#else
    (void)why;
#endif
    return JF_E_UNAVAILABLE;
}
#else
static jf_status here(int step, jf_buf *why) {
    (void)why;
    if (AT == step) wait_at_gate();
    return JF_OK;
}
#endif

static jf_status at_create(const jf_host *table, jf_str config, void **instance, jf_buf *why) {
    (void)table, (void)config;
    *instance = NULL;
    return here(CREATE_, why);
}

static jf_status at_start(void *instance, jf_buf *why) {
    (void)instance;
    return here(START_, why);
}

static void at_stop(void *instance) {
    jf_buf why;
    (void)instance;
    here(STOP_, &why);
}

static void at_destroy(void *instance) {
    jf_buf why;
    (void)instance;
    here(DESTROY_, &why);
    say("destroyed on %s", thread_name());
}
