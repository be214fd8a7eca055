# SPDX-License-Identifier: MIT
#
# test_libraries.py - a program of somebody else finds, compiles, links and runs the libraries: in C and C++, shared and
# static, by pkg-config and by CMake, from an installation that was staged and moved.

import os
import re
import shlex
import subprocess
import unittest

from installed import BUILD, CC, CXX, Installed, SOURCE, run

ENGINE = """
#include <mems/engine.h>
#include <mems/mems.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    struct mems_config config;
    struct mems_engine *engine;
    struct mems_space *space;
    mems_addr addr;
    void *host;
    memset(&config, 0, sizeof config);
    config.policy = "segmentation";
    if (mems_engine_open(&config, &engine) != 0 || mems_space_open(engine, &space) != 0 ||
        mems_alloc(space, 100, 0, &addr) != 0) {
        return 1;
    }
    mems_access_begin();
    int error = mems_translate(space, addr, MEMS_WRITE, &host, NULL);
    if (error == 0) {
        memset(host, 7, 100);
    }
    mems_access_end();
    int released = mems_release(space, addr);
    printf("%d %d %s\\n", error, released, mems_error_text(mems_release(space, addr)));
    mems_engine_close(engine);
    return 0;
}
"""

MALLOC = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    char *volatile block = (char *)malloc(100);
    strcpy(block, "freed");
    free(block);
    puts(argc_is_used);
    fflush(stdout);
    free(block);
    return 0;
}
""".replace("argc_is_used", '"once"')

# The two ways to have it, for each library.
PROJECT = """
cmake_minimum_required(VERSION 3.16)
project(consumer LANGUAGES C CXX)
find_package(mems 0.1 REQUIRED)
foreach(language c cc)
    foreach(kind mems static)
        add_executable(engine-${language}-${kind} engine.${language})
        target_link_libraries(engine-${language}-${kind} PRIVATE mems::${kind})
    endforeach()
    foreach(kind malloc malloc-static)
        add_executable(malloc-${language}-${kind} malloc.${language})
        target_link_libraries(malloc-${language}-${kind} PRIVATE mems::${kind})
    endforeach()
