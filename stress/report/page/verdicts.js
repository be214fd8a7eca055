// SPDX-License-Identifier: MIT
//
// verdicts.js - what came of it: each result's verdict, each target's of each section, comparisons; and what failed, with
// its evidence and the command that does it again.

"use strict";

// A verdict's class of style and its sign, which says the same without colour.
mems.verdicts = {
  pass: ["good", "✓"], improved: ["good", "✓"], failed: ["bad", "✗"], crashed: ["bad", "✗"], hung: ["bad", "✗"], regressed: ["bad", "✗"],
  incomplete: ["warn", "…"], unsteady: ["warn", "~"], inconclusive: ["warn", "?"], "not comparable": ["warn", "≠"],
  skipped: ["", "–"], "not run": ["", "–"],
};

mems.pill = function (verdict) {
  const [style, sign] = mems.verdicts[verdict] || ["warn", "?"];
  return mems.el("span", { class: "pill " + style }, sign + " " + verdict);
};

mems.isBad = (cell) => !["pass", "skipped", "not run"].includes(cell.verdict);

mems.counted = function (names) {
  const counts = new Map();
  names.forEach((name) => counts.set(name, (counts.get(name) || 0) + 1));
  return Array.from(counts, ([name, count]) => count + " " + name).join(", ");
};

mems.facts = function (pairs) {
  return mems.el("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
    .map(([name, value]) => [mems.el("dt", null, name), mems.el("dd", null, value)]));
};

// What a result that is a part has not; null: it has all.
mems.partOf = function (model, { letter, missing, root }) {
  const all = root.shard?.cells.length;
  const told = (list) => list.map(({ id, shard }) => id + " (shard " + shard + ")").join(", ");
  const most = 20;
  return missing.length > 0 && mems.el("div", { class: "card notice part" },
    mems.el("p", null, model.several ? letter + ": " : "", mems.el("strong", null,
      (root.shard.index > 0 ? "Shard " + root.shard.index + " of " + root.shard.count : "A merge of some of " + mems.count(root.shard.count, "shard")) +
      ": " + missing.length + " of " + mems.count(all, "cell") + " missing"), ": " + told(missing.slice(0, most)) +
      (missing.length > most ? " and " + (missing.length - most) + " more." : ". What is said below is of the others.")),
    missing.length > most && mems.details("All that are missing", () => mems.el("p", null, told(missing)), true));
};

mems.resultCard = function (model, result) {
  const { root } = result;
  return mems.el("article", { class: "card result" },
    mems.el("h3", null, model.several ? mems.el("span", { class: "letter" }, result.letter) : null, result.missing.length > 0 &&
      mems.el("span", { class: "pill warn" }, "… " + result.missing.length + " of " + mems.count(root.shard.cells.length, "cell") + " missing"),
      mems.pill(root.verdict), root.job.title || root.job.path),
    mems.facts([
      ["Result", result.name],
      ["Part", root.shard && (root.shard.index > 0 ? "shard " + root.shard.index + " of " + root.shard.count : "merged, of " + mems.count(root.shard.count, "shard"))],
      ["Cells", mems.counted(root.cells.map((cell) => cell.verdict))],
      ["Measured", root.started.replace("T", " ").replace("Z", " UTC") + ", " + mems.time(root.seconds * 1e9)],
      ["Machine", [root.host.cpu, root.host.cores + " CPUs", root.host.kernel].filter(Boolean).join(", ")],
      ["Revision", root.host.revision],
      ["Context", Object.entries(root.context || {}).map(([key, value]) => key + "=" + value).join(", ")],
      ["On this page", root.thinned && "to stay small: " + (root.thinned.pictures > 0 ? "at most " + mems.count(root.thinned.pictures, "picture") + " of memory a target, of one repeat" :
        "no pictures of memory") + ", curves over time of at most " + root.thinned.samples + " samples; the result itself has all"],
      ["Warnings", root.warnings.length > 0 ? mems.el("a", { href: "#environment" }, String(root.warnings.length)) : "none"],
    ]));
};

