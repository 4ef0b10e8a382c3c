/* Calls TARGET with ARGUMENT from within `handle`, and waits there for the reply, which is its own answer. */
#define HANDLE call_on
#include "subject.h"
#include <time.h>

#ifndef ARGUMENT
#define ARGUMENT "null"
#endif

/* Longer than the host may take to say no. */
#define PATIENCE_S 20

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER;
static int is_done;
static char result[512];

static void done(void *ctx, const jf_reply *reply) {
    (void)ctx;
    pthread_mutex_lock(&lock);
    int length = (int)(reply->status == JF_OK ? reply->json.len : 0);
    snprintf(result, sizeof result, "[%d, %.*s]", (int)reply->status, length ? length : 4, length ? reply->json.ptr : "null");
    is_done = 1;
    pthread_cond_signal(&told);
    pthread_mutex_unlock(&lock);
}

static jf_status call_on(void *instance, const jf_command *command) {
    const jf_call_v1 *service = host->get_service(host, JF_TEXT(JF_SERVICE_CALL));
    char refused[32];
    struct timespec until;
    (void)instance;
    if (!service) return JF_E_NO_SERVICE;
    is_done = 0;
    jf_status status =
        service->call(host, command->token, JF_TEXT(TARGET), JF_TEXT(ARGUMENT), NULL, 0, 0, done, NULL);
    if (status != JF_OK) {
        snprintf(refused, sizeof refused, "[\"call\", %d]", (int)status);
        return answer(command->token, refused);
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&lock);
    while (!is_done && pthread_cond_timedwait(&told, &lock, &until) == 0) continue;
    pthread_mutex_unlock(&lock);
    return answer(command->token, is_done ? result : "\"nothing came\"");
}