endforeach()
"""

# README's lines, in a name space whose /usr/local and /etc are nobody else's.
AT_ITS_PLACE = """
mkdir local; mount --bind local /usr/local
cp -a /etc etc; mount --bind etc /etc
cmake --install {build} --prefix /usr/local >/dev/null && ldconfig
{cc} engine.c $(pkg-config --cflags --libs mems) -o mine
./mine
LD_PRELOAD=libmems-malloc.so.0 cat /proc/self/maps | grep -c "r-xp.* /usr/local/lib/.*libmems-malloc.so.0"
mems-stress --version
"""

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


class Libraries(Installed):
    def setUp(self):
        for ending in ("c", "cc"):
            self.write(f"engine.{ending}", ENGINE)
            self.write(f"malloc.{ending}", MALLOC)
        self.environment = {**os.environ, "PKG_CONFIG_PATH": os.path.join(self.libdir, "pkgconfig")}

    def loads(self, program, library):
        environment = {**os.environ, "LD_LIBRARY_PATH": self.libdir}
        return library in run("ldd", program, env=environment)

    def engine_works(self, program, shared):
        self.assertEqual(self.loads(program, "libmems.so.0"), shared)
        environment = {**os.environ, "LD_LIBRARY_PATH": self.libdir}
        self.assertEqual(run(program, env=environment), "0 0 double free\n")

    def malloc_works(self, program, shared):
        self.assertEqual(self.loads(program, "libmems-malloc.so.0"), shared)
        environment = {**os.environ, "LD_LIBRARY_PATH": self.libdir}
        self.assertEqual(run(program, env=environment, status=-6), "once\n") # and the sin is found

    def pkg_config(self, *arguments):
        return run("pkg-config", *arguments, env=self.environment).split()

    def compile(self, name, ending, package, static):
        program = self.path(f"{name}-{ending}-{static}")
        compiler = [CC, "-std=c17", *STRICT] if ending == "c" else [CXX, "-std=c++17", *STRICT]
        flags = self.pkg_config("--cflags", "--libs", *["--static"] * static, package)
        if static:
            flags = [flag for word in flags for flag in (["-Wl,-Bstatic", word, "-Wl,-Bdynamic"]
                     if word.startswith("-lmems") else [word])]
        run(*compiler, self.path(f"{name}.{ending}"), "-o", program, *flags)
        return program

    def test_by_pkg_config(self):
        for ending in ("c", "cc"):
            for static in (False, True):
                with self.subTest(ending=ending, static=static):
                    self.engine_works(self.compile("engine", ending, "mems", static), not static)
                    self.malloc_works(self.compile("malloc", ending, "mems-malloc", static), not static)

    def test_at_its_place(self):
        # No variable says where: the linker, the loader and the shell find what was installed.
        if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("a mount name space of its own is for root")
        lines = AT_ITS_PLACE.format(build=shlex.quote(BUILD), cc=shlex.quote(CC))
        path = os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"))
        told = run("unshare", "--mount", "sh", "-ec", lines, cwd=self.folder, env={"PATH": path, "HOME": self.folder})
        self.assertRegex(told, r"^0 0 double free\n1\nmems-stress [0-9.]+\n$")

    def test_shared_needs_no_other(self):
        # Who links with the shared library is not told of liburcu.
        self.assertEqual([word for word in self.pkg_config("--libs", "mems") if word.startswith("-l")], ["-lmems"])

    def test_each_field_has_a_value(self):
        for name in ("mems", "mems-malloc"):
            with open(os.path.join(self.libdir, "pkgconfig", name + ".pc"), encoding="utf-8") as file:
                self.assertEqual([line for line in file if not re.fullmatch(r"(\w+=|[\w.]+: )\S.*\n|\n", line)], [])
            self.pkg_config("--validate", name)

    def test_by_cmake(self):
        self.write("CMakeLists.txt", PROJECT)
        build = self.path("consumer")
        run("cmake", "-S", self.folder, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_C_COMPILER={CC}",
            f"-DCMAKE_CXX_COMPILER={CXX}", "-DCMAKE_BUILD_TYPE=Release")
        run("cmake", "--build", build)
        for ending in ("c", "cc"):
            for kind in ("mems", "static"):
                self.engine_works(os.path.join(build, f"engine-{ending}-{kind}"), kind == "mems")
            for kind in ("malloc", "malloc-static"):
                self.malloc_works(os.path.join(build, f"malloc-{ending}-{kind}"), kind == "malloc")

    def test_cmake_refuses_another_version(self):
        self.write("CMakeLists.txt", PROJECT.replace("mems 0.1", "mems 1.0"))
        with self.assertRaisesRegex(AssertionError, "requested version"):
            run("cmake", "-S", self.folder, "-B", self.path("another"), f"-DCMAKE_PREFIX_PATH={self.prefix}")

    def test_one_version(self):
        # project(VERSION) is where it is said.
        with open(os.path.join(SOURCE, "CMakeLists.txt"), encoding="utf-8") as file:
            version = file.read().split("project(mems VERSION ")[1].split()[0]
        self.assertEqual(self.pkg_config("--modversion", "mems"), [version])
        self.assertEqual(run(self.program, "--version").split(), ["mems-stress", version])
        for name in ("mems", "mems-malloc"):
            link = os.path.join(self.libdir, f"lib{name}.so")
            soname = f"lib{name}.so.{version.split('.')[0]}"
            self.assertEqual(os.readlink(link), soname)
            self.assertEqual(os.path.basename(os.path.realpath(link)), f"lib{name}.so.{version}")
            self.assertIn(f"[{soname}]", run("readelf", "-d", link))

    def test_nothing_outside_the_prefix(self):
        self.assertEqual(self.left, ["opt"])


if __name__ == "__main__":
    unittest.main()
