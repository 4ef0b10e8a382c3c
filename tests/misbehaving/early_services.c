/* Publishes and calls from `create`, before there is anybody to hear or answer. */
#define CREATE early
#include "subject.h"

static void never(void *ctx, const jf_reply *reply) {
    (void)ctx, (void)reply;
    say("called back");
}

static jf_status early(const jf_host *table, jf_str config, void **instance, jf_buf *why) {
    const jf_topics_v1 *topics = table->get_service(table, JF_TEXT(JF_SERVICE_TOPICS));
    const jf_call_v1 *calls = table->get_service(table, JF_TEXT(JF_SERVICE_CALL));
    (void)config, (void)why;
    *instance = NULL;
    say("publish %d", topics ? (int)topics->publish(table, JF_TEXT("subject.made"), JF_TEXT("1")) : 0);
    say("call %d",
        calls ? (int)calls->call(table, 0, JF_TEXT("subject"), JF_TEXT("1"), NULL, 0, 0, never, NULL) : 0);
    return JF_OK;
}
