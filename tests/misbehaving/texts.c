/* Hands TEXT to every function of the host that takes one. */
#define HANDLE talk
#include "subject.h"

static jf_status talk(void *instance, const jf_command *command) {
    const jf_str bad = TEXT;
    (void)instance;
    host->log(host, JF_LOG_INFO, bad);
    say("progress %d", (int)host->progress(host, command->token, 1, 2, bad));
    say("service %d", host->get_service(host, bad) != NULL);
    return answer(command->token, "1");
}
