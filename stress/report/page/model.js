// SPDX-License-Identifier: MIT
//
// model.js - results as the views ask for them: side by side, by section and target.
//
// A model is made of all results of the page:
//   results[]   {letter, name, root, sections: Map of name -> section}
//               and missing: [{section, target, id, shard}], cells of the whole plan that a part of it has no outcome of
//   sections[]  names, in the order of the jobs; two results meet where they have the same names
//   targets[]   likewise, those that have cells
//   lines(section)   one element for each result and target that has cells there: {label, target, result, style, cells}
// A figure that nobody knows is null and stays so: views leave it out and say it.
//
// Where a section comes from a sweep its name is BASE key=value ..., the keys being those of its values.

"use strict";

// {base, keys: [[key, value], ...]} of a section.
mems.sweepOf = function (section) {
  const at = [];
  for (const key of Object.keys(section.values)) {
    const index = section.name.indexOf(" " + key + "=");
    if (index > 0) {
      at.push({ key, index });
    }
  }
  at.sort((a, b) => a.index - b.index);
  return {
    base: at.length > 0 ? section.name.slice(0, at[0].index) : section.name,
    keys: at.map(({ key, index }, i) =>
      [key, section.name.slice(index + key.length + 2, i + 1 < at.length ? at[i + 1].index : undefined)]),
  };
};

mems.median = function (values) {
  const sorted = values.filter(mems.known).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) {
    return null;
  }
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

// An interval of the median by order statistics, with nothing assumed of the distribution (the sign test's; Hahn and
// Meeker, Statistical Intervals, 5): between the k-th least and the k-th greatest of n lie the median with probability
// 1 - 2 P(at most k - 1 of n fall below it). The narrowest that has 95 %; with fewer than six values all of them have
// less, and the interval is the whole range. {low, high, cover, count}; null: nothing is known.
mems.interval = function (values) {
  const sorted = values.filter(mems.known).sort((a, b) => a - b);
  const n = sorted.length;
  if (n === 0) {
    return null;
  }
  let best = { low: sorted[0], high: sorted[n - 1], cover: 1 - 2 * 0.5 ** n, count: n };
  let term = 0.5 ** n;
  let below = 0;
  for (let k = 1; k <= n / 2; k++) {
    below += term; // P(at most k - 1 of n)
    term *= (n - k + 1) / k;
    if (1 - 2 * below >= 0.95) {
      best = { low: sorted[k - 1], high: sorted[n - k], cover: 1 - 2 * below, count: n };
    }
  }
  return best;
};

// The targets of a section as its job lists them: cut at commas outside of parentheses, without the ? of what may be missing.
mems.listed = function (section) {
  const names = [];
  let depth = 0;
  let name = "";
  for (const letter of (section.values.target || "") + ",") {
    depth += letter === "(" ? 1 : letter === ")" ? -1 : 0;
    if (letter === "," && depth === 0) {
      names.push(name.trim().replace(/^\?/, ""));
      name = "";
    } else {
      name += letter;
    }
  }
  return names.filter(Boolean);
};

// Of a shard's result, and of shards that were merged: root.shard knows the whole plan.
mems.missing = function ({ cells, shard }) {
  const ended = new Set(cells.filter((cell) => !["not run", "incomplete"].includes(cell.verdict)).map((cell) => cell.id));
  return (shard?.cells || []).map(([place, index, repeat]) => {
    const section = shard.sections[place];
    const target = section.targets[index];
    return { section: section.name, target, id: [section.name, target, repeat].join("/"), shard: section.shard };
  }).filter(({ id }) => !ended.has(id));
};

// Whether pictures of the target's memory were taken: then what they cost is in its figures.
mems.pictured = function (section, target) {
  return Number.parseFloat(section?.values.map) > 0 && /(^|\()mems:/.test(target);
};

mems.picturedNote = function (section, targets) {
  const names = targets.filter((target) => mems.pictured(section, target));
  return names.length > 0 ? "Pictures of memory were taken of " + names.join(", ") + ": the figures hold their time and memory, and are not for comparison." : "";
};

mems.model = function (documents) {
  const results = documents.map(({ name, root }, index) => ({
    letter: String.fromCharCode(65 + (index % 26)) + (index >= 26 ? Math.floor(index / 26) : ""),
    name,
    root,
    index,
    sections: new Map(root.job.sections.map((section) => [section.name, section])),
    missing: mems.missing(root),
  }));
  const unique = (names) => Array.from(new Set(names));
  const ran = new Set(results.flatMap((result) => result.root.cells.map((cell) => cell.target)));
  const listed = results.flatMap((result) => result.root.job.sections.flatMap(mems.listed)).filter((target) => ran.has(target));
  const model = {
    results,
    several: results.length > 1,
    sections: unique(results.flatMap((result) => Array.from(result.sections.keys()))),
    targets: unique([...listed, ...ran]),
  };
  const bySection = new Map();
  for (const result of results) {
    for (const cell of result.root.cells) {
      const key = result.index + " " + cell.section;
      if (!bySection.has(key)) {
        bySection.set(key, []);
      }
      bySection.get(key).push(cell);
    }
  }
  const colored = model.targets.filter((target) => target !== "null");
  model.cells = (result, section) => bySection.get(result.index + " " + section) || [];
  model.label = (result, target) => (model.several ? target + "\u00a0·\u00a0" + result.letter : target);
  // Colour and marker are the target's, and the two together are another's only after 64 of them; dashes tell results apart,
  // or targets where there is one result.
  model.style = (result, target) => {
    const index = colored.indexOf(target);
    return { color: target === "null" ? "--muted" : "--c" + (index % 8), marker: Math.max(index, 0) + Math.floor(Math.max(index, 0) / 8), result: result.index,
      dash: target === "null" ? 5 : model.several ? result.index : index };
  };
  model.lines = (section) => model.targets.flatMap((target) => results.map((result) => ({
    label: model.label(result, target),
    target,
    result,
    style: model.style(result, target),
    cells: model.cells(result, section).filter((cell) => cell.target === target),
  }))).filter((line) => line.cells.length > 0);
  model.section = (name) => results.map((result) => result.sections.get(name)).find(Boolean);
  return model;
};

// A figure of a line's cells, as the median of the repeats; `get` takes a cell and may meet what is not there.
mems.figure = function (line, get) {
  return mems.median(line.cells.map((cell) => {
    const value = get(cell);
    return mems.known(value) ? value : null;
  }));
};

mems.metric = function (name) {
  return (cell) => cell.metrics?.[name];
};

// The cell whose rate is the median one: what curves over time are drawn of, one repeat and not a mixture.
mems.typical = function (line, has) {
  const cells = line.cells.filter(has);
  const median = mems.median(cells.map(mems.metric("ops_per_second")));
  return cells.reduce((best, cell) => {
    const distance = Math.abs((mems.metric("ops_per_second")(cell) ?? 0) - (median ?? 0));
    return best === null || distance < best.distance ? { cell, distance } : best;
  }, null)?.cell ?? null;
};
