# cmake -P tidy.cmake: house rules a compiler cannot see. Each ban: pattern, where allowed, instead.
cmake_minimum_required(VERSION 3.25)
set(bans
  "_clock::now\\(|[^_a-z]time\\(nullptr\\)"  "^base/core/real_"           "a Clock&"
  "sleep_for|sleep_until|[^_]usleep\\("       "^(base/core/real_|tests/)"  "the Scheduler"
  "std::regex|<regex>"                        "^$"                         "re2, through base/text"
  "std::cout|std::cerr|[^nf]printf\\("        "^(base/log|app|tests)/"     "base/log"
  "[^a-z_]rand\\(\\)|random_device"           "^(base/core/real_|tests/)"  "a seeded Rng&"
  "httplib\\.h"                               "^web/http/"                 "web/http"
  "curl/curl\\.h"                             "^base/net/"                 "base/net"
  "sqlite3\\.h"                               "^storage/state/"            "storage/state"
  "toml\\+\\+|<toml\\.h"                      "^app/config/"               "an Options struct"
  "<re2/"                                     "^base/text/"                "base/text"
  "<date/"                                    "^base/text/"                "base/text/time_zone.h"
  "<prometheus/"                              "^base/telemetry/"           "base/telemetry"
  "<protozero/pbf_reader"                     "^base/text/"                "base/text/protobuf.h"
  "<spdlog/"                                  "^base/log/"                 "base/log"
  "FIXME|XXX|dbg!"                            "^$"                         "an issue number")
file(GLOB_RECURSE files RELATIVE "${ROOT}" "${ROOT}/*.h" "${ROOT}/*.cc")
list(FILTER files EXCLUDE REGEX "^(build|\\.)|node_modules")
set(bad "")
foreach(f IN LISTS files)
  file(READ "${ROOT}/${f}" text)
  string(REGEX MATCHALL "\n" lines "${text}")
  list(LENGTH lines n)
  if(n GREATER 600)
    list(APPEND bad "${f}: ${n} lines, split it at 600")
  endif()
  set(left ${bans})
  while(left)
    list(POP_FRONT left pattern where instead)
    if(NOT f MATCHES "${where}" AND text MATCHES "${pattern}")
      list(APPEND bad "${f}: \"${CMAKE_MATCH_0}\" is banned here, ${instead} instead")
    endif()
  endwhile()
endforeach()
if(bad)
  list(JOIN bad "\n  " all)
  message(FATAL_ERROR "tidy:\n  ${all}")
endif()
