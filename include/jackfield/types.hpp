/*
 * jackfield/types.hpp - what the C++ headers of Jackfield share: texts, statuses, failures, owned bytes. C++17 or newer.
 *
 * Bytes are std::string_view here too: a length and no promise of a NUL. Whatever is called noexcept throws nothing;
 * everything else throws std::bad_alloc at most, unless said. Everything may be used on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_TYPES_HPP
#define JACKFIELD_TYPES_HPP

#include "types.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace jackfield {

/** Borrows a text for the C interface. */
constexpr jf_str to_str(std::string_view text) noexcept { return {text.data(), text.size()}; }

/** Borrows bytes for the C interface. */
inline jf_bytes to_bytes(std::string_view bytes) noexcept
{
    return {reinterpret_cast<const std::uint8_t *>(bytes.data()), bytes.size()};
}

/** Looks at a text, bytes or a buffer of the C interface; valid as long as that is. */
constexpr std::string_view view(jf_str text) noexcept
{
    return text.ptr ? std::string_view(text.ptr, text.len) : std::string_view();
}
inline std::string_view view(jf_bytes bytes) noexcept
{
    return bytes.ptr ? std::string_view(reinterpret_cast<const char *>(bytes.ptr), bytes.len) : std::string_view();
}
inline std::string_view view(const jf_buf &buf) noexcept { return view(jf_bytes{buf.ptr, buf.len}); }

/**
 * A field of a struct that the other side made, or zero where it is older than that field (what JF_HAS tells) or there is no
 * struct: `if (const auto log = field(host, &jf_host::log)) ...`.
 */
template <class Struct, class Field> Field field(const Struct *from, Field Struct::*member) noexcept
{
    if (!from) return Field{};
    const auto *end = reinterpret_cast<const char *>(&(from->*member) + 1);
    const auto needed = static_cast<std::size_t>(end - reinterpret_cast<const char *>(from));
    return needed <= from->struct_size ? from->*member : Field{};
}

/** How something ended: the numbers of types.h, which says what each of them means. */
enum class Status : jf_status {
    Ok = JF_OK,
    Invalid = JF_E_INVALID,
    Failed = JF_E_FAILED,
    InvalidParams = JF_E_INVALID_PARAMS,
    UnknownKey = JF_E_UNKNOWN_KEY,
    Busy = JF_E_BUSY,
    Cancelled = JF_E_CANCELLED,
    Deadline = JF_E_DEADLINE,
    TooLarge = JF_E_TOO_LARGE,
    Stale = JF_E_STALE,
    WrongState = JF_E_WRONG_STATE,
    WrongThread = JF_E_WRONG_THREAD,
    NoService = JF_E_NO_SERVICE,
    Version = JF_E_VERSION,
    State = JF_E_STATE,
    Panic = JF_E_PANIC,
    Internal = JF_E_INTERNAL,
    ShuttingDown = JF_E_SHUTTING_DOWN,
    NotFound = JF_E_NOT_FOUND,
    Cycle = JF_E_CYCLE,
    Unavailable = JF_E_UNAVAILABLE,
    OutcomeUnknown = JF_E_OUTCOME_UNKNOWN,
    PluginGone = JF_E_PLUGIN_GONE,
    PluginCrashed = JF_E_PLUGIN_CRASHED,
    Forbidden = JF_E_FORBIDDEN,
    Unauthenticated = JF_E_UNAUTHENTICATED,
};

/** The number for the C interface. */
constexpr jf_status raw(Status status) noexcept { return static_cast<jf_status>(status); }

/** A short name in words, static; a number that is not in the list is an internal error. */
constexpr const char *name(Status status) noexcept
{
    switch (status) {
    case Status::Ok: return "ok";
    case Status::Invalid: return "invalid argument";
    case Status::Failed: return "failed";
    case Status::InvalidParams: return "invalid params";
    case Status::UnknownKey: return "unknown key";
    case Status::Busy: return "busy";
    case Status::Cancelled: return "cancelled";
    case Status::Deadline: return "deadline passed";
    case Status::TooLarge: return "too large";
    case Status::Stale: return "stale";
    case Status::WrongState: return "not allowed in this state";
    case Status::WrongThread: return "not allowed on this thread";
    case Status::NoService: return "no such service";
    case Status::Version: return "other version";
    case Status::State: return "state cannot be taken over";
    case Status::Panic: return "panicked";
    case Status::Internal: return "internal error";
    case Status::ShuttingDown: return "shutting down";
    case Status::NotFound: return "not found";
    case Status::Cycle: return "would wait for itself";
    case Status::Unavailable: return "unavailable";
    case Status::OutcomeUnknown: return "outcome unknown";
    case Status::PluginGone: return "plugin gone";
    case Status::PluginCrashed: return "plugin crashed";
    case Status::Forbidden: return "forbidden";
    case Status::Unauthenticated: return "unauthenticated";
    }
    return "internal error";
}

/** Why a command, or a call of the other side, failed. Thrown; what() is the message. */
struct Failure : std::exception {
    /** Which kind. */
    Status status;
    /** For people: what, where, which value, what would be valid. */
    std::string message;
    /** The plugin's own error number, passed on to the caller; 0: none. */
    std::int64_t code;
    /** For programs: one JSON text, or empty. */
    std::string details;

