/* The second source file of plugin `edges`. */
#include "edges.hpp"

void fail_whole(jackfield::Call &)
{
    throw jackfield::Failure(jackfield::Status::Unavailable, "The camera is off.", 17, R"({"camera": 3})");
}

std::string store_and_read(jackfield::Host host, std::string_view params)
{
    const jackfield::Store store(host);
    {
        jackfield::Batch given_up = store.begin();
        given_up.put("edges", "given-up", "1");
    }
    jackfield::Batch batch = store.begin();
    const std::uint64_t blob = batch.blob();
    batch.write(blob, "blob of ");
    batch.write(blob, params);
    const std::string name = batch.finish(blob);
    batch.put("edges", "first", params, {name});
    batch.put("edges", "second", "2");
    batch.put("edges", "third", "3");
    batch.remove("edges", "third");
    batch.commit();
    std::string ids;
    store.list("edges", 0, 10, [&](std::string_view id, std::string_view) { return ids.append(id).append(" "), true; });
    try {
        store.list("edges", 0, 10, [](std::string_view, std::string_view) -> bool { throw std::runtime_error("from each"); });
    } catch (const std::runtime_error &error) {
        ids.append(error.what());
    }
    const jackfield::Buffer bytes = store.blob_read(name, 5, store.blob_size(name));
    const bool none = !store.get("edges", "given-up") && store.count("edges") == 2;
    return "{\"ids\": \"" + ids + "\", \"none\": " + (none ? "true" : "false") + ", \"first\": " +
           std::string(store.get("edges", "first")->view()) + ", \"blob\": \"" + std::string(bytes.view().substr(0, 3)) + "\"}";
}
