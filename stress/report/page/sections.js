// SPDX-License-Identifier: MIT
//
// sections.js - one section after the other, a tab each: the table, latencies, locks, memory, the memory map.

"use strict";

mems.columns = [
  { title: "Rate", get: mems.metric("ops_per_second"), format: mems.rate, better: "more" },
  { title: "CPU/op", get: mems.metric("cpu_ns_per_op"), format: mems.time, better: "less" },
  { title: "Alloc p50", get: mems.metric("alloc_p50_ns"), format: mems.time, better: "less" },
  { title: "Alloc p99", get: mems.metric("alloc_p99_ns"), format: mems.time, better: "less" },
  { title: "Free p99", get: mems.metric("free_p99_ns"), format: mems.time, better: "less" },
  { title: "Remote free p99", get: mems.metric("free_remote_p99_ns"), format: mems.time, better: "less" },
  { title: "Held/live", get: mems.metric("held_over_live"), format: mems.number, better: "less" },
  { title: "Internal", get: mems.metric("internal_share"), format: mems.percent },
  { title: "External", get: mems.metric("external_share"), format: mems.percent },
  { title: "RSS", get: mems.metric("rss_peak_bytes"), format: mems.bytes, better: "less" },
  { title: "Lock waits/op", get: mems.metric("lock_waits_per_op"), format: mems.number },
  { title: "Off CPU", get: mems.metric("offcpu_share"), format: mems.percent },
  { title: "Refused", get: mems.metric("refused_share"), format: mems.percent },
];

// Columns that some line knows; the best of the targets that are allocators in bold.
mems.figuresTable = function (model, section) {
  const lines = model.lines(section);
  const columns = mems.columns.map((column) => ({ ...column, values: lines.map((line) => mems.figure(line, column.get)) }))
    .filter((column) => column.values.some((value) => mems.known(value) && (value !== 0 || column.better)));
  const best = columns.map(({ better, values }) => {
    const known = values.filter((value, i) => mems.known(value) && lines[i].target !== "null");
    return better && known.length > 1 ? (better === "more" ? Math.max(...known) : Math.min(...known)) : null;
  });
  return mems.el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Figures of " + section },
    mems.el("table", null,
      mems.el("caption", null, "Medians of the repeats; the best in bold"),
      mems.el("thead", null, mems.el("tr", null, mems.el("th", { scope: "col" }, "Target"), columns.map(({ title }) => mems.el("th", { scope: "col" }, title)),
        mems.el("th", { scope: "col" }, "Result"))),
      mems.el("tbody", null, lines.map((line, i) => mems.el("tr", null, mems.el("th", { scope: "row" }, line.label),
        columns.map(({ values, format }, c) => mems.el("td", { class: best[c] !== null && values[i] === best[c] && line.target !== "null" ? "best" : null },
          format(values[i]))),
        mems.el("td", null, mems.counted(line.cells.map((cell) => cell.verdict))))))));
};

mems.sectionHead = function (model, name, panel) {
  const section = model.section(name);
  panel.append(mems.el("p", { class: "muted" }, "Workload ", mems.el("code", null, section.workload), ", " + mems.count(section.threads, "thread") +
    ", " + mems.count(section.repeats, "repeat") + ", most that can be live " + mems.bytes(section.demand?.peak_bytes) + "."));
  panel.append(mems.details("Every value of the section", () => mems.table("[" + name + "]", ["Key", "Value"],
    Object.entries(section.values).filter(([, value]) => value !== "").map(([key, value]) => [key, mems.el("code", null, value)])), false));
};

// The pictures of a cell's memory as a target of a mems-stress/show/1 document, which is what the player plays.
mems.mapTarget = function (name, pictures) {
  const spaces = new Set(pictures.flatMap((picture) => picture.pieces.map(([, , space]) => space)).filter(mems.known));
  const steps = pictures.map((picture, i) => {
    let at = 0;
    const pieces = picture.pieces.map(([what, size, space]) => {
      const piece = { what, region: 0, at, size, ...(space === undefined ? {} : { owner: spaces.size > 1 ? "space " + space : "live" }) };
      at += size;
      return piece;
    });
    return {
      number: i + 1,
      operation: "after " + mems.time(picture.at_ns) + ", " + mems.count(picture.operations, "operation"),
      outcome: "show",
      text: mems.bytes(picture.requested_bytes) + " live in " + mems.count(picture.live_blocks, "block") + ", " + mems.bytes(picture.free_bytes) +
        " free in " + mems.count(picture.holes, "hole") + (picture.exact ? "" : "; each piece is what most of a stretch of memory is"),
      map: { memory: picture.memory_bytes, live_blocks: picture.live_blocks, requested: picture.requested_bytes, taken: picture.taken_bytes,
        free: picture.free_bytes, holes: picture.holes, largest_hole: picture.largest_hole_bytes, refused: picture.refused,
        refused_enough_free: picture.refused_enough_free, pieces },
    };
  });
  return { target: name, options: "", unit_bytes: 1, steps, end: steps[steps.length - 1].map };
};

// In motion and side by side: one repeat a line.
mems.showMaps = function (model, section, panel) {
  panel.append(mems.el("h3", null, "Memory map in motion"));
  const maps = model.lines(section).map((line) => ({ line, pictures: mems.typical(line, (cell) => cell.report?.map?.length > 0)?.report.map }))
    .filter(({ pictures }) => pictures);
  if (maps.length === 0) {
    panel.append(mems.absent("Not recorded: map = 50 in the job keeps so many pictures of the memory of an engine's target (mems:)."));
  } else {
    mems.player(panel, maps.map(({ line, pictures }) => mems.mapTarget(line.label, pictures)));
  }
};

mems.showSections = function (model, main) {
  const chapter = mems.chapter(main, "Section by section");
  mems.tabs(chapter, "Sections", model.sections.map((name) => ({
    title: name,
    make: (panel) => {
      mems.sectionHead(model, name, panel);
      panel.append(mems.figuresTable(model, name));
      mems.showLatency(model, name, panel);
      mems.showContention(model, name, panel);
      mems.showMemory(model, name, panel);
      mems.showDecay(model, name, panel);
      mems.showFigures(model, name, panel);
      mems.showMaps(model, name, panel);
    },
  })));
};
