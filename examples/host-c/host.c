/* A host application in C, to start from: it has a loop of its own, serves the command `circle` from within it, and ends on
 * Ctrl-C. */

#include <jackfield/engine.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* Comes within jf_engine_poll. The schema below refuses other params, but not those of plain clients: what would do harm is
 * looked at here. In well-formed JSON something that ends a number follows each `:`, so strtod stays inside. */
static jf_status circle(void *userdata, const jf_command *command)
{
    jf_engine *engine = userdata;
    const char *colon = memchr(command->params.ptr, ':', command->params.len);
    double radius = colon ? strtod(colon + 1, NULL) : 0;
    jf_reply reply = {.struct_size = sizeof reply};
    char json[128];
    if (!(radius > 0 && radius <= 1e6)) {
        reply.status = JF_E_INVALID_PARAMS;
        reply.message = JF_TEXT("'circle' needs a radius above 0 and up to 1000000, such as {\"radius\": 2.5}.");
    } else {
        snprintf(json, sizeof json, "{\"area\": %.6f, \"circumference\": %.6f}", 3.14159265358979 * radius * radius,
                 2 * 3.14159265358979 * radius);
        reply.json = (jf_str){json, strlen(json)};
    }
    jf_engine_reply(engine, command->token, &reply);
    return reply.status;
}

static const jf_str order = JF_STR("radius");
static const jf_str example = JF_STR("{\"radius\": 2.5}");
static const jf_command_info circle_info = {
    .struct_size = sizeof(jf_command_info), .command_class = JF_HOST_THREAD, .flags = JF_COMMAND_READ_ONLY,
    .key = JF_STR("circle"), .help = JF_STR("Area and circumference of a circle"),
    .params_schema = JF_STR("{\"type\": \"object\", \"required\": [\"radius\"], \"additionalProperties\": false, \"properties\":"
                            " {\"radius\": {\"type\": \"number\", \"exclusiveMinimum\": 0, \"maximum\": 1000000}}}"),
    .param_order = &order, .param_count = 1, .examples = &example, .example_count = 1,
};

/* What failed is told, and where: the library knows more than a number. */
static int failed(jf_engine *engine)
{
    jf_error error = {.struct_size = sizeof error};
    jf_engine_last_error(engine, &error);
    fprintf(stderr, "%.*s\n", (int)error.message.len, error.message.ptr);
    jf_engine_free(engine);
    return 1;
}

int main(int argc, char **argv)
{
    const char *listen = argc > 1 ? argv[1] : "ws://127.0.0.1:40010";
    jf_engine *engine = NULL;
    if (jf_engine_new(&engine) < 0) return failed(engine);
    jf_handler handler = {.struct_size = sizeof handler, .handle = circle, .userdata = engine};
    jf_buf urls;
    signal(SIGINT, interrupt);
    if (jf_engine_set(engine, JF_TEXT("listen"), (jf_str){listen, strlen(listen)}) < 0
        || jf_engine_register(engine, &circle_info, &handler) < 0 || jf_engine_start(engine) < 0
        || jf_engine_listeners(engine, &urls) < 0)
        return failed(engine);
    printf("listening %.*s\n", (int)urls.len, (const char *)urls.ptr);
    fflush(stdout);
    urls.release(urls.ctx, urls.ptr, urls.len);

    while (!interrupted)
        if (jf_engine_poll(engine, 100, NULL) < 0) return failed(engine);
    jf_engine_free(engine);
    return 0;
}
