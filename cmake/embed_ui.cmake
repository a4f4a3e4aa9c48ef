# The page: bundled by node from web/ui/src, embedded in the library by .incbin.
#
# nines_embed_ui(<target>) -- adds the files of the page, and the table web/ui/assets.h promises.
function(nines_embed_ui target)
  set(ui "${PROJECT_SOURCE_DIR}/web/ui")
  find_program(NODE NAMES node nodejs)
  if(NOT NODE)
    message(FATAL_ERROR "The page of nines is built by node, which is not installed. Run:\n"
                        "  apt-get install nodejs npm && npm ci --prefix web/ui")
  endif()
  if(NOT EXISTS "${ui}/node_modules/esbuild/package.json")
    message(FATAL_ERROR "The page's libraries are not installed (once; building needs no network "
                        "afterwards). Run:\n  npm ci --prefix web/ui")
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${ui}/src/*")
  set(out "${PROJECT_BINARY_DIR}/web/ui")
  set(made "${out}/assets.S" "${out}/assets.cc")
  add_custom_command(
    OUTPUT ${made}
    COMMAND "${NODE}" "${ui}/build.mjs" --out "${out}"
    DEPENDS ${sources} "${ui}/build.mjs" "${ui}/package-lock.json" "${ui}/tsconfig.json"
            "${ui}/node_modules/esbuild/package.json"
    WORKING_DIRECTORY "${ui}"
    COMMENT "Page: bundling web/ui" VERBATIM)
  target_sources(${target} PRIVATE ${made})
  # build.mjs writes both anew whenever a file of the page changes; this also covers a dist/ that was
  # emptied by hand.
  set_source_files_properties("${out}/assets.S" PROPERTIES OBJECT_DEPENDS "${out}/assets.cc")
endfunction()
