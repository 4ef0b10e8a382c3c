# Jackfield::jackfield   libjackfield, for host applications
# Jackfield::static      the same, linked in
# Jackfield::plugin      the headers alone, for plugins

# From the place of this file, so that the tree can be moved. Real: Debian's /lib is a link to /usr/lib.
get_filename_component(_jackfield_here "${CMAKE_CURRENT_LIST_DIR}" REALPATH)
get_filename_component(_jackfield_prefix "${_jackfield_here}/@UP@" ABSOLUTE)
if(NOT TARGET Jackfield::jackfield)
  add_library(Jackfield::plugin INTERFACE IMPORTED)
  set_target_properties(Jackfield::plugin PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_jackfield_prefix}/include")
  add_library(Jackfield::jackfield SHARED IMPORTED)
  set_target_properties(Jackfield::jackfield PROPERTIES
    IMPORTED_LOCATION "${_jackfield_prefix}/@SHARED@"
@FOUND_BY@
    INTERFACE_INCLUDE_DIRECTORIES "${_jackfield_prefix}/include")
  add_library(Jackfield::static STATIC IMPORTED)
  set_target_properties(Jackfield::static PROPERTIES
    IMPORTED_LOCATION "${_jackfield_prefix}/@STATIC@"
    INTERFACE_COMPILE_DEFINITIONS JF_STATIC
    INTERFACE_INCLUDE_DIRECTORIES "${_jackfield_prefix}/include"
    INTERFACE_LINK_LIBRARIES "@NATIVE_LIST@")
endif()
unset(_jackfield_here)
unset(_jackfield_prefix)
