/*
 * jackfield/plugin.hpp - plugins of Jackfield in C++17: a thin face of plugin.h, which stays the contract. Header-only.
 *
 *     class Greeter : public jackfield::Plugin {
 *     public:
 *         static jackfield::Info info() { return {"greeter", "Greeter", "1.0.0"}; }
 *         static void commands(jackfield::Commands<Greeter> &commands) { commands.add("greet", &Greeter::greet); }
 *         Greeter(jackfield::Host, std::string_view) {}
 *         std::string greet(jackfield::Call &call) { return R"({"hello": )" + std::string(call.params()) + "}"; }
 *     };
 *     JACKFIELD_PLUGIN(Greeter)
 *
 * Exceptions  stop at the edge: one that leaves a handler is the command's failure, with its what() and the status that
 *             jackfield::caught (types.hpp) tells; one that leaves the constructor, start or restore refuses the version, and
 *             its what() is told to the operator; others are logged. Destructors must not throw.
 * JSON        is text, both ways: bring the library that you like.
 * Unloading   needs `-fvisibility=hidden -fno-gnu-unique -Wl,--version-script=.../jackfield/plugin.map`, and no thread that
 *             goes on after stop. With INLINE commands also no thread_local; and the first such plugin of a process that
 *             does not have the C++ library yet stays, because of that library's own.
 *
 * The macro stands in one source file; the header may be included in many.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_PLUGIN_HPP
#define JACKFIELD_PLUGIN_HPP

#include "plugin_command.hpp"
#include "plugin_host.hpp"
#include "plugin_store.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <initializer_list>

namespace jackfield {

/** What every text here is: a string literal, or another text that lives until the library is unloaded. */
using Literal = std::string_view;

/** Who a plugin is, for `static Info T::info()`. */
class Info {
public:
    /** `id`: 1 to 64 of a-z, 0-9, `-`, `_`, `.`, for ever the same; `name` is for people; `version` such as "1.2.0". */
    Info(Literal id, Literal name, Literal version)
    {
        raw_.struct_size = sizeof raw_;
        raw_.id = to_str(id);
        raw_.name = to_str(name);
        raw_.version = to_str(version);
    }

    /** SPDX expression. */
    Info &license(Literal text) { return raw_.license = to_str(text), *this; }
    /** Anything that tells builds of one version apart. */
    Info &build(Literal text) { return raw_.build = to_str(text), *this; }
    /** The library is never unloaded; a new version is loaded beside it. */
    Info &pinned() { return raw_.flags |= JF_PLUGIN_PINNED, *this; }
    /** The old version must have stopped before the new one starts (one port, one camera). */
    Info &exclusive() { return raw_.flags |= JF_PLUGIN_EXCLUSIVE, *this; }
    /** Patterns of topics whose events come to Plugin::event: `*` is one part, `**` the rest. */
    Info &topics(std::initializer_list<Literal> patterns)
    {
        for (const Literal pattern : patterns) topics_.push_back(to_str(pattern));
        return *this;
    }
    /**
     * For runtimes that want to know their threads. `enter`: first call on each thread of this version, before the
     * constructor on the control thread; throws to refuse it. `leave`: last call, where `enter` was fine. Not for INLINE.
     */
    Info &threads(void (*enter)(), void (*leave)()) { return enter_ = enter, leave_ = leave, *this; }

private:
    template <class T> friend struct Slot;
    jf_descriptor raw_{};
    std::vector<jf_str> topics_;
    void (*enter_)() = nullptr;
    void (*leave_)() = nullptr;
};

/**
 * What a plugin's class derives from. It has a constructor (Host, std::string_view config), on the control thread: config is
 * a JSON object, borrowed; it throws to refuse, and takes nothing exclusive. Its destructor is the last call. All but the
 * handlers run on the control thread; cancel and event may overlap handlers, the others never do.
 */
class Plugin {
public:
    Plugin() = default;
    Plugin(const Plugin &) = delete;
    Plugin &operator=(const Plugin &) = delete;
    virtual ~Plugin() = default;

