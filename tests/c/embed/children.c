/* `children FOLDER`: an application that ignores SIGCHLD, so that nobody gets to know how a child has ended. Prints its plugins. */

#include "check.h"
#include <signal.h>

int main(int count, char **args)
{
    jf_engine *engine;
    jf_buf list;
    CHECK(count == 2 && signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    OK(NULL, jf_engine_new(&engine));
    OK(engine, jf_engine_set(engine, str("plugins.folders"), str(args[1])));
    OK(engine, jf_engine_start(engine));
    calls(engine, "echo", "[1]", "[1]");
    OK(engine, jf_engine_plugins(engine, &list));
    printf("%.*s\n", (int)list.len, (const char *)list.ptr);
    give_back(&list);
    OK(engine, jf_engine_free(engine));
    return 0;
}
