# SPDX-License-Identifier: MIT
# CPack runs this when the components are staged and not yet packed: copyright, changelog and compressed pages, as
# Debian's policy has them (12.1, 12.5, 12.7).
foreach(pair ${CPACK_MEMS_PACKAGES})
    string(REGEX MATCH "^(.*):(.*)$" pair ${pair})
    set(usr ${CPACK_TEMPORARY_DIRECTORY}/${CMAKE_MATCH_1}/usr)
    set(doc ${usr}/share/doc/${CMAKE_MATCH_2})
    file(COPY ${CPACK_MEMS_COPYRIGHT} DESTINATION ${doc})
    file(COPY ${CPACK_MEMS_CONTROL}/changelog DESTINATION ${doc})
    file(GLOB pages ${usr}/share/man/man*/*.[1-9])
    foreach(file ${pages} ${doc}/changelog)
        execute_process(COMMAND gzip -9nf ${file} COMMAND_ERROR_IS_FATAL ANY)
    endforeach()
    file(GLOB archives ${usr}/lib/*/*.a)
    foreach(file ${archives})
        execute_process(COMMAND strip --strip-debug --remove-section=.comment ${file} COMMAND_ERROR_IS_FATAL ANY)
    endforeach()
    # The modes of the policy (10.9), whatever the umask of who packs.
    file(GLOB_RECURSE files LIST_DIRECTORIES true ${usr}/*)
    foreach(file ${usr} ${files})
        if(IS_DIRECTORY ${file})
            file(CHMOD ${file} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                WORLD_READ WORLD_EXECUTE)
        elseif(NOT IS_SYMLINK ${file} AND NOT file MATCHES "/usr/bin/")
            file(CHMOD ${file} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
        endif()
    endforeach()
endforeach()
