# How a folder becomes a module. A file's place says what it is:
#   <module>/*.h           public headers, the module's contract
#   <module>/internal/*.h  private headers, refused to everybody else
#   <module>/*.cc, <module>/internal/*.cc   sources
#
# nines_layer(<module> [USES <module>...])  -- declares a module and the modules it may include.
function(nines_layer module)
  cmake_parse_arguments(ARG "" "" "USES" ${ARGN})
  foreach(dep IN LISTS ARG_USES)
    get_property(known GLOBAL PROPERTY "nines_layer_${dep}" SET)
    if(NOT known)
      message(FATAL_ERROR "layers.cmake: ${module} uses ${dep}, which is not declared above it.")
    endif()
  endforeach()
  set_property(GLOBAL PROPERTY "nines_layer_${module}" "${ARG_USES}")
endfunction()

# nines_check_includes(<module> FILES...): a stamp that is fresh only when every #include of FILES is
# allowed by the module's line in layers.cmake. Sets <name>_layers as the target to depend on.
function(nines_check_includes module)
  string(REPLACE "/" "_" name "${module}")
  get_property(uses GLOBAL PROPERTY "nines_layer_${module}")
  set(stamp "${CMAKE_BINARY_DIR}/layers/${name}.ok")
  add_custom_command(
    OUTPUT "${stamp}"
    COMMAND ${CMAKE_COMMAND} "-DROOT=${PROJECT_SOURCE_DIR}" "-DMODULE=${module}" "-DUSES=${uses}"
            "-DFILES=${ARGN}" "-DSTAMP=${stamp}"
            -P "${PROJECT_SOURCE_DIR}/cmake/check_includes.cmake"
    DEPENDS ${ARGN} "${PROJECT_SOURCE_DIR}/cmake/check_includes.cmake"
            "${PROJECT_SOURCE_DIR}/cmake/layers.cmake"
    COMMENT "Layers: ${module}" VERBATIM)
  add_custom_target(${name}_layers ALL DEPENDS "${stamp}")
endfunction()

# nines_module(<module> [LIBS <external>...] [PUBLIC_LIBS <external>...])
# Makes nines::<a_b> for module a/b, links what layers.cmake allows, checks every #include, and lets
# CMake compile each public header alone (target all_verify_interface_header_sets).
function(nines_module module)
  cmake_parse_arguments(ARG "" "" "LIBS;PUBLIC_LIBS" ${ARGN})
  get_property(known GLOBAL PROPERTY "nines_layer_${module}" SET)
  if(NOT known)
    message(FATAL_ERROR "${module} has no line in cmake/layers.cmake.")
  endif()
  get_property(uses GLOBAL PROPERTY "nines_layer_${module}")

  string(REPLACE "/" "_" name "${module}")
  set(dir "${PROJECT_SOURCE_DIR}/${module}")
  file(GLOB headers CONFIGURE_DEPENDS "${dir}/*.h")
  file(GLOB private_headers CONFIGURE_DEPENDS "${dir}/internal/*.h")
  file(GLOB sources CONFIGURE_DEPENDS "${dir}/*.cc" "${dir}/internal/*.cc")
  nines_check_includes(${module} ${headers} ${private_headers} ${sources})

  if(sources)
    add_library(nines_${name} STATIC ${sources})
    if(NOT module MATCHES "^tests/")
      nines_use_precompiled(nines_${name} nines_precompiled)
    endif()
    set(scope PUBLIC)
  else()
    add_library(nines_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(nines::${name} ALIAS nines_${name})
  add_dependencies(nines_${name} ${name}_layers)
  target_sources(nines_${name} ${scope} FILE_SET HEADERS
                 BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${headers})
  target_include_directories(nines_${name} ${scope} "${PROJECT_SOURCE_DIR}")
  string(REPLACE "/" "_" uses "${uses}")
  list(TRANSFORM uses PREPEND "nines::")
  target_link_libraries(nines_${name} ${scope} ${uses} ${ARG_PUBLIC_LIBS})
  if(ARG_LIBS AND sources)
    target_link_libraries(nines_${name} PRIVATE ${ARG_LIBS})
  endif()
endfunction()

# nines_kernels(FILE...): loops over columns that the compiler should turn into vector code. No
# option here changes a result: what is lost is when a division by zero would be noticed.
function(nines_kernels)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS
                              "$<$<CONFIG:Release>:-O3>;-fno-trapping-math;-fno-math-errno"
                              SKIP_PRECOMPILE_HEADERS ON)
endfunction()
