/*
 * jackfield/plugin_command.hpp - part of plugin.hpp: one command of a plugin, and what it can do on behalf of it.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_PLUGIN_COMMAND_HPP
#define JACKFIELD_PLUGIN_COMMAND_HPP

#include "plugin_host.hpp"

namespace jackfield {

/** For commands of a plugin: by the table of the host. */
class HostLink {
public:
    HostLink(Host host = Host()) noexcept : host_(host) {}

    jf_status reply(jf_token token, const jf_reply &reply) const noexcept
    {
        return host_.raw()->reply(host_.raw(), token, &reply);
    }

    void progress(jf_token token, std::uint64_t done, std::uint64_t total, std::string_view text) const noexcept
    {
        if (const auto tell = field(host_.raw(), &jf_host::progress)) tell(host_.raw(), token, done, total, to_str(text));
    }

    bool is_cancelled(jf_token token) const noexcept
    {
        const auto asked = field(host_.raw(), &jf_host::is_cancelled);
        return asked && asked(host_.raw(), token) != 0;
    }

    /** What a command ends with that nobody answered. */
    template <class Tell> void forgotten(const jf_command *command, Tell tell) const noexcept
    {
        try {
            const std::string key(view(field(command, &jf_command::key)));
            throw Failure("The plugin gave up '" + key + "' without an answer.");
        } catch (...) {
            caught(tell);
        }
    }

    Outgoing outgoing(jf_token token, std::string_view key) const { return Outgoing(host_, Token(token), key); }

    Host host() const noexcept { return host_; }

private:
    Host host_;
};

using Command = commands::Command<HostLink>;
using Call = commands::Call<HostLink>;

/** The same, and it can call others. */
class Pending : public commands::Pending<HostLink> {
public:
    using commands::Pending<HostLink>::Pending;

    /**
     * Calls another command on behalf of this one. `done(Pending &, const Reply &)` gets this one back, on the control
     * thread, to be answered or moved on; what it throws is the answer. Failure as of Outgoing::send: then it is still here.
     */
    template <class Done> void call(std::string_view key, std::string_view params, Done done)
    {
        struct Then {
            Pending pending;
            Done done;
            void operator()(const Reply &reply)
            {
                try {
                    done(pending, reply);
                } catch (...) {
                    if (!pending) throw;
                    caught([&](const Caught &what) { pending.fail(what); });
                }
            }
        };
        const Outgoing out = outgoing(key);
        auto kept = std::make_unique<Outgoing::Kept<Then>>(host(), Then{Pending(), std::move(done)});
        kept->done.pending = std::move(*this);
        const jf_status status = out.send_kept(params, kept);
        if (status < 0) *this = std::move(kept->done.pending);
        check(status, "call", key);
    }
};

} // namespace jackfield

#endif /* JACKFIELD_PLUGIN_COMMAND_HPP */
