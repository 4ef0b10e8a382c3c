/* Replies from eight threads at once. */
#define HANDLE from_eight_threads
#include "subject.h"
#include <stdatomic.h>

#define THREADS 8

static pthread_barrier_t together;
static jf_token token;
static atomic_int taken, stale;

static void *reply(void *argument) {
    (void)argument;
    pthread_barrier_wait(&together);
    jf_status status = answer(token, "8");
    if (status == JF_OK) taken++;
    if (status == JF_E_STALE) stale++;
    return NULL;
}

static jf_status from_eight_threads(void *instance, const jf_command *command) {
    pthread_t threads[THREADS];
    (void)instance;
    token = command->token;
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, reply, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&together);
    say("taken %d, stale %d", taken, stale);
    return JF_PENDING;
}
