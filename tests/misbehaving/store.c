/* Uses the store in every wrong way that an argument allows, and leaves open what it began. */
#define HANDLE misuse
#include "subject.h"

static int32_t each(void *ctx, jf_str id, jf_str json) {
    (void)ctx, (void)id, (void)json;
    return 0;
}

static jf_status misuse(void *instance, const jf_command *command) {
    const jf_store_v1 *store = host->get_service(host, JF_TEXT(JF_SERVICE_STORE));
    const jf_str bad = {"\xff", 1}, null = {NULL, 5}, long_ = {"1", GIB};
    uint64_t batch = 0, blob = 0;
    uint8_t name[JF_BLOB_NAME_LEN];
    jf_buf json;
    int begun = 0;
    (void)instance;
    jf_status status = store->begin(host, &batch);
    say("begin %d", (int)status);
    if (status != JF_OK) return answer(command->token, "1");
    say("begin nowhere %d", (int)store->begin(host, NULL));
    say("put nowhere %d", (int)store->put(host, ~batch, text("c"), text("i"), text("1"), NULL, 0));
    say("put bad %d", (int)store->put(host, batch, text("c"), bad, text("1"), NULL, 0));
    say("put null %d", (int)store->put(host, batch, text("c"), null, text("1"), NULL, 0));
    say("put long %d", (int)store->put(host, batch, text("c"), text("i"), long_, NULL, 0));
    say("put blobs %d", (int)store->put(host, batch, text("c"), text("i"), text("1"), NULL, 3));
    say("put no JSON %d", (int)store->put(host, batch, text("c"), text("i"), text("{"), NULL, 0));
    say("blob nowhere %d", (int)store->blob_write(host, ~blob, (jf_bytes){name, 1}));
    say("blob begin nowhere %d", (int)store->blob_begin(host, batch, NULL));
    say("blob begin %d", (int)store->blob_begin(host, batch, &blob));
    say("blob null %d", (int)store->blob_write(host, blob, (jf_bytes){NULL, 1}));
    say("blob name %d", (int)store->blob_finish(host, blob, NULL));
    say("get nowhere %d", (int)store->get(host, text("c"), text("i"), NULL));
    say("get nothing %d", (int)store->get(host, text("c"), text("i"), &json));
    say("list nobody %d", (int)store->list(host, text("c"), 0, 1, NULL, NULL));
    say("list nothing %d", (int)store->list(host, text("c"), ~(uint64_t)0, ~(uint64_t)0, each, NULL));
    say("abort %d", (int)store->abort(host, batch));
    say("commit after %d", (int)store->commit(host, batch));
    while (store->begin(host, &batch) == JF_OK) begun++;
    say("no more after %d", begun);
    return answer(command->token, "1");
}
