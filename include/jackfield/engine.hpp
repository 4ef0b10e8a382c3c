/*
 * jackfield/engine.hpp - the command server inside a host application in C++17: a thin face of engine.h, which stays the
 * contract. Header-only; link with libjackfield.
 *
 *     jackfield::Engine engine;
 *     engine.set("listen", "ws://127.0.0.1:40010");
 *     engine.add(jackfield::Engine::Info("greet").host_thread().help("Greets"),
 *                [](const jackfield::Engine::Command &command) { return R"({"hello": )" + std::string(command.params()) + "}"; });
 *     engine.start();                                   clients may call it now
 *     while (engine.poll(100ms)) {}
 *
 * Errors     of the library are thrown as EngineFailure, which is a Failure (types.hpp).
 * Exceptions stop at the edge. One that leaves a handler is the command's failure, with its what() and the status that
 *            jackfield::caught tells; one that leaves another callback is told to the log (on_log) as an error.
 * Callables  are moved in, one allocation each, and destroyed when they can be called no more; their destructors must not
 *            throw. What they refer to must live as long; an Engine may be moved meanwhile, so they should not refer to that.
 * Threads    All functions may be called on all threads, also within callbacks; where a callback comes stands with it.
 * JSON       is text, both ways: bring the library that you like.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_ENGINE_HPP
#define JACKFIELD_ENGINE_HPP

#include "engine_edge.hpp"

namespace jackfield {

/** Why a call of the library failed. */
struct EngineFailure : Failure {
    /** Whose fault: "caller", "plugin" (also: a handler of the application), "operator" or "engine" (a bug of Jackfield). */
    std::string culprit;
    /** The error's number, as JSON-RPC clients get it; 0: it is no command's. */
    std::int32_t number;

    explicit EngineFailure(const jf_error &error)
        : Failure(Status(error.status), std::string(view(error.message)), error.code, std::string(view(error.data))),
          culprit(view(error.culprit)), number(error.number)
    {
    }
};

/** A command server in this process. Move-only; a moved-from one may only be destroyed or assigned to. */
class Engine {
public:
    using Attachment = hosting::Attachment;
    using Call = hosting::Call;
    using Command = hosting::Command;
    using Info = hosting::Info;
    using Level = hosting::Level;
    using Pending = hosting::Pending;
    using Reply = hosting::Reply;
    using Request = hosting::Request;
    using Token = hosting::Token;
    using Topics = hosting::Topics;
    using Milliseconds = std::chrono::milliseconds;

    /** For timeouts: as long as it takes. */
    static constexpr Milliseconds forever{-1};

    /** An engine that does nothing yet. */
    Engine() : state_(std::make_unique<hosting::State>()) { check(jf_engine_new(&state_->engine)); }

    /** For functions of engine.h; the Engine's own. */
    jf_engine *raw() const noexcept { return state_->engine; }

    /* ---- configured before it is started, also after a stop ---- */

    /** Adds configuration as TOML text, such as is in jackfield.toml. Failure: Invalid, with the line; WrongState. */
    void configure(std::string_view toml) { check(jf_engine_configure(raw(), to_str(toml))); }
    /** The same from a file. */
    void configure_file(std::string_view path) { check(jf_engine_configure_file(raw(), to_str(path))); }
    /** The same for one value, such as ("limits.shutdown_s", "2"). */
    void set(std::string_view key, std::string_view value) { check(jf_engine_set(raw(), to_str(key), to_str(value))); }

    /** Has `log(Level, target, text)` called for each line from `level` on: on any thread, several at once; must not block. */
    template <class Log> void on_log(Level level, Log log)
    {
        std::forward_list<hosting::Log> fresh;
        fresh.emplace_front(std::move(log));
        check(jf_engine_on_log(raw(), static_cast<std::int32_t>(level), &hosting::State::line, state_.get()));
        state_->log = &fresh.front();
        // An earlier one stays, too: it may be running.
        state_->logs.splice_after(state_->logs.before_begin(), fresh);
    }

    /* ---- its life ---- */

    /** Starts it; connections are let in when this returns. Failure: Invalid (configuration), Unavailable (ports, folders). */
    void start() { check(jf_engine_start(raw())); }

    /** Where it listens: a JSON array of URLs. */
    Buffer listeners() const
    {
        Buffer json;
        check(jf_engine_listeners(raw(), json.out()));
        return json;
    }

    /**
     * Stops it in order; commands that run may take `timeout` (negative: `limits.shutdown_s`). False: called from within a
     * callback of its own, or one that must not wait, so it has only begun. The destructor, too, stops; it must not run in a
     * callback of its own.
     */
    bool stop(Milliseconds timeout = Milliseconds(-1)) { return check(jf_engine_stop(raw(), timeout.count())) == JF_OK; }

    /* ---- commands of the application ---- */

    /**
     * Serves a key from now on, over stops, too. `handler` comes on the thread of the command's class, and takes
     * - a `Call &` or `const Command &`, and returns the result: std::string, std::string_view or Buffer with a JSON text, or
     *   void for null;
     * - or a `Pending &`, which it moves to where the command is answered later.
     * Failure: Invalid, Busy (the key is served), WrongState.
     */
    template <class Handler> void add(const Info &info, Handler handler) { add(info, std::move(handler), nullptr); }

    /** The same; `cancel(Token)` hears of a command that should be given up, as jf_handler says. Most ask is_cancelled. */
    template <class Handler, class Cancel> void add(const Info &info, Handler handler, Cancel cancel)
    {
        using Kept = hosting::Registered<Handler, Cancel>;
        std::unique_ptr<Kept> kept(new Kept{state_.get(), std::move(handler), std::move(cancel)});
        const jf_command_info said = info.raw();
        const jf_handler handlers = kept->raw();
        check(jf_engine_register(raw(), &said, &handlers));
        static_cast<void>(kept.release());
    }

