/* Replies from `cancel`, and once more after that. */
#define KEY_FLAGS JF_COMMAND_CANCEL_ON_DISCONNECT
#define HANDLE later
#define CANCEL now
#include "subject.h"

static jf_status later(void *instance, const jf_command *command) {
    (void)instance, (void)command;
    say("entered");
    return JF_PENDING;
}

static void now(void *instance, jf_token token) {
    jf_reply reply = {.struct_size = sizeof reply, .status = JF_E_CANCELLED};
    (void)instance;
    say("first %d", (int)host->reply(host, token, &reply));
    say("second %d", (int)answer(token, "1"));
}
