// SPDX-License-Identifier: MIT
//
// memory.js - a section's memory over time beside what theory says, and what is given back to the system.
//
// Lines that theory draws, each only where it applies:
//   50-percent rule   Knuth, TAOCP 1, 2.5: where holes merge at once there are in equilibrium p/2 times as many holes as
//                     live blocks, p being the share of placements that leave a remainder. Drawn at p = 1, the most it can
//                     be, and only where its premises hold (mems.holeRule).
//   bounds            what the workload's own theory says of what an allocator holds over what is live: Robson's bound
//                     (1974), and what comb, doubling and others force. The workload tells it with its figures, and that
//                     only when what forces it has come to its end.
//   OPT               Belady's algorithm on the same references: no replacement algorithm has fewer faults.
// Curves over time are of one repeat, the one with the median rate: a mean of several would show what never was.

"use strict";

mems.samplesOf = function (line) {
  return mems.typical(line, (cell) => (cell.report?.samples?.at_ns.length || 0) > 1)?.report.samples ?? null;
};

// Horizontal lines: {label, value, style}.
mems.level = function ({ label, value, color, dash }, most) {
  return { style: { color: color || "--ink" }, label, data: [{ x: 0, y: value }, { x: most, y: value }], showLine: true, pointRadius: 0,
    borderColor: mems.color(color || "--ink"), borderWidth: 2, borderDash: dash || [10, 4] };
};

mems.timeChart = function (grid, { title, about, lines, get, format, axis, levels, min, first }) {
  const drawn = lines.map((line) => {
    const samples = mems.samplesOf(line);
    const points = samples ? samples.at_ns.map((at, i) => ({ x: at, y: get(samples, i, samples.at_ns.length) })).filter(({ y }) => mems.known(y)) : [];
    return { ...line, points };
  }).filter(({ points }) => points.length > 1);
  const extra = first ? first(drawn) : [];
  if (drawn.length === 0) {
    return false;
  }
  const most = Math.max(...drawn.map(({ points }) => points[points.length - 1].x));
  // Ratios that differ by more than a factor of twenty would press the small ones into the axis.
  const heights = drawn.flatMap(({ points }) => points.map(({ y }) => y));
  const steep = format === mems.number && Math.min(...heights) > 0 && Math.max(...heights) / Math.min(...heights) > 20;
  mems.chart(grid, {
    title,
    about,
    height: 280,
    table: () => ({
      head: ["Line", "Samples", "First", "Median", "Greatest", "Last"],
      rows: [...extra, ...drawn].map(({ label, points }) => [label, points.length, format(points[0].y), format(mems.median(points.map(({ y }) => y))),
        format(Math.max(...points.map(({ y }) => y))), format(points[points.length - 1].y)])
        .concat((levels || []).map(({ label, value }) => [label, "theory", "", "", format(value), ""])),
    }),
    make: () => ({
      type: "scatter",
      data: { datasets: [
        ...extra.map(({ label, points }) => ({ style: { color: "--muted" }, label, data: points, showLine: true, pointRadius: 0, borderWidth: 1,
          borderColor: mems.color("--muted"), backgroundColor: mems.color("--cached"), fill: "origin", order: 9 })),
        ...drawn.map(({ label, style, points }) => ({ ...mems.stroke(style, points.length), label, data: points, showLine: true })),
        ...(levels || []).map((level) => mems.level(level, most)),
      ] },
      options: mems.options({
        x: mems.axis({ type: "linear", title: "time", format: mems.time, min: 0 }),
        y: format === mems.bytes ? mems.byteAxis({ title: axis }) : steep ? mems.logAxis({ title: axis, format, suggestedMax: 1.5 * Math.max(...heights, ...(levels || []).map(({ value }) => value)) }) : mems.axis({ title: axis, format, min: min ?? 0 }),
        tooltip: { label: (item) => item.dataset.label + ": " + format(item.raw.y) + " at " + mems.time(item.raw.x) },
      }),
    }),
  });
  return true;
};

// What the workload's theory says of held over live, of the cells of the lines: [{label, value}].
mems.heldBounds = function (model, section, lines) {
  const workload = model.section(section).workload;
  const bounds = new Map();
  for (const line of lines) {
    for (const cell of line.cells) {
      for (const figure of cell.report?.figures || []) {
        if (mems.known(figure.bound) && (figure.unit === "x" || figure.unit === "x live") && ["blow-up", "held", "growth", "trough held"].includes(figure.name)) {
          bounds.set(figure.name, Math.max(bounds.get(figure.name) || 0, figure.bound));
        }
      }
    }
  }
  return Array.from(bounds, ([name, value]) => ({ label: workload === "robson" ? "Robson's bound (moves no block)" : "bound of " + workload + ": " + name, value }));
};

