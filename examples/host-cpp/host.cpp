/* A host application in C++, to start from: `circle` is answered from the application's own loop, `count` later, by a worker
 * thread that tells how far it is, and what clients publish on `greetings` is printed. Ends on Ctrl-C. */

#include <jackfield/engine.hpp>

#include <charconv>
#include <condition_variable>
#include <csignal>
#include <iostream>
#include <mutex>
#include <queue>
#include <thread>

using namespace std::chrono_literals;
using jackfield::Engine;

namespace {

volatile std::sig_atomic_t interrupted = 0;

/** The number that the params of both commands have. An application that takes more brings a JSON library. */
template <class Number> Number number_in(std::string_view params)
{
    Number number{};
    const auto colon = params.find(':');
    const auto first = colon == params.npos ? colon : params.find_first_not_of(' ', colon + 1);
    if (first == params.npos || std::from_chars(&params[first], params.end(), number).ec != std::errc() || !(number > 0))
        throw std::invalid_argument("A number above 0 is needed, such as {\"radius\": 2.5} or {\"to\": 100}.");
    return number;
}

/** Counts, for one command after the other, on a thread of its own. */
class Worker {
public:
    Worker() : thread_([this] { work(); }) {}
    ~Worker()
    {
        add({}, 0);
        thread_.join();
    }

    /** `pending` none: ends when all before it are done. */
    void add(Engine::Pending pending, unsigned to)
    {
        const std::lock_guard lock(mutex_);
        waiting_.emplace(std::move(pending), to);
        changed_.notify_one();
    }

private:
    void work()
    {
        for (;;) {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return !waiting_.empty(); });
            auto [pending, to] = std::move(waiting_.front());
            waiting_.pop();
            lock.unlock();
            if (!pending) return;
            // What this returns or throws is the answer.
            pending.answer([&command = pending, last = to] { return count(command, last); });
        }
    }

    static std::string count(const Engine::Command &command, unsigned to)
    {
        for (unsigned number = 1; number <= to; number++) {
            command.check_cancelled();
            command.progress(number, to, "counting");
            std::this_thread::sleep_for(10ms);
        }
        return "{\"counted\": " + std::to_string(to) + "}";
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::queue<std::pair<Engine::Pending, unsigned>> waiting_;
    std::thread thread_;
};

std::string circle(const Engine::Command &command)
{
    const auto radius = number_in<double>(command.params());
    return "{\"area\": " + std::to_string(3.14159265358979 * radius * radius) + "}";
}

void run(const char *listen)
{
    Worker worker;
    Engine engine;
    engine.set("listen", listen);
    engine.add(Engine::Info("circle").host_thread().read_only().help("Area of a circle").order({"radius"})
                   .params_schema(R"({"type": "object", "required": ["radius"], "additionalProperties": false, "properties":
                                      {"radius": {"type": "number", "exclusiveMinimum": 0, "maximum": 1000000}}})")
                   .example(R"({"radius": 2.5})"),
               circle);
    engine.add(Engine::Info("count").read_only().help("Counts, slowly").order({"to"})
                   .params_schema(R"({"type": "object", "required": ["to"], "additionalProperties": false, "properties":
                                      {"to": {"type": "integer", "minimum": 1, "maximum": 100000}}})")
                   .example(R"({"to": 100})"),
               [&worker](Engine::Pending &pending) {
                   const auto to = number_in<unsigned>(pending.params());
                   worker.add(std::move(pending), to);
               });
    engine.start();
    engine.subscribe(Engine::Topics{"greetings"}.on_host_thread(), [](auto topic, auto json, auto) {
        std::cout << topic << ' ' << json << std::endl;
    });
    std::cout << "listening " << engine.listeners().view() << std::endl;
    while (!interrupted && engine.poll(100ms)) {}
}

} // namespace

int main(int argc, char **argv)
{
    std::signal(SIGINT, [](int) { interrupted = 1; });
    try {
        run(argc > 1 ? argv[1] : "ws://127.0.0.1:40010");
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
