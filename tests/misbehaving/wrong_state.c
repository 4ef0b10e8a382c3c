/* Calls the host from `create` and from `destroy`, where most of it is not there yet or any more. */
#define CREATE early
#define HANDLE keep
#define DESTROY late
#include "subject.h"

static jf_token token = 1;
static const jf_store_v1 *store;

static void try_all(const char *when) {
    uint64_t batch;
    say("%s: reply %d", when, (int)answer(token, "1"));
    say("%s: progress %d", when, (int)host->progress(host, token, 1, 2, text("on")));
    say("%s: is_cancelled %d", when, (int)host->is_cancelled(host, token));
    say("%s: service %d", when, host->get_service(host, JF_TEXT(JF_SERVICE_STORE)) != NULL);
    if (store) say("%s: begin %d", when, (int)store->begin(host, &batch));
}

static jf_status early(const jf_host *table, jf_str config, void **instance, jf_buf *why) {
    (void)table, (void)config, (void)why;
    *instance = NULL;
    try_all("create");
    store = host->get_service(host, JF_TEXT(JF_SERVICE_STORE));
    return JF_OK;
}

static jf_status keep(void *instance, const jf_command *command) {
    (void)instance;
    token = command->token;
    return answer(token, "1");
}

static void late(void *instance) {
    (void)instance;
    try_all("destroy");
}
