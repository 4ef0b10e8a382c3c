/* Handlers of CONCURRENT commands that wait for other commands lend their threads: as many as there are may wait for further such
 * commands at once; too many are told so at once, and the threads that were begun for them end. */

#include "check.h"
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { WORKERS = 4, MOST_WAITING = 64 };

static jf_engine *engine;
static pthread_barrier_t all_in;
static atomic_int dones, busy, askers;

/* Threads of this process that are workers of the engine. */
static int workers(void)
{
    int count = 0;
    DIR *threads = opendir("/proc/self/task");
    struct dirent *thread;
    CHECK(threads);
    while ((thread = readdir(threads))) {
        char path[300], name[32] = "";
        FILE *file;
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", thread->d_name);
        file = fopen(path, "r");
        if (!file) continue;
        if (fgets(name, sizeof name, file) && !strncmp(name, "jf-host-worker", 14)) count++;
        fclose(file);
    }
    closedir(threads);
    return count;
}

static jf_status plain(void *userdata, const jf_command *command)
{
    return answer(engine, command, userdata);
}

/* Calls another, when as many are here as there are workers. */
static jf_status gathered(void *userdata, const jf_command *command)
{
    jf_buf result;
    pthread_barrier_wait(&all_in);
    OK(engine, jf_engine_call(engine, str(userdata), str("{}"), 20000, &result));
    CHECK(is(&result, "\"inner\""));
    give_back(&result);
    return answer(engine, command, "\"gathered\"");
}

static jf_status asks(void *userdata, const jf_command *command)
{
    jf_status status;
    (void)userdata;
    askers++;
    status = jf_engine_call(engine, str("held"), str("{}"), -1, NULL);
    CHECK(status == JF_OK || status == JF_E_BUSY);
    if (status == JF_E_BUSY) {
        jf_error error;
        memset(&error, 0, sizeof error);
        error.struct_size = sizeof error;
        OK(engine, jf_engine_last_error(engine, &error));
        CHECK(memmem(error.message.ptr, error.message.len, "64 handlers", 11));
        busy++;
    }
    return answer(engine, command, "1");
}

static void done(void *userdata, const jf_reply *reply)
{
    (void)userdata;
    CHECK(reply->status == JF_OK);
    dones++;
}

static void submits(const char *key)
{
    jf_request request = request_of(key, done, NULL);
    request.timeout_ms = -1;
    OK(engine, jf_engine_submit(engine, &request, NULL));
}

int main(void)
{
    int at;
    OK(NULL, jf_engine_new(&engine));
    register_key(engine, "inner", JF_CONCURRENT, plain, "\"inner\"");
    register_key(engine, "inner.inline", JF_INLINE, plain, "\"inner\"");
    register_key(engine, "gathered", JF_CONCURRENT, gathered, "inner");
    register_key(engine, "gathered.inline", JF_CONCURRENT, gathered, "inner.inline");
    register_key(engine, "held", JF_HOST_THREAD, plain, "1");
    register_key(engine, "asks", JF_CONCURRENT, asks, NULL);
    OK(engine, jf_engine_start(engine));

    CHECK(!pthread_barrier_init(&all_in, NULL, WORKERS));
    for (at = 0; at < WORKERS; at++) submits("gathered");
    while (dones < WORKERS) usleep(1000);
    for (at = 0; at < WORKERS; at++) submits("gathered.inline");
    while (dones < 2 * WORKERS) usleep(1000);

    /* One too many; others are served meanwhile. */
    dones = 0;
    for (at = 0; at <= MOST_WAITING; at++) submits("asks");
    while (!busy) usleep(1000);
    CHECK(askers == MOST_WAITING + 1);
    calls(engine, "inner", "{}", "\"inner\"");
    while (dones <= MOST_WAITING) OK(engine, jf_engine_poll(engine, 10, NULL));
    CHECK(busy == 1);
    while (workers() > WORKERS) usleep(1000);
    calls(engine, "inner", "{}", "\"inner\"");
    OK(engine, jf_engine_free(engine));
    while (workers() > 0) usleep(1000);
    puts("done");
    return 0;
}
