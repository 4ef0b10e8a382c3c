/* Plugin `edges`: each way in which a plugin in C++ answers, or does not, one command each. */
#include "edges.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <queue>
#include <thread>

#ifndef VERSION
#define VERSION "1.0.0"
#endif

using jackfield::Call;
using jackfield::Failure;
using jackfield::Pending;
using jackfield::Status;

namespace {

/* Threads of the host that have entered. */
std::atomic<int> threads{0};

class Edges final : public jackfield::Plugin, public jackfield::Stateful {
public:
    static constexpr std::uint32_t schema = 1;

    static jackfield::Info info()
    {
        return jackfield::Info("edges", "Edges", VERSION).topics({"edges.said"}).threads([] { threads++; }, [] { threads--; });
    }

    static void commands(jackfield::Commands<Edges> &commands)
    {
        commands.add("edges.runtime", [](Call &) { throw std::runtime_error("no such lens"); });
        commands.add("edges.latin", [](Call &) { throw std::runtime_error("no \xE9toile, \xC3\xA9toile \xED\xA0\x80"); });
        commands.add("edges.argument", [](Call &) { throw std::invalid_argument("no such angle"); });
        commands.add("edges.memory", [](Call &) -> std::string { throw std::bad_alloc(); });
        commands.add("edges.int", [](Call &) { throw 42; });
        commands.add("edges.failure", [](Call &call) { fail_whole(call); }).concurrent();
        commands.add("edges.ok", [](Call &) { throw Failure(Status::Ok, "not ok at all"); });
        commands.add("edges.early", [](Pending &) { throw std::runtime_error("before it was moved"); });
        commands.add("edges.thrown", [](Edges &self, Pending &pending) { self.push(std::move(pending)); });
        commands.add("edges.late", [](Edges &self, Pending &pending) { self.push(std::move(pending)); });
        commands.add("edges.moved", [](Edges &self, Pending &pending) {
            self.push(std::move(pending));
            throw std::runtime_error("after it was moved");
        });
        commands.add("edges.forgotten", [](Pending &) {});
        commands.add("edges.replaced", [](Pending &pending) { pending = Pending(); });
        commands.add("edges.held", &Edges::hold);
        commands.add("edges.null", [](Call &) {});
        commands.add("edges.view", [](const Call &call) { return call.params(); });
        commands.add("edges.broken", [](Call &) { return "{"; });
        commands.add("edges.big", [](Call &) { return '"' + std::string(8 << 20, 'x') + '"'; });
        commands.add("edges.buffer", [](Call &) { return jackfield::Buffer::of(std::string("[1]")); });
        commands.add("edges.turn", &Edges::turn);
        commands.add("edges.say", [](Edges &self, Call &call) { self.host_.publish("edges.said", call.params()); });
        commands.add("edges.say_badly", [](Edges &self, Call &call) { self.host_.publish("no..topic", call.params()); });
        commands.add("edges.call", [](Pending &pending) {
            // The params are those of the command, which has been moved on when they are read.
            pending.call("echo", pending.params(), [](Pending &back, const jackfield::Reply &reply) {
                back.reply("{\"echoed\": " + std::string(reply.result()) + "}");
            });
        });
        commands.add("edges.call_none", [](Pending &pending) {
            pending.call("none", "[]", [](Pending &back, const jackfield::Reply &) { back.reply("1"); });
        });
        commands.add("edges.call_failing", [](Pending &pending) {
            pending.call("jackfield.plugins.reload", R"({"plugin": "none"})",
                         [](Pending &back, const jackfield::Reply &reply) { back.reply(reply.result()); });
        });
        commands.add("edges.store", [](Edges &self, Call &call) { return store_and_read(self.host_, call.params()); });
        commands.add("edges.count", [](Edges &self, Call &) { return std::to_string(++self.count_); });
        commands.add("edges.version", [](Call &) { return "\"" VERSION "\""; }).help("Tells").order({"a", "b"});
        commands.add("edges.threads", [](Call &) { return threads > 0 ? "true" : "false"; });
    }

    Edges(jackfield::Host host, std::string_view) : host_(host) {}

    void start() override
    {
        stopping_ = false;
        worker_ = std::thread(&Edges::work, this);
    }

    void stop() override
    {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            held_.clear();
        }
        changed_.notify_one();
        worker_.join();
    }

    void cancel(jackfield::Token token) override
    {
        const std::lock_guard lock(mutex_);
        const auto found = held_.find(token);
        if (found == held_.end()) return;
        found->second.fail(Failure(Status::Cancelled, "given up as asked"));
        held_.erase(found);
    }

    void event(std::string_view, std::string_view json, std::uint64_t) override
    {
        host_.publish("edges.heard", json);
        throw std::runtime_error("thrown from event");
    }

    void save(jackfield::Sink &sink) override
    {
        sink.write("count ");
        sink.write(std::to_string(count_));
    }

    void restore(const jackfield::Saved &saved) override
    {
        if (saved.schema != schema || saved.bytes.substr(0, 6) != "count ") throw std::runtime_error("not a count");
#ifdef REFUSE
        throw std::runtime_error("does not want what version " + std::string(saved.version) + " saved");
#endif
        count_ = std::stoi(std::string(saved.bytes.substr(6)));
    }

private:
    void push(Pending pending)
    {
        const std::lock_guard lock(mutex_);
        waiting_.push(std::move(pending));
        changed_.notify_one();
    }

    void hold(Pending &pending)
    {
        const std::lock_guard lock(mutex_);
        pending.progress(1, 2, "held");
        const jackfield::Token token = pending.token();
        if (!pending.is_cancelled()) held_.emplace(token, std::move(pending));
    }

    static std::string turn(Call &call)
    {
        const jackfield::Attachment came = call.attachment(0);
        call.attach("turned", std::string(came.content_type), std::vector<char>(came.bytes.rbegin(), came.bytes.rend()));
        call.attach_borrowed(std::string(came.name), "", came.bytes);
        return R"([{"$attachment": 0}, {"$attachment": 1}])";
    }

    void work()
    {
        for (std::unique_lock lock(mutex_);; lock.lock()) {
            changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            Pending pending = std::move(waiting_.front());
            waiting_.pop();
            lock.unlock();
            pending.answer([&] {
                if (pending.key() == "edges.thrown") throw std::runtime_error("from a thread");
                return "\"late\"";
            });
        }
    }

    jackfield::Host host_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::queue<Pending> waiting_;
    std::map<jackfield::Token, Pending> held_;
    bool stopping_ = false;
    int count_ = 0;
    std::thread worker_;
};

} // namespace

JACKFIELD_PLUGIN(Edges)
