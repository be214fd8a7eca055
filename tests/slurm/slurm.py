#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# slurm.py - run --slurm on a real Slurm: one node, on loopback, in a folder of its own.
#
# munged, slurmctld and slurmd are this test's children, with ports and sockets of their own; they are ended by their
# numbers, and no service of the machine is asked or touched. Exit status 77: Slurm is not installed, or cannot start here.

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from stress import PROGRAM, processes, wait_for

PROGRAMS = "munged", "slurmctld", "slurmd", "sbatch", "scontrol", "sinfo", "squeue"
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
CONFIGURATION = """ClusterName=mems
SlurmctldHost=%(name)s(127.0.0.1)
SlurmUser=%(user)s
SlurmdUser=%(user)s
AuthType=auth/munge
AuthInfo=socket=%(folder)s/munge.socket,cred_expire=5
SlurmctldPort=%(port)d
SlurmdPort=%(node_port)d
StateSaveLocation=%(folder)s/state
SlurmdSpoolDir=%(folder)s/spool
SlurmctldPidFile=%(folder)s/slurmctld.pid
SlurmdPidFile=%(folder)s/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
KillWait=1
NodeName=node1 NodeHostname=%(name)s NodeAddr=127.0.0.1 Port=%(node_port)d CPUs=%(cpus)d State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP MaxTime=INFINITE
"""
JOB = """[global]
target = null, libc
workload = churn
slots = 10
runtime = 400ms
repeats = 2
prepare = echo $$MEMS_SECTION/$$MEMS_TARGET/$$MEMS_REPEAT >> starts
[one]
[two]
[three]
"""


