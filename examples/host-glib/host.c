/* A host application with a GLib main loop (GTK's, too), to start from: commands run in the loop, between the application's own
 * work, here a timer. Neither needs a lock. */

#include <glib-unix.h>
#include <jackfield/engine.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    GMainLoop *loop;
    jf_engine *engine;
    guint64 ticks;
} App;

static gboolean on_tick(gpointer data)
{
    App *app = data;
    char json[32];
    g_snprintf(json, sizeof json, "%" G_GUINT64_FORMAT, ++app->ticks);
    jf_engine_publish(app->engine, JF_TEXT("host.tick"), (jf_str){json, strlen(json)});
    return G_SOURCE_CONTINUE;
}

/* Comes within jf_engine_poll, so on the thread of the loop. */
static jf_status on_ticks(void *userdata, const jf_command *command)
{
    App *app = userdata;
    char json[64];
    g_snprintf(json, sizeof json, "{\"ticks\": %" G_GUINT64_FORMAT "}", app->ticks);
    jf_reply reply = {.struct_size = sizeof reply, .json = {json, strlen(json)}};
    return jf_engine_reply(app->engine, command->token, &reply);
}

static gboolean on_commands(gint fd, GIOCondition condition, gpointer data)
{
    App *app = data;
    (void)fd, (void)condition;
    if (jf_engine_poll(app->engine, 0, NULL) == JF_OK) return G_SOURCE_CONTINUE;
    g_main_loop_quit(app->loop);
    return G_SOURCE_REMOVE;
}

static gboolean on_interrupt(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_CONTINUE;
}

static void check(const App *app, jf_status status)
{
    if (status >= 0) return;
    jf_error error = {.struct_size = sizeof error};
    jf_engine_last_error(app->engine, &error);
    g_printerr("%.*s\n", (int)error.message.len, error.message.ptr);
    jf_engine_free(app->engine);
    exit(1);
}

int main(int argc, char **argv)
{
    const char *listen = argc > 1 ? argv[1] : "ws://127.0.0.1:40010";
    const jf_command_info info = {
        .struct_size = sizeof info, .command_class = JF_HOST_THREAD, .flags = JF_COMMAND_READ_ONLY,
        .key = JF_STR("ticks"), .help = JF_STR("How often the application's timer has come"),
        .params_schema = JF_STR("{\"type\": \"object\", \"additionalProperties\": false}"),
    };
    App app = {.loop = g_main_loop_new(NULL, FALSE)};
    const jf_handler handler = {.struct_size = sizeof handler, .handle = on_ticks, .userdata = &app};
    g_unix_signal_add(SIGINT, on_interrupt, app.loop);
    g_timeout_add(100, on_tick, &app);
    check(&app, jf_engine_new(&app.engine));
    check(&app, jf_engine_set(app.engine, JF_TEXT("listen"), (jf_str){listen, strlen(listen)}));
    check(&app, jf_engine_register(app.engine, &info, &handler));
    check(&app, jf_engine_start(app.engine));

    jf_buf urls;
    check(&app, jf_engine_listeners(app.engine, &urls));
    g_print("listening %.*s\n", (int)urls.len, (const char *)urls.ptr);
    urls.release(urls.ctx, urls.ptr, urls.len);

    int64_t handle = -1;
    check(&app, jf_engine_poll_handle(app.engine, &handle));
    g_unix_fd_add((gint)handle, G_IO_IN, on_commands, &app);
    g_main_loop_run(app.loop);

    jf_engine_free(app.engine);
    g_main_loop_unref(app.loop);
    return 0;
}
