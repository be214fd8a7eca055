// SPDX-License-Identifier: MIT
//
// throughput.js - rates by target with intervals; how they grow with threads; heat maps of sweeps.

"use strict";

// Bars of one figure by target, a dataset a result: intervals over the repeats, what theory says as a mark.
mems.bars = function (parent, { title, about, axis, format, targets, datasets, bound, min }) {
  const tallest = Math.max(...targets.map((target) => [].concat(mems.lines(target)).length * 0.62), datasets.length * 0.7, 1);
  const lines = targets.length * tallest;
  return mems.chart(parent, {
    title,
    about,
    height: Math.round(78 + lines * 24),
    table: () => ({
      head: ["Target", ...datasets.flatMap(({ label }) => [label || "Median", "Interval", "Repeats"]), ...(bound ? ["Theory"] : [])],
      rows: targets.map((target, i) => [target, ...datasets.flatMap(({ values, intervals }) => [format(values[i]),
        intervals[i] && intervals[i].count > 1 ? format(intervals[i].low) + " to " + format(intervals[i].high) + " (" +
          Math.round(intervals[i].cover * 100) + " %)" : "–", intervals[i] ? intervals[i].count : 0]),
      ...(bound ? [format(datasets[0].bounds[i])] : [])]),
    }),
    make: () => ({
      type: "bar",
      data: {
        labels: targets.map(mems.lines),
        datasets: datasets.map(({ label, values, intervals, bounds, result, styles }) => ({
          label: label || "median",
          bar: true,
          style: { color: "--c0", result },
          data: values,
          intervals,
          bounds,
          backgroundColor: styles.map(mems.fill),
          borderColor: styles.map((style) => mems.color(style.color)),
          borderWidth: 1,
          maxBarThickness: 22,
        })),
      },
      options: mems.options({
        indexAxis: "y",
        // The whiskers and the marks of theory are in the picture too.
        x: (format === mems.bytes ? mems.byteAxis : mems.axis)({ title: axis, format, min: min || 0, beginAtZero: true,
          suggestedMax: Math.max(0, ...datasets.flatMap(({ values, intervals, bounds }) =>
            [...values, ...intervals.map((interval) => interval?.high), ...(bounds || [])].filter(mems.known))) * 1.03 }),
        y: mems.axis({ ticks: { autoSkip: false, color: mems.color("--ink") }, grid: { display: false } }),
        tooltip: { label: (item) => item.dataset.label + ": " + format(item.raw) },
      }),
      plugins: [mems.whiskers, mems.bounds],
    }),
  });
};

// The datasets of a figure for mems.bars: a result each, `get` of a cell.
mems.barsOf = function (model, section, get, getBound) {
  const lines = model.lines(section).filter((line) => mems.known(mems.figure(line, get)));
  const targets = model.targets.filter((target) => lines.some((line) => line.target === target));
  const datasets = model.results.filter((result) => lines.some((line) => line.result === result)).map((result) => {
    const of = targets.map((target) => lines.find((line) => line.target === target && line.result === result));
    return {
      label: model.several ? result.letter : null,
      result: result.index,
      values: of.map((line) => (line ? mems.figure(line, get) : null)),
      intervals: of.map((line) => (line ? mems.interval(line.cells.map(get)) : null)),
      bounds: getBound ? of.map((line) => (line ? mems.figure(line, getBound) : null)) : undefined,
      styles: targets.map((target) => model.style(result, target)),
    };
  });
  return { targets, datasets };
};

mems.showThroughput = function (model, main) {
  const chapter = mems.chapter(main, "Throughput", "Operations a second of all threads together: the median of the repeats. Whiskers are an " +
    "interval of the median by order statistics: of 95 % from six repeats on, else from the least to the greatest. \"null\" is no allocator: " +
    "what the harness itself could do; its bar is left out where it is more than three times the best.");
  const grid = mems.grid(chapter);
  for (const section of model.sections) {
    const { targets, datasets } = mems.barsOf(model, section, mems.metric("ops_per_second"));
    const known = datasets.some(({ values }) => values.some(mems.known));
    if (!known) {
      continue;
    }
    // A floor far above the rest would press all of them together.
    const floor = targets.indexOf("null");
    const best = Math.max(...datasets.flatMap(({ values }) => values.filter((value, i) => i !== floor && mems.known(value))));
    const above = floor >= 0 && targets.length > 1 && datasets.some(({ values }) => values[floor] > 3 * best);
    const keep = (list) => (above && list ? list.filter((_, i) => i !== floor) : list);
    const about = model.section(section);
    mems.bars(grid, {
      title: section,
      about: about.workload + ", " + mems.count(about.threads, "thread") +
        (above ? "; null: " + datasets.map(({ values }) => mems.rate(values[floor])).join(", ") : "") +
        (mems.picturedNote(about, targets) && ". " + mems.picturedNote(about, targets)),
      axis: "operations a second",
      format: (value) => mems.scaled(value, [[1, ""], [1e3, "k"], [1e6, "M"], [1e9, "G"]]),
      targets: keep(targets),
      datasets: datasets.map((dataset) => ({ ...dataset, values: keep(dataset.values), intervals: keep(dataset.intervals),
        styles: keep(dataset.styles) })),
    });
  }
  if (!grid.firstChild) {
    chapter.append(mems.absent("No cell has a rate: nothing was measured, or no cell got so far."));
  }
};

// ---- scaling ------------------------------------------------------------------------------------

