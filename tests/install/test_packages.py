# SPDX-License-Identifier: MIT
#
# test_packages.py - Debian packages: built as the preset says, without an error of lintian's, split as Debian would.

import glob
import os
import shutil
import subprocess
import tempfile
import unittest

from installed import CC, CXX, SOURCE, run

TOOLS = ("cpack", "dpkg-deb", "dpkg-shlibdeps", "lintian")


@unittest.skipUnless(all(shutil.which(tool) for tool in TOOLS), "not all are installed: " + ", ".join(TOOLS))
class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="mems-packages-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        build = os.path.join(cls.folder, "build")
        run("cmake", "--preset", "package", "-B", build, f"-DCMAKE_C_COMPILER={CC}", f"-DCMAKE_CXX_COMPILER={CXX}",
            cwd=SOURCE)
        run("cmake", "--build", build)
        run("cpack", "-G", "DEB", cwd=build, umask=0o077) # the modes are the policy's all the same
        cls.files = {os.path.basename(path).split("_")[0]: path for path in glob.glob(os.path.join(build, "*.deb"))}

    def test_which(self):
        self.assertEqual(set(self.files), {"libmems0", "libmems-malloc0", "mems-dev", "mems-stress"})

    def test_lintian(self):
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", *self.files.values()],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # Whoever calls ldconfig does so for CPack.
        rest = [line for line in done.stdout.splitlines() if not line.startswith("N:")
                and "maintscript-calls-ldconfig" not in line]
        self.assertEqual(rest, [])

    def field(self, name, field):
        return run("dpkg-deb", "-f", self.files[name], field).strip()

    def test_dependencies(self):
        self.assertIn("liburcu8", self.field("libmems0", "Depends"))
        self.assertNotIn("liburcu", self.field("libmems-malloc0", "Depends"))
        self.assertIn("libmems0 (= ", self.field("mems-dev", "Depends"))
        for library in ("libjansson4", "libzstd1", "libdw1", "libnettle8", "libhwloc15"):
            self.assertIn(library, self.field("mems-stress", "Depends"))

    def test_symbols(self):
        for name in ("libmems0", "libmems-malloc0"):
            control = os.path.join(self.folder, name)
            tree = os.path.join(self.folder, name + "-tree")
            run("dpkg-deb", "-e", self.files[name], control)
            run("dpkg-deb", "-x", self.files[name], tree)
            os.makedirs(os.path.join(tree, "DEBIAN"))
            library = glob.glob(os.path.join(tree, "usr/lib/*/*.so.0"))[0]
            # What Debian's own tool makes of the library, seeing ours: -c4 fails at any difference.
            run("dpkg-gensymbols", f"-p{name}", f"-v{self.field(name, 'Version')}", "-c4", f"-e{library}",
                f"-I{control}/symbols", f"-O{self.folder}/{name}.symbols", cwd=self.control_folder())

    def control_folder(self):
        """dpkg-gensymbols reads debian/control for the name of the architecture's package."""
        folder = os.path.join(self.folder, "source")
        os.makedirs(os.path.join(folder, "debian"), exist_ok=True)
        with open(os.path.join(folder, "debian/control"), "w", encoding="ascii") as file:
            file.write("Source: mems\nMaintainer: x <x@example.org>\n")
            for name in ("libmems0", "libmems-malloc0"):
                file.write(f"\nPackage: {name}\nArchitecture: any\nDescription: x\n")
        return folder

    def test_copyright(self):
        """What is in the program and is not ours, is told."""
        tree = os.path.join(self.folder, "mems-stress-doc")
        run("dpkg-deb", "-x", self.files["mems-stress"], tree)
        with open(os.path.join(tree, "usr/bin/mems-stress"), "rb") as program:
            notices = [line for line in program.read().splitlines() if line.startswith((b" * Chart.js v", b" * @kurkle/color v"))]
        self.assertEqual(len(notices), 2, notices)
        with open(os.path.join(tree, "usr/share/doc/mems-stress/copyright"), encoding="utf-8") as file:
            told = file.read()
        for holder in ("Chart.js Contributors", "Jukka Kurkela", "libjs-chart.js"):
            self.assertIn(holder, told)

    def test_nothing_of_this_machine(self):
        for name, path in self.files.items():
            tree = os.path.join(self.folder, name + "-all")
            run("dpkg-deb", "-x", path, tree)
            done = subprocess.run(["grep", "-rlaF", "-e", SOURCE, "-e", self.folder, tree], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.stdout, "", name)


if __name__ == "__main__":
    unittest.main()
