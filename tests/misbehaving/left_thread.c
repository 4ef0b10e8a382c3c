/* A thread that `start` made goes on after `stop` and `destroy`, in code of the library. */
#define START leave_behind
#include "subject.h"

static void *go_on(void *argument) {
    (void)argument;
    wait_at_gate();
    say("still here");
    return NULL;
}

static jf_status leave_behind(void *instance, jf_buf *why) {
    pthread_t thread;
    (void)instance, (void)why;
    pthread_create(&thread, NULL, go_on, NULL);
    pthread_detach(thread);
    return JF_OK;
}
