/*
 * jackfield/plugin_edge.hpp - part of plugin.hpp: the tables and functions that the host calls. Nothing throws out of here.
 *
 * What is static belongs to an object with internal linkage, made by the macro: a template's static member, or a static in a
 * function, would be one for all versions of a library where it is built without -fno-gnu-unique, and keep it mapped.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_PLUGIN_EDGE_HPP
#define JACKFIELD_PLUGIN_EDGE_HPP

#include "plugin.hpp"

namespace jackfield {

/** All that is static in a plugin: what it says of itself. For the macro alone. */
template <class T> struct Slot {
    static_assert(std::is_base_of_v<Plugin, T>, "a plugin derives from jackfield::Plugin");
    static_assert(std::is_constructible_v<T, Host, std::string_view>, "a plugin is made of (Host, std::string_view)");

    /** What `create` makes. */
    struct Instance {
        Instance(Host of, std::string_view config) : host(of), plugin(of, config) {}
        Host host;
        T plugin;
    };

    /** Asks T what it is, once. */
    void fill(const jf_host *table)
    {
        if (descriptor.struct_size != 0) return;
        host = Host(table);
        T::commands(commands);
        commands.seal();
        info = T::info();
        jf_descriptor made = info.raw_;
        made.topics = info.topics_.data();
        made.topic_count = info.topics_.size();
        made.commands = commands.infos_.data();
        made.command_count = commands.infos_.size();
        if constexpr (std::is_base_of_v<Stateful, T>) made.flags |= JF_PLUGIN_STATEFUL;
        descriptor = made;
    }

    const auto *find(const jf_command *command) const noexcept
    {
        return commands.find(view(field(command, &jf_command::key)));
    }
    bool hears_events() const noexcept { return !info.topics_.empty(); }
    bool has_hooks() const noexcept { return info.enter_ || info.leave_; }
    void enter() const
    {
        if (info.enter_) info.enter_();
    }
    void leave() const
    {
        if (info.leave_) info.leave_();
    }

    Host host;
    Info info{{}, {}, {}};
    Commands<T> commands;
    jf_descriptor descriptor{};
    jf_state_v1 state{};
    jf_events_v1 events{};
    jf_thread_v1 thread{};
};

