/*
 * jackfield/command.hpp - a command and its answer, now (Call) or later (Pending), and the reply to one that was called: the
 * C++ face of command.h. Part of plugin.hpp and engine.hpp, which give the classes their `Link`: how an answer, a progress
 * and the question for a cancel reach the other side.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_COMMAND_HPP
#define JACKFIELD_COMMAND_HPP

#include "command.h"
#include "types.hpp"

#include <vector>

namespace jackfield {

/** How urgent a line in the log is, and for whom: the numbers of command.h. */
enum class Level : std::int32_t { Debug = JF_LOG_DEBUG, Info = JF_LOG_INFO, Warn = JF_LOG_WARN, Error = JF_LOG_ERROR };

/** Names one command in flight. Stays harmless after the command is answered. */
enum class Token : jf_token { None = 0 };

/** Binary data beside JSON. Borrowed: from a command until its answer, from a reply while `done` runs. */
struct Attachment {
    /** May be empty, as the media type. */
    std::string_view name;
    std::string_view content_type;
    std::string_view bytes;
};

/** The reply to a command that was called. Borrowed while `done` runs, with all that it gives. */
class Reply {
public:
    explicit Reply(const jf_reply *reply) noexcept : raw_(reply) {}

    /** Ok, or why the command failed. */
    Status status() const noexcept { return Status(field(raw_, &jf_reply::status)); }

    /** For people, of a failure. */
    std::string_view message() const noexcept { return view(field(raw_, &jf_reply::message)); }

    /** The handler's own error number; 0: none. */
    std::int64_t code() const noexcept { return field(raw_, &jf_reply::code); }

    /** The result as one JSON text. Throws the Failure that the call ended with, fit to be passed on. */
    std::string_view result() const
    {
        if (status() == Status::Ok) return json();
        throw Failure(status(), std::string(message()), code(), std::string(json()));
    }

    /** The result, or the details of a failure: one JSON text, or empty. */
    std::string_view json() const noexcept { return view(field(raw_, &jf_reply::json)); }

    std::size_t attachment_count() const noexcept
    {
        return field(raw_, &jf_reply::attachments) ? field(raw_, &jf_reply::attachment_count) : 0;
    }

    /** The attachment with this number, from 0. Failure: InvalidParams where there is none. */
    Attachment attachment(std::size_t number) const
    {
        if (number >= attachment_count())
            throw Failure(Status::InvalidParams, "There is no attachment " + std::to_string(number) + ".");
        const jf_reply_attachment *part = raw_->attachments[number];
        return {view(field(part, &jf_reply_attachment::name)), view(field(part, &jf_reply_attachment::content_type)),
                view(field(part, &jf_reply_attachment::bytes))};
    }

private:
    const jf_reply *raw_;
};

