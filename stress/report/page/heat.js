// SPDX-License-Identifier: MIT
//
// heat.js - sweeps as heat maps: a table whose cells are coloured by their figures, which are in them as text.
//
// A sweep's sections differ in the values of some keys. Of one key the map is targets by values; of two it is values by
// values, one map a target; of more, the last key goes across and the others are joined down. Colours run from the
// least to the greatest of the map; the legend says what they are, and which end is the good one.

"use strict";

mems.heatMetrics = [
  { name: "ops_per_second", title: "Throughput, operations a second", format: mems.rate, better: "more" },
  { name: "alloc_p50_ns", title: "Allocation, median", format: mems.time, better: "less" },
  { name: "alloc_p99_ns", title: "Allocation, 99th percentile", format: mems.time, better: "less" },
  { name: "free_p99_ns", title: "Free, 99th percentile", format: mems.time, better: "less" },
  { name: "held_over_live", title: "Most held over most live", format: mems.number, better: "less" },
  { name: "external_share", title: "External fragmentation", format: mems.percent, better: "less" },
  { name: "rss_peak_bytes", title: "Largest resident set", format: mems.bytes, better: "less" },
  { name: "lock_waits_per_op", title: "Waits for locks an operation", format: mems.number, better: "less" },
  { name: "cpu_ns_per_op", title: "Processor time an operation", format: mems.time, better: "less" },
];

// Between the two ends of the ramp.
mems.heatColor = function (share) {
  return "color-mix(in oklab, var(--heat-high) " + Math.round(share * 100) + "%, var(--heat-low))";
};

// By the logarithm where the values span more than a factor of twenty.
mems.heatTable = function (caption, corner, columns, rows, metric) {
  const values = rows.flatMap((row) => row.values).filter(mems.known);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const log = least > 0 && most / least > 20;
  const share = (value) => {
    if (most === least) {
      return 0.5;
    }
    return log ? Math.log(value / least) / Math.log(most / least) : (value - least) / (most - least);
  };
  return mems.el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": caption },
    mems.el("table", { class: "heat" }, mems.el("caption", null, caption),
      mems.el("thead", null, mems.el("tr", null, mems.el("th", { scope: "col" }, corner), columns.map((column) => mems.el("th", { scope: "col" }, column)))),
      mems.el("tbody", null, rows.map((row) => mems.el("tr", null, mems.el("th", { scope: "row" }, row.name), row.values.map((value) =>
        mems.known(value) ? mems.el("td", { class: share(value) > 0.58 ? "hot" : "cool", style: "background:" + mems.heatColor(share(value)) }, metric.format(value))
          : mems.el("td", null, "–")))))),
    values.length > 0 ? mems.el("div", { class: "legend" }, mems.el("span", null, metric.format(least)), mems.el("span", { class: "ramp", role: "img",
      "aria-label": "from the colour of the least to that of the most" }), mems.el("span", null, metric.format(most)),
    mems.el("span", null, (log ? "by order of magnitude; " : "") + (metric.better === "more" ? "more is better" : "less is better"))) : null);
};

// The sweeps of a model: base name -> {keys, sections: [{name, values}]}.
mems.sweeps = function (model) {
  const sweeps = new Map();
  for (const name of model.sections) {
    const { base, keys } = mems.sweepOf(model.section(name));
    if (keys.length > 0) {
      if (!sweeps.has(base)) {
        sweeps.set(base, { keys: keys.map(([key]) => key), sections: [] });
      }
      sweeps.get(base).sections.push({ name, values: keys.map(([, value]) => value) });
    }
  }
  return sweeps;
};

mems.heatMaps = function (model, sweep, metric) {
  const last = sweep.keys.length - 1;
  const unique = (list) => Array.from(new Set(list));
  const columns = unique(sweep.sections.map((section) => section.values[last]));
  const value = (section, target, result) => {
    const line = section && model.lines(section.name).find((one) => one.target === target && one.result === result);
    return line ? mems.figure(line, mems.metric(metric.name)) : null;
  };
  const pairs = model.targets.flatMap((target) => model.results.map((result) => ({ target, result })))
    .filter(({ target, result }) => sweep.sections.some((section) => mems.known(value(section, target, result))));
  if (pairs.length === 0) {
    return [mems.absent("No cell of this sweep has this figure.")];
  }
  if (last === 0) {
    return [mems.heatTable(metric.title + " by target and " + sweep.keys[0], "Target", columns.map((column) => sweep.keys[0] + " " + column),
      pairs.map(({ target, result }) => ({ name: model.label(result, target),
        values: sweep.sections.map((section) => value(section, target, result)) })), metric)];
  }
  const joined = (section) => section.values.slice(0, last).map((text, i) => sweep.keys[i] + " " + text).join(", ");
  return pairs.map(({ target, result }) => mems.heatTable(model.label(result, target) + ": " + metric.title, sweep.keys.slice(0, last).join(", "),
    columns.map((column) => sweep.keys[last] + " " + column),
    unique(sweep.sections.map(joined)).map((name) => ({ name, values: columns.map((column) =>
      value(sweep.sections.find((section) => joined(section) === name && section.values[last] === column), target, result)) })), metric));
};

mems.showHeat = function (model, main) {
  const sweeps = mems.sweeps(model);
  const chapter = mems.chapter(main, "Heat maps");
  if (sweeps.size === 0) {
    chapter.append(mems.absent("No section of the job is a sweep: a key with several values (size = 16-256,4k) makes a section of each."));
    return;
  }
  sweeps.forEach((sweep, base) => {
    const place = mems.el("div", { class: "maps" });
    const select = mems.el("select", { change: () => place.replaceChildren(...mems.heatMaps(model, sweep, mems.heatMetrics[select.selectedIndex])) },
      mems.heatMetrics.map((metric) => mems.el("option", null, metric.title)));
    chapter.append(mems.el("h3", null, base), mems.el("label", { class: "choose" }, "Figure", select), place);
    place.replaceChildren(...mems.heatMaps(model, sweep, mems.heatMetrics[0]));
  });
};
