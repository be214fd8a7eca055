// SPDX-License-Identifier: MIT
//
// latency.js - a section's latencies: percentile curves by kind of operation, and where threads wait for each other.
//
// A curve is x = 1/(1 - p), logarithmic, so that 90 %, 99 %, 99.9 % are equal steps apart, and the time at p, logarithmic
// too. The repeats of a cell are pooled: their histograms are added. A curve ends where fewer than ten operations lie
// beyond it, as the figures in the tables do.

"use strict";

mems.kinds = [
  { name: "alloc", title: "Allocation" },
  { name: "free", title: "Free, local: by the thread that allocated" },
  { name: "free_remote", title: "Free, remote: by another thread" },
  { name: "resize", title: "Resize" },
  { name: "step", title: "Step of the workload" },
];

// [[time, how many], ...] of all repeats together.
mems.pooled = function (histograms) {
  const buckets = new Map();
  histograms.forEach(({ buckets: list }) => list.forEach(([time, count]) => buckets.set(time, (buckets.get(time) || 0) + count)));
  return Array.from(buckets).sort((a, b) => a[0] - b[0]);
};

// {points: [{x, y}], count, at(p)}; null: nothing was timed.
mems.percentiles = function (buckets) {
  const count = buckets.reduce((sum, [, many]) => sum + many, 0);
  if (count === 0) {
    return null;
  }
  const points = [];
  let below = 0;
  for (const [time, many] of buckets) {
    if (count - below < 10 && points.length > 0) {
      break;
    }
    points.push({ x: count / (count - below), y: Math.max(time, 1) });
    below += many;
    const last = count - below;
    if (last >= 10) {
      points.push({ x: count / last, y: Math.max(time, 1) });
    }
  }
  const at = (p) => {
    let seen = 0;
    if (count * (1 - p) < 10) {
      return null;
    }
    for (const [time, many] of buckets) {
      seen += many;
      if (seen >= p * count) {
        return time;
      }
    }
    return null;
  };
  return { points, count, at };
};

mems.percentileName = function (x) {
  const digits = Math.round(Math.log10(x));
  return digits <= 0 ? "0 %" : digits === 1 ? "90 %" : "99" + (digits > 2 ? "." + "9".repeat(digits - 2) : "") + " %";
};

mems.latencyChart = function (grid, title, about, curves) {
  const shares = [0.5, 0.9, 0.99, 0.999, 0.9999];
  return mems.chart(grid, {
    title,
    about,
    height: 290,
    table: () => ({
      head: ["Target", "Operations timed", ...shares.map((p) => Number((p * 100).toFixed(2)) + " %")],
      rows: curves.map(({ label, curve }) => [label, curve.count.toLocaleString("en"), ...shares.map((p) => mems.time(curve.at(p)))]),
    }),
    make: () => ({
      type: "scatter",
      data: { datasets: curves.map(({ label, curve, style }) => ({ ...mems.stroke(style, curve.points.length), label, data: curve.points, showLine: true })) },
      options: mems.options({
        x: mems.logAxis({ title: "share of the operations that took at most so long", format: mems.percentileName, powers: true, min: 1 }),
        y: mems.logAxis({ title: "time", format: mems.time }),
        tooltip: { label: (item) => item.dataset.label + ": " + (100 * (1 - 1 / item.raw.x)).toPrecision(5) + " % in " + mems.time(item.raw.y) },
      }),
    }),
  });
};

mems.showLatency = function (model, section, panel) {
  panel.append(mems.el("h3", null, "Latency"));
  const lines = model.lines(section);
  const grid = mems.grid(panel);
  const families = [
    { get: (cell) => cell.report?.latency, suffix: "", open: false },
    { get: (cell) => cell.report?.latency?.response, suffix: ", response: from the intended start", open: true },
  ];
  for (const { get, suffix } of families) {
    for (const { name, title } of mems.kinds) {
      const curves = lines.map((line) => {
        const histograms = line.cells.map((cell) => get(cell)?.[name]).filter(Boolean);
        return { label: line.label, style: line.style, curve: mems.percentiles(mems.pooled(histograms)) };
      }).filter(({ curve }) => curve);
      if (curves.length > 0) {
        mems.latencyChart(grid, title + suffix, lines.some((line) => line.cells.length > 1) ? "All repeats' operations together; the table above has medians over the repeats." : "",
          curves);
      }
    }
  }
  if (!grid.firstChild) {
    grid.remove();
    panel.append(mems.absent("No operation was timed: latency = none, or no cell of this section got so far."));
    return;
  }
  const every = model.results.flatMap((result) => model.cells(result, section)).map((cell) => cell.report?.latency?.one_in).find(mems.known);
  const remote = lines.some((line) => line.cells.some((cell) => cell.report?.latency?.free_remote));
  panel.append(mems.el("p", { class: "muted small" }, (every > 1 ? "One operation in " + every + " was timed. " : "") +
    "A curve ends where fewer than ten operations lie beyond it." +
    (remote ? "" : " There is no curve of remote frees: in this section threads free their own blocks only.")));
};