namespace commands {

/**
 * What came with a command: a view, valid with all that it gives until the command is answered, and in its handler until that
 * returns. On any thread.
 */
template <class Link> class Command {
public:
    Command(Link link, const jf_command *command) noexcept
        : link_(link), raw_(command), token_(field(command, &jf_command::token))
    {
    }

    /** Names this command, where it is cancelled. */
    Token token() const noexcept { return Token(token_); }

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

    /** The wire format it came in, such as "zeiss"; "host": a host application has called it. */
    std::string_view dialect() const noexcept { return view(field(raw_, &jf_command::dialect)); }

    /** W3C trace id in hexadecimal; may be empty. */
    std::string_view trace_id() const noexcept { return view(field(raw_, &jf_command::trace_id)); }

    /** When it has to be answered, in nanoseconds of the monotonic clock; 0: no limit. */
    std::uint64_t deadline_ns() const noexcept { return field(raw_, &jf_command::deadline_ns); }

    /** Whether it should be given up: its caller asked for that, or its deadline has passed. For inner loops too. */
    bool is_cancelled() const noexcept { return link_.is_cancelled(token_); }

    /** Throws the Failure Cancelled if is_cancelled. */
    void check_cancelled() const
    {
        if (is_cancelled()) throw Failure(Status::Cancelled, "cancelled");
    }

    /** Tells how far it is: `done` of `total` (0: not known), and a short text. The engine thins them out. */
    void progress(std::uint64_t done, std::uint64_t total, std::string_view text) const noexcept
    {
        link_.progress(token_, done, total, text);
    }

    /** Of plugins: a command to call on behalf of this one, with its session, principal, trace and deadline. */
    template <class Of = Link> auto outgoing(std::string_view key) const -> decltype(std::declval<Of>().outgoing(jf_token(), key))
    {
        return link_.outgoing(token_, key);
    }

    /** Of plugins: the server. */
    template <class Of = Link> auto host() const noexcept -> decltype(std::declval<Of>().host()) { return link_.host(); }

protected:
    Link link_;
    const jf_command *raw_;
    // Beside `raw_`: a host application may free its engine before the answer, and what came with the command with it.
    jf_token token_;
};

/** What Call and Pending share: how an answer is put together. */
template <class Link> class Answering : public Command<Link> {
public:
    Answering(const Answering &) = delete;
    Answering &operator=(const Answering &) = delete;

    /**
     * Adds an attachment to the answer, sent with a success only, and gives its number for {"$attachment": N}. `bytes` is a
     * Buffer, or a std::string or vector of bytes: moved in, it passes on without a copy.
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
    Answering(Link link, const jf_command *command) noexcept : Command<Link>(link, command) {}
    using Command<Link>::link_;
    using Command<Link>::token_;
    Answering(Answering &&) noexcept = default;
    Answering &operator=(Answering &&) noexcept = default;

    /** Answers with a success; gives what the other side says of it. Throws std::bad_alloc, before anything is sent. */
    template <class Json> jf_status succeed(Json &&json)
    {
        if constexpr (std::is_same_v<Json, Buffer>) {
            return send({}, std::move(json));
        } else if constexpr (std::is_same_v<Json, std::string>) {
            // Below this, the other side's copy is cheaper than a release later.
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
        const jf_status taken = link_.reply(token_, reply);
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
        // Nothing throws from here on: what is given away now is the other side's.
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
        return link_.reply(token_, reply);
    }

    std::vector<Part> parts_;
};

/** A command that is answered by returning from its handler. On the thread of the command's class. */
template <class Link> class Call : public Answering<Link> {
public:
    Call(Link link, const jf_command *command) noexcept : Answering<Link>(link, command) {}

    /** For the edge: runs the handler. */
    template <class Work> jf_status run(Work &&work) noexcept { return this->answer_by(work); }
};

/**
 * A command that is answered later, from any thread, also one's own. Its handler gets a `Pending &` and moves it to where it is answered.
 * One that goes without an answer answers as failed, or as cancelled where that was asked for.
 */
template <class Link> class Pending : public Answering<Link> {
public:
    /** None: false. */
    Pending() noexcept : Answering<Link>(Link(), nullptr) {}
    Pending(Link link, const jf_command *command) noexcept : Answering<Link>(link, command) {}
    Pending(Pending &&other) noexcept : Answering<Link>(std::move(other)) { other.raw_ = nullptr; }
    Pending &operator=(Pending &&other) noexcept
    {
        if (this == &other) return *this;
        give_up();
        Answering<Link>::operator=(std::move(other));
        other.raw_ = nullptr;
        return *this;
    }
    ~Pending() { give_up(); }

    /** Whether there is a command to answer: it was neither moved on nor answered. Only then may the others be called. */
    explicit operator bool() const noexcept { return raw_ != nullptr; }

    /** Answers with a JSON text: std::string or Buffer (moved in), or std::string_view. std::bad_alloc: not answered yet. */
    template <class Json> void reply(Json &&json)
    {
        this->succeed(std::forward<Json>(json));
        raw_ = nullptr;
    }

    /** Answers as failed. */
    void fail(const Failure &failure) noexcept
    {
        fail(Caught{failure.status, failure.code, failure.message, failure.details});
    }

    /** Answers with what was caught. */
    void fail(const Caught &what) noexcept
    {
        this->fail_with(what);
        raw_ = nullptr;
    }

    /** Answers with what `work` returns, as a handler does, or with what it throws: for threads of one's own. */
    template <class Work> void answer(Work &&work) noexcept
    {
        this->answer_by(work);
        raw_ = nullptr;
    }

private:
    using Answering<Link>::link_;
    using Answering<Link>::raw_;

    void give_up() noexcept
    {
        if (!raw_) return;
        if (this->is_cancelled())
            fail(Caught{Status::Cancelled, 0, "cancelled", {}});
        else
            link_.forgotten(raw_, [this](const Caught &what) { fail(what); });
    }
};

} // namespace commands
} // namespace jackfield

#endif /* JACKFIELD_COMMAND_HPP */
