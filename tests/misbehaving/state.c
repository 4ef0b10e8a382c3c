/* STATEFUL: counts its commands, and hands the count over; but for SAVE and RESTORE, what those do instead. With
 * NO_FUNCTIONS it has neither. */
#define FLAGS JF_PLUGIN_STATEFUL
#define HANDLE count
#define GET_EXTENSION extension
#include "subject.h"

static uint8_t counted;

static jf_status count(void *instance, const jf_command *command) {
    char json[8];
    (void)instance;
    snprintf(json, sizeof json, "%u", ++counted);
    return answer(command->token, json);
}

static inline jf_status give(const jf_sink *sink) {
    return sink->write(sink, (jf_bytes){&counted, 1});
}

/* A piece of 1 MiB a hundred times, whatever the sink says. */
static inline jf_status give_100_mib(const jf_sink *sink) {
    static uint8_t piece[1 << 20];
    jf_status status = JF_OK;
    for (int i = 0; i < 100; i++) status = sink->write(sink, (jf_bytes){piece, sizeof piece});
    say("the sink says %d", (int)status);
    return JF_OK;
}

static inline jf_status give_late(const jf_sink *sink) {
    wait_at_gate();
    return give(sink);
}

static jf_status save(void *instance, const jf_sink *sink) {
    (void)instance, (void)sink;
#ifdef SAVE
    return SAVE;
#else
    return give(sink);
#endif
}

static inline jf_status refuse(jf_buf *why) {
    static const char reason[] = "schema 1 is too old";
    *why = (jf_buf){.ptr = (const uint8_t *)reason, .len = sizeof reason - 1};
    return JF_E_STATE;
}

static jf_status restore(void *instance, uint32_t schema, jf_str version, jf_bytes bytes, jf_buf *why) {
    (void)instance, (void)schema, (void)version, (void)why;
#ifdef RESTORE
    (void)bytes;
    return RESTORE;
#else
    counted = bytes.ptr[0];
    return JF_OK;
#endif
}

static const void *extension(jf_str id) {
    static jf_state_v1 state = {.struct_size = sizeof state, .schema = 1, .save = save, .restore = restore};
#ifdef NO_FUNCTIONS
    state.save = NULL;
    state.restore = NULL;
#endif
    return id.len == strlen(JF_EXTENSION_STATE) && !memcmp(id.ptr, JF_EXTENSION_STATE, id.len) ? &state : NULL;
}
