/*
 * jackfield/engine_edge.hpp - part of engine.hpp: what commands, requests and subscriptions say of themselves, and the
 * functions that the library calls, where exceptions stop. Use the names in Engine.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_ENGINE_EDGE_HPP
#define JACKFIELD_ENGINE_EDGE_HPP

#include "engine_command.hpp"

#include <atomic>
#include <chrono>
#include <forward_list>
#include <functional>
#include <initializer_list>
#include <memory>

namespace jackfield {

class Engine;

namespace hosting {

using Log = std::function<void(Level, std::string_view, std::string_view)>;

/** What is said of a command. All texts are borrowed until Engine::add has returned. */
class Info {
public:
    template <class Key, class = std::enable_if_t<std::is_convertible_v<Key, std::string_view>>> Info(const Key &key)
    {
        info_.struct_size = sizeof info_;
        info_.key = to_str(key);
    }

    /** Gets every message that no key matches, whole, as params. */
    static Info catch_all() { return std::move(Info("").flag(JF_COMMAND_CATCH_ALL)); }

    /** On one thread of the engine, with answers and events that are not for the host's thread. The default. */
    Info &serial() { return info_.command_class = JF_SERIAL, *this; }
    /** On one of four threads, and more while some of them wait in Engine::call, any number at once. */
    Info &concurrent() { return info_.command_class = JF_CONCURRENT, *this; }
    /** On whatever thread brings the command: for short work that never blocks. */
    Info &inlined() { return info_.command_class = JF_INLINE, *this; }
    /** Within Engine::poll. */
    Info &host_thread() { return info_.command_class = JF_HOST_THREAD, *this; }

    /** One line for people. */
    Info &help(std::string_view text) { return info_.help = to_str(text), *this; }
    /** JSON Schema of the params. Plain clients (dialect zeiss) are not held against it. */
    Info &params_schema(std::string_view schema) { return info_.params_schema = to_str(schema), *this; }
    /** JSON Schema of the result. */
    Info &result_schema(std::string_view schema) { return info_.result_schema = to_str(schema), *this; }
    /** Names of the params, for callers that give them by position. */
    Info &order(std::initializer_list<std::string_view> names)
    {
        order_.clear();
        for (const std::string_view param : names) order_.push_back(to_str(param));
        return *this;
    }
    /** Adds example params, one JSON text. */
    Info &example(std::string_view params) { return examples_.push_back(to_str(params)), *this; }

    /** Plain clients get the bare acknowledgement instead of the result. */
    Info &ack_only() { return flag(JF_COMMAND_ACK_ONLY); }
    /** Changes nothing. */
    Info &read_only() { return flag(JF_COMMAND_READ_ONLY); }
    /** Is cancelled when the session that sent it ends. */
    Info &cancel_on_disconnect() { return flag(JF_COMMAND_CANCEL_ON_DISCONNECT); }
    /** Doing it twice is the same as doing it once. */
    Info &idempotent() { return flag(JF_COMMAND_IDEMPOTENT); }
    /** Sets JF_COMMAND_* flags. */
    Info &flag(std::uint32_t flags) { return info_.flags |= flags, *this; }

private:
    friend class jackfield::Engine;

    /** For the library; borrows this. */
    jf_command_info raw() const noexcept
    {
        jf_command_info info = info_;
        info.param_order = order_.data();
        info.param_count = static_cast<std::uint32_t>(order_.size());
        info.examples = examples_.data();
        info.example_count = examples_.size();
        return info;
    }

    jf_command_info info_{};
    std::vector<jf_str> order_;
    std::vector<jf_str> examples_;
};

/** A command to be called. All is borrowed until Engine::submit has returned. */
class Request {
public:
    /** `params`: one JSON text; empty: null. */
    explicit Request(std::string_view key, std::string_view params = {})
    {
        request_.struct_size = sizeof request_;
        request_.key = to_str(key);
        request_.params = to_str(params);
    }

    /** How long it may take, or Engine::forever; else the limit `call_s`. */
    Request &timeout(std::chrono::milliseconds limit) { return request_.timeout_ms = limit.count(), *this; }
    /** Its callbacks come within Engine::poll; else on the thread of SERIAL commands. */
    Request &on_host_thread() { return request_.flags |= JF_ON_HOST_THREAD, *this; }
    /** Adds an attachment; the first is {"$attachment": 0} in the params. */
    Request &attach(const Attachment &part)
    {
        parts_.push_back({sizeof(jf_attachment), 0, to_str(part.name), to_str(part.content_type), to_bytes(part.bytes)});
        return *this;
    }

private:
    friend class jackfield::Engine;

    std::vector<const jf_attachment *> parts() const
    {
        std::vector<const jf_attachment *> pointers;
        pointers.reserve(parts_.size());
        for (const jf_attachment &part : parts_) pointers.push_back(&part);
        return pointers;
    }

    jf_request request_{};
    std::vector<jf_attachment> parts_;
};

/** What events are wanted. All is borrowed until Engine::subscribe has returned. */
class Topics {
public:
    /** 1 to 64 patterns: `*` is one part, `**` the rest. */
    Topics(std::initializer_list<std::string_view> patterns)
    {
        for (const std::string_view pattern : patterns) patterns_.push_back(to_str(pattern));
    }

    /** JSON object of paths and the values that the data of an event must have there. */
    Topics &filter(std::string_view json) { return filter_ = json, *this; }
    /** Events come within Engine::poll; else on the thread of SERIAL commands. */
    Topics &on_host_thread() { return flags_ |= JF_ON_HOST_THREAD, *this; }
    /** Begins with the last event of each topic. */
    Topics &last() { return flags_ |= JF_SUBSCRIBE_LAST, *this; }
    /** Ends when its queue is full, instead of losing its oldest events. */
    Topics &close_when_full() { return flags_ |= JF_SUBSCRIBE_CLOSE, *this; }

private:
    friend class jackfield::Engine;

