// SPDX-License-Identifier: MIT
//
// environment.js - where it was measured, every warning, whose malloc it was, the command and the job.

"use strict";

mems.hostFacts = [
  ["Machine", (host) => host.name], ["System", (host) => host.system], ["Kernel", (host) => host.kernel],
  ["Hypervisor", (host) => host.hypervisor], ["CPU", (host) => host.cpu], ["CPUs online", (host) => host.cores],
  ["CPUs, cores, sockets, NUMA nodes", ({ topology: t }) => (t?.known ? [t.cpus, t.cores, t.packages, t.numa_nodes].join(", ") : t?.cpus)],
  ["Caches L1d, L2, L3", ({ topology: t }) => (t?.known ? [t.l1d_bytes, t.l2_bytes, t.l3_bytes].map(mems.bytes).join(", ") : null)],
  ["Memory", (host) => mems.bytes(host.memory_bytes)], ["Huge pages", (host) => host.transparent_hugepages],
  ["Governor", (host) => host.governor], ["Boost", (host) => host.boost], ["Load when it began", (host) => host.load?.map(mems.number).join(", ")],
  ["C library", (host) => host.libc], ["Its build-id", (host) => host.libc_build_id], ["Revision", (host) => host.revision],
  ["Compiler", (host) => host.compiler], ["Flags", (host) => host.flags?.trim()],
  ["Allocator settings", (host) => Object.entries(host.allocator_settings || {}).map(([name, value]) => name + "=" + value).join(" ") || "none"],
];

mems.suppliers = function (model) {
  const rows = new Map();
  for (const result of model.results) {
    for (const cell of result.root.cells.filter((one) => one.malloc)) {
      const row = [model.label(result, cell.target), cell.malloc.version || "does not say", cell.malloc.path || "–", cell.malloc.build_id || "–"];
      rows.set(row.join(" "), row);
    }
  }
  return Array.from(rows.values()).sort((a, b) => a[0].localeCompare(b[0]));
};

mems.showWarnings = function (model, chapter) {
  chapter.append(mems.el("h3", null, "Warnings"));
  for (const result of model.results) {
    const name = model.several ? result.letter + ", " + result.name + ": " : "";
    if (result.root.warnings.length === 0) {
      chapter.append(mems.el("p", null, name + "no warning."));
      continue;
    }
    if (name) {
      chapter.append(mems.el("h4", null, name));
    }
    chapter.append(mems.el("ul", { class: "warnings" }, result.root.warnings.map(({ code, text }) =>
      mems.el("li", null, mems.el("span", { class: "pill warn" }, code), " ", text))));
  }
};

mems.showEnvironment = function (model, main) {
  const chapter = mems.chapter(main, "Environment");
  mems.showWarnings(model, chapter);
  chapter.append(mems.el("h3", null, "Machine and build"));
  const rows = mems.hostFacts.map(([name, get]) => [name, model.results.map(({ root }) => {
    const value = get(root.host);
    return value === null || value === undefined || value === "" ? "not known" : String(value);
  })]);
  chapter.append(mems.el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Machine and build" },
    mems.el("table", null,
      model.several ? mems.el("caption", null, "Where results differ the row is marked with ≠") : null,
      mems.el("thead", null, mems.el("tr", null, mems.el("th", { scope: "col" }, ""), model.results.map((result) =>
        mems.el("th", { scope: "col", class: "left" }, model.several ? result.letter + " " + result.name : result.name)))),
      mems.el("tbody", null, rows.map(([name, values]) => {
        const differs = values.some((value) => value !== values[0]);
        return mems.el("tr", { class: differs ? "differs" : null }, mems.el("th", { scope: "row" }, (differs ? "≠ " : "") + name),
          values.map((value) => mems.el("td", { class: "left" }, value)));
      })))));
  const suppliers = mems.suppliers(model);
  chapter.append(mems.el("h3", null, "Whose malloc"), suppliers.length > 0
    ? mems.table("Who supplied malloc in each target's process; an engine's (mems:) works beside it", ["Target", "Version", "Object", "Build-id"], suppliers)
    : mems.absent("No cell got so far as to say."));
  chapter.append(mems.el("h3", null, "How it was made"));
  for (const { root, letter } of model.results) {
    chapter.append(model.several ? mems.el("h4", null, letter) : "", mems.el("p", { class: "small" }, "Command (mems-stress " + root.version + ", exit status " +
      root.exit_status + ")"), mems.el("pre", { tabindex: 0 }, root.command.join(" ")),
    root.job.text ? mems.details("The job: " + root.job.path, () => mems.el("pre", { tabindex: 0 }, root.job.text), true) : "");
  }
};
