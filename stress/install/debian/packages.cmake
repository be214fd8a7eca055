# SPDX-License-Identifier: MIT
# Debian packages by CPack, as one that Debian's own tools made would split them: the two libraries by their SONAME,
# what programs are built with (mems-dev: Debian has a libmems-dev, of sequence alignment), and the driver.
#
#   cmake --workflow --preset package          # build/package/*.deb
#
# The prefix must be /usr: then the libraries lie where Debian has them for this architecture. DEBFULLNAME and DEBEMAIL
# name the maintainer, as they do for Debian's tools.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_NAME mems)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(name "MeMS maintainers")
set(address mems-maintainers@users.noreply.github.com)
if(DEFINED ENV{DEBEMAIL} AND DEFINED ENV{DEBFULLNAME})
    set(name "$ENV{DEBFULLNAME}")
    set(address "$ENV{DEBEMAIL}")
endif()
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${name} <${address}>")

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL libmems libmems-malloc libmems-dev mems-stress)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_SOURCE mems)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(libmems libmems${PROJECT_VERSION_MAJOR})
set(libmems_malloc libmems-malloc${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_LIBMEMS_PACKAGE_NAME ${libmems})
set(CPACK_DEBIAN_LIBMEMS_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBMEMS_DESCRIPTION "memory-management engine with placement policies
libmems is a thread-safe memory-management engine: per-thread caches in
front, instrumented locks behind, and below them the placement policies of
the textbooks (partitions, paging, segmentation, virtual memory) and a slab
policy.

This package has the shared library.")
set(CPACK_DEBIAN_LIBMEMS-MALLOC_PACKAGE_NAME ${libmems_malloc})
set(CPACK_DEBIAN_LIBMEMS-MALLOC_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBMEMS-MALLOC_DESCRIPTION "drop-in malloc that names each misuse
libmems-malloc answers malloc, new and their families for any program, linked
or by LD_PRELOAD. Whether a block is free is known far away from it: a release
of what is not a block in use is found, and told in one line.

This package has the shared library.")
set(CPACK_DEBIAN_LIBMEMS-DEV_PACKAGE_NAME mems-dev)
set(CPACK_DEBIAN_LIBMEMS-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBMEMS-DEV_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_LIBMEMS-DEV_PACKAGE_DEPENDS "${libmems} (= ${PROJECT_VERSION}), ${libmems_malloc} (= ${PROJECT_VERSION}), liburcu-dev, libc6-dev")
set(CPACK_DEBIAN_LIBMEMS-DEV_DESCRIPTION "memory-management engine (development files)
libmems is a thread-safe memory-management engine with the placement policies
of the textbooks; libmems-malloc is a drop-in malloc.

This package has the headers, the archives, and what pkg-config and CMake want
to know.")
set(CPACK_DEBIAN_MEMS-STRESS_PACKAGE_NAME mems-stress)
set(CPACK_DEBIAN_MEMS-STRESS_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_MEMS-STRESS_PACKAGE_SUGGESTS "${libmems_malloc}, libjemalloc2, libmimalloc2.0, libtcmalloc-minimal4")
set(CPACK_DEBIAN_MEMS-STRESS_DESCRIPTION "stress lab for memory allocators
mems-stress does to an allocator what a job file says, or what a recorded
program did: it measures throughput, latency, contention and fragmentation,
checks every byte, and gives a verdict. It works on any malloc there is a
shared object of, and on the placement policies of its own engine.")

# What is in the control part of the libraries' packages: who runs ldconfig, and since which version each name is there, what to depend on for that.
set(control ${PROJECT_BINARY_DIR}/debian)
file(WRITE ${control}/triggers "activate-noawait ldconfig\n")
file(STRINGS ${PROJECT_SOURCE_DIR}/lib/libmems.symbols lines REGEX "^mems_")
set(version MEMS_${PROJECT_VERSION_MAJOR})
set(text "libmems.so.${PROJECT_VERSION_MAJOR} ${libmems} #MINVER#\n* Build-Depends-Package: mems-dev\n ${version}@${version} 0.1.0\n")
foreach(line ${lines})
    string(REPLACE " " "@${version} " line ${line})
    string(APPEND text " ${line}\n")
endforeach()
file(WRITE ${control}/libmems/symbols ${text})
file(STRINGS ${PROJECT_SOURCE_DIR}/lib/malloc/exports.txt lines)
set(text "libmems-malloc.so.${PROJECT_VERSION_MAJOR} ${libmems_malloc} #MINVER#\n* Build-Depends-Package: mems-dev\n")
foreach(line ${lines})
    string(APPEND text " ${line}@Base 0.1.0\n")
endforeach()
file(WRITE ${control}/libmems-malloc/symbols ${text})
foreach(component libmems libmems-malloc)
    string(TOUPPER ${component} upper)
    file(WRITE ${control}/${component}/shlibs "${component} ${PROJECT_VERSION_MAJOR} \
${component}${PROJECT_VERSION_MAJOR} (>= ${PROJECT_VERSION})\n")
    set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA
        ${control}/triggers ${control}/${component}/shlibs ${control}/${component}/symbols)
endforeach()

# The changelog of this version; what belongs into each package but into no other installation is put there by stage.cmake.
execute_process(COMMAND date -R -u -d "${MEMS_DATE} 12:00" OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE)
file(WRITE ${control}/changelog "mems (${PROJECT_VERSION}) unstable; urgency=medium

  * See README.md and the log of the sources.

 -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  ${date}
")
set(CPACK_MEMS_CONTROL ${control})
set(CPACK_MEMS_COPYRIGHT ${CMAKE_CURRENT_LIST_DIR}/copyright)
set(CPACK_MEMS_PACKAGES libmems:${libmems} libmems-malloc:${libmems_malloc} libmems-dev:mems-dev
    mems-stress:mems-stress)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/stage.cmake)
include(CPack)