    /** Takes what is exclusive: ports, cameras, threads, timers. After the constructor, and again after a stop. */
    virtual void start() {}
    /** Gives up what start took; all threads that the plugin made end here. */
    virtual void stop() {}
    /** A command should be given up; it is still to be answered. Most ask Command::is_cancelled instead. */
    virtual void cancel(Token) {}
    /** An event (one JSON text) on a topic of Info::topics, and how many before it were lost. Between start and stop. */
    virtual void event(std::string_view /*topic*/, std::string_view /*json*/, std::uint64_t /*dropped*/) {}
};

/** Where Stateful::save writes to, during save. */
class Sink {
public:
    explicit Sink(const jf_sink *sink) noexcept : raw_(sink) {}

    /** Adds bytes. Failure: TooLarge. */
    void write(std::string_view bytes) { check(raw_->write(raw_, to_bytes(bytes)), "save"); }

private:
    const jf_sink *raw_;
};

/** A state as it was saved, perhaps by another version. Borrowed during restore. */
struct Saved {
    /** T::schema of who saved it: lower than ours, or higher where an older version is put back. */
    std::uint32_t schema;
    /** Version text of who saved it. */
    std::string_view version;
    std::string_view bytes;
};

/**
 * A second base class of plugins whose state goes from version to version, and over a restart. Makes a plugin exclusive. The
 * class has a `static constexpr std::uint32_t schema`, the number of what save writes; higher is newer.
 */
class Stateful {
public:
    /** Writes the whole state. After stop; start may follow. Throws to refuse the swap, which is logged. */
    virtual void save(Sink &sink) = 0;
    /** Takes over a state. Between constructor and start, if something was saved. Throws to refuse the swap. */
    virtual void restore(const Saved &saved) = 0;

protected:
    ~Stateful() = default;
};

/** One declared command; refines what Commands::add was told. */
class Registration {
public:
    /** Never at once with another serial command of this plugin. The default. */
    Registration &serial() { return info_.command_class = JF_SERIAL, *this; }
    /** On worker threads, any number at once. */
    Registration &concurrent() { return info_.command_class = JF_CONCURRENT, *this; }
    /** On the thread that reads the client's socket: for short work that never blocks. Not with a Pending. */
    Registration &inlined()
    {
        if (later_) throw std::logic_error("an INLINE command cannot be answered later: " + std::string(view(info_.key)));
        return info_.command_class = JF_INLINE, *this;
    }

    /** One line for people. */
    Registration &help(Literal text) { return info_.help = to_str(text), *this; }
    /** JSON Schema of the params. */
    Registration &params_schema(Literal schema) { return info_.params_schema = to_str(schema), *this; }
    /** JSON Schema of the result. */
    Registration &result_schema(Literal schema) { return info_.result_schema = to_str(schema), *this; }
    /** Names of the params, for callers that give them by position. */
    Registration &order(std::initializer_list<Literal> names)
    {
        order_.clear();
        for (const Literal param : names) order_.push_back(to_str(param));
        return *this;
    }
    /** Adds example params, one JSON text. */
    Registration &example(Literal params) { return examples_.push_back(to_str(params)), *this; }

    /** Plain clients get the bare acknowledgement instead of the result. */
    Registration &ack_only() { return flag(JF_COMMAND_ACK_ONLY); }
    /** Changes nothing. */
    Registration &read_only() { return flag(JF_COMMAND_READ_ONLY); }
    /** Is cancelled when the session that sent it ends. */
    Registration &cancel_on_disconnect() { return flag(JF_COMMAND_CANCEL_ON_DISCONNECT); }
    /** Doing it twice is the same as doing it once. */
    Registration &idempotent() { return flag(JF_COMMAND_IDEMPOTENT); }
    /** Sets JF_COMMAND_* flags. */
    Registration &flag(std::uint32_t flags) { return info_.flags |= flags, *this; }

private:
    template <class T> friend class Commands;
    Registration(Literal key, bool later) : later_(later)
    {
        info_.struct_size = sizeof info_;
        info_.key = to_str(key);
    }