// A cell of the matrix: the worst of the repeats, and how many were so.
mems.worst = function (cells, missing) {
  const order = ["crashed", "failed", "hung", "incomplete", "unsteady", "pass", "skipped", "not run"];
  const worst = order.find((verdict) => cells.some((cell) => cell.verdict === verdict)) || cells[0].verdict;
  const count = cells.filter((cell) => cell.verdict === worst).length;
  const [style, sign] = mems.verdicts[worst] || ["warn", "?"];
  const text = sign + " " + worst + (cells.length > 1 && count < cells.length ? " " + count + "/" + cells.length : "") +
    (missing > 0 ? ", " + missing + " missing" : "");
  return mems.el("td", { class: missing > 0 && style === "good" ? "warn" : style === "good" ? "pass" : style },
    cells.some(mems.isBad) ? mems.el("a", { href: "#failures" }, text) : text);
};

mems.verdictMatrix = function (model) {
  const missing = model.results.flatMap((result) => result.missing);
  const planned = model.results.flatMap((result) => (result.root.shard?.sections || []).map(({ name }) => name));
  const sections = Array.from(new Set([...planned, ...model.sections]));
  const targets = Array.from(new Set([...model.targets, ...missing.map(({ target }) => target)]));
  const columns = targets.flatMap((target) => model.results.map((result) => ({ target, result })))
    .filter(({ target, result }) => [...result.root.cells, ...result.missing].some((cell) => cell.target === target));
  return mems.el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Verdicts by section and target" },
    mems.el("table", { class: "matrix" },
      mems.el("caption", null, "Each section on each target: the worst of its repeats"),
      mems.el("thead", null, mems.el("tr", null, mems.el("th", { scope: "col" }, "Section"),
        columns.map(({ target, result }) => mems.el("th", { scope: "col" }, mems.breakable(model.label(result, target)))))),
      mems.el("tbody", null, sections.map((section) => mems.el("tr", null,
        mems.el("th", { scope: "row" }, section),
        columns.map(({ target, result }) => {
          const cells = model.cells(result, section).filter((cell) => cell.target === target);
          const lost = result.missing.filter((cell) => cell.section === section && cell.target === target).length;
          return cells.length > 0 ? mems.worst(cells, lost) : mems.el("td", { class: lost > 0 ? "warn" : "muted" }, lost > 0 ? "… missing" : "");
        }))))));
};

mems.comparisonOf = function (result, parent) {
  const comparison = result.root.comparison;
  if (!comparison) {
    return;
  }
  const order = ["regressed", "inconclusive", "improved", "pass"];
  const rows = [...comparison.rows].sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  parent.append(mems.el("h3", null, "Against the baseline " + (comparison.a || "")),
    mems.el("p", { class: "muted small" }, comparison.regressed + " regressed, " + comparison.inconclusive + " inconclusive, " +
      comparison.improved + " improved, " + comparison.pass + " pass; a regression is " + mems.percent(comparison.threshold_share) + " or more"));
  const table = (chosen, caption) => mems.table(caption,
    ["Section", "Target", "Metric", "Verdict", "Baseline", "Now", "Ratio", "Interval of the ratio", "p (Holm)", "Why"],
    chosen.map((row) => [row.section, row.target, row.metric, mems.pill(row.verdict), mems.number(row.median_a), mems.number(row.median_b),
      row.from_zero ? "from 0" : mems.number(row.ratio), mems.known(row.low) ? mems.number(row.low) + " to " + mems.number(row.high) : "–",
      mems.number(row.p_holm), row.reason]));
  const notable = rows.filter((row) => row.verdict !== "pass");
  if (notable.length > 0) {
    parent.append(table(notable, "What is not simply pass"));
  }
  if (rows.length > notable.length) {
    parent.append(mems.details("All " + rows.length + " rows", () => table(rows, "Every metric that was compared"), false));
  }
  if (comparison.notes.length > 0) {
    parent.append(mems.el("ul", { class: "warnings" }, comparison.notes.map((note) =>
      mems.el("li", null, [note.section, note.target].filter(Boolean).join(", ") + (note.section || note.target ? ": " : "") + note.reason))));
  }
};

mems.showVerdicts = function (model, main) {
  const chapter = mems.chapter(main, "Verdicts");
  model.results.map((result) => mems.partOf(model, result)).filter(Boolean).forEach((part) => chapter.append(part));
  const grid = mems.grid(chapter);
  model.results.forEach((result) => grid.append(mems.resultCard(model, result)));
  const bad = model.results.flatMap((result) => result.root.cells.filter(mems.isBad));
  if (bad.length > 0) {
    chapter.append(mems.el("p", null, mems.el("a", { href: "#failures" }, mems.count(bad.length, "cell") + " did not pass"),
      ": " + mems.counted(bad.map((cell) => cell.verdict)) + "."));
  }
  chapter.append(mems.verdictMatrix(model));
  model.results.forEach((result) => mems.comparisonOf(result, chapter));
};

