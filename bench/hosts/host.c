/* A host application whose handlers give their params back: `host.inline`, `host.serial`, and `host.thread` where it polls. */

#include <jackfield/engine.h>
#include <stdio.h>
#include <string.h>

static jf_status echo(void *userdata, const jf_command *command)
{
    jf_reply reply = {.struct_size = sizeof reply, .json = command->params};
    return jf_engine_reply(userdata, command->token, &reply);
}

int main(void)
{
    static const struct {
        jf_str key;
        uint32_t command_class;
    } keys[] = {{JF_STR("host.inline"), JF_INLINE}, {JF_STR("host.serial"), JF_SERIAL}, {JF_STR("host.thread"), JF_HOST_THREAD}};
    jf_engine *engine;
    jf_buf urls;
    if (jf_engine_new(&engine) || jf_engine_set(engine, JF_TEXT("listen"), JF_TEXT("ws://127.0.0.1:0"))) return 1;
    for (size_t at = 0; at < sizeof keys / sizeof *keys; at++) {
        jf_command_info info = {.struct_size = sizeof info, .command_class = keys[at].command_class, .key = keys[at].key};
        jf_handler handler = {.struct_size = sizeof handler, .userdata = engine, .handle = echo};
        if (jf_engine_register(engine, &info, &handler)) return 1;
    }
    if (jf_engine_start(engine) || jf_engine_listeners(engine, &urls)) return 1;
    /* One URL in a JSON array. */
    printf("listening %.*s\n", (int)urls.len - 4, (const char *)urls.ptr + 2);
    fflush(stdout);
    urls.release(urls.ctx, urls.ptr, urls.len);
    while (!jf_engine_poll(engine, -1, NULL)) continue;
    return 0;
}
