/* Replies with what SPOIL_REPLY makes of a good reply; says what the host says to that, and when a buffer comes back. */
#define HANDLE spoiled
#include "subject.h"

#ifndef REPLY
#define REPLY &reply
#endif
#ifndef RETURN
#define RETURN JF_OK
#endif
#ifndef SPOIL_REPLY
#define SPOIL_REPLY (void)0
#endif

static void released(void *ctx, const uint8_t *ptr, size_t len) {
    (void)ctx, (void)ptr;
    say("released %zu", len);
}

/* Bytes that must come back. */
static inline jf_buf owned(const char *bytes, size_t length) {
    return (jf_buf){(const uint8_t *)bytes, length, released, NULL};
}

static jf_status spoiled(void *instance, const jf_command *command) {
    static jf_reply_attachment attachment;
    static const jf_reply_attachment *attachments[10000];
    jf_reply reply = {.struct_size = sizeof reply, .json = JF_STR("1"), .message = JF_STR("no")};
    (void)instance, (void)reply, (void)released;
    attachment = (jf_reply_attachment){.struct_size = sizeof attachment, .bytes = {(const uint8_t *)"abc", 3}};
    for (size_t i = 0; i < sizeof attachments / sizeof *attachments; i++) attachments[i] = &attachment;
    reply.attachments = attachments;
    SPOIL_REPLY;
    say("the host says %d", (int)host->reply(host, command->token, REPLY));
    return RETURN;
}
