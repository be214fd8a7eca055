# SPDX-License-Identifier: MIT
# Writes HEADER with the revision of the sources in SOURCE, when it is not the one that is there.
set(revision unknown)
find_program(GIT git)
if(GIT AND EXISTS ${SOURCE}/.git)
    execute_process(COMMAND ${GIT} -C ${SOURCE} describe --always --dirty --abbrev=12
        OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
    if(status EQUAL 0)
        set(revision ${described})
    endif()
endif()
set(text "#define MEMS_REVISION \"${revision}\"\n")
set(written "")
if(EXISTS ${HEADER})
    file(READ ${HEADER} written)
endif()
if(NOT text STREQUAL written)
    file(WRITE ${HEADER} "${text}")
endif()
