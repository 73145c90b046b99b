# One interface target carries language level, warnings and sanitizers for all our targets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(SQPSYCH_CCACHE ccache)
if(SQPSYCH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The settings are the ones precompiled headers need to be cached at all.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${SQPSYCH_CCACHE})
endif()

add_library(sqpsych_options INTERFACE)
target_include_directories(sqpsych_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(sqpsych_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
  # File names in messages start at the root, whatever clone they were compiled in.
  $<$<CXX_COMPILER_ID:GNU>:-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=>
  # GCC 12 raises these two inside std::string (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>
  $<$<BOOL:${SQPSYCH_WERROR}>:-Werror>)
if(SQPSYCH_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "SQPSYCH_FUZZ needs clang: configure with -DCMAKE_CXX_COMPILER=clang++ (Debian package clang-14).")
  endif()
  set(fuzz_flags -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_compile_options(sqpsych_options INTERFACE ${fuzz_flags})
  target_link_options(sqpsych_options INTERFACE ${fuzz_flags})
endif()
if(SQPSYCH_SANITIZE)
  target_compile_options(sqpsych_options INTERFACE
    -fsanitize=${SQPSYCH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(sqpsych_options INTERFACE -fsanitize=${SQPSYCH_SANITIZE})
endif()
