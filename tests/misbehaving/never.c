/* Says that the answer will come, and gives none. */
#define HANDLE never
#include "subject.h"

static jf_status never(void *instance, const jf_command *command) {
    (void)instance, (void)command;
    return JF_PENDING;
}
