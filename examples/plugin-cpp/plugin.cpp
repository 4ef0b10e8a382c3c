/* A plugin in C++, to start from: `cpp.greet` answers at once, `cpp.primes` later, from a thread of the plugin. */

#include <jackfield/plugin.hpp>

#include <charconv>
#include <condition_variable>
#include <mutex>
#include <queue>
#include <thread>

#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION "1.0.0"
#endif

class Example final : public jackfield::Plugin {
public:
    static jackfield::Info info() { return {"cpp-example", "Example in C++", PLUGIN_VERSION}; }

    static void commands(jackfield::Commands<Example> &commands)
    {
        commands.add("cpp.greet", &Example::greet).concurrent().read_only().help("Greets whom the params name")
            .params_schema(R"({"type": "object"})").example(R"({"name": "Ada"})");
        commands.add("cpp.primes", &Example::primes).read_only().help("Counts the primes below a number")
            .params_schema(R"({"type": "object", "required": ["below"], "additionalProperties": false,
                               "properties": {"below": {"type": "integer", "minimum": 0, "maximum": 10000000}}})")
            .order({"below"}).example(R"({"below": 100})");
    }

    Example(jackfield::Host, std::string_view) {}

    void start() override
    {
        stopping_ = false;
        worker_ = std::thread(&Example::work, this);
    }

    void stop() override
    {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_one();
        worker_.join();
    }

private:
    // A plugin that looks into its params brings a JSON library; here they go into the answer as they came.
    std::string greet(jackfield::Call &call)
    {
        if (call.params().find('{') == std::string_view::npos)
            throw std::invalid_argument(R"(The params of 'cpp.greet' must be an object, such as {"name": "Ada"}.)");
        return R"({"greeting": "Hello", "version": ")" PLUGIN_VERSION R"(", "to": )" + std::string(call.params()) + "}";
    }

    void primes(jackfield::Pending &pending)
    {
        const std::lock_guard lock(mutex_);
        waiting_.push(std::move(pending));
        changed_.notify_one();
    }

    void work()
    {
        for (std::unique_lock lock(mutex_);; lock.lock()) {
            changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            jackfield::Pending pending = std::move(waiting_.front());
            waiting_.pop();
            lock.unlock();
            // What this returns or throws is the answer.
            pending.answer([&] { return count_primes(pending); });
        }
    }

    static std::string count_primes(const jackfield::Command &command)
    {
        constexpr std::size_t most = 10'000'000;
        const std::string_view params = command.params();
        std::size_t below = 0;
        const char *digits = std::find_if(params.begin(), params.end(), [](char c) { return c >= '0' && c <= '9'; });
        if (std::from_chars(digits, params.end(), below).ec != std::errc() || below > most)
            throw std::invalid_argument(R"(The params of 'cpp.primes' must be such as {"below": 100}, up to 10000000.)");
        std::vector<bool> composite(below);
        std::size_t found = 0;
        for (std::size_t number = 2; number < below; number++) {
            if (number % 65'536 == 0) command.check_cancelled(), command.progress(number, below, "numbers");
            if (composite[number]) continue;
            found++;
            for (std::size_t multiple = number * number; multiple < below; multiple += number) composite[multiple] = true;
        }
        return "{\"primes\": " + std::to_string(found) + "}";
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::queue<jackfield::Pending> waiting_;
    bool stopping_ = false;
    std::thread worker_;
};

JACKFIELD_PLUGIN(Example)
