/* What the two source files of plugin `edges` share. */
#ifndef EDGES_HPP
#define EDGES_HPP

#include <jackfield/plugin.hpp>

/* Throws a failure with all that one can have. From another source file than its handler. */
[[noreturn]] void fail_whole(jackfield::Call &call);

/* Puts a document with a blob into the store and reads both again: what the store gives for `params`. */
std::string store_and_read(jackfield::Host host, std::string_view params);

#endif
