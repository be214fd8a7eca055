# SPDX-License-Identifier: MIT
#
# builds.cmake - the tests of several builds as one CTest run: one list, one summary, one exit status.
#
# CTest reads it, not CMake: build/check/CTestTestfile.cmake, written by bootstrap.sh, sets `builds` (names) and
# `builds_root` (the folder that holds them) and includes this. A test x of build asan is called asan:x. CTest's two
# commands are replaced by ones that add that prefix; each argument is passed on in brackets, so that empty ones and
# ones with semicolons arrive as they are.

function(builds_call command name)
    set(call "${command}([=[${builds_prefix}${name}]=]")
    set(names_tests FALSE)
    math(EXPR last "${ARGC} - 1")
    foreach(i RANGE 2 ${last})
        set(value "${ARGV${i}}")
        if(names_tests)
            string(REPLACE ";" ";${builds_prefix}" value "${builds_prefix}${value}")
        endif()
        string(APPEND call " [=[${value}]=]")
        set(names_tests FALSE)
        if(value MATCHES "^(DEPENDS|FIXTURES_SETUP|FIXTURES_CLEANUP|FIXTURES_REQUIRED)$")
            set(names_tests TRUE)
        endif()
    endforeach()
    cmake_language(EVAL CODE "${call})")
endfunction()

function(add_test)
    set_property(GLOBAL APPEND PROPERTY "tests_of_${builds_prefix}" "${ARGV0}")
    set(call "builds_call(_add_test")
    math(EXPR last "${ARGC} - 1")
    foreach(i RANGE 0 ${last})
        string(APPEND call " [==[${ARGV${i}}]==]")
    endforeach()
    cmake_language(EVAL CODE "${call})")
endfunction()

function(set_tests_properties)
    set(call "builds_call(_set_tests_properties")
    math(EXPR last "${ARGC} - 1")
    foreach(i RANGE 0 ${last})
        string(APPEND call " [==[${ARGV${i}}]==]")
    endforeach()
    cmake_language(EVAL CODE "${call})")
endfunction()

foreach(build IN LISTS builds)
    set(builds_prefix "${build}:")
    subdirs("${builds_root}/${build}")
    get_property(tests GLOBAL PROPERTY "tests_of_${builds_prefix}")
    if(NOT tests)
        message(FATAL_ERROR "build ${build} has no test")
    endif()
endforeach()
