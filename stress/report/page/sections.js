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

// Whether a line's figures are an allocator's, and of that alone.
mems.allocator = (model, section, line) => line.target !== "null" && !mems.pictured(line.result.sections.get(section), line.target);

// Columns that some line knows; the best of the targets that are allocators in bold.
mems.figuresTable = function (model, section) {
  const lines = model.lines(section);
  const columns = mems.columns.map((column) => ({ ...column, values: lines.map((line) => mems.figure(line, column.get)) }))
    .filter((column) => column.values.some((value) => mems.known(value) && (value !== 0 || column.better)));
  const best = columns.map(({ better, values }) => {
    const known = values.filter((value, i) => mems.known(value) && mems.allocator(model, section, lines[i]));
    return better && known.length > 1 ? (better === "more" ? Math.max(...known) : Math.min(...known)) : null;
  });
  return mems.el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Figures of " + section },
    mems.el("table", null,
      mems.el("caption", null, "Medians over the repeats, of percentiles too; the best in bold"),
      mems.el("thead", null, mems.el("tr", null, mems.el("th", { scope: "col" }, "Target"), columns.map(({ title }) => mems.el("th", { scope: "col" }, title)),
        mems.el("th", { scope: "col" }, "Result"))),
      mems.el("tbody", null, lines.map((line, i) => mems.el("tr", null, mems.el("th", { scope: "row" }, line.label),
        columns.map(({ values, format }, c) => mems.el("td", { class: best[c] !== null && values[i] === best[c] && mems.allocator(model, section, line) ? "best" : null },
          format(values[i]))),
        mems.el("td", null, mems.counted(line.cells.map((cell) => cell.verdict))))))));
};

mems.sectionHead = function (model, name, panel) {
  const section = model.section(name);
  panel.append(mems.el("p", { class: "muted" }, "Workload ", mems.el("code", null, section.workload), ", " + mems.count(section.threads, "thread") +
    ", " + mems.count(section.repeats, "repeat") + ", most that can be live " + mems.bytes(section.demand?.peak_bytes) + "."));
  const pictured = mems.picturedNote(section, model.lines(name).map((line) => line.target));
  panel.append(pictured && mems.el("p", { class: "card notice" }, pictured));
  panel.append(mems.details("Every value of the section", () => mems.table("[" + name + "]", ["Key", "Value"],
    Object.entries(section.values).filter(([, value]) => value !== "").map(([key, value]) => [key, mems.el("code", null, value)])), false));
};

mems.showTable = function (model, section, panel) {
  panel.append(mems.figuresTable(model, section));
};

mems.showSections = function (model, main) {
  const chapter = mems.chapter(main, "Section by section");
  mems.tabs(chapter, "Sections", model.sections.map((name) => ({
    title: name,
    make: (panel) => {
      for (const show of [mems.sectionHead, mems.showTable, mems.showLatency, mems.showContention, mems.showMemory, mems.showDecay, mems.showFigures, mems.showMaps]) {
        mems.guarded(panel, () => show(model, name, panel));
      }
    },
  })));
};
