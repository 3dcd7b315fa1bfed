# Refuses to build firmware with a device secret in its source (docs/provisioning.md):
#
#   include(/path/to/tercet/cmake/no_secrets.cmake)
#   tercet_refuse_secrets(TARGET [DIR|FILE ...])     without paths: CMAKE_CURRENT_SOURCE_DIR
#
# The check runs at every build, before TARGET is linked; a finding stops it with file:line. In an ESP-IDF project TARGET
# is ${CMAKE_PROJECT_NAME}.elf, named after project(). It needs `tercet` (PATH or TERCET_PROGRAM), or bash and a C++
# compiler for the machine that builds (TERCET_HOST_CXX); without either it warns, and nobody looks.
set(_tercet_no_secrets ${CMAKE_CURRENT_LIST_DIR}/../scripts/no-secrets)

function(tercet_refuse_secrets TARGET)
  set(_paths ${ARGN})
  if(NOT _paths)
    set(_paths ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  find_program(TERCET_PROGRAM tercet)
  find_program(TERCET_BASH bash)
  find_program(TERCET_HOST_CXX NAMES c++ g++ clang++)  # CMAKE_CXX_COMPILER may be for a board
  if(TERCET_PROGRAM)
    set(_command ${TERCET_PROGRAM} check-source ${_paths})
  elseif(TERCET_BASH AND TERCET_HOST_CXX)
    set(_command ${CMAKE_COMMAND} -E env CXX=${TERCET_HOST_CXX} ${TERCET_BASH} ${_tercet_no_secrets} ${_paths})
  else()
    message(WARNING "Nobody looks for secrets in ${_paths}: put tercet on the PATH, set TERCET_PROGRAM, or install a C++ "
      "compiler for this machine")
    return()
  endif()
  string(MAKE_C_IDENTIFIER "${TARGET}_no_secrets" _check)
  add_custom_target(${_check} COMMAND ${_command} COMMENT "Looking for device secrets in source" VERBATIM)
  add_dependencies(${TARGET} ${_check})
endfunction()
