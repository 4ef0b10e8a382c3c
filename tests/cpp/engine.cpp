/* What engine.hpp promises, held against the library: each check prints its name, and the first that fails ends the program. */

#include <jackfield/engine.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>
#include <thread>

using namespace std::chrono_literals;
using jackfield::Engine;
using jackfield::EngineFailure;
using jackfield::Failure;
using jackfield::Status;

namespace {

void expect(bool holds, const char *what)
{
    if (holds) return;
    std::printf("FAILED: %s\n", what);
    std::fflush(stdout);
    std::_Exit(1);
}
#define EXPECT(what) expect((what), #what)

/** The failure that `work` throws. */
template <class Work> EngineFailure failure_of(Work &&work)
{
    try {
        work();
    } catch (const EngineFailure &failure) {
        return failure;
    }
    expect(false, "no failure comes");
    std::abort();
}

/** What came by a callback; waits for it. */
template <class T> T got(std::promise<T> &promise)
{
    auto future = promise.get_future();
    EXPECT(future.wait_for(60s) == std::future_status::ready);
    return future.get();
}

std::string text(const jackfield::Buffer &buffer) { return std::string(buffer.view()); }

void what_a_handler_throws_is_the_answer()
{
    Engine engine;
    engine.add("fails", [](Engine::Call &) -> std::string { throw Failure(Status::Failed, "later", 77, R"({"a": 1})"); });
    engine.add("std", [](Engine::Call &) { throw std::runtime_error("no device"); });
    engine.add("params", [](Engine::Call &) { throw std::invalid_argument("too small"); });
    engine.add("int", [](Engine::Call &) { throw 3; });
    engine.add("pending", [](Engine::Pending &) { throw std::runtime_error("not begun"); });
    engine.add("fine", [] (const Engine::Command &command) { return std::string(command.params()); });
    engine.start();
    const auto fails = failure_of([&] { engine.call("fails"); });
    EXPECT(fails.status == Status::Failed && fails.message == "later" && fails.code == 77 && fails.culprit == "plugin");
    EXPECT(fails.details.find(R"("a")") != std::string::npos && fails.number != 0);
    EXPECT(failure_of([&] { engine.call("std"); }).message == "no device");
    EXPECT(failure_of([&] { engine.call("params"); }).status == Status::InvalidParams);
    EXPECT(failure_of([&] { engine.call("int"); }).status == Status::Panic);
    EXPECT(failure_of([&] { engine.call("pending"); }).message == "not begun");
    EXPECT(text(engine.call("fine", "[1]")) == "[1]");
}

void what_other_callbacks_throw_is_logged()
{
    std::mutex mutex;
    std::vector<std::string> told;
    Engine engine;
    engine.on_log(Engine::Level::Error, [&](Engine::Level, std::string_view target, std::string_view line) {
        const std::lock_guard lock(mutex);
        if (target == "host") told.emplace_back(line);
        throw std::runtime_error("of the log");
    });
    std::promise<Engine::Pending> held;
    engine.add(Engine::Info("held").host_thread(), [&](Engine::Pending &pending) {
        pending.progress(1, 2, "half");
        held.set_value(std::move(pending));
        throw std::runtime_error("behind a Pending");
    }, [](Engine::Token) { throw std::runtime_error("of cancel"); });
    engine.start();
    bool done = false;
    const auto request = engine.submit(Engine::Request("held").on_host_thread(), [&](const Engine::Reply &reply) {
        done = true;
        EXPECT(reply.status() == Status::Cancelled);
        reply.result();
    }, [](auto, auto, auto) { throw std::runtime_error("of progress"); });
    engine.subscribe(Engine::Topics{"a.*"}.on_host_thread(), [](auto, auto, auto) { throw std::runtime_error("of an event"); });
    engine.publish("a.b", "1");
    const auto saw = [&](std::string_view line) {
        const std::lock_guard lock(mutex);
        return std::find(told.begin(), told.end(), line) != told.end();
    };
    while (!saw("of progress") || !saw("of an event") || !saw("behind a Pending")) engine.poll(Engine::forever);
    EXPECT(engine.cancel(request));
    while (!saw("of cancel")) engine.poll(Engine::forever);
    got(held).fail(Failure(Status::Cancelled, "given up"));
    while (!done) engine.poll(Engine::forever);
    EXPECT(saw("given up") && !engine.cancel(request));
}

void a_pending_is_answered_once_by_whom_it_was_moved_to()
{
    Engine engine;
    std::thread worker;
    std::promise<Engine::Pending> held;
    std::promise<std::string> progress, result;
    engine.add("later", [&](Engine::Pending &pending) {
        worker = std::thread([&progress, mine = std::move(pending)]() mutable {
            mine.progress(1, 2, "half");
            // One that is overtaken by its answer is not told.
            EXPECT(got(progress) == "1/2 half");
            Engine::Pending other;
            EXPECT(!other && mine);
            other = std::move(mine);
            EXPECT(other && !mine);
            other.answer([&] { return "{\"of\": " + std::string(other.params()) + "}"; });
            EXPECT(!other);
        });
    });
    engine.add("dropped", [](Engine::Pending &pending) { const Engine::Pending gone = std::move(pending); });
    engine.add("untouched", [](Engine::Pending &) {});
    engine.add("held", [&](Engine::Pending &pending) { held.set_value(std::move(pending)); });
    engine.start();
    engine.submit(Engine::Request("later", "5"), [&](const Engine::Reply &reply) { result.set_value(std::string(reply.result())); },
                  [&](std::uint64_t done, std::uint64_t total, std::string_view said) {
                      progress.set_value(std::to_string(done) + "/" + std::to_string(total) + " " + std::string(said));
                  });
    EXPECT(got(result) == R"({"of": 5})");
    worker.join();
    EXPECT(failure_of([&] { engine.call("dropped"); }).status == Status::Failed);
    EXPECT(failure_of([&] { engine.call("untouched"); }).message.find("without an answer") != std::string::npos);
    std::promise<Status> cancelled;
    const auto request = engine.submit(Engine::Request("held"), [&](const Engine::Reply &reply) { cancelled.set_value(reply.status()); });
    {
        Engine::Pending pending = got(held);
        EXPECT(!pending.is_cancelled());
        EXPECT(engine.cancel(request) && pending.is_cancelled());
    }
    EXPECT(got(cancelled) == Status::Cancelled);
}

void a_pending_may_outlive_its_engine()
{
    std::promise<Engine::Pending> held;
    std::promise<Status> answer;
    Engine::Pending pending;
    {
        Engine engine;
        engine.set("limits.shutdown_s", "0.01");
        engine.add("held", [&](Engine::Pending &mine) { held.set_value(std::move(mine)); });
        engine.start();
        engine.submit(Engine::Request("held"), [&](const Engine::Reply &reply) { answer.set_value(reply.status()); });
        pending = got(held);
    }
    EXPECT(got(answer) == Status::OutcomeUnknown);
    EXPECT(pending.is_cancelled());
    pending.progress(1, 2, "nobody hears");
}

void an_engine_moves_while_it_runs()
{
    auto kept = std::make_shared<int>(0);
    Engine first;
    first.add(Engine::Info("count").host_thread(), [kept](Engine::Call &) { return std::to_string(++*kept); });
    first.start();
    EXPECT(first.poll());
    EXPECT(text(first.call("count")) == "1");
    Engine second = std::move(first);
    EXPECT(text(second.call("count")) == "2");
    Engine third;
    third.add("other", [kept](Engine::Call &) {});
    third.start();
    EXPECT(kept.use_count() == 3);
    third = std::move(second);
    EXPECT(kept.use_count() == 2 && text(third.call("count")) == "3");
    EXPECT(failure_of([&] { third.call("other"); }).status == Status::UnknownKey);
}

void callables_go_when_they_can_be_called_no_more()
{
    auto kept = std::make_shared<int>(0);
    Engine engine;
    engine.add("a", [kept](Engine::Call &) {}, [kept](Engine::Token) {});
    EXPECT(kept.use_count() == 3);
    EXPECT(failure_of([&] { engine.add("a", [kept](Engine::Call &) {}); }).status == Status::Busy);
    EXPECT(failure_of([&] { engine.submit(Engine::Request("a"), [kept](const Engine::Reply &) {}); }).status == Status::WrongState);
    EXPECT(failure_of([&] { engine.subscribe({"a"}, [kept](auto, auto, auto) {}); }).status == Status::WrongState);
    EXPECT(kept.use_count() == 3);
    engine.start();
    std::promise<void> gone;
    struct Last {
        std::promise<void> *gone;
        ~Last() { gone->set_value(); }
    };
    const auto number = engine.subscribe({"b"}, [last = std::shared_ptr<Last>(new Last{&gone}), kept](auto, auto, auto) {});
    EXPECT(kept.use_count() == 4 && engine.unsubscribe(number) && !engine.unsubscribe(number));
    EXPECT(gone.get_future().wait_for(60s) == std::future_status::ready);
    engine.remove("a");
    EXPECT(failure_of([&] { engine.remove("a"); }).status == Status::NotFound);
    std::promise<void> done;
    engine.submit(Engine::Request("a"), [kept, &done](const Engine::Reply &) { done.set_value(); });
    EXPECT(done.get_future().wait_for(60s) == std::future_status::ready);
    EXPECT(engine.stop());
    EXPECT(!engine.poll());
    EXPECT(kept.use_count() == 1);
}

void errors_of_the_library_tell_whose_fault_it_is()
{
    Engine engine;
    const auto wrong = failure_of([&] { engine.configure("listen = 3\n"); });
    EXPECT(wrong.status == Status::Invalid && wrong.culprit == "operator" && wrong.message.find("listen") != std::string::npos);
    EXPECT(failure_of([&] { engine.set("limits.nothing", "1"); }).status == Status::Invalid);
    EXPECT(failure_of([&] { engine.poll(); }).status == Status::WrongState);
    engine.start();
    EXPECT(engine.listeners().view() == "[]" && engine.plugins().view().front() == '{' && engine.poll_handle() >= 0);
    const auto unknown = failure_of([&] { engine.call("nobody"); });
    EXPECT(unknown.status == Status::UnknownKey && unknown.culprit == "caller" && unknown.number != 0);
    EXPECT(failure_of([&] { engine.call("nobody", "{"); }).status == Status::Invalid);
    EXPECT(failure_of([&] { engine.publish("a", "{"); }).status == Status::Invalid);
    EXPECT(failure_of([&] { engine.load("nothing.so"); }).status == Status::InvalidParams);
    // It is fit to be thrown on from a handler.
    engine.add("on", [&](Engine::Call &) { engine.call("nobody"); });
    EXPECT(failure_of([&] { engine.call("on"); }).status == Status::UnknownKey);
}

void two_engines_in_one_process_call_each_other()
{
    Engine one, other;
    one.add("there", [&](const Engine::Command &command) { return other.call("back", command.params()); });
    other.add(Engine::Info("back").concurrent(), [&](const Engine::Command &command) { return one.call("end", command.params()); });
    one.add(Engine::Info("end").inlined(), [](const Engine::Command &command) { return std::string(command.params()); });
    one.start();
    other.start();
    const std::string large = "\"" + std::string(100000, 'x') + "\"";
    EXPECT(text(one.call("there", large)) == large);
    EXPECT(failure_of([&] { one.call("back"); }).status == Status::UnknownKey);
}

void an_engine_may_go_in_a_callback_of_another()
{
    auto gone = std::make_shared<int>(0);
    auto other = std::make_shared<Engine>();
    other->add("kept", [gone](Engine::Call &) {});
    other->start();
    Engine engine;
    engine.add("drop", [&](Engine::Call &) { other.reset(); });
    engine.start();
    engine.call("drop");
    EXPECT(!other && gone.use_count() == 1);
    // Also with the callable that keeps it, on whatever thread that goes.
    other = std::make_shared<Engine>();
    other->add("kept", [gone](Engine::Call &) {});
    other->start();
    std::promise<void> hears;
    engine.submit(Engine::Request("drop"), [kept = std::move(other), &hears](const Engine::Reply &) { hears.set_value(); });
    got(hears);
    EXPECT(engine.stop() && gone.use_count() == 1);
}

void attachments_go_both_ways()
{
    Engine engine;
    engine.add("turn", [](Engine::Call &call) {
        const Engine::Attachment part = call.attachment(0);
        const auto number = call.attach(std::string(part.name) + "!", "text/plain", std::string(part.bytes.rbegin(), part.bytes.rend()));
        return "{\"$attachment\": " + std::to_string(number) + "}";
    });
    engine.start();
    std::promise<std::string> turned;
    engine.submit(Engine::Request("turn", R"({"$attachment": 0})").attach({"name", "text/plain", "abc"}), [&](const Engine::Reply &reply) {
        const Engine::Attachment part = reply.attachment(0);
        turned.set_value(std::string(part.name) + " " + std::string(part.bytes));
    });
    EXPECT(got(turned) == "name! cba");
    EXPECT(failure_of([&] { engine.call("turn"); }).message == "There is no attachment 0.");
}

void a_poll_that_waits_is_woken()
{
    Engine engine;
    engine.start();
    std::atomic<bool> over{false};
    // Again and again: it may come before the poll.
    std::thread waker([&] {
        while (!over) engine.wake();
    });
    std::uint64_t ran = 1;
    EXPECT(engine.poll(Engine::forever, &ran) && ran == 0);
    over = true;
    waker.join();
}

} // namespace

int main()
{
#define RUN(check) std::puts(#check), std::fflush(stdout), check()
    RUN(what_a_handler_throws_is_the_answer);
    RUN(what_other_callbacks_throw_is_logged);
    RUN(a_pending_is_answered_once_by_whom_it_was_moved_to);
    RUN(a_pending_may_outlive_its_engine);
    RUN(an_engine_moves_while_it_runs);
    RUN(callables_go_when_they_can_be_called_no_more);
    RUN(errors_of_the_library_tell_whose_fault_it_is);
    RUN(two_engines_in_one_process_call_each_other);
    RUN(an_engine_may_go_in_a_callback_of_another);
    RUN(attachments_go_both_ways);
    RUN(a_poll_that_waits_is_woken);
}
