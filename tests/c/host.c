/* The least that a host can be: takes minimal.c through one command and prints what it answers. */
#include <jackfield/plugin.h>
#include <stdio.h>

static void write_log(const jf_host *host, int32_t level, jf_str text) {
    (void)host;
    printf("log %d %.*s\n", (int)level, (int)text.len, text.ptr);
}

static jf_status take_reply(const jf_host *host, jf_token token, const jf_reply *reply) {
    (void)host;
    printf("reply %d to %d: %.*s\n", (int)reply->status, (int)token, (int)reply->json.len, reply->json.ptr);
    return JF_OK;
}

int main(void) {
    const jf_host host = {.struct_size = sizeof host, .log = write_log, .reply = take_reply};
    const jf_command command = {
        .struct_size = sizeof command, .token = 7, .key = JF_STR("minimal"), .params = JF_STR("{\"a\":1}")};
    jf_plugin plugin = {.struct_size = sizeof plugin};
    jf_buf why = {.len = 0};
    void *instance = NULL;
    if (jackfield_plugin_v1(&host, &plugin) != JF_OK || plugin.create(&host, JF_TEXT("{}"), &instance, &why) != JF_OK) {
        return 1;
    }
    printf("id %.*s\n", (int)plugin.descriptor->id.len, plugin.descriptor->id.ptr);
    printf("status %d\n", (int)plugin.handle(instance, &command));
    plugin.destroy(instance);

    /* A host that was made before `get_extension`. */
    plugin.struct_size = offsetof(jf_plugin, get_extension);
    printf("has destroy %d, get_extension %d\n", JF_HAS(&plugin, destroy), JF_HAS(&plugin, get_extension));
    return 0;
}
