/*
 * jackfield/plugin_host.hpp - part of plugin.hpp: what the host offers to a plugin. Log, services, events, calls.
 *
 * Everything here may be used on any thread and never blocks, unless said. Texts are borrowed until the call returns.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_PLUGIN_HOST_HPP
#define JACKFIELD_PLUGIN_HOST_HPP

#include "command.hpp"
#include "plugin.h"

#include <chrono>
#include <memory>
#include <vector>

namespace jackfield {

class Outgoing;

/** The server, as a plugin reaches it: a pointer, cheap to copy, valid until the library is unloaded. */
class Host {
public:
    explicit Host(const jf_host *table = nullptr) noexcept : raw_(table) {}

    /** Writes a line into the server's log, which adds the plugin's name. In any state. */
    void log(Level level, std::string_view text) const noexcept
    {
        if (const auto write = field(raw_, &jf_host::log)) write(raw_, static_cast<std::int32_t>(level), to_str(text));
    }
    void debug(std::string_view text) const noexcept { log(Level::Debug, text); }
    void info(std::string_view text) const noexcept { log(Level::Info, text); }
    void warn(std::string_view text) const noexcept { log(Level::Warn, text); }
    void error(std::string_view text) const noexcept { log(Level::Error, text); }

    /** The table of a service, read with field(); nullptr where the host has none. From the constructor on. */
    template <class Table> const Table *service(std::string_view id) const noexcept
    {
        const auto get = field(raw_, &jf_host::get_service);
        return static_cast<const Table *>(get ? get(raw_, to_str(id)) : nullptr);
    }

    /**
     * Publishes one JSON text on a topic: parts joined by dots. Between start and stop, also from INLINE commands; fine also
     * where nobody listens. Failure: Invalid (no topic, no JSON), TooLarge, WrongState, NoService.
     */
    void publish(std::string_view topic, std::string_view json) const
    {
        const auto send = field(service<jf_topics_v1>(JF_SERVICE_TOPICS), &jf_topics_v1::publish);
        check(send ? send(raw_, to_str(topic), to_str(json)) : JF_E_NO_SERVICE, "publish on", topic);
    }

    /** A command to call on behalf of no other. `key` is borrowed until it is sent. */
    Outgoing outgoing(std::string_view key) const;

    /** First argument of every function of the host. */
    const jf_host *raw() const noexcept { return raw_; }

private:
    const jf_host *raw_;
};

/** A command of any plugin, or of the server, about to be called: from Host::outgoing or Command::outgoing. */
class Outgoing {
public:
    Outgoing(Host host, Token parent, std::string_view key) : host_(host), parent_(parent), key_(key) {}

    /** How long it may take, from 1 ms; over it the reply is Deadline. Else the server's limit for nested calls. */
    Outgoing &timeout(std::chrono::milliseconds limit)
    {
        timeout_ms_ = limit.count() < 1 ? 1 : static_cast<std::uint64_t>(limit.count());
        return *this;
    }

    /** Adds an attachment, borrowed until it is sent; the first is {"$attachment": 0} in the params. */
    Outgoing &attach(Attachment attachment)
    {
        const auto [name, content_type, bytes] = attachment;
        parts_.push_back({sizeof(jf_attachment), 0, to_str(name), to_str(content_type), to_bytes(bytes)});
        return *this;
    }

    /**
     * Calls it with one JSON text. `done(const Reply &)` is called once, on the control thread, at the latest before stop;
     * what it throws is logged. Do not wait for it: answer through a Pending instead. Between start and stop. Failure, and
     * `done` is dropped: UnknownKey, Busy, Cycle, Stale (the command that it is for is answered), and those of plugin.h.
     */
    template <class Done> void send(std::string_view params, Done done) const
    {
        auto kept = std::make_unique<Kept<Done>>(host_, std::move(done));
        check(send_kept(params, kept), "call", key_);
    }

    /** What waits for the reply. */
    template <class Done> struct Kept {
        Kept(Host of, Done then) : host(of), done(std::move(then)) {}
        Host host;
        Done done;
    };

    /** As send, but for errors: then `kept` is as it was. */
    template <class Done> jf_status send_kept(std::string_view params, std::unique_ptr<Kept<Done>> &kept) const
    {
        const auto call = field(host_.service<jf_call_v1>(JF_SERVICE_CALL), &jf_call_v1::call);
        if (!call) return JF_E_NO_SERVICE;
        std::vector<const jf_attachment *> list;
        list.reserve(parts_.size());
        for (const jf_attachment &part : parts_) list.push_back(&part);
        const jf_status status = call(host_.raw(), static_cast<jf_token>(parent_), to_str(key_), to_str(params), list.data(),
                                      list.size(), timeout_ms_, &finish<Done>, kept.get());
        // From here on it may be gone already: `done` runs on another thread.
        if (status == JF_OK) static_cast<void>(kept.release());
        return status;
    }

private:
    template <class Done> static void finish(void *ctx, const jf_reply *reply) noexcept
    {
        const std::unique_ptr<Kept<Done>> kept(static_cast<Kept<Done> *>(ctx));
        try {
            kept->done(Reply(reply));
        } catch (...) {
            caught([&](const Caught &what) { kept->host.error(what.message); });
        }
    }

    Host host_;
    Token parent_;
    std::string_view key_;
    std::uint64_t timeout_ms_ = 0;
    std::vector<jf_attachment> parts_;
};

inline Outgoing Host::outgoing(std::string_view key) const { return Outgoing(*this, Token::None, key); }

} // namespace jackfield

#endif /* JACKFIELD_PLUGIN_HOST_HPP */