    Failure(Status kind, std::string text, std::int64_t number = 0, std::string json = {})
        : status(kind), message(std::move(text)), code(number), details(std::move(json))
    {
    }

    /** The command could not be done: the usual choice. */
    explicit Failure(std::string text) : Failure(Status::Failed, std::move(text)) {}

    const char *what() const noexcept override { return message.c_str(); }
};

/** Throws a Failure, "WHAT 'WHICH': STATUS", where `status` is an error. */
inline void check(jf_status status, std::string_view what, std::string_view which = {})
{
    if (status >= 0) return;
    std::string text(what);
    if (!which.empty()) text.append(" '").append(which).append("'");
    throw Failure(Status(status), text.append(": ").append(name(Status(status))));
}

/** How many bytes at the front of `text` are one character of UTF-8 (RFC 3629); 0: they are none. */
inline std::size_t character(std::string_view text) noexcept
{
    const auto byte = [text](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
    const unsigned first = byte(0);
    const std::size_t size = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    for (std::size_t at = 1; at < size; at++)
        if ((byte(at) & 0xC0) != 0x80) return 0;
    // No longer than need be, no surrogate, nothing above U+10FFFF.
    const unsigned second = byte(1);
    const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
                       (first == 0xF4 && second > 0x8F);
    return wrong ? 0 : size;
}

/** Calls `tell` with `text`, in which U+FFFD stands for each byte that is no UTF-8: the C interface takes nothing else. */
template <class Tell> void as_utf8(std::string_view text, Tell &&tell)
{
    std::size_t good = 0;
    while (good < text.size() && character(text.substr(good)) > 0) good += character(text.substr(good));
    if (good == text.size()) return tell(text);
    std::string mended;
    while (!text.empty()) {
        const std::size_t size = character(text);
        mended.append(size > 0 ? text.substr(0, size) : "\xEF\xBF\xBD");
        text.remove_prefix(size > 0 ? size : 1);
    }
    tell(std::string_view(mended));
}

/** An exception as it crosses the C interface. The texts are the exception's. */
struct Caught {
    Status status;
    std::int64_t code;
    std::string_view message;
    std::string_view details;
};

/**
 * For catch (...) alone: gives `tell` what was caught, without an allocation where its message is UTF-8. A Failure has its own
 * status; it is InvalidParams for std::invalid_argument, Unavailable for std::bad_alloc, Failed for any other std::exception,
 * and Panic for what is none. `tell` must not throw; what it gets is valid until it returns.
 */
template <class Tell> void caught(Tell &&told) noexcept
{
    const auto tell = [&told](Caught what) noexcept {
        try {
            as_utf8(what.message, [&](std::string_view message) { told(Caught{what.status, what.code, message, what.details}); });
        } catch (const std::bad_alloc &) {
            told(Caught{what.status, what.code, "out of memory, and a message that is not UTF-8", what.details});
        }
    };
    try {
        throw;
    } catch (const Failure &failure) {
        // A failure that says Ok would be taken for a success.
        const Status status = raw(failure.status) < 0 ? failure.status : Status::Internal;
        tell(Caught{status, failure.code, failure.message, failure.details});
    } catch (const std::bad_alloc &) {
        tell(Caught{Status::Unavailable, 0, "out of memory", {}});
    } catch (const std::invalid_argument &error) {
        tell(Caught{Status::InvalidParams, 0, error.what(), {}});
    } catch (const std::exception &error) {
        tell(Caught{Status::Failed, 0, error.what(), {}});
    } catch (...) {
        tell(Caught{Status::Panic, 0, "an exception that is no std::exception", {}});
    }
}

/** Owned bytes that remember how to give themselves back: a jf_buf, released when this goes. Move-only. */
class Buffer {
public:
    Buffer() noexcept = default;

    /** Takes over what the other side gave. */
    explicit Buffer(jf_buf buf) noexcept : buf_(buf) {}

    /** Takes over a std::string, or a std::vector or std::array of bytes, without a copy of the bytes. */
    template <class Container> static Buffer of(Container container)
    {
        static_assert(sizeof(*container.data()) == 1, "a Buffer holds bytes");
        static_assert(!std::is_same_v<Container, std::string_view>, "a std::string_view owns nothing: copy it, or borrow");
        auto *kept = new Container(std::move(container));
        const auto *data = reinterpret_cast<const std::uint8_t *>(kept->data());
        const auto drop = [](void *ctx, const std::uint8_t *, std::size_t) { delete static_cast<Container *>(ctx); };
        return Buffer(jf_buf{data, kept->size(), drop, kept});
    }

    Buffer(Buffer &&other) noexcept : buf_(other.give()) {}
    Buffer &operator=(Buffer &&other) noexcept
    {
        Buffer old(std::exchange(buf_, other.give()));
        return *this;
    }
    ~Buffer()
    {
        if (buf_.release) buf_.release(buf_.ctx, buf_.ptr, buf_.len);
    }

    /** The bytes, as long as this lives. */
    std::string_view view() const noexcept { return jackfield::view(buf_); }

    /** Hands the bytes over: whoever takes them releases them. Empty afterwards. */
    jf_buf give() noexcept { return std::exchange(buf_, jf_buf{}); }

    /** For an out parameter of the C interface that gives a buffer; this must be empty. */
    jf_buf *out() noexcept { return &buf_; }

private:
    jf_buf buf_{};
};

} // namespace jackfield

#endif /* JACKFIELD_TYPES_HPP */