// Whether Knuth's rule speaks of the section at all: blocks of several sizes come and go without an end, and some target
// cuts blocks from holes by a fit and merges holes at once. Adversaries, phases and single sizes are another matter.
mems.holeRule = function (model, section, lines) {
  const { workload, values } = model.section(section);
  const balanced = ["churn", "larson", "fleet", "inverse-square", "pareto-slots", "random-slots"].includes(workload);
  const sizes = !values.size || /[-:]/.test(values.size);
  const merges = lines.some(({ target }) => {
    const { policy, options } = mems.policyOf(target);
    return ["dynamic", "segmentation"].includes(policy) && ["first", "next", "best", "worst"].includes(options.fit ?? "first") && options.coalesce !== "deferred";
  });
  return balanced && sizes && merges;
};

mems.showMemory = function (model, section, panel) {
  panel.append(mems.el("h3", null, "Memory over time"));
  const lines = model.lines(section).filter((line) => line.target !== "null");
  const grid = mems.grid(panel);
  // Live bytes are the program's, the same for all: of the line that held most of them.
  const live = (drawn) => drawn.map((line) => ({ label: "live", points: (({ samples }) => samples.at_ns.map((at, i) =>
    ({ x: at, y: samples.live_bytes[i] })))({ samples: mems.samplesOf(line) }) }))
    .sort((a, b) => b.points[b.points.length - 1].x - a.points[a.points.length - 1].x).slice(0, 1);
  const any = mems.timeChart(grid, { title: "Held from the system, and live", lines, get: (samples, i) => samples.held_bytes[i], format: mems.bytes,
    axis: "", first: live, about: "Engines: mapped for blocks. Others: resident beyond what the process had before its first operation." });
  mems.timeChart(grid, { title: "Resident set", lines, get: (samples, i) => samples.rss_bytes[i], format: mems.bytes, axis: "",
    about: "Of the whole process, the harness and a trace's steps included." });
  // Both as they have grown to: what a bound is about, and no spike where little is live for a moment. A ratio to next to
  // nothing says nothing: from a tenth of the most live on.
  const grown = new Map();
  const peaks = (samples) => {
    if (!grown.has(samples)) {
      let [live, most] = [0, 0];
      const end = Math.max(...samples.live_bytes);
      grown.set(samples, samples.live_bytes.map((bytes, i) => {
        live = Math.max(live, bytes);
        most = Math.max(most, samples.held_bytes[i]);
        return live >= end / 10 && live > 0 ? most / live : null;
      }));
    }
    return grown.get(samples);
  };
  mems.timeChart(grid, { title: "Most held over most live, so far", lines, get: (samples, i) => peaks(samples)[i], format: mems.number, axis: "ratio",
    levels: mems.heldBounds(model, section, lines), about: "1 is a perfect allocator. Begins when a tenth of what will be live at most is." });
  const outside = mems.timeChart(grid, { title: "External fragmentation", lines, format: mems.percent, axis: "share of the free bytes",
    get: (samples, i, count) => (i < count - 1 && samples.free_bytes?.[i] > 0 ? 1 - samples.largest_hole_bytes[i] / samples.free_bytes[i] : null),
    about: "Of the free bytes inside, those that are not in the largest hole, while threads are at work: their last sample is after their caches were given back." });
  mems.timeChart(grid, { title: "Internal fragmentation", lines, format: mems.percent, axis: "share of what blocks take",
    get: (samples, i) => (samples.taken_bytes[i] > 0 ? 1 - samples.live_bytes[i] / samples.taken_bytes[i] : null),
    about: "Of what live blocks take, what nobody asked for." });
  const holes = mems.holeRule(model, section, lines);
  mems.timeChart(grid, { title: "Holes over live blocks", lines: lines.filter(({ target }) => mems.policyOf(target).policy.match(/^(dynamic|segmentation|vm-segmentation)$/)),
    format: mems.number, axis: "ratio", levels: holes ? [{ label: "50-percent rule, p = 1", value: 0.5 }] : [],
    // The last sample is taken when the threads have ended, and given back what their caches held.
    get: (samples, i, count) => (i < count - 1 && samples.live_blocks?.[i] > 0 ? samples.holes[i] / samples.live_blocks[i] : null),
    about: "Blocks at hand in threads' caches count as blocks." + (holes ? " Knuth's rule: where holes merge at once, and blocks come and go in equilibrium, holes are p/2 of the " +
      "blocks, p being the share of placements that leave a remainder; it is not measured, and the line is for p = 1, the most it can be." : "") });
  if (!any) {
    grid.remove();
    panel.append(mems.absent("No cell of this section has two samples or more: it was too short for the distance of samples (sample), or ended before."));
    return;
  }
  const short = lines.filter((line) => mems.samplesOf(line) === null).map(({ label }) => label);
  if (short.length > 0) {
    panel.append(mems.absent("Too short for two samples (sample), or ended before: " + short.join(", ") + "."));
  }
  if (!outside) {
    panel.append(mems.absent(lines.every(({ target }) => target.startsWith("mems:")) ? "No sample has free memory with holes in it: memory was full, or too short a time in use."
      : "External fragmentation and holes are told by the engine's targets (mems:) only."));
  }
};