// X(N) of Gunther's universal scalability law.
mems.usl = (usl, threads) => (usl.lambda_ops_per_second * threads) /
  (1 + usl.sigma * (threads - 1) + usl.kappa * threads * (threads - 1));

mems.scalingChart = function (model, grid, title, curves) {
  const rate = (value) => mems.scaled(value, [[1, ""], [1e3, "k"], [1e6, "M"], [1e9, "G"]]);
  // A floor far above the rest would press all of them together.
  const most = (curve) => Math.max(...curve.points.map((point) => point.ops_per_second || 0));
  const others = curves.filter(({ curve }) => curve.target !== "null").map(({ curve }) => most(curve));
  const floor = curves.find(({ curve }) => curve.target === "null" && others.length > 0 && most(curve) > 3 * Math.max(...others))?.curve;
  const rateOf = (point) => (mems.known(point.ops_per_second) ? point.ops_per_second : null);
  mems.chart(grid, {
    title,
    about: "The median rate by threads." + (floor ? " The harness's own, null, is far above: its name below brings it in." : ""),
    height: 300,
    table: () => ({
      head: ["Target", "Threads", "Rate", "Efficiency", "Contention σ", "Coherence κ", "Fastest at"],
      rows: curves.flatMap(({ label, curve }) => curve.points.map((point, i) => [label, point.threads, mems.rate(point.ops_per_second),
        mems.percent(point.efficiency), ...(i === 0 && curve.usl ? [mems.number(curve.usl.sigma), mems.number(curve.usl.kappa),
          mems.number(curve.usl.peak_threads)] : ["", "", ""])])),
    }),
    make: () => ({
      type: "scatter",
      data: { datasets: curves.flatMap(({ label, curve, style }) => {
        const widest = Math.max(...curve.points.map((point) => point.threads));
        const one = curve.points.find((point) => point.threads === 1);
        const fit = curve.usl ? Array.from({ length: 41 }, (_, i) => 1 + ((widest - 1) * i) / 40).map((x) => ({ x, y: mems.usl(curve.usl, x) })) : [];
        const stroke = { ...mems.stroke(style, 1), hidden: curve === floor };
        return [
          { ...stroke, label, data: curve.points.map((point) => ({ x: point.threads, y: rateOf(point) })), showLine: fit.length === 0, pointRadius: 4.5 },
          fit.length > 0 ? { ...stroke, label: label + ", law fitted", data: fit, showLine: true, pointRadius: 0 } : null,
          one && one.ops_per_second && curves.length <= 3 ? { ...stroke, label: label + ", perfect", borderWidth: 0.7, pointRadius: 0, showLine: true,
            data: curve.points.map((point) => ({ x: point.threads, y: point.threads * one.ops_per_second })) } : null,
        ].filter(Boolean);
      }) },
      options: mems.options({
        x: mems.axis({ type: "linear", title: "threads", min: 0, ticks: { precision: 0 } }),
        y: mems.axis({ title: "operations a second", format: rate, min: 0 }),
        tooltip: { label: (item) => item.dataset.label + ": " + item.raw.x + " threads, " + rate(item.raw.y) },
      }),
    }),
  });
  mems.chart(grid, {
    title: title + ": efficiency",
    about: "The rate over threads times that of one thread: 1 is perfect scaling.",
    height: 300,
    table: () => ({
      head: ["Target", ...curves[0].curve.points.map((point) => point.threads + " threads")],
      rows: curves.map(({ label, curve }) => [label, ...curve.points.map((point) => mems.number(point.efficiency))]),
    }),
    make: () => ({
      type: "scatter",
      data: { datasets: curves.map(({ label, curve, style }) => ({ ...mems.stroke(style, 1), label, showLine: true, pointRadius: 4,
        data: curve.points.filter((point) => mems.known(point.efficiency)).map((point) => ({ x: point.threads, y: point.efficiency })) })) },
      options: mems.options({
        x: mems.axis({ type: "linear", title: "threads", min: 0, ticks: { precision: 0 } }),
        y: mems.axis({ title: "efficiency", min: 0, suggestedMax: 1 }),
        tooltip: { label: (item) => item.dataset.label + ": " + item.raw.x + " threads, " + mems.number(item.raw.y) },
      }),
    }),
  });
};

mems.showScaling = function (model, main) {
  const sweeps = new Map();
  for (const result of model.results) {
    for (const curve of result.root.scaling) {
      const section = model.section(curve.sections[0]);
      const { base, keys } = section ? mems.sweepOf(section) : { base: curve.sections[0], keys: [] };
      const title = [base, ...keys.filter(([key]) => key !== "threads").map(([key, value]) => key + "=" + value)].join(" ");
      if (!sweeps.has(title)) {
        sweeps.set(title, []);
      }
      sweeps.get(title).push({ curve, label: model.label(result, curve.target), style: model.style(result, curve.target) });
    }
  }
  const chapter = mems.chapter(main, "Scaling");
  if (sweeps.size === 0) {
    chapter.append(mems.absent("No section differs from another in threads only: a sweep (threads = 1,2,4) shows how the rate grows."));
    return;
  }
  const grid = mems.grid(chapter);
  sweeps.forEach((curves, title) => mems.scalingChart(model, grid, title, curves));
  const why = new Set(model.results.flatMap((result) => result.root.scaling.map((curve) => curve.why).filter(Boolean)));
  why.forEach((text) => chapter.append(mems.absent("No fit of the scalability law: " + text + ".")));
};
