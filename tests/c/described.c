/* A plugin that says all that can be said of a command. -DMORE: one command more, of which nothing is said. */
#include <jackfield/plugin.h>

#define SCHEMA                                                                                                         \
    "{\"type\": \"object\", \"required\": [\"length\"], \"properties\": {"                                             \
    "\"length\": {\"$ref\": \"#/$defs/length\"},"                                                                      \
    "\"also\": {\"type\": [\"string\", \"null\"], \"default\": \"no\", \"description\": \"What else\"},"               \
    "\"hidden\": true},"                                                                                               \
    "\"$defs\": {\"length\": {\"type\": \"number\", \"minimum\": 0, \"description\": \"In mm\"}}}"

static const jf_str order[] = {JF_STR("also"), JF_STR("length")};
static const jf_str examples[] = {JF_STR("{\"length\": 5, \"also\": \"a\"}"), JF_STR("{\"length\": 0}")};

static const jf_command_info ask = {
    .struct_size = sizeof(jf_command_info),
    .command_class = JF_CONCURRENT,
    .flags = JF_COMMAND_READ_ONLY | JF_COMMAND_CANCEL_ON_DISCONNECT,
    .key = JF_STR("described.ask"),
    .help = JF_STR("Answers its params"),
    .params_schema = JF_STR(SCHEMA),
    .result_schema = JF_STR("{\"type\": \"object\"}"),
    .param_order = order,
    .param_count = 2,
    .examples = examples,
    .example_count = 2,
};

static const jf_command_info any = {
    .struct_size = sizeof(jf_command_info),
    .command_class = JF_SERIAL,
    .flags = JF_COMMAND_CATCH_ALL,
};

#ifdef MORE
static const jf_command_info more = {
    .struct_size = sizeof(jf_command_info),
    .command_class = JF_SERIAL,
    .key = JF_STR("described.more"),
};
static const jf_command_info *const commands[] = {&more, &ask, &any};
#else
static const jf_command_info *const commands[] = {&ask, &any};
#endif

static const jf_descriptor descriptor = {
    .struct_size = sizeof(jf_descriptor),
    .id = JF_STR("described"),
    .name = JF_STR("Described"),
    .version = JF_STR("1.2.3"),
    .commands = commands,
    .command_count = sizeof commands / sizeof *commands,
};

static jf_status create(const jf_host *host, jf_str config, void **instance, jf_buf *why) {
    (void)config, (void)why;
    *instance = (void *)host;
    return JF_OK;
}

static jf_status handle(void *instance, const jf_command *command) {
    const jf_host *host = instance;
    jf_reply reply = {.struct_size = sizeof reply, .json = command->params};
    return host->reply(host, command->token, &reply);
}

static void destroy(void *instance) {
    (void)instance;
}

jf_status jackfield_plugin_v1(const jf_host *host, jf_plugin *out) {
    (void)host;
    out->struct_size = sizeof *out;
    out->abi_minor = JF_ABI_MINOR;
    out->descriptor = &descriptor;
    out->create = create;
    out->handle = handle;
    out->destroy = destroy;
    return JF_OK;
}
