/*
 * jackfield/plugin_command.hpp - part of plugin.hpp: one command and its answer, now (Call) or later (Pending).
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_PLUGIN_COMMAND_HPP
#define JACKFIELD_PLUGIN_COMMAND_HPP

#include "plugin_host.hpp"

namespace jackfield {

/**
 * What came with a command: a view, valid with all that it gives until the command is answered, and in its handler until that
 * returns. On any thread.
 */
class Command {
public:
    Command(Host host, const jf_command *command) noexcept : host_(host), raw_(command) {}

    /** Names this command, for Plugin::cancel. */
    Token token() const noexcept { return Token(field(raw_, &jf_command::token)); }

    /** The key that was called; empty for a catch-all. */
    std::string_view key() const noexcept { return view(field(raw_, &jf_command::key)); }

    /** One JSON text, well formed. */
    std::string_view params() const noexcept { return view(field(raw_, &jf_command::params)); }

    std::size_t attachment_count() const noexcept
    {
        return field(raw_, &jf_command::attachments) ? field(raw_, &jf_command::attachment_count) : 0;
    }

    /** The attachment with this number, {"$attachment": N} in the params. Failure: InvalidParams where there is none. */
    Attachment attachment(std::size_t number) const
    {
        if (number >= attachment_count())
            throw Failure(Status::InvalidParams, "There is no attachment " + std::to_string(number) + ".");
        const jf_attachment *part = raw_->attachments[number];
        return {view(field(part, &jf_attachment::name)), view(field(part, &jf_attachment::content_type)),
                view(field(part, &jf_attachment::bytes))};
    }

    /** The connection it came from; 0: none. */
    std::uint64_t session() const noexcept { return field(raw_, &jf_command::session); }

    /** Who the caller is; empty: anonymous. */
    std::string_view principal() const noexcept { return view(field(raw_, &jf_command::principal)); }

    /** The wire format it came in, such as "zeiss". */
    std::string_view dialect() const noexcept { return view(field(raw_, &jf_command::dialect)); }

    /** W3C trace id in hexadecimal; may be empty. */
    std::string_view trace_id() const noexcept { return view(field(raw_, &jf_command::trace_id)); }

    /** When it has to be answered, in nanoseconds of the monotonic clock; 0: no limit. */
    std::uint64_t deadline_ns() const noexcept { return field(raw_, &jf_command::deadline_ns); }

    /** Whether it should be given up: its caller asked for that, or its deadline has passed. For inner loops too. */
    bool is_cancelled() const noexcept
    {
        const auto asked = field(host_.raw(), &jf_host::is_cancelled);
        return asked && asked(host_.raw(), static_cast<jf_token>(token())) != 0;
    }

    /** Throws the Failure Cancelled if is_cancelled. */
    void check_cancelled() const
    {
        if (is_cancelled()) throw Failure(Status::Cancelled, "cancelled");
    }

    /** Tells how far it is: `done` of `total` (0: not known), and a short text. The host thins them out. */
    void progress(std::uint64_t done, std::uint64_t total, std::string_view text) const noexcept
    {
        if (const auto tell = field(host_.raw(), &jf_host::progress))
            tell(host_.raw(), static_cast<jf_token>(token()), done, total, to_str(text));
    }

    /** A command to call on behalf of this one: with its session, principal, trace and deadline, and cancelled with it. */
    Outgoing outgoing(std::string_view key) const { return Outgoing(host_, token(), key); }

    Host host() const noexcept { return host_; }

protected:
    Host host_;
    const jf_command *raw_;
};

/** What Call and Pending share: how an answer is put together. */
class Answering : public Command {
public:
    Answering(const Answering &) = delete;
    Answering &operator=(const Answering &) = delete;

    /**
     * Adds an attachment to the answer, sent with a success only, and gives its number for {"$attachment": N}. `bytes` is a
     * Buffer, or a std::string or vector of bytes: moved in, it passes to the host without a copy.
     */
    template <class Bytes> std::size_t attach(std::string name, std::string content_type, Bytes bytes)
    {
        Buffer owned;
        if constexpr (std::is_same_v<Bytes, Buffer>)
            owned = std::move(bytes);
        else
            owned = Buffer::of(std::move(bytes));
        parts_.push_back({std::move(name), std::move(content_type), {}, std::move(owned)});
        return parts_.size() - 1;
    }

    /** The same with bytes that live until the answer, such as those of the command; copied then. */
    std::size_t attach_borrowed(std::string name, std::string content_type, std::string_view bytes)
    {
        parts_.push_back({std::move(name), std::move(content_type), bytes, {}});
        return parts_.size() - 1;
    }

protected:
    Answering(Host host, const jf_command *command) noexcept : Command(host, command) {}
    Answering(Answering &&) noexcept = default;
    Answering &operator=(Answering &&) noexcept = default;

