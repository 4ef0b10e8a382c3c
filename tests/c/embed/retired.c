/* `retired FOLDER DATA`: a plugin in FOLDER that stays in the process after its end, as INLINE ones in Rust do, keeps nothing of the
 * data folder: the next run has it, and the next engine. */

#include "check.h"
#include <dirent.h>
#include <unistd.h>

static int descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    CHECK(folder);
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

int main(int count, char **args)
{
    int before = 0;
    CHECK(count == 3);
    for (int round = 0; round < 3; round++) {
        jf_engine *engine;
        OK(NULL, jf_engine_new(&engine));
        OK(engine, jf_engine_set(engine, str("plugins.folders"), str(args[1])));
        OK(engine, jf_engine_set(engine, str("data"), str(args[2])));
        for (int run = 0; run < 2; run++) {
            OK(engine, jf_engine_start(engine));
            calls(engine, "echo", "[1]", "[1]");
            OK(engine, jf_engine_stop(engine, -1));
        }
        OK(engine, jf_engine_free(engine));
        if (round == 0) before = descriptors();
    }
    /* The last ones are closed by threads that end by themselves, such as the one that watches files. */
    while (descriptors() > before) usleep(1000);
    puts("done");
    return 0;
}