class Cluster:
    def __init__(self, folder):
        self.folder = folder
        self.children = {}
        self.environment = {**os.environ, "PATH": PATH, "SLURM_CONF": os.path.join(folder, "slurm.conf")}
        os.chmod(folder, 0o711)  # munged wants its socket to be reached by everybody
        for name in "state", "spool":
            os.mkdir(os.path.join(folder, name))
        with open(os.path.join(folder, "munge.key"), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(os.urandom(1024))
        self.write("slurm.conf", CONFIGURATION % {
            "folder": folder, "user": getpass.getuser(), "name": socket.gethostname().split(".")[0],
            "port": self.free_port(), "node_port": self.free_port(), "cpus": len(os.sched_getaffinity(0))})
        # Nothing of it is used; version 2 would want a systemd beside it.
        self.write("cgroup.conf", "CgroupPlugin=cgroup/v1\n")

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    @staticmethod
    def free_port():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def child(self, name, *arguments):
        with open(os.path.join(self.folder, name + ".out"), "w") as out:
            self.children[name] = subprocess.Popen([name, *arguments], env=self.environment, stdout=out, stderr=out,
                                                   stdin=subprocess.DEVNULL, cwd=self.folder)

    def start(self):
        """Whether the node is there to work."""
        def at(name):
            return os.path.join(self.folder, name)
        self.child("munged", "--foreground", "--key-file=" + at("munge.key"), "--socket=" + at("munge.socket"),
                   "--pid-file=" + at("munged.pid"), "--log-file=" + at("munged.log"),
                   "--seed-file=" + at("munged.seed"))
        self.ready("munged", lambda: os.path.exists(at("munge.socket")))
        self.child("slurmctld", "-D")
        self.child("slurmd", "-D", "-N", "node1")
        self.ready("slurmd", lambda: self.call("sinfo", "-h", "-o", "%T", quiet=True).strip() == "idle")

    def ready(self, name, what):
        def look():
            for child, process in self.children.items():
                if process.poll() is not None:
                    raise unittest.SkipTest("%s does not start here: %s" % (child, self.said(child)[-300:]))
            return what()
        try:
            wait_for(look, 60)
        except AssertionError:
            raise unittest.SkipTest("%s does not get ready here: %s" % (name, self.said(name)[-300:])) from None

    def said(self, name):
        with open(os.path.join(self.folder, name + ".out")) as file:
            return file.read()

    def call(self, *words, quiet=False, status=0):
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if not quiet and done.returncode != status:
            raise AssertionError("%s: status %d\n%s%s" % (" ".join(words), done.returncode, done.stdout, done.stderr))
        return done.stdout

    def stop(self):
        if "slurmctld" in self.children and self.children["slurmctld"].poll() is None:
            self.call("scancel", "--user=" + getpass.getuser(), quiet=True)
        for name in "slurmd", "slurmctld", "munged":
            process = self.children.get(name)
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


class Slurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="mems-slurm-")
        cls.addClassCleanup(folder.cleanup)
        cls.cluster = Cluster(folder.name)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()

    def setUp(self):
        # As odd as a name may be: sbatch takes % for a pattern.
        self.folder = tempfile.TemporaryDirectory(prefix="mems 100% ")
        self.addCleanup(self.folder.cleanup)
        with open(self.path("job.ini"), "w") as file:
            file.write(JOB)

    def path(self, *names):
        return os.path.join(self.folder.name, *names)

    def read(self, *names):
        try:
            with open(self.path(*names)) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def stress(self, *arguments, status=0):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, cwd=self.folder.name,
                              stdin=subprocess.DEVNULL, env=self.cluster.environment)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def submit(self):
        """The numbers of the array and of the merge."""
        comment = 'of "four" words, #1'
        lines = self.stress("run", "job.ini", "--slurm", "--slurm-tasks", "3", "--slurm-folder", "out",
                            "--slurm-arg=--comment=" + comment).splitlines()
        self.assertRegex(lines[0], r"^job \d+: 3 tasks, shards of plan [0-9a-f]{12}, in /")
        self.assertRegex(lines[1], r"^job \d+: merges them")
        jobs = [line.split()[1].rstrip(":") for line in lines[:2]]
        self.assertEqual(self.cluster.call("squeue", "-h", "-j", jobs[1], "-o", "%k").strip(), comment)
        return jobs

    def driver(self, index):
        """The process of a task; None while it has none."""
        for pid, _, command in processes():
            if command[:1] == [PROGRAM] and "%d/3" % index in command and self.path("out", "plan.ini") in command:
                return pid
        return None

    def finished(self, job):
        """Whether Slurm has no more to do for a job."""
        return self.cluster.call("squeue", "-h", "-j", job, "-o", "%T", quiet=True).strip() == ""

    def kept(self, index):
        return self.read("out", "shard-%d.json.journal" % index).count('{"cell":')

    def check_whole(self):
        merged = json.loads(self.read("out", "merged.json"))
        listed = self.stress("run", "job.ini", "--list").splitlines()
        self.assertEqual([cell["id"] for cell in merged["cells"]], listed)
        self.assertEqual({cell["verdict"] for cell in merged["cells"]}, {"pass"})
        return listed

    def test_requeued(self):
        array, merge = self.submit()
        wait_for(lambda: self.kept(1) >= 1 and self.driver(1), 120)
        self.cluster.call("scontrol", "requeue", array + "_1")
        wait_for(lambda: self.finished(merge) and self.read("out", "merged.json"), 240)
        listed = self.check_whole()
        self.assertIn("of 4 cells are done already", self.read("out", "shard-1.log"))
        self.assertIn("REQUEUE", self.read("out", "shard-1.log"))
        starts = self.read("starts").splitlines()
        self.assertEqual(set(starts), set(listed))
        self.assertLessEqual(len(starts), len(listed) + 1)
        # The same cells as a run that was not dealt.
        self.stress("run", "job.ini", "--json", "whole.json", "--quiet")
        whole = json.loads(self.read("whole.json"))
        merged = json.loads(self.read("out", "merged.json"))
        self.assertEqual([(c["id"], c["seed"]) for c in merged["cells"]], [(c["id"], c["seed"]) for c in whole["cells"]])
        self.assertEqual(merged["job"]["plan_sha256"], whole["job"]["plan_sha256"])
        # Once more: everything is done.
        starts = self.read("starts")
        array, merge = self.submit()
        wait_for(lambda: self.finished(merge), 120)
        self.assertEqual(self.read("starts"), starts)
        self.assertIn("nothing to do", self.read("out", "shard-2.log"))

    def test_killed(self):
        array, merge = self.submit()
        pid = wait_for(lambda: self.kept(2) >= 1 and self.driver(2), 120)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.finished(array) and self.finished(merge), 240)
        said = self.read("out", "merge.log")
        self.assertIn("of 12 cells are missing", said)
        self.assertIn("(shard 2/3)", said)
        self.assertEqual(self.read("out", "merged.json"), "")
        # Submitted again it goes on; the merge by hand.
        array = self.cluster.call("sbatch", "--parsable", self.path("out", "shards.sh")).strip()
        wait_for(lambda: self.finished(array), 240)
        subprocess.run(["sh", self.path("out", "merge.sh")], check=True, capture_output=True)
        listed = self.check_whole()
        self.assertLessEqual(len(self.read("starts").splitlines()), len(listed) + 1)


def main():
    missing = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if missing:
        print("skipped: not installed: %s (Debian: slurmctld, slurmd, slurm-client, munge)" % " ".join(missing))
        return 77
    done = unittest.main(exit=False, verbosity=2).result
    if done.skipped and done.testsRun == 0:
        print("skipped: %s" % done.skipped[0][1])
        return 77
    return 0 if done.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
