/* Replies, twice, when its caller has been told something else already. */
#define HANDLE when_let_go
#include "subject.h"

static jf_status when_let_go(void *instance, const jf_command *command) {
    (void)instance;
    wait_at_gate();
    say("cancelled %d", (int)host->is_cancelled(host, command->token));
    say("first %d", (int)answer(command->token, "1"));
    say("second %d", (int)answer(command->token, "2"));
    return JF_OK;
}
