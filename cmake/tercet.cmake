# What every module says in its CMakeLists.txt:
#
#   tercet_library(mqtt ROOT ${CMAKE_SOURCE_DIR}/protocol DIR tercet/mqtt LINK base PORTABLE)
#
# makes the library `tercet_mqtt` of every *.cc in the folder and one test program `mqtt_test` of every *_test.cc beside
# them. Linking a library is what makes its headers found, so an include against the arrows of docs/architecture.md
# does not compile. PORTABLE code runs on boards: no exceptions, no run-time type information.

find_program(TERCET_CCACHE ccache)
if(TERCET_CCACHE)
  # Paths relative to the tree, so that a fresh clone elsewhere finds what another one has compiled.
  set(_launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${TERCET_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${_launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${_launcher})
endif()

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
find_program(TERCET_LLD ld.lld)
if(TERCET_LLD)
  add_link_options(-fuse-ld=lld)
endif()

add_library(tercet_warnings INTERFACE)
target_compile_options(tercet_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Werror)

if(TERCET_SANITIZE)
  string(REPLACE ";" "," _sanitize "${TERCET_SANITIZE}")
  add_compile_options(-fsanitize=${_sanitize} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${_sanitize})
endif()
if(TERCET_FUZZ)  # every library tells the fuzzer which branches were taken
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(TERCET_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

find_path(TERCET_DOCTEST doctest/doctest.h REQUIRED)
add_custom_target(unit_tests)     # every program of tests labelled `unit`
add_custom_target(fuzz_targets)   # every fuzz target
add_library(tercet_test_main OBJECT ${CMAKE_SOURCE_DIR}/cmake/test_main.cc)
add_library(tercet_test INTERFACE)
target_link_libraries(tercet_test INTERFACE tercet_warnings)

function(tercet_test NAME)
  cmake_parse_arguments(A "SERIAL" "TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 300)
  endif()
  add_executable(${NAME} ${A_SOURCES} $<TARGET_OBJECTS:tercet_test_main>)
  target_link_libraries(${NAME} PRIVATE tercet_test ${A_LINK})
  add_test(NAME ${NAME} COMMAND ${NAME})
  set_tests_properties(${NAME} PROPERTIES TIMEOUT ${A_TIMEOUT} LABELS unit)
  add_dependencies(unit_tests ${NAME})
  if(A_SERIAL)
    set_tests_properties(${NAME} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()

function(tercet_library NAME)
  cmake_parse_arguments(A "PORTABLE" "ROOT;DIR" "LINK;PRIVATE_LINK;TEST_LINK;EXCLUDE" ${ARGN})
  file(GLOB _sources CONFIGURE_DEPENDS ${A_ROOT}/${A_DIR}/*.cc)
  file(GLOB _tests CONFIGURE_DEPENDS ${A_ROOT}/${A_DIR}/*_test.cc)
  if(_tests)
    list(REMOVE_ITEM _sources ${_tests})
  endif()
  foreach(_skip ${A_EXCLUDE})
    list(REMOVE_ITEM _sources ${A_ROOT}/${A_DIR}/${_skip})
  endforeach()
  set(_links)
  foreach(_l ${A_LINK})
    list(APPEND _links tercet_${_l})
  endforeach()
  if(_sources)
    add_library(tercet_${NAME} STATIC ${_sources})
    target_include_directories(tercet_${NAME} PUBLIC ${A_ROOT})
    target_link_libraries(tercet_${NAME} PUBLIC ${_links} PRIVATE tercet_warnings ${A_PRIVATE_LINK})
    if(A_PORTABLE)
      target_compile_options(tercet_${NAME} PRIVATE -fno-exceptions -fno-rtti)
    endif()
  else()
    add_library(tercet_${NAME} INTERFACE)
    target_include_directories(tercet_${NAME} INTERFACE ${A_ROOT})
    target_link_libraries(tercet_${NAME} INTERFACE ${_links})
  endif()
  if(_tests)
    set(_tlinks)
    foreach(_l ${A_TEST_LINK})
      list(APPEND _tlinks tercet_${_l})
    endforeach()
    tercet_test(${NAME}_test SOURCES ${_tests} LINK tercet_${NAME} ${_tlinks} ${A_PRIVATE_LINK})
  endif()
endfunction()

# A libFuzzer target; `ctest` runs it on its seeds and then for TERCET_FUZZ_SECONDS.
set(TERCET_FUZZ_SECONDS 60 CACHE STRING "How long ctest runs each fuzz target")
function(tercet_fuzz NAME)
  cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
  if(NOT TERCET_FUZZ)
    return()
  endif()
  add_executable(${NAME} ${A_SOURCES})
  target_compile_options(${NAME} PRIVATE -fsanitize=fuzzer)
  target_link_options(${NAME} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${NAME} PRIVATE tercet_warnings ${A_LINK})
  add_test(NAME ${NAME} COMMAND ${NAME} -max_total_time=${TERCET_FUZZ_SECONDS} -max_len=4096 -timeout=10
           -print_final_stats=1 ${CMAKE_CURRENT_BINARY_DIR}/found/${NAME} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${NAME})
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/found/${NAME})
  set_tests_properties(${NAME} PROPERTIES LABELS fuzz TIMEOUT 600)
  add_dependencies(fuzz_targets ${NAME})
endfunction()
