/* What the soak swaps, in C: every answer tells the key, the version, a stamp of the generation, and its params, which are
 * [SESSION,NUMBER,ADD]. The stamp is CLOCK_MONOTONIC at `create` in nanoseconds, logged as `born STAMP`.
 *
 * SOAK_ID       "c-plain" and so on; the keys are SOAK_ID.serial and .concurrent, or .inline alone
 * SOAK_VERSION  "1.0.1"
 * SOAK_FLAGS    JF_PLUGIN_*; with JF_PLUGIN_STATEFUL, .serial adds ADD to a count that outlives the swap, and tells it
 * SOAK_INLINE   defined: the INLINE one */

#include <jackfield/plugin.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct soak {
    const jf_host *host;
    uint64_t stamp;
    uint64_t count;
};

#ifdef SOAK_INLINE
static const jf_command_info inline_info = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_INLINE, .key = JF_STR(SOAK_ID ".inline"),
};
static const jf_command_info *const commands[] = {&inline_info};
#else
static const jf_command_info serial_info = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_SERIAL, .key = JF_STR(SOAK_ID ".serial"),
};
static const jf_command_info concurrent_info = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_CONCURRENT, .key = JF_STR(SOAK_ID ".concurrent"),
};
static const jf_command_info *const commands[] = {&serial_info, &concurrent_info};
#endif

static const jf_descriptor descriptor = {
    .struct_size = sizeof(jf_descriptor), .flags = SOAK_FLAGS, .id = JF_STR(SOAK_ID), .name = JF_STR("Soak"),
    .version = JF_STR(SOAK_VERSION), .commands = commands, .command_count = sizeof commands / sizeof *commands,
};

static jf_status create(const jf_host *host, jf_str config, void **out, jf_buf *why)
{
    struct soak *soak = calloc(1, sizeof *soak);
    struct timespec now;
    char text[32];
    (void)config, (void)why;
    if (!soak) return JF_E_FAILED;
    clock_gettime(CLOCK_MONOTONIC, &now);
    soak->host = host;
    soak->stamp = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    *out = soak;
    host->log(host, JF_LOG_INFO, (jf_str){text, (size_t)snprintf(text, sizeof text, "born %" PRIu64, soak->stamp)});
    return JF_OK;
}

static void destroy(void *instance) { free(instance); }

/* Only on the serial thread. */
static uint64_t add(struct soak *soak, jf_str params)
{
    char text[128] = "";
    unsigned long long number = 0;
    memcpy(text, params.ptr, params.len < sizeof text ? params.len : sizeof text - 1);
    if (sscanf(text, "[%*u,%*u,%llu]", &number) == 1) soak->count += number;
    return soak->count;
}

static jf_status handle(void *instance, const jf_command *command)
{
    struct soak *soak = instance;
    jf_reply reply = {.struct_size = sizeof reply, .status = JF_OK};
    char text[512], count[32] = "";
    int len;
    if ((SOAK_FLAGS & JF_PLUGIN_STATEFUL) && command->key.ptr[command->key.len - 1] == 'l')
        snprintf(count, sizeof count, "\"count\":%" PRIu64 ",", add(soak, command->params));
    len = snprintf(text, sizeof text, "{\"of\":\"%.*s\",\"version\":\"" SOAK_VERSION "\",\"stamp\":%" PRIu64 ",%s\"to\":%.*s}",
                   (int)command->key.len, (const char *)command->key.ptr, soak->stamp, count, (int)command->params.len,
                   (const char *)command->params.ptr);
    if (len < 0 || (size_t)len >= sizeof text) return JF_E_INVALID_PARAMS;
    reply.json = (jf_str){text, (size_t)len};
    return soak->host->reply(soak->host, command->token, &reply);
}

static jf_status save(void *instance, const jf_sink *sink)
{
    const struct soak *soak = instance;
    return sink->write(sink, (jf_bytes){(const uint8_t *)&soak->count, sizeof soak->count});
}

static jf_status restore(void *instance, uint32_t schema, jf_str version, jf_bytes bytes, jf_buf *why)
{
    struct soak *soak = instance;
    (void)schema, (void)version, (void)why;
    if (bytes.len != sizeof soak->count) return JF_E_STATE;
    memcpy(&soak->count, bytes.ptr, sizeof soak->count);
    return JF_OK;
}

static const void *get_extension(jf_str id)
{
    static const jf_state_v1 state = {.struct_size = sizeof state, .schema = 1, .save = save, .restore = restore};
    const size_t len = sizeof JF_EXTENSION_STATE - 1;
    const int has = (SOAK_FLAGS & JF_PLUGIN_STATEFUL) && id.len == len && !memcmp(id.ptr, JF_EXTENSION_STATE, len);
    return has ? &state : NULL;
}

JF_EXPORT jf_status JF_CALL jackfield_plugin_v1(const jf_host *host, jf_plugin *out)
{
    jf_plugin plugin = {.struct_size = sizeof plugin, .abi_minor = JF_ABI_MINOR, .descriptor = &descriptor,
                        .create = create, .handle = handle, .destroy = destroy, .get_extension = get_extension};
    (void)host;
    memcpy(out, &plugin, out->struct_size < sizeof plugin ? out->struct_size : sizeof plugin);
    return JF_OK;
}
