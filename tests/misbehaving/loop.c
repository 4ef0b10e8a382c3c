/* Never returns from `{"subject": "loop"}`; answers anything else. */
#define HANDLE loop
#include "subject.h"

static jf_status loop(void *instance, const jf_command *command) {
    static volatile unsigned long turns;
    (void)instance;
    if (command->params.len == strlen("\"loop\"")) {
        for (;;) turns++;
    }
    return answer(command->token, "\"" VERSION "\"");
}
