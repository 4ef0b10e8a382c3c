/* What the library does to its process: nothing. It may be forked before the start, keeps its signal handlers, its limits and
 * its folder, and a peer that goes away is no SIGPIPE. `process URLFILE` writes where it listens and waits for a line. */

#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_t main_thread;
static volatile sig_atomic_t hits, elsewhere;

static void mine(int number)
{
    (void)number;
    hits++;
    if (!pthread_equal(pthread_self(), main_thread)) elsewhere++;
}

static jf_status handle(void *userdata, const jf_command *command)
{
    return answer(*(jf_engine **)userdata, command, "\"child\"");
}

/* What of the process a library could change. */
struct world {
    void (*handlers[32])(int);
    int flags[32];
    sigset_t mask;
    struct rlimit files;
    char folder[4096];
    char *locale;
};

static void look(struct world *world)
{
    int number;
    memset(world, 0, sizeof *world);
    for (number = 1; number < 32; number++) {
        struct sigaction action;
        CHECK(!sigaction(number, NULL, &action));
        world->handlers[number] = action.sa_handler;
        world->flags[number] = action.sa_flags;
    }
    CHECK(!pthread_sigmask(SIG_SETMASK, NULL, &world->mask));
    CHECK(!getrlimit(RLIMIT_NOFILE, &world->files));
    CHECK(getcwd(world->folder, sizeof world->folder));
    world->locale = getenv("LC_ALL");
}

int main(int count, char **arguments)
{
    static struct world before, after;
    struct sigaction action;
    sigset_t blocked;
    jf_engine *engine;
    jf_buf urls;
    pid_t child;
    int status, at;
    FILE *file;
    CHECK(count == 2);
    main_thread = pthread_self();
    memset(&action, 0, sizeof action);
    action.sa_handler = mine;
    CHECK(!sigaction(SIGUSR1, &action, NULL) && !sigaction(SIGTERM, &action, NULL));
    look(&before);

    /* Made here, forked, and started on both sides. */
    OK(NULL, jf_engine_new(&engine));
    OK(engine, jf_engine_set(engine, str("listen"), str("ws://127.0.0.1:0")));
    register_key(engine, "who", JF_SERIAL, handle, &engine);
    child = fork();
    CHECK(child >= 0);
    OK(engine, jf_engine_start(engine));
    calls(engine, "who", "{}", "\"child\"");
    if (child == 0) {
        OK(engine, jf_engine_free(engine));
        _exit(7);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);

    /* Forked while it runs: there it is none, and nothing waits for threads that are not there. */
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(20);
        GIVES(engine, jf_engine_call(engine, str("who"), str("{}"), -1, NULL), JF_E_STALE);
        GIVES(engine, jf_engine_poll(engine, -1, NULL), JF_E_STALE);
        GIVES(engine, jf_engine_unregister(engine, str("who")), JF_E_STALE);
        GIVES(engine, jf_engine_stop(engine, -1), JF_E_STALE);
        GIVES(engine, jf_engine_start(engine), JF_E_STALE);
        GIVES(engine, jf_engine_free(engine), JF_E_STALE);
        _exit(8);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 8);
    calls(engine, "who", "{}", "\"child\"");

    look(&after);
    CHECK(!memcmp(&before, &after, sizeof before));

    /* Signals of the process come on threads of the application: where that blocks them all, they wait. */
    CHECK(!sigemptyset(&blocked) && !sigaddset(&blocked, SIGUSR1) && !sigaddset(&blocked, SIGTERM));
    CHECK(!pthread_sigmask(SIG_BLOCK, &blocked, NULL));
    for (at = 0; at < 200; at++) {
        CHECK(!kill(getpid(), SIGUSR1) && !kill(getpid(), SIGTERM));
        calls(engine, "who", "{}", "\"child\"");
    }
    CHECK(hits == 0);
    CHECK(!pthread_sigmask(SIG_UNBLOCK, &blocked, NULL));
    CHECK(hits == 2 && elsewhere == 0);

    OK(engine, jf_engine_listeners(engine, &urls));
    file = fopen(arguments[1], "w");
    CHECK(file && fwrite(urls.ptr, 1, urls.len, file) == urls.len && !fclose(file));
    give_back(&urls);
    puts("ready");
    fflush(stdout);
    /* Meanwhile clients connect, and go away in the middle of everything. */
    while (getchar() == EOF && !feof(stdin)) clearerr(stdin);
    calls(engine, "who", "{}", "\"child\"");
    OK(engine, jf_engine_free(engine));
    puts("done");
    return 0;
}
