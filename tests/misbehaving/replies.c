/* Replies twice, or to commands that are not its own, or after `handle` said that there is nothing to come; or says nothing
 * but RETURN. */
#define HANDLE too_often
#include "subject.h"

static jf_status too_often(void *instance, const jf_command *command) {
    static jf_token before;
    jf_token token = command->token;
    (void)instance;
#if defined(TWICE)
    say("first %d", (int)answer(token, "1"));
    say("second %d", (int)answer(token, "2"));
    (void)before;
    return JF_OK;
#elif defined(CONTRADICT)
    (void)before;
    answer(token, "1");
    return JF_E_FAILED;
#elif defined(RETURN)
    (void)before, (void)token;
    return RETURN;
#elif defined(FOREIGN)
    (void)before;
    jf_token others[] = {0, token + 1, token ^ (jf_token)1 << 60, ~(jf_token)0};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) say("other %d", (int)answer(others[i], "2"));
    answer(token, "1");
    return JF_OK;
#else
    if (before) say("late %d", (int)answer(before, "2"));
    before = token;
    return JF_OK;
#endif
}