    /** Answers with a success; gives what the host says of it. Throws std::bad_alloc, before anything is sent. */
    template <class Json> jf_status succeed(Json &&json)
    {
        if constexpr (std::is_same_v<Json, Buffer>) {
            return send({}, std::move(json));
        } else if constexpr (std::is_same_v<Json, std::string>) {
            // Below this, the host's copy is cheaper than a release on another thread.
            constexpr std::size_t owned_from = 4096;
            if (json.size() < owned_from) return send(json, Buffer());
            return send({}, Buffer::of(std::move(json)));
        } else {
            static_assert(std::is_convertible_v<Json, std::string_view>,
                          "an answer is a JSON text: std::string, std::string_view or Buffer (moved), or void");
            return send(std::string_view(json), Buffer());
        }
    }

    /** Answers with a failure, without an allocation. */
    jf_status fail_with(const Caught &what) noexcept
    {
        jf_reply reply = {};
        reply.struct_size = sizeof reply;
        reply.status = raw(what.status);
        reply.code = what.code;
        reply.message = to_str(what.message);
        reply.json = to_str(what.details);
        const jf_status taken = send(reply);
        return taken == JF_OK ? reply.status : taken;
    }

    /** Answers with what `work` returns, or with what it throws. */
    template <class Work> jf_status answer_by(Work &&work) noexcept
    {
        jf_status answered = JF_OK;
        try {
            if constexpr (std::is_void_v<decltype(work())>) {
                work();
                answered = send({}, Buffer());
            } else {
                answered = succeed(work());
            }
        } catch (...) {
            caught([&](const Caught &what) { answered = fail_with(what); });
        }
        return answered;
    }

private:
    struct Part {
        std::string name;
        std::string content_type;
        std::string_view borrowed;
        Buffer owned;
    };

    jf_status send(std::string_view json, Buffer &&owned)
    {
        std::vector<jf_reply_attachment> list;
        std::vector<const jf_reply_attachment *> pointers;
        list.reserve(parts_.size());
        pointers.reserve(parts_.size());
        // Nothing throws from here on: what is given away now is the host's.
        for (Part &part : parts_) {
            list.push_back({sizeof(jf_reply_attachment), 0, to_str(part.name), to_str(part.content_type),
                            to_bytes(part.borrowed), part.owned.give()});
            pointers.push_back(&list.back());
        }
        jf_reply reply = {};
        reply.struct_size = sizeof reply;
        reply.json = to_str(json);
        reply.json_buf = owned.give();
        reply.attachments = pointers.data();
        reply.attachment_count = pointers.size();
        return send(reply);
    }

    jf_status send(const jf_reply &reply) const noexcept
    {
        return host_.raw()->reply(host_.raw(), static_cast<jf_token>(token()), &reply);
    }

    std::vector<Part> parts_;
};

/** A command that is answered by returning from its handler. On the thread of the command's class. */
class Call : public Answering {
public:
    Call(Host host, const jf_command *command) noexcept : Answering(host, command) {}

    /** For the edge: runs the handler. */
    template <class Work> jf_status run(Work &&work) noexcept { return answer_by(work); }
};

/**
 * A command that is answered later, from any thread. Its handler gets a `Pending &` and moves it to where it is answered.
 * One that goes without an answer answers as failed, or as cancelled where that was asked for.
 */
class Pending : public Answering {
public:
    /** None: false. */
    Pending() noexcept : Answering(Host(), nullptr) {}
    Pending(Host host, const jf_command *command) noexcept : Answering(host, command) {}
    Pending(Pending &&other) noexcept : Answering(std::move(other)) { other.raw_ = nullptr; }
    Pending &operator=(Pending &&other) noexcept
    {
        if (this == &other) return *this;
        give_up();
        Answering::operator=(std::move(other));
        other.raw_ = nullptr;
        return *this;
    }
    ~Pending() { give_up(); }

    /** Whether there is a command to answer: it was neither moved on nor answered. Only then may the others be called. */
    explicit operator bool() const noexcept { return raw_ != nullptr; }

    /** Answers with a JSON text: std::string or Buffer (moved in), or std::string_view. std::bad_alloc: not answered yet. */
    template <class Json> void reply(Json &&json)
    {
        succeed(std::forward<Json>(json));
        raw_ = nullptr;
    }

    /** Answers as failed. */
    void fail(const Failure &failure) noexcept
    {
        fail_with({failure.status, failure.code, failure.message, failure.details});
        raw_ = nullptr;
    }

    /** Answers with what was caught. */
    void fail(const Caught &what) noexcept
    {
        fail_with(what);
        raw_ = nullptr;
    }

    /** Answers with what `work` returns, as a handler does, or with what it throws: for threads of the plugin. */
    template <class Work> void answer(Work &&work) noexcept
    {
        answer_by(work);
        raw_ = nullptr;
    }

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
        auto kept = std::make_unique<Outgoing::Kept<Then>>(host_, Then{Pending(), std::move(done)});
        kept->done.pending = std::move(*this);
        const jf_status status = out.send_kept(params, kept);
        if (status < 0) *this = std::move(kept->done.pending);
        check(status, "call", key);
    }

private:
    void give_up() noexcept
    {
        if (!raw_) return;
        answer([this]() -> std::string_view {
            check_cancelled();
            throw Failure("The plugin gave up '" + std::string(key()) + "' without an answer.");
        });
    }
};

} // namespace jackfield

#endif /* JACKFIELD_PLUGIN_COMMAND_HPP */
