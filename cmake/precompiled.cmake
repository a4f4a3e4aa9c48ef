# The release preset reads the standard headers once for all files (NINES_PRECOMPILED), for they are much of
# the time of a whole build. The other presets do not: they find a file that forgets an #include.
option(NINES_PRECOMPILED "Precompile the standard headers" OFF)

set(nines_common_headers
    <algorithm> <array> <charconv> <chrono> <cmath> <cstddef> <cstdint> <cstring> <functional> <limits> <map>
    <memory> <mutex> <optional> <set> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>)

# nines_precompile(<name> <-fPIC|-fPIE> HEADERS...): the target others take them from, libraries with -fPIC,
# programs with -fPIE. They must be compiled with the same options; a source with options of its own opts
# out by SKIP_PRECOMPILE_HEADERS.
function(nines_precompile name position)
  if(NINES_PRECOMPILED)
    file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${name}.cc" CONTENT "")
    add_library(${name} OBJECT "${CMAKE_CURRENT_BINARY_DIR}/${name}.cc")
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE ${position})
    target_precompile_headers(${name} PRIVATE ${ARGN})
  endif()
endfunction()

function(nines_use_precompiled target name)
  if(NINES_PRECOMPILED)
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()
