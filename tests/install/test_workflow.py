# SPDX-License-Identifier: MIT
#
# test_workflow.py - the workflow of GitHub Actions that users copy: it is one, and each of its steps that runs a command
# is run here, on an allocator of its own. With MEMS_INSTALL_FULL also the step that builds and installs mems-stress.

import json
import os
import shutil
import subprocess
import tempfile
import unittest

try:
    import yaml
except ImportError:
    yaml = None

from installed import SOURCE, run

STRESS = os.environ["MEMS_STRESS"]
WORKFLOW = os.path.join(SOURCE, "stress/ci/github-actions.yml")

# The C library's malloc, DELAY steps later.
ALLOCATOR = """
#include <errno.h>
#include <stddef.h>
void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t), __libc_free(void *);
static void wait(void)
{
    for (volatile int i = 0; i < DELAY; i++) {
    }
}
void *malloc(size_t size) { wait(); return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { wait(); return __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { wait(); return __libc_realloc(block, size); }
void free(void *block) { __libc_free(block); }
void *memalign(size_t align, size_t size) { return __libc_memalign(align, size); }
void *aligned_alloc(size_t align, size_t size) { return __libc_memalign(align, size); }
int posix_memalign(void **block, size_t align, size_t size)
{
    *block = __libc_memalign(align, size);
    return *block != NULL ? 0 : ENOMEM;
}
"""
MAKEFILE = "libmine.so: mine.c\n\t$(CC) -O1 -fno-builtin -DDELAY=$(shell cat delay) -shared -fPIC -o $@ $<\n"


@unittest.skipUnless(yaml, "python3-yaml is not installed")
class Workflow(unittest.TestCase):
    def setUp(self):
        with open(WORKFLOW, encoding="utf-8") as file:
            self.workflow = yaml.safe_load(file)
        self.folder = tempfile.mkdtemp(prefix="mems-workflow-")
        self.addCleanup(shutil.rmtree, self.folder)

    def steps(self, job):
        return self.workflow["jobs"][job]["steps"]

    def script(self, job, name):
        return next(step["run"] for step in self.steps(job) if step["name"] == name)

    def step(self, job, name, status=0, **environment):
        """Runs a step's script as a runner does: bash -e with pipefail, in the workspace."""
        environment = {**os.environ, **self.workflow["env"], "PATH": os.path.dirname(STRESS) + ":" + os.environ["PATH"],
                       "MEMS_STRESS_SET": "runtime=10ms\nwarmup=0", **environment}
        return run("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", self.script(job, name), cwd=self.folder,
                   env=environment, status=status)

    def allocator(self, place, delay):
        folder = os.path.join(self.folder, place)
        os.makedirs(folder, exist_ok=True)
        for name, text in (("mine.c", ALLOCATOR), ("Makefile", MAKEFILE), ("delay", f"{delay}\n")):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)

    def test_is_a_workflow(self):
        self.assertEqual(set(self.workflow) - {True}, {"name", "env", "defaults", "jobs"}) # YAML 1.1: `on` is true
        self.assertEqual(self.workflow[True], ["push", "pull_request"])
        for job in self.workflow["jobs"].values():
            self.assertLessEqual({"runs-on", "steps", "timeout-minutes"}, set(job))
            for step in job["steps"]:
                self.assertEqual(len({"run", "uses"} & set(step)), 1, step)
                self.assertLessEqual(set(step), {"name", "run", "uses", "with", "if"})
                self.assertNotIn("${{", step.get("run", ""), "what others may have written is no text of a script")
                if "uses" in step:
                    self.assertRegex(step["uses"], r"^actions/[a-z-]+@v\d+$")

    def test_scripts_are_sound(self):
        for name, job in self.workflow["jobs"].items():
            for step in job["steps"]:
                if "run" in step:
                    run("bash", "-n", "-c", step["run"])
                    if shutil.which("shellcheck"):
                        # BUILD is a command with its arguments.
                        done = subprocess.run(["shellcheck", "-s", "bash", "-e", "SC2086", "-"], input=step["run"],
                                              capture_output=True, text=True, check=False)
                        self.assertEqual(done.stdout, "", f"{name}: {step['name']}")

    def test_push(self):
        self.allocator(".", 0)
        self.step("smoke", "Build")
        self.step("smoke", "Stress", MEMS_STRESS_SECTION="churn")
        with open(os.path.join(self.folder, "smoke.json"), encoding="utf-8") as file:
            document = json.load(file)
        self.assertEqual({cell["target"] for cell in document["cells"]}, {"preload:./libmine.so"})
        self.assertEqual(document["cells"][0]["malloc"]["path"], os.path.realpath(self.folder) + "/libmine.so")

    def pull_request(self, before, after, status):
        self.allocator("before", before)
        self.allocator("after", after)
        self.step("compare", "Build")
        self.step("compare", "Measure", MEMS_STRESS_FILTER="^speed: larson", MEMS_STRESS_REPEATS="8")
        return self.step("compare", "Compare", status=status, MAX_REGRESSION="50%")

    def test_pull_request_that_changes_nothing(self):
        self.pull_request(0, 0, 0)

    def test_pull_request_that_makes_it_slower(self):
        self.assertIn("::error", self.pull_request(0, 20000, 4))

    @unittest.skipUnless(os.environ.get("MEMS_INSTALL_FULL"), "builds everything: in the label full")
    def test_installs(self):
        repository, place = os.path.join(self.folder, "repository"), os.path.join(self.folder, "mems")
        run("git", "init", "-q", "-b", "main", repository)
        run("git", "-C", repository, "fetch", "-q", SOURCE, "HEAD")
        run("git", "-C", repository, "reset", "-q", "--hard", "FETCH_HEAD")
        for job in ("smoke", "compare"):
            script = self.script(job, "Install mems-stress")
            self.assertEqual(script, self.script("smoke", "Install mems-stress"))
        environment = {**os.environ, **self.workflow["env"], "MEMS_REPOSITORY": "file://" + repository,
                       "DESTDIR": os.path.join(self.folder, "root")}
        run("bash", "-eo", "pipefail", "-c", script.replace("/opt/mems", place), env=environment)
        program = os.path.join(self.folder, "root/usr/local/bin/mems-stress")
        run(program, "run", "smoke", "--section", "churn", "--target", "libc", "--set", "runtime=10ms", cwd=self.folder)


if __name__ == "__main__":
    unittest.main()