    /** Takes a key back. Failure: NotFound. */
    void remove(std::string_view key) { check(jf_engine_unregister(raw(), to_str(key))); }

    /* ---- the host's thread ---- */

    /**
     * Runs what waits for the host's thread; waits for the first of that up to `timeout`. `*ran` is how many. False: the
     * engine has stopped, and nothing is left. Failure: WrongState (within a callback of its own, or never
     * started), WrongThread (within one of another Engine that must not wait).
     */
    bool poll(Milliseconds timeout = Milliseconds(0), std::uint64_t *ran = nullptr)
    {
        const jf_status status = jf_engine_poll(raw(), timeout.count(), ran);
        return status != JF_E_SHUTTING_DOWN && check(status) == JF_OK;
    }

    /** For poll, epoll, and event loops of all kinds: readable while there is something to poll. Failure: Unavailable. */
    std::int64_t poll_handle() const
    {
        std::int64_t handle = 0;
        check(jf_engine_poll_handle(raw(), &handle));
        return handle;
    }

    /** Makes a poll that waits return, or the next one that would. */
    void wake() { check(jf_engine_wake(raw())); }

    /* ---- calling commands ---- */

    /** Calls a command and waits for its result, one JSON text. A failure of the command is thrown, too. */
    Buffer call(std::string_view key, std::string_view params = {}, Milliseconds timeout = Milliseconds(0))
    {
        Buffer result;
        check(jf_engine_call(raw(), to_str(key), to_str(params), timeout.count(), result.out()));
        return result;
    }

    /**
     * Calls a command and returns at once; gives its number for cancel. `done(const Reply &)` is called once, where the request
     * asks for that. Failure, and `done` is not called: Invalid, Busy, TooLarge, WrongState, ShuttingDown.
     */
    template <class Done> std::uint64_t submit(const Request &request, Done done)
    {
        return submit(request, std::move(done), nullptr);
    }

    /** The same; `progress(done, total, text)` hears how far it is. */
    template <class Done, class Progress> std::uint64_t submit(const Request &request, Done done, Progress progress)
    {
        using Kept = hosting::Submitted<Done, Progress>;
        std::unique_ptr<Kept> kept(new Kept{state_.get(), std::move(done), std::move(progress)});
        const std::vector<const jf_attachment *> parts = request.parts();
        const jf_request wanted = kept->raw(request.request_, parts);
        std::uint64_t id = 0;
        const jf_status status = jf_engine_submit(raw(), &wanted, &id);
        // From here on it may be gone already: `done` runs on another thread.
        if (status == JF_OK) static_cast<void>(kept.release());
        check(status);
        return id;
    }

    /** Asks for a request to be given up; its answer comes all the same. False: it is answered, or none. */
    bool cancel(std::uint64_t request)
    {
        const jf_status status = jf_engine_cancel(raw(), request);
        return status != JF_E_STALE && check(status) == JF_OK;
    }

    /* ---- topics ---- */

    /** Publishes one JSON text. Failure: Invalid, TooLarge, WrongState. */
    void publish(std::string_view topic, std::string_view json)
    {
        check(jf_engine_publish(raw(), to_str(topic), to_str(json)));
    }

    /**
     * Subscribes until unsubscribe or the engine's stop; gives its number. `event(topic, json, dropped)` comes one at a time,
     * where the topics ask for that. Failure: Invalid, WrongState, ShuttingDown.
     */
    template <class Event> std::uint64_t subscribe(const Topics &topics, Event event)
    {
        using Kept = hosting::Subscribed<Event>;
        std::unique_ptr<Kept> kept(new Kept{state_.get(), std::move(event)});
        const jf_subscription wanted = kept->raw(topics.raw());
        std::uint64_t id = 0;
        const jf_status status = jf_engine_subscribe(raw(), &wanted, &id);
        if (status == JF_OK) static_cast<void>(kept.release());
        check(status);
        return id;
    }

    /** No event begins any more. False: it has ended, or is none. */
    bool unsubscribe(std::uint64_t subscription)
    {
        const jf_status status = jf_engine_unsubscribe(raw(), subscription);
        return status != JF_E_STALE && check(status) == JF_OK;
    }

    /* ---- plugins ---- */

    /** All plugins, and why files were refused: one JSON object. */
    Buffer plugins() const
    {
        Buffer json;
        check(jf_engine_plugins(raw(), json.out()));
        return json;
    }
    /** Loads a file of a plugin folder; swaps or unloads a plugin by its id. Wait until that is done; a Failure says why not. */
    void load(std::string_view file) { check(jf_engine_load(raw(), to_str(file))); }
    void reload(std::string_view plugin) { check(jf_engine_reload(raw(), to_str(plugin))); }
    void unload(std::string_view plugin) { check(jf_engine_unload(raw(), to_str(plugin))); }

    /** Offers a service of the application to plugins. `service` must live as long as the Engine. Failure: Invalid, Busy. */
    void provide(std::string_view id, const void *service) { check(jf_engine_provide(raw(), to_str(id), service)); }

private:
    jf_status check(jf_status status) const
    {
        if (status >= 0) return status;
        jf_error error = {};
        error.struct_size = sizeof error;
        jf_engine_last_error(raw(), &error);
        throw EngineFailure(error);
    }

    std::unique_ptr<hosting::State> state_;
};

} // namespace jackfield

#endif /* JACKFIELD_ENGINE_HPP */
