/*
 * jackfield/engine_command.hpp - part of engine.hpp: a command of the host application. Use the names in Engine.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_ENGINE_COMMAND_HPP
#define JACKFIELD_ENGINE_COMMAND_HPP

#include "command.hpp"
#include "engine.h"

namespace jackfield {
namespace hosting {

/**
 * For commands of a host application: by its engine. A Pending may outlive that, with what it lets one look at: then nobody
 * hears the answer.
 */
class EngineLink {
public:
    EngineLink(jf_engine *engine = nullptr) noexcept : engine_(engine) {}

    jf_status reply(jf_token token, const jf_reply &reply) const noexcept { return jf_engine_reply(engine_, token, &reply); }

    void progress(jf_token token, std::uint64_t done, std::uint64_t total, std::string_view text) const noexcept
    {
        jf_engine_progress(engine_, token, done, total, to_str(text));
    }

    bool is_cancelled(jf_token token) const noexcept { return jf_engine_is_cancelled(engine_, token) != 0; }

    /** What a command ends with that nobody answered. */
    template <class Tell> void forgotten(const jf_command *, Tell tell) const noexcept
    {
        tell(Caught{Status::Failed, 0, "The application gave the command up without an answer.", {}});
    }

private:
    jf_engine *engine_;
};

using jackfield::Attachment;
using jackfield::Level;
using jackfield::Reply;
using jackfield::Token;
using Command = commands::Command<EngineLink>;
using Call = commands::Call<EngineLink>;
using Pending = commands::Pending<EngineLink>;

} // namespace hosting
} // namespace jackfield

#endif /* JACKFIELD_ENGINE_COMMAND_HPP */