mems.showDecay = function (model, section, panel) {
  panel.append(mems.el("h3", null, "Given back to the system"));
  const lines = model.lines(section).filter((line) => line.target !== "null").map((line) => ({ ...line,
    decay: mems.typical(line, (cell) => cell.report?.memory?.decay)?.report.memory.decay })).filter(({ decay }) => decay);
  if (lines.length === 0) {
    panel.append(mems.absent("Not watched: decay = 2s in the job looks at the resident set for so long after all blocks were freed."));
    return;
  }
  const grid = mems.grid(panel);
  mems.chart(grid, {
    title: "Resident set after all was freed",
    about: "Logarithmic in time: allocators give memory back at once, after tenths of a second, or never. What was resident at the moment of the " +
      "last free itself has no place on such an axis: the table has it.",
    height: 280,
    table: () => ({
      head: ["Target", "Left at the end", "Half was back after", "Resident at first", "at the end"],
      rows: lines.map(({ label, decay }) => [label, mems.percent(decay.left_share), mems.known(decay.half_life_ns) ? mems.time(decay.half_life_ns) : "not in that time",
        mems.bytes(decay.rss_bytes[0]), mems.bytes(decay.rss_bytes[decay.rss_bytes.length - 1])]),
    }),
    make: () => ({
      type: "scatter",
      data: { datasets: lines.map(({ label, style, decay }) => ({ ...mems.stroke(style, decay.after_ns.length), label, showLine: true,
        data: decay.after_ns.map((after, i) => ({ x: after, y: decay.rss_bytes[i] })).filter(({ x }) => x > 0) })) },
      options: mems.options({
        x: mems.logAxis({ title: "time since the last free", format: mems.time }),
        y: mems.byteAxis({ title: "resident" }),
        tooltip: { label: (item) => item.dataset.label + ": " + mems.bytes(item.raw.y) + " after " + mems.time(item.raw.x) },
      }),
    }),
  });
};

// The workload's own figures, with what theory says of them: OPT's faults, Robson's bound.
mems.showFigures = function (model, section, panel) {
  const lines = model.lines(section);
  const names = new Map();
  for (const line of lines) {
    for (const cell of line.cells) {
      for (const figure of cell.report?.figures || []) {
        const known = names.get(figure.name) || { unit: figure.unit, bound: false };
        known.bound = known.bound || mems.known(figure.bound);
        names.set(figure.name, known);
      }
    }
  }
  if (names.size === 0) {
    return;
  }
  panel.append(mems.el("h3", null, "The workload's own figures"));
  const grid = mems.grid(panel);
  names.forEach(({ unit, bound }, name) => {
    const of = (cell) => cell.report?.figures?.find((figure) => figure.name === name);
    const { targets, datasets } = mems.barsOf(model, section, (cell) => of(cell)?.value, bound ? (cell) => of(cell)?.bound : null);
    const format = (value) => mems.withUnit(value, unit);
    const plain = ["bytes", "ns", "ns/op", "ms", "s", "%"].includes(unit) ? (unit === "ns/op" ? "an operation" : "") : unit;
    const theory = /OPT/.test(name) ? "The mark is OPT's." : "The mark is what theory, or a limit of the job, says." + (model.section(section).workload === "robson"
      ? " Robson's bound is of an allocator that moves no block, after a round that came to its end." : "");
    mems.bars(grid, { title: name, about: bound ? theory : "", axis: plain, format: unit === "bytes" ? mems.bytes : format, targets, datasets, bound });
  });
};
