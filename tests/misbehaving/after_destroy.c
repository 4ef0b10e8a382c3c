/* PINNED, and a thread of it replies after `destroy`: to a command that it never finished. */
#define FLAGS JF_PLUGIN_PINNED
#define HANDLE keep
#include "subject.h"

static jf_token kept;

static void *reply(void *argument) {
    (void)argument;
    wait_at_gate();
    say("after destroy %d", (int)answer(kept, "1"));
    return NULL;
}

static jf_status keep(void *instance, const jf_command *command) {
    pthread_t thread;
    (void)instance;
    kept = command->token;
    pthread_create(&thread, NULL, reply, NULL);
    pthread_detach(thread);
    return answer(kept, "1");
}
