# SPDX-License-Identifier: MIT
#
# made.py - results of mems-stress, made by hand: as much of a document as a comparison looks at.

METRICS = {"ops_per_second": 1e6, "cpu_ns_per_op": 50.0, "held_over_live": 1.5, "rss_peak_bytes": 4e6,
           "alloc_p99_ns": 200.0}


def section(name="churn", **changes):
    return {"name": name, "workload": "churn", "workload_version": 2, "threads": 2,
            "values": {"size": "16-64", "seed": "1", "repeats": "8", "touch": "first"}, **changes}


def cells(section="churn", target="libc", repeats=8, verdict="pass", **scale):
    """Cells that vary by a few thousandths; rate=0.9 makes that metric 10 % less."""
    made = []
    for repeat in range(repeats):
        wobble = 1 + (repeat * 7 % 5 - 2) / 1000
        metrics = {name: value * wobble * scale.get(name, 1) for name, value in METRICS.items()}
        made.append({"section": section, "target": target, "repeat": repeat, "verdict": verdict,
                     "metrics": metrics, "message": "", "anything": [1, 2, 3]})
    return made


def document(cells, sections=None):
    return {"schema": "mems-stress/1", "job": {"sections": sections or [section()]}, "cells": cells}