// ---- contention ---------------------------------------------------------------------------------

// Of all repeats of a line: each lock's account, added up; maxima are the largest.
mems.locksOf = function (line) {
  const locks = new Map();
  for (const cell of line.cells) {
    for (const lock of cell.report?.contention?.locks || []) {
      const sum = locks.get(lock.name) || { name: lock.name, acquisitions: 0, contended: 0, waited: 0, wait_ns: 0, max_wait_ns: 0,
        owner_switches: 0, hold_sampled: 0, hold_ns: 0, max_hold_ns: 0, cells: 0 };
      for (const key of ["acquisitions", "contended", "waited", "wait_ns", "owner_switches", "hold_sampled", "hold_ns"]) {
        sum[key] += lock[key];
      }
      sum.max_wait_ns = Math.max(sum.max_wait_ns, lock.max_wait_ns);
      sum.max_hold_ns = Math.max(sum.max_hold_ns, lock.max_hold_ns);
      sum.cells++;
      locks.set(lock.name, sum);
    }
  }
  return Array.from(locks.values()).filter((lock) => lock.acquisitions > 0).map((lock) => ({ ...lock, line,
    label: line.label + ": " + lock.name,
    wait_share: lock.wait_ns / lock.acquisitions,
    hold_mean: lock.hold_sampled > 0 ? lock.hold_ns / lock.hold_sampled : null,
    switch_share: lock.owner_switches / lock.acquisitions }));
};

mems.lockMeasures = [
  { title: "Wait", about: "Time slept for the lock, over its acquisitions.", get: (lock) => lock.wait_share, format: mems.time,
    none: "No thread ever slept for a lock." },
  { title: "Hold", about: "Mean time held, of the acquisitions that were timed.", get: (lock) => lock.hold_mean, format: mems.time,
    none: "No acquisition of these locks was among those that are timed (one in 1,024): there were too few." },
  { title: "Owner switches", about: "Share of the acquisitions by another thread than the one before.", get: (lock) => lock.switch_share,
    format: mems.percent, none: "Every lock was taken by one thread only." },
];

mems.showContention = function (model, section, panel) {
  panel.append(mems.el("h3", null, "Contention by lock"));
  const locks = model.lines(section).flatMap(mems.locksOf);
  if (locks.length === 0) {
    panel.append(mems.absent("No target of this section has locks that can be looked at: only the engine's (mems:) keep an account; of other " +
      "allocators the system's figures (futex waits, time off the CPU) are in the table above."));
    return;
  }
  const shown = [...locks].sort((a, b) => b.wait_ns - a.wait_ns || b.acquisitions - a.acquisitions).slice(0, 10);
  const grid = mems.grid(panel);
  grid.classList.add("three");
  for (const { title, about, none, get, format } of mems.lockMeasures) {
    if (!shown.some((lock) => get(lock) > 0)) {
      grid.append(mems.el("div", { class: "card" }, mems.el("h4", null, title), mems.absent(none)));
      continue;
    }
    const names = shown.map((lock) => [...[].concat(mems.lines(lock.line.label)), lock.name]);
    mems.chart(grid, {
      title,
      about,
      height: 60 + names.reduce((sum, name) => sum + 6 + name.length * 14, 0),
      table: () => ({ head: ["Lock", title], rows: locks.map((lock) => [lock.label, format(get(lock))]) }),
      make: () => ({
        type: "bar",
        data: { labels: names, datasets: [{ label: title, bar: true, style: { color: "--c0", result: 0 },
          data: shown.map(get), backgroundColor: shown.map((lock) => mems.fill(lock.line.style)),
          borderColor: shown.map((lock) => mems.color(lock.line.style.color)), borderWidth: 1, maxBarThickness: 16 }] },
        options: mems.options({
          indexAxis: "y",
          x: mems.axis({ format, beginAtZero: true }),
          y: mems.axis({ ticks: { autoSkip: false, color: mems.color("--ink"), font: { size: 11 } }, grid: { display: false } }),
          tooltip: { label: (item) => format(item.raw) },
        }),
      }),
    });
  }
  panel.append(mems.details("Every lock's account", () => mems.table("Contention by lock, the repeats added up",
    ["Lock", "Acquisitions", "Contended", "Slept", "Waited in all", "Longest wait", "Mean hold", "Longest hold", "Owner switches"],
    locks.map((lock) => [lock.label, lock.acquisitions.toLocaleString("en"), lock.contended.toLocaleString("en"),
      lock.waited.toLocaleString("en"), mems.time(lock.wait_ns), mems.time(lock.max_wait_ns), mems.time(lock.hold_mean),
      lock.hold_sampled > 0 ? mems.time(lock.max_hold_ns) : "–", lock.owner_switches.toLocaleString("en")])), true));
  panel.append(mems.el("p", { class: "muted small" }, (locks.length > shown.length ? "The " + shown.length + " locks of " + locks.length +
    " with the most waiting; the table has all. " : "") + "A cell's repeats are added up."));
};
