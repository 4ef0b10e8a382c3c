/*
 * jackfield/plugin_store.hpp - part of plugin.hpp: durable documents and blobs.
 *
 * Any thread but that of an INLINE command; may block on the disk. From the constructor of the plugin until its destructor.
 * Texts are borrowed until the call returns. Failure: Invalid, TooLarge, Unavailable (the disk), NotFound, WrongThread,
 * WrongState, Stale, Internal; the text says what was tried.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 */
#ifndef JACKFIELD_PLUGIN_STORE_HPP
#define JACKFIELD_PLUGIN_STORE_HPP

#include "plugin_host.hpp"

#include <initializer_list>
#include <optional>

namespace jackfield {

class Batch;

/** The server's store: collections of JSON documents, and blobs named by the hash of their content. Cheap to copy. */
class Store {
public:
    /** Failure: NoService where the server has none. */
    explicit Store(Host host) : host_(host), table_(host.service<jf_store_v1>(JF_SERVICE_STORE))
    {
        check(table_ ? JF_OK : JF_E_NO_SERVICE, "the store");
    }

    /** Begins changes that become durable and visible together. */
    Batch begin() const;

    /** A document; none where there is none. */
    std::optional<Buffer> get(std::string_view collection, std::string_view id) const
    {
        Buffer json;
        const jf_status status = table_->get(host_.raw(), to_str(collection), to_str(id), json.out());
        if (status == JF_E_NOT_FOUND) return std::nullopt;
        check(status, "store: get", id);
        return json;
    }

    /**
     * Calls `each(id, json)` for up to `limit` documents after the first `offset`, in the order in which they were first put,
     * until it gives false. `each` must not call the store; what it throws ends the list and is thrown from here.
     */
    template <class Each>
    void list(std::string_view collection, std::uint64_t offset, std::uint64_t limit, Each each) const
    {
        struct Reading {
            Each &each;
            std::exception_ptr thrown;
        } reading{each, nullptr};
        const auto next = [](void *ctx, jf_str id, jf_str json) noexcept -> std::int32_t {
            auto &to = *static_cast<Reading *>(ctx);
            try {
                return to.each(view(id), view(json)) ? 0 : 1;
            } catch (...) {
                to.thrown = std::current_exception();
                return 1;
            }
        };
        const jf_status status = table_->list(host_.raw(), to_str(collection), offset, limit, next, &reading);
        if (reading.thrown) std::rethrow_exception(reading.thrown);
        check(status, "store: list", collection);
    }

    /** Number of documents in a collection. */
    std::uint64_t count(std::string_view collection) const
    {
        std::uint64_t found = 0;
        check(table_->count(host_.raw(), to_str(collection), &found), "store: count", collection);
        return found;
    }

    /** Size of a blob in bytes. */
    std::uint64_t blob_size(std::string_view blob) const
    {
        std::uint64_t size = 0;
        check(table_->blob_size(host_.raw(), to_str(blob), &size), "store: size of blob", blob);
        return size;
    }

    /** Up to `len` bytes of a blob from `offset`; shorter only at its end. */
    Buffer blob_read(std::string_view blob, std::uint64_t offset, std::uint64_t len) const
    {
        Buffer bytes;
        check(table_->blob_read(host_.raw(), to_str(blob), offset, len, bytes.out()), "store: read blob", blob);
        return bytes;
    }

private:
    friend class Batch;
    Host host_;
    const jf_store_v1 *table_;
};

/** Changes that become durable and visible together, by commit. One that goes without it has changed nothing. Move-only. */
class Batch {
public:
    explicit Batch(const Store &store) : store_(store)
    {
        check(store_.table_->begin(store_.host_.raw(), &handle_), "store: begin a batch");
        open_ = true;
    }
    Batch(Batch &&other) noexcept
        : store_(other.store_), handle_(other.handle_), open_(std::exchange(other.open_, false))
    {
    }
    Batch &operator=(Batch &&) = delete;
    ~Batch()
    {
        if (open_) store_.table_->abort(store_.host_.raw(), handle_);
    }

    /** Puts a document (one JSON text), in place of an older one. A blob lives as long as a document names it here. */
    void put(std::string_view collection, std::string_view id, std::string_view json,
             std::initializer_list<std::string_view> blobs = {})
    {
        std::vector<jf_str> names;
        for (const std::string_view blob : blobs) names.push_back(to_str(blob));
        check(store_.table_->put(store_.host_.raw(), handle_, to_str(collection), to_str(id), to_str(json), names.data(),
                                 names.size()),
              "store: put", id);
    }

    /** Removes a document; one that is not there is no error. */
    void remove(std::string_view collection, std::string_view id)
    {
        check(store_.table_->remove(store_.host_.raw(), handle_, to_str(collection), to_str(id)), "store: remove", id);
    }

    /** Begins a blob; gives its handle, for write and finish. Several may be written at once. */
    std::uint64_t blob()
    {
        std::uint64_t handle = 0;
        check(store_.table_->blob_begin(store_.host_.raw(), handle_, &handle), "store: begin a blob");
        return handle;
    }
    void write(std::uint64_t blob, std::string_view bytes)
    {
        check(store_.table_->blob_write(store_.host_.raw(), blob, to_bytes(bytes)), "store: write a blob");
    }
    /** Ends a blob; gives its name, to be kept in a document and named in put. */
    std::string finish(std::uint64_t blob)
    {
        std::uint8_t name[JF_BLOB_NAME_LEN] = {};
        check(store_.table_->blob_finish(store_.host_.raw(), blob, name), "store: finish a blob");
        return std::string(view(jf_bytes{name, sizeof name}));
    }

    /** Durable and visible as a whole when it returns; when it throws, nothing of it is. The last call. */
    void commit()
    {
        open_ = false;
        check(store_.table_->commit(store_.host_.raw(), handle_), "store: commit a batch");
    }

private:
    Store store_;
    std::uint64_t handle_ = 0;
    bool open_ = false;
};

inline Batch Store::begin() const { return Batch(*this); }

} // namespace jackfield

#endif /* JACKFIELD_PLUGIN_STORE_HPP */
