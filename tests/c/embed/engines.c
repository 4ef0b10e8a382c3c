/* Two engines in one process: `engines FOLDER-A FOLDER-B`, plugin folders of their own. Writes where each listens, a line each,
 * and serves until its input ends. */

#include "check.h"

struct host {
    jf_engine *engine;
    const char *name;
};

static jf_status who(void *userdata, const jf_command *command)
{
    struct host *host = userdata;
    return answer(host->engine, command, host->name);
}

int main(int count, char **arguments)
{
    struct host hosts[2] = {{NULL, "\"a\""}, {NULL, "\"b\""}};
    int at;
    CHECK(count == 3);
    for (at = 0; at < 2; at++) {
        jf_engine *engine;
        jf_buf urls;
        OK(NULL, jf_engine_new(&engine));
        hosts[at].engine = engine;
        OK(engine, jf_engine_set(engine, str("listen"), str("ws://127.0.0.1:0")));
        OK(engine, jf_engine_set(engine, str("plugins.folders"), str(arguments[1 + at])));
        register_key(engine, "who", JF_SERIAL, who, &hosts[at]);
        OK(engine, jf_engine_start(engine));
        OK(engine, jf_engine_listeners(engine, &urls));
        printf("%.*s\n", (int)urls.len, (const char *)urls.ptr);
        fflush(stdout);
        give_back(&urls);
    }
    while (getchar() != EOF) continue;
    /* Each goes its own way: the other serves on. */
    OK(hosts[0].engine, jf_engine_free(hosts[0].engine));
    calls(hosts[1].engine, "who", "{}", "\"b\"");
    OK(hosts[1].engine, jf_engine_free(hosts[1].engine));
    puts("done");
    return 0;
}