    /** For the library; borrows this. */
    jf_subscription raw() const noexcept
    {
        jf_subscription wanted = {};
        wanted.struct_size = sizeof wanted;
        wanted.flags = flags_;
        wanted.patterns = patterns_.data();
        wanted.pattern_count = patterns_.size();
        wanted.filter = to_str(filter_);
        return wanted;
    }

    std::vector<jf_str> patterns_;
    std::string_view filter_;
    std::uint32_t flags_ = 0;
};

/** What callbacks need and a move of the Engine leaves where it is. */
struct State {
    jf_engine *engine = nullptr;
    std::atomic<const Log *> log{nullptr};
    std::forward_list<Log> logs;

    State() = default;
    State(const State &) = delete;
    State &operator=(const State &) = delete;
    ~State()
    {
        // Going on would leave the library with functions that are gone.
        if (jf_engine_free(engine) == JF_E_WRONG_STATE) std::terminate();
    }

    static void line(void *userdata, std::int32_t level, jf_str target, jf_str text) noexcept
    {
        static_cast<State *>(userdata)->tell(Level(level), view(target), view(text));
    }

    /** Tells the log, if there is one. */
    void tell(Level level, std::string_view target, std::string_view text) const noexcept
    {
        try {
            if (const Log *to = log) (*to)(level, target, text);
        } catch (...) {
            // There is nobody left to tell.
        }
    }

    /** Runs a callback; tells the log what leaves it. */
    template <class Work> void guard(Work &&work) const noexcept
    {
        try {
            work();
        } catch (...) {
            caught([this](const Caught &what) { tell(Level::Error, "host", what.message); });
        }
    }
};

/** Who takes the commands of a key: the library's from `add` to its release. `Cancel` is std::nullptr_t for none. */
template <class Handler, class Cancel> struct Registered {
    const State *state;
    Handler handler;
    Cancel cancel;

    jf_handler raw() noexcept
    {
        jf_handler made = {};
        made.struct_size = sizeof made;
        made.userdata = this;
        made.handle = &on_handle;
        if constexpr (!std::is_same_v<Cancel, std::nullptr_t>) made.cancel = &on_cancel;
        made.release = &on_release;
        return made;
    }

    static jf_status on_handle(void *userdata, const jf_command *command) noexcept
    {
        auto &self = *static_cast<Registered *>(userdata);
        if constexpr (std::is_invocable_v<Handler &, Call &>) {
            Call call(self.state->engine, command);
            return call.run([&]() -> decltype(auto) { return std::invoke(self.handler, call); });
        } else {
            static_assert(std::is_invocable_v<Handler &, Pending &>, "a handler takes (Call &) or (Pending &)");
            Pending pending(self.state->engine, command);
            try {
                std::invoke(self.handler, pending);
            } catch (...) {
                caught([&](const Caught &what) {
                    // Where it was moved on already, the answer is to come from there.
                    pending ? pending.fail(what) : self.state->tell(Level::Error, "host", what.message);
                });
            }
            return JF_PENDING;
        }
    }

    static void on_cancel(void *userdata, jf_token token) noexcept
    {
        auto &self = *static_cast<Registered *>(userdata);
        self.state->guard([&] { std::invoke(self.cancel, Token(token)); });
    }

    static void on_release(void *userdata) noexcept { delete static_cast<Registered *>(userdata); }
};

/** Who waits for an answer: the library's until `done`. `Progress` is std::nullptr_t for none. */
template <class Done, class Progress> struct Submitted {
    const State *state;
    Done done;
    Progress progress;

    jf_request raw(jf_request wanted, const std::vector<const jf_attachment *> &parts) noexcept
    {
        wanted.attachments = parts.data();
        wanted.attachment_count = parts.size();
        wanted.userdata = this;
        wanted.done = &on_done;
        if constexpr (!std::is_same_v<Progress, std::nullptr_t>) wanted.progress = &on_progress;
        return wanted;
    }

    static void on_done(void *userdata, const jf_reply *reply) noexcept
    {
        const std::unique_ptr<Submitted> self(static_cast<Submitted *>(userdata));
        const Reply told(reply);
        self->state->guard([&] { std::invoke(self->done, told); });
    }

    static void on_progress(void *userdata, std::uint64_t done, std::uint64_t total, jf_str text) noexcept
    {
        auto &self = *static_cast<Submitted *>(userdata);
        self.state->guard([&] { std::invoke(self.progress, done, total, view(text)); });
    }
};

/** Who hears events: the library's from `subscribe` to its release. */
template <class Event> struct Subscribed {
    const State *state;
    Event event;

    jf_subscription raw(jf_subscription wanted) noexcept
    {
        wanted.userdata = this;
        wanted.event = &on_event;
        wanted.release = &on_release;
        return wanted;
    }

    static void on_event(void *userdata, jf_str topic, jf_str data, std::uint64_t dropped) noexcept
    {
        auto &self = *static_cast<Subscribed *>(userdata);
        self.state->guard([&] { std::invoke(self.event, view(topic), view(data), dropped); });
    }

    static void on_release(void *userdata) noexcept { delete static_cast<Subscribed *>(userdata); }
};

} // namespace hosting
} // namespace jackfield

#endif /* JACKFIELD_ENGINE_EDGE_HPP */