    jf_command_info info_{};
    std::vector<jf_str> order_;
    std::vector<jf_str> examples_;
    bool later_;
};

/** Takes the declarations in `static void T::commands(Commands<T> &)`, called once, when the library is loaded. */
template <class T> class Commands {
public:
    /**
     * A command. Its handler is a member function of T, or takes a `T &` first if it wants it, and takes
     * - a `Call &`, and returns the result: std::string, std::string_view or Buffer with a JSON text, or void for null;
     * - or a `Pending &`, which it moves to where the command is answered later.
     */
    template <class Handler> Registration &add(Literal key, Handler handler)
    {
        constexpr bool now = takes<Handler, Call>;
        static_assert(now || takes<Handler, Pending>, "a handler takes (Call &) or (Pending &), with a plugin before or not");
        Entry &entry = entries_.emplace_back(Registration(key, !now));
        entry.run = [handler = std::move(handler)](T &plugin, Host host, const jf_command *command) -> jf_status {
            if constexpr (now) {
                Call call(host, command);
                return call.run([&]() -> decltype(auto) { return invoke(handler, plugin, call); });
            } else if constexpr (takes<Handler, Pending>) {
                Pending pending(host, command);
                try {
                    invoke(handler, plugin, pending);
                } catch (...) {
                    caught([&](const Caught &what) { pending ? pending.fail(what) : host.error(what.message); });
                }
                return JF_PENDING;
            }
        };
        return entry.registration;
    }

    /** Gets every message that no key matches, whole, as params. One such plugin at most is served. */
    template <class Handler> Registration &catch_all(Handler handler)
    {
        return add("", std::move(handler)).flag(JF_COMMAND_CATCH_ALL);
    }

private:
    template <class U> friend struct Slot;
    struct Entry {
        explicit Entry(Registration made) : registration(std::move(made)) {}
        std::string_view key() const { return view(registration.info_.key); }
        Registration registration;
        std::function<jf_status(T &, Host, const jf_command *)> run;
    };

    template <class Handler, class Answer>
    static constexpr bool takes =
        std::is_invocable_v<const Handler &, T &, Answer &> || std::is_invocable_v<const Handler &, Answer &>;

    template <class Handler, class Answer>
    static decltype(auto) invoke(const Handler &handler, T &plugin, Answer &answer)
    {
        if constexpr (std::is_invocable_v<const Handler &, T &, Answer &>)
            return std::invoke(handler, plugin, answer);
        else
            return std::invoke(handler, answer);
    }

    /** Sorts by key, and makes the table for the host. */
    void seal()
    {
        for (Entry &entry : entries_) {
            jf_command_info &info = entry.registration.info_;
            info.param_order = entry.registration.order_.data();
            info.param_count = static_cast<std::uint32_t>(entry.registration.order_.size());
            info.examples = entry.registration.examples_.data();
            info.example_count = entry.registration.examples_.size();
            sorted_.push_back(&entry);
        }
        const auto before = [](const Entry *one, const Entry *other) { return one->key() < other->key(); };
        std::sort(sorted_.begin(), sorted_.end(), before);
        for (const Entry *entry : sorted_) infos_.push_back(&entry->registration.info_);
    }

    const Entry *find(std::string_view key) const noexcept
    {
        const auto before = [](const Entry *entry, std::string_view text) { return entry->key() < text; };
        const auto found = std::lower_bound(sorted_.begin(), sorted_.end(), key, before);
        return found != sorted_.end() && (*found)->key() == key ? *found : nullptr;
    }

    // A deque, so that what `add` gave stays where it is.
    std::deque<Entry> entries_;
    std::vector<const Entry *> sorted_;
    std::vector<const jf_command_info *> infos_;
};

} // namespace jackfield

#include "plugin_edge.hpp"

#endif /* JACKFIELD_PLUGIN_HPP */
