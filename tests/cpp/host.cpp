/*
 * A host for plugin `edges`, linked with it and run under the sanitizers: an old one, whose tables are shorter; and one that
 * has no memory, at each allocation in turn. Prints what the commands are answered; ends with 1 where a promise is broken.
 */
#include "edges.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

/* Allocations until one fails; below 0: none does. */
long left = -1;

struct Answers {
    int count = 0;
    jf_status status = 0;
    std::string text;
} answers;

/* The call that is out. */
void (*done)(void *, const jf_reply *) = nullptr;
void *done_ctx = nullptr;

void must(bool promise, const char *what)
{
    if (promise) return;
    std::printf("broken: %s\n", what);
    std::exit(1);
}

void give_back(const jf_buf &buf)
{
    if (buf.release) buf.release(buf.ctx, buf.ptr, buf.len);
}

void log(const jf_host *, std::int32_t, jf_str) {}

jf_status reply(const jf_host *, jf_token token, const jf_reply *reply)
{
    const long before = std::exchange(left, -1);
    must(token == 7, "the command that was given is answered");
    answers.count++;
    answers.status = reply->status;
    answers.text = jackfield::view(reply->status == JF_OK ? reply->json : reply->message);
    if (reply->json_buf.release) answers.text.append("owned ").append(jackfield::view(reply->json_buf).substr(0, 3));
    give_back(reply->json_buf);
    for (std::size_t number = 0; number < reply->attachment_count; number++) {
        const jf_reply_attachment &part = *reply->attachments[number];
        answers.text.append(" ").append(jackfield::view(part.bytes)).append(jackfield::view(part.buf));
        give_back(part.buf);
    }
    left = before;
    return JF_OK;
}

jf_status call(const jf_host *, jf_token, jf_str key, jf_str, const jf_attachment *const *, std::size_t, std::uint64_t,
               void (*then)(void *, const jf_reply *), void *ctx)
{
    if (jackfield::view(key) != "echo") return JF_E_UNKNOWN_KEY;
    done = then;
    done_ctx = ctx;
    return JF_OK;
}

const jf_call_v1 calls = {sizeof calls, 0, call};

const void *get_service(const jf_host *, jf_str id)
{
    return jackfield::view(id) == JF_SERVICE_CALL ? &calls : nullptr;
}

/* Runs a command to its end. */
void run(const jf_plugin &plugin, void *instance, std::string_view key, std::uint32_t size)
{
    const jf_attachment part = {sizeof part, 0, JF_TEXT("came"), {}, jackfield::to_bytes("abc")};
    const jf_attachment *const parts[] = {&part};
    jf_command command = {};
    command.struct_size = size;
    command.attachment_count = 1;
    command.attachments = parts;
    command.token = 7;
    command.key = jackfield::to_str(key);
    command.params = JF_TEXT("[1]");
    // Of exactly that size, so that a look behind it is seen.
    void *sized = std::malloc(size);
    std::memcpy(sized, &command, size);
    answers = Answers();
    plugin.handle(instance, static_cast<jf_command *>(sized));
    if (done) {
        jf_reply echoed = {};
        echoed.struct_size = sizeof echoed;
        echoed.json = JF_TEXT("[2]");
        std::exchange(done, nullptr)(done_ctx, &echoed);
    }
    left = -1;
    std::free(sized);
}

} // namespace

void *operator new(std::size_t size)
{
    void *made = left == 0 ? nullptr : std::malloc(size);
    if (left >= 0) left--;
    if (!made) throw std::bad_alloc();
    return made;
}
void operator delete(void *made) noexcept { std::free(made); }
void operator delete(void *made, std::size_t) noexcept { std::free(made); }

int main()
{
    jf_host host = {};
    host.struct_size = offsetof(jf_host, progress);
    host.log = log;
    host.get_service = get_service;
    host.reply = reply;
    host.is_cancelled = [](const jf_host *, jf_token) -> std::int32_t { std::abort(); };

    jf_plugin plugin = {};
    plugin.struct_size = offsetof(jf_plugin, destroy);
    must(jackfield_plugin_v1(&host, &plugin) == JF_E_VERSION, "a host without room is refused");
    must(!plugin.create, "nothing is written then");
    plugin.struct_size = offsetof(jf_plugin, get_extension);
    must(jackfield_plugin_v1(&host, &plugin) == JF_OK, "a host without extensions is served");
    must(!plugin.get_extension, "no more is written than there is room for");

    void *instance = nullptr;
    jf_buf why = {};
    left = 0;
    must(plugin.create(&host, JF_TEXT("{}"), &instance, &why) == JF_E_UNAVAILABLE && !instance, "no memory, no plugin");
    left = -1;
    give_back(std::exchange(why, jf_buf{}));
    must(plugin.create(&host, JF_TEXT("{}"), &instance, &why) == JF_OK, "with memory there is one");
    const auto old = static_cast<std::uint32_t>(offsetof(jf_command, attachments));
    for (const char *key :
         {"edges.version", "edges.view", "edges.null", "edges.big", "edges.buffer", "edges.turn", "edges.failure", "edges.runtime",
          "edges.int", "edges.early", "edges.forgotten", "edges.replaced", "edges.call", "edges.call_none", "edges.say"}) {
        for (const std::uint32_t size : {old, static_cast<std::uint32_t>(sizeof(jf_command))}) {
            run(plugin, instance, key, size);
            must(answers.count == 1, "a command is answered once");
            std::printf("%s %d %s\n", key, static_cast<int>(answers.status), answers.text.c_str());
        }
        const std::string with_memory = answers.text;
        long failing = 0;
        do {
            left = failing++;
            run(plugin, instance, key, sizeof(jf_command));
            must(answers.count == 1, "a command is answered once, also without memory");
        } while (answers.text != with_memory && failing < 50);
        must(answers.text == with_memory, "with memory the answer is as before");
    }
    must(plugin.handle(instance, nullptr) == JF_E_UNKNOWN_KEY, "no command is no key");
    plugin.destroy(instance);
    return 0;
}