/** The functions of one plugin. */
template <class T, Slot<T> &slot> struct Edge {
    using Instance = typename Slot<T>::Instance;

    static jf_status entry(const jf_host *host, jf_plugin *out) noexcept
    {
        if (!host || !out) return JF_E_INVALID;
        const std::size_t room = out->struct_size;
        if (room < offsetof(jf_plugin, get_extension)) {
            Host(host).error("the host's jf_plugin is too small for this plugin");
            return JF_E_VERSION;
        }
        const jf_status filled = guard(Host(host), "the declaration of the commands", [&] { slot.fill(host); });
        if (filled != JF_OK) return filled;
        slot.events = {sizeof slot.events, 0, event};
        slot.thread = {sizeof slot.thread, 0, enter, leave};
        if constexpr (std::is_base_of_v<Stateful, T>) slot.state = {sizeof slot.state, T::schema, save, restore};
        const jf_plugin plugin = {sizeof plugin, JF_ABI_MINOR, &slot.descriptor, create,  start,
                                  handle,        cancel,       stop,             destroy, get_extension};
        std::memcpy(out, &plugin, std::min(room, sizeof plugin));
        return JF_OK;
    }

private:
    static Instance &of(void *instance) noexcept { return *static_cast<Instance *>(instance); }

    /** Runs `work`; what it throws goes into the log as "WHERE: what", and its status comes back. */
    template <class Work> static jf_status guard(Host host, std::string_view where, Work &&work) noexcept
    {
        jf_status status = JF_OK;
        try {
            work();
        } catch (...) {
            caught([&](const Caught &what) {
                status = raw(what.status);
                log(host, where, what.message);
            });
        }
        return status;
    }

    /** Runs `work`; what it throws goes into `*why`, and its status comes back. */
    template <class Work> static jf_status explain(jf_buf *why, Work &&work) noexcept
    {
        jf_status status = JF_OK;
        try {
            work();
        } catch (...) {
            caught([&](const Caught &what) {
                status = raw(what.status);
                if (!why) return;
                try {
                    *why = Buffer::of(std::string(what.message)).give();
                } catch (...) {
                    // No memory for the reason: the status tells it.
                }
            });
        }
        return status;
    }

    static void log(Host host, std::string_view where, std::string_view what) noexcept
    {
        try {
            host.error(std::string(where).append(": ").append(what));
        } catch (...) {
            host.error(what);
        }
    }

    static jf_status create(const jf_host *host, jf_str config, void **out, jf_buf *why) noexcept
    {
        const std::string_view text = config.len ? view(config) : "{}";
        return explain(why, [&] { *out = new Instance(Host(host), text); });
    }

    static jf_status start(void *instance, jf_buf *why) noexcept
    {
        return explain(why, [&] { of(instance).plugin.start(); });
    }

    static jf_status handle(void *instance, const jf_command *command) noexcept
    {
        Instance &self = of(instance);
        if (const auto *found = slot.find(command)) return found->run(self.plugin, self.host, command);
        return JF_E_UNKNOWN_KEY;
    }

    static void cancel(void *instance, jf_token token) noexcept
    {
        guard(of(instance).host, "cancel", [&] { of(instance).plugin.cancel(Token(token)); });
    }

    static void stop(void *instance) noexcept
    {
        guard(of(instance).host, "stop", [&] { of(instance).plugin.stop(); });
    }

    static void destroy(void *instance) noexcept { delete &of(instance); }

    static const void *get_extension(jf_str id) noexcept
    {
        if (view(id) == JF_EXTENSION_STATE && std::is_base_of_v<Stateful, T>) return &slot.state;
        if (view(id) == JF_EXTENSION_TOPICS && slot.hears_events()) return &slot.events;
        if (view(id) == JF_EXTENSION_THREAD && slot.has_hooks()) return &slot.thread;
        return nullptr;
    }

    static void event(void *instance, jf_str topic, jf_str data, std::uint64_t dropped) noexcept
    {
        guard(of(instance).host, "event", [&] { of(instance).plugin.event(view(topic), view(data), dropped); });
    }

    static jf_status save(void *instance, const jf_sink *raw_sink) noexcept
    {
        return guard(of(instance).host, "the state is not saved", [&] {
            Sink sink(raw_sink);
            of(instance).plugin.save(sink);
        });
    }

    static jf_status restore(void *instance, std::uint32_t schema, jf_str version, jf_bytes bytes, jf_buf *why) noexcept
    {
        const jf_status status =
            explain(why, [&] { of(instance).plugin.restore(Saved{schema, view(version), view(bytes)}); });
        return status == JF_OK || status == JF_E_PANIC ? status : JF_E_STATE;
    }

    static jf_status enter() noexcept
    {
        return guard(slot.host, "a thread cannot enter", [] { slot.enter(); });
    }

    static void leave() noexcept
    {
        guard(slot.host, "a thread cannot leave", [] { slot.leave(); });
    }
};

} // namespace jackfield

/** Exports the one function of a plugin, for its class. Once in a library, outside of namespaces. */
#define JACKFIELD_PLUGIN(...)                                                                                          \
    namespace {                                                                                                        \
    ::jackfield::Slot<__VA_ARGS__> jackfield_slot;                                                                     \
    }                                                                                                                  \
    extern "C" JF_EXPORT jf_status JF_CALL jackfield_plugin_v1(const jf_host *host, jf_plugin *out)                    \
    {                                                                                                                  \
        return ::jackfield::Edge<__VA_ARGS__, jackfield_slot>::entry(host, out);                                       \
    }

#endif /* JACKFIELD_PLUGIN_EDGE_HPP */
