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

# Without the times of an earlier run CTest would begin with the first of the list, and a long test at its end would have
# the machine to itself. Those that take five seconds or more, the longest first; one that is not there is no fault.
set(builds_long
    release:architecture.configure release:unit.bench.goals release:cli.run.smoke asan:unit.engine.inject
    tsan:cli.run.robust release:cli.run.process_evil tsan:concurrency.conformance release:faults.sample
    release:cli.run.language release:cli.run.workloads tsan:cli.run.metrics tsan:cli.run.run asan:cli.compare.baseline
    asan:cli.run.language tsan:concurrency.mover release:cli.run.evil tsan:concurrency.engine
    tsan:concurrency.slab asan:unit.workload.threads release:cli.schema.schema release:unit.bench.kernels
    release:cli.bench.readme release:cli.readme tsan:unit.workload.threads release:cli.run.jobs
    release:property.conformance_random release:property.vm_segmentation tsan:cli.run.adversary asan:cli.run.robust
    release:mutants.sample asan:unit.bench.kernels tsan:unit.bench.kernels release:cli.run.adversary
    tsan:concurrency.vm_segmentation tsan:cli.run.workloads release:cli.run.metrics asan:cli.run.run
    asan:cli.complaints.keys tsan:unit.workload.workloads asan:cli.run.metrics
    release:cli.schema.machine tsan:cli.run.swap tsan:concurrency.vm release:cli.explore tsan:unit.workload.adversary
    release:concurrency.mover release:cli.run.robust release:property.dynamic
    release:architecture.plants release:concurrency.vm_segmentation tsan:unit.workload.slots asan:cli.run.jobs
    release:property.cached tsan:cli.trace.replay_threads asan:cli.run.adversary release:models.small
    release:models.without release:cli.run.process release:property.vm_segment_paged)
list(LENGTH builds_long cost)
foreach(test IN LISTS builds_long)
    _set_tests_properties(${test} PROPERTIES COST ${cost})
    math(EXPR cost "${cost} - 1")
endforeach()