// ---- failures -----------------------------------------------------------------------------------

mems.again = function (command) {
  const button = mems.el("button", { type: "button", class: "no-print", click: async () => {
    try {
      await navigator.clipboard.writeText(command);
      button.textContent = "Copied";
    } catch (error) {
      getSelection().selectAllChildren(text);
      button.textContent = "Selected";
    }
  } }, "Copy");
  const text = mems.el("pre", { tabindex: 0 }, command);
  return mems.el("div", { class: "command" }, text, button);
};

mems.operations = function (thread) {
  const name = "Thread " + thread.thread;
  const rows = thread.last.map((operation) => [operation.index, operation.kind, operation.slot, operation.block, operation.size_bytes]);
  return mems.details(name + ": the last " + rows.length + " of " + mems.count(thread.operations_done, "operation"),
    () => mems.table(name + ", oldest first", ["Operation", "Kind", "Slot", "Block", "Bytes"], rows), false);
};

mems.stack = function (title, frames) {
  return frames && frames.length > 0 ? [mems.el("h4", null, title), mems.el("pre", { tabindex: 0 }, frames.join("\n"))] : [];
};

mems.evidenceOf = function (cell) {
  const evidence = cell.evidence;
  const parts = [];
  if (evidence) {
    const check = evidence.check;
    const ofBlock = check && (check.block !== "0x0" || check.size_bytes > 0);
    parts.push(mems.facts([
      ["Phase", evidence.phase],
      ["Signal", evidence.signal && "SIG" + evidence.signal],
      ["Exit status", evidence.status],
      ["Address", evidence.address !== "0x0" && evidence.address],
      ["Worker", mems.known(evidence.worker) && evidence.worker >= 0 ? evidence.worker : null],
      ["Operations done", evidence.operations],
      ["Check", check && check.name + ": " + check.text],
      ["Block", ofBlock && check.block + ", " + mems.bytes(check.size_bytes) + ", slot " + check.slot + ", of worker " + check.owner],
      ["Expected, found", ofBlock && check.expected + ", " + check.found],
    ]));
    parts.push(mems.stack("Backtrace", evidence.backtrace?.frames));
    evidence.stacks?.forEach((stack) => parts.push(mems.stack("Thread " + stack.tid, stack.frames)));
    evidence.children?.forEach((child) => parts.push(mems.stack("Process " + child.process + ", thread " + child.tid, child.frames)));
    evidence.threads?.filter((thread) => thread.last.length > 0).forEach((thread) => parts.push(mems.operations(thread)));
  }
  if (cell.output && cell.output.length > 0) {
    parts.push(mems.stack("What it printed, the end", cell.output));
  }
  return parts;
};

mems.showFailures = function (model, main) {
  const chapter = mems.chapter(main, "Failures");
  const bad = model.results.flatMap((result) => result.root.cells.filter(mems.isBad).map((cell) => ({ result, cell })));
  if (bad.length === 0) {
    chapter.append(mems.el("p", null, "None: every cell that ran has passed."));
  }
  for (const { result, cell } of bad) {
    chapter.append(mems.el("article", { class: "card failure" + (mems.verdicts[cell.verdict]?.[0] === "bad" ? "" : " warn") },
      mems.el("h3", null, model.several ? result.letter + " " : "", mems.pill(cell.verdict), cell.id),
      mems.el("p", null, cell.message), mems.evidenceOf(cell), mems.el("h4", null, "Again"), mems.again(cell.again)));
  }
  const skipped = model.results.flatMap((result) => result.root.cells.filter((cell) => ["skipped", "not run"].includes(cell.verdict))
    .map((cell) => [(model.several ? result.letter + " " : "") + cell.id, cell.verdict, mems.el("span", null, cell.message)]));
  if (skipped.length > 0) {
    chapter.append(mems.details(mems.count(skipped.length, "cell") + " skipped or not run",
      () => mems.table("Skipped", ["Cell", "What", "Why"], skipped), true));
  }
};
