// SPDX-License-Identifier: MIT
//
// player.js - memory in motion: step by step, forwards and back, several policies side by side, with the reason of each step.
//
// 1. What is played. mems.player(parent, targets) takes targets of a "mems-stress/show/1" document: steps with a text, a
//    reason and a map. All targets stand at the same step; one that has fewer stays at its last. A step without a map shows
//    the last one there was.
// 2. Drawings, by what a map is: a bar where blocks lie at positions, a grid where they lie in frames; for a reference
//    string the table that textbooks print, a column a reference; for a state or a formula, a table.
// 3. Who is who. An owner has a colour of Okabe and Ito's and a pattern over it, in the order in which owners appear in the
//    first target, and its name stands on it: colour alone tells nothing.
// 4. Hands and ears. Space plays and stops, arrows step, Home and End go to the ends, wherever in the player the focus is;
//    and where it is nowhere, for the page's only player.
//    The step's text is a live region, silent while it plays. Who wants less motion sees pieces change places at once.
// 5. Paper. Every step is a row of a table, and tables of reference strings are complete.

"use strict";

// ---- owners -------------------------------------------------------------------------------------

// Owners are processes; where there is one, its blocks.
mems.palette = function (targets) {
  const most = 24;
  const processes = new Map();
  const blocks = new Map();
  const add = (map, name) => map.has(name) || map.set(name, map.size);
  const see = (map) => (map?.pieces || []).filter(({ owner }) => owner !== undefined).forEach(({ owner }) => {
    add(processes, owner.split("/")[0]);
    add(blocks, owner);
  });
  targets.forEach((target) => {
    target.steps.forEach((step) => see(step.map));
    see(target.end);
  });
  const whole = processes.size === 1 && blocks.size > 1 && blocks.size <= most;
  const owners = whole ? blocks : processes;
  const style = (name) => {
    const index = owners.get(whole ? name : name.split("/")[0]) ?? 0;
    return { class: "own p" + (index % 6), color: "var(--c" + (index % 8) + ")" };
  };
  return { names: Array.from(owners.keys()).slice(0, most), style };
};

// ---- one map ------------------------------------------------------------------------------------

mems.units = function (value) {
  if (!mems.known(value)) {
    return "–";
  }
  if (Number.isInteger(value) && value >= 65536 && value % 1024 === 0) {
    return value % 1048576 === 0 ? value / 1048576 + "Mi" : value / 1024 + "Ki";
  }
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
};

// `amount`: words for a size, mems.units where it is left out.
mems.pieceTitle = function (piece, amount = mems.units) {
  const what = piece.what === "hole" ? "free" : piece.what === "cached" ? "free, in a thread's magazine" : piece.owner ?? "a block";
  const place = piece.at === undefined ? "not in memory" : amount(piece.size) + " at " + amount(piece.at);
  const asked = piece.requested !== undefined && piece.requested !== piece.size ? ", asked for " + amount(piece.requested) : "";
  return what + ": " + place + asked;
};

// The pieces of a map that lie between two positions, as blocks of a bar.
mems.barRow = function (pieces, from, to, palette, width, amount) {
  const row = mems.el("div", { class: "bar" });
  const ruler = mems.el("div", { class: "ruler", "aria-hidden": "true" });
  const share = (at) => (100 * (at - from)) / (to - from);
  const apart = (100 * (amount === mems.units ? 46 : 78)) / width; // positions below it
  let last = -apart;
  for (const piece of pieces) {
    const begin = Math.max(piece.at, from);
    const end = Math.min(piece.at + piece.size, to);
    if (end <= begin) {
      continue;
    }
    const style = piece.what === "block" ? palette.style(piece.owner ?? "") : { class: piece.what, color: null };
    const wide = share(end) - share(begin);
    const name = piece.what === "block" ? piece.owner ?? "" : "";
    row.append(mems.el("div", { class: "piece " + style.class, title: mems.pieceTitle(piece, amount),
      style: "left:" + share(begin) + "%;width:" + wide + "%" + (style.color ? ";--own:" + style.color : "") },
    wide > 3 ? mems.el("span", { class: "tag" }, name || (piece.what === "hole" ? amount(piece.size) : "~")) : null,
    wide > 7 && name ? mems.el("span", { class: "tag size" }, amount(piece.size)) : null));
    if (share(begin) - last >= apart && begin === piece.at) {
      ruler.append(mems.el("span", { style: share(begin) > 94 ? "right:0" : "left:" + share(begin) + "%" }, amount(piece.at)));
      last = share(begin);
    }
  }
  return { row, ruler, share };
};

// A bar a region; one of many pieces takes several rows. `choice`: the hole that was taken, or where an access led.
mems.drawBars = function (map, step, palette, width) {
  const box = mems.el("div", { class: "bars" });
  const regions = new Map();
  map.pieces.filter(({ at }) => at !== undefined).forEach((piece) => {
    const region = piece.region ?? 0;
    regions.set(region, [...(regions.get(region) || []), piece]);
  });
  for (const pieces of regions.values()) {
    const from = pieces[0].at;
    const end = pieces[pieces.length - 1].at + pieces[pieces.length - 1].size;
    const rows = Math.min(8, Math.max(1, Math.ceil(pieces.length / 24)));
    for (let i = 0; i < rows; i++) {
      const low = from + ((end - from) * i) / rows;
      const high = from + ((end - from) * (i + 1)) / rows;
      const { row, ruler, share } = mems.barRow(pieces, low, high, palette, width, map.amount ?? mems.units);
      const choice = step?.choice;
      const mark = mems.el("div", { class: "mark", "aria-hidden": "true" });
      if (choice && choice.at < high && choice.at + choice.size > low) {
        const left = share(Math.max(choice.at, low));
        const thin = step.operation.startsWith("touch");
        mark.append(thin ? mems.el("span", { class: "point", style: "left:" + left + "%" }, "▼ " + mems.units(choice.at))
          : mems.el("span", { class: "span", style: "left:" + left + "%;width:" + (share(Math.min(choice.at + choice.size, high)) - left) + "%" }));
      }
      box.append(mark, row, ruler);
    }
  }
  return box;
};

mems.drawFrames = function (map, before, palette) {
  const box = mems.el("div");
  const grid = mems.el("ol", { class: "frames" });
  const was = new Map((before?.pieces || []).map((piece) => [piece.frame, piece.owner + ":" + piece.page]));
  const tables = new Map();
  for (const piece of map.pieces) {
    if (piece.owner !== undefined && piece.page !== null && piece.page !== undefined) {
      const owner = piece.owner.split("/")[0];
      tables.set(owner, [...(tables.get(owner) || []), piece]);
    }
    if (piece.frame === null || piece.frame === undefined) {
      continue;
    }
    const used = piece.what === "block";
    const style = used ? palette.style(piece.owner ?? "") : { class: piece.what, color: null };
    const now = piece.owner + ":" + piece.page;
    const fresh = before && was.get(piece.frame) !== now;
    grid.append(mems.el("li", { class: "frame " + style.class + (fresh ? " fresh" : ""), title: "frame " + piece.frame + ", " + mems.pieceTitle(piece),
      style: style.color ? "--own:" + style.color : null },
    mems.el("span", { class: "number" }, map.hand === piece.frame ? "▸ " + piece.frame : piece.frame),
    mems.el("span", { class: "tag" }, used ? (piece.owner ?? "").split("/")[0] + (mems.known(piece.page) ? ":" + piece.page : "") : "free")));
  }
  box.append(grid);
  if (tables.size > 0 && tables.size <= 12) {
    box.append(mems.el("dl", { class: "tables" }, Array.from(tables, ([owner, pieces]) => [
      mems.el("dt", null, owner),
      mems.el("dd", null, pieces.slice().sort((a, b) => a.page - b.page).map((piece) =>
        mems.el("span", { class: piece.frame === null ? "out" : null }, piece.page + "→" + (piece.frame === null ? "–" : piece.frame)))),
    ])));
  }
  return box;
};

// ---- the table of a reference string ------------------------------------------------------------

mems.referenceTable = function (target, palette, go) {
  const rows = Math.max(...target.steps.map((step) => step.map?.pieces.length || 0));
  const hand = target.steps.some((step) => step.map?.hand !== undefined);
  const bits = target.steps.some((step) => step.map?.pieces.some((piece) => piece.referenced !== undefined));
  const columns = target.steps.map(() => []);
  const add = (column, cell) => {
    columns[column].push(cell);
    return cell;
  };
  const head = mems.el("tr", null, mems.el("th", { scope: "row" }, "page"), target.steps.map((step, i) => add(i,
    mems.el("th", { scope: "col", class: "reference" }, mems.el("button", { type: "button", tabindex: -1, title: "to step " + (i + 1), click: () => go(i) }, step.page)))));
  const body = [];
  for (let row = 0; row < rows; row++) {
    body.push(mems.el("tr", null, mems.el("th", { scope: "row" }, "frame " + row), target.steps.map((step, i) => {
      const piece = step.map?.pieces[row];
      const page = piece && piece.what === "block" ? piece.page : null;
      const before = i > 0 ? target.steps[i - 1].map?.pieces[row]?.page ?? null : null;
      const style = page === null ? null : palette.style(String(page));
      return add(i, mems.el("td", { class: "cell" + (page !== null && page !== before ? " came" : "") },
        page === null ? null : mems.el("span", { class: "slot " + style.class, style: "--own:" + style.color },
          mems.el("span", { class: "hand", "aria-label": step.map.hand === row ? "hand at" : null }, step.map.hand === row ? "▸" : ""),
          mems.el("span", { class: "tag" }, page),
          mems.el("span", { class: "bit", "aria-label": piece.referenced ? "R set" : null }, piece.referenced ? "*" : ""))));
    })));
  }
  const faults = mems.el("tr", { class: "faults" }, mems.el("th", { scope: "row" }, "fault"), target.steps.map((step, i) => add(i,
    mems.el("td", { class: step.fault ? (step.initial ? "initial" : "fault") : null, title: step.initial ? "fault that filled an empty frame" : null },
      step.fault ? (step.initial ? "○" : "●") : ""))));
  const table = mems.el("table", { class: "references" + (hand ? " handed" : "") + (bits ? " bitted" : "") }, mems.el("thead", null, head),
    mems.el("tbody", null, body, faults));
  const box = mems.el("div", { class: "scroll references-box", tabindex: 0, role: "group", "aria-label": "frames of " + target.target }, table);
  const show = (index) => {
    columns.forEach((cells, i) => cells.forEach((cell) => {
      cell.classList.toggle("later", i > index && cell.tagName === "TD");
      cell.classList.toggle("now", i === index);
    }));
    const cell = columns[index]?.[0];
    if (cell && box.clientWidth > 0) {
      const left = cell.offsetLeft - box.clientWidth / 2;
      box.scrollLeft = left;
    }
  };
  const key = mems.el("p", { class: "key muted" }, "● fault  ○ fault that fills an empty frame", hand ? "  ▸ the hand" : "", bits ? "  * R is set" : "");
  return { node: mems.el("div", null, box, key), show };
};

// Pages of a given state: when they came, when they were used, R and M.
mems.stateTable = function (map, goes) {
  return mems.el("table", { class: "state" },
    mems.el("thead", null, mems.el("tr", null, ["page", "loaded", "last use", "R", "M"].map((text) => mems.el("th", { scope: "col" }, text)))),
    mems.el("tbody", null, map.pieces.map((piece) => mems.el("tr", { class: String(piece.page) === goes ? "goes" : null },
      mems.el("th", { scope: "row" }, piece.page), mems.el("td", null, piece.loaded), mems.el("td", null, piece.used),
      mems.el("td", null, piece.referenced ? 1 : 0), mems.el("td", null, piece.modified ? 1 : 0)))));
};

// ---- one target ---------------------------------------------------------------------------------

// What the memory amounts to in a line.
mems.account = function (target, index, map) {
  if (target.kind === "replacement") {
    const steps = target.steps.slice(0, index + 1);
    const faults = steps.filter(({ fault }) => fault).length;
    const initial = steps.filter(({ initial: first }) => first).length;
    return faults + (faults === 1 ? " fault" : " faults") + " so far, " + (faults - initial) + " without those that filled empty frames";
  }
  if (target.kind || !map) {
    return "";
  }
  const amount = target.bytes ? mems.bytes : mems.units;
  const free = map.free > 0 && map.pieces.every(({ frame }) => frame === undefined) ? ", the largest " + amount(map.largest_hole) : "";
  const inside = map.taken > 0 ? "; inside blocks " + amount(map.taken - map.requested) + " unused" : "";
  const refused = map.refused > 0 ? "; refused " + map.refused + (map.refused_enough_free > 0 ? " (" + map.refused_enough_free + " though enough was free)" : "") : "";
  return mems.count(map.live_blocks, "block") + ", " + amount(map.free) + " free in " + mems.count(map.holes, target.bytes ? "hole" : "piece") + free + inside + refused;
};

mems.playerCard = function (target, palette, go) {
  const drawing = mems.el("div", { class: "drawing" });
  const text = mems.el("p", { class: "said" });
  const reason = mems.el("p", { class: "reason", hidden: target.kind === "calculation" });
  const account = mems.el("p", { class: "account muted" });
  const answer = target.answer ? mems.el("p", { class: "answer", hidden: true }, "Answer: ", mems.el("strong", null, target.answer),
    target.expected === null || target.expected === undefined ? "" : target.expected === target.answer ? ", as the books have it" : "; the books have " + target.expected) : null;
  const table = target.kind === "replacement" ? mems.referenceTable(target, palette, go) : null;
  const node = mems.el("section", { class: "card target", "aria-label": target.target },
    mems.el("h3", null, target.target, target.options ? mems.el("span", { class: "muted small" }, " ", target.options) : null),
    table ? table.node : drawing, text, reason, account, answer);
  const mapAt = (index) => {
    for (let i = Math.min(index, target.steps.length - 1); i >= 0; i--) {
      if (target.steps[i].map) {
        return target.steps[i].map;
      }
    }
    return null;
  };
  const draw = (index, map, step) => {
    drawing.replaceChildren();
    if (target.kind === "calculation") {
      drawing.append(mems.el("ol", { class: "lines-of" }, target.steps.slice(0, index + 1).map((line) =>
        mems.el("li", null, mems.el("strong", null, line.operation + ": " + line.text), mems.el("br"), line.reason || ""))));
    } else if (map && target.kind === "state") {
      drawing.append(mems.stateTable(map, index === target.steps.length - 1 ? target.answer : null));
    } else if (map?.view) {
      map.view(map, step.before ?? null, palette, drawing);
    } else if (map && map.pieces.some(({ frame }) => frame !== undefined)) {
      drawing.append(mems.drawFrames(map, mapAt(index - 1), palette));
    } else if (map) {
      drawing.append(mems.drawBars(map, step, palette, drawing.clientWidth || 1000));
    }
  };
  const show = (index) => {
    const at = Math.min(index, target.steps.length - 1);
    const step = target.steps[at];
    const map = mapAt(at);
    if (table) {
      table.show(at);
    } else {
      draw(at, map, step);
    }
    const refused = step?.outcome === "refused" || step?.outcome === "nothing";
    text.replaceChildren();
    if (step && target.kind !== "calculation") {
      text.append(mems.el("strong", null, step.operation === "show" ? "The memory at the start" : step.operation), step.text ? " → " : "", mems.el("span", { class: step.fault || refused ? "strong-text" : null }, step.text || ""));
      (step.moves || []).forEach((move) => text.append(mems.el("br"), move.owner + " moved " + mems.units(move.from) + " → " + mems.units(move.to)));
    }
    reason.textContent = target.kind === "calculation" ? "" : step?.reason || "";
    account.textContent = mems.account(target, at, map);
    if (answer) {
      answer.hidden = index < target.steps.length - 1;
    }
  };
  return { node, show };
};

// ---- the player ---------------------------------------------------------------------------------

mems.allSteps = function (targets) {
  return mems.el("div", { class: "all-steps" }, targets.map((target) => mems.table(target.target, ["Step", "Operation", "What came of it", "Why"],
    target.steps.map((step, i) => [i + 1, step.operation, step.text, step.reason || ""]))));
};

// `label(index)`: what a step is beside its number; may be left out.
mems.playerControls = function (length, act, label) {
  const button = (name, label, sign, key, click) => mems.el("button", { type: "button", class: "ctl " + name, "aria-label": label, title: label + " (" + key + ")", click }, sign);
  const play = button("play", "Play", "Play", "space", act.toggle);
  const scrub = mems.el("input", { type: "range", class: "scrub", min: 1, max: length, value: 1, step: 1, "aria-label": "Step", input: (event) => act.go(Number(event.target.value) - 1) });
  const count = mems.el("output", { class: "count" });
  const speed = mems.el("select", { class: "speed", "aria-label": "Speed", change: (event) => act.speed(Number(event.target.value)) },
    [0.5, 1, 2, 4, 8].map((factor) => mems.el("option", { value: factor, selected: factor === 1 }, factor + "×")));
  const node = mems.el("div", { class: "player-controls no-print" },
    button("first", "First step", "|◀", "Home", () => act.go(0)), button("back", "Step back", "◀", "left arrow", () => act.step(-1)), play,
    button("forward", "Step forward", "▶", "right arrow", () => act.step(1)), button("last", "Last step", "▶|", "End", () => act.go(length - 1)),
    scrub, count, mems.el("label", { class: "small" }, "Speed ", speed));
  const show = (index, playing) => {
    scrub.value = index + 1;
    const text = "step " + (index + 1) + " of " + length + (label ? ": " + label(index) : "");
    scrub.setAttribute("aria-valuetext", text);
    count.textContent = text;
    play.textContent = playing ? "Pause" : "Play";
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    play.title = (playing ? "Pause" : "Play") + " (space)";
  };
  return { node, show };
};

// Buttons that take targets away and bring them back.
mems.playerChoice = function (targets, cards) {
  if (targets.length < 2) {
    return null;
  }
  // Of many the first few: the rest is a click away.
  const most = 8;
  cards.forEach((card, i) => {
    card.node.hidden = targets.length > most && i >= most;
  });
  return mems.el("div", { class: "lines no-print", role: "group", "aria-label": "Shown" }, targets.map((target, i) => mems.el("button",
    { type: "button", "aria-pressed": cards[i].node.hidden ? "false" : "true", click: (event) => {
      const shown = event.currentTarget.getAttribute("aria-pressed") !== "true";
      event.currentTarget.setAttribute("aria-pressed", shown ? "true" : "false");
      cards[i].node.hidden = !shown;
    } }, target.target)));
};

mems.playerKeys = function (root, act, length) {
  document.addEventListener("keydown", (event) => {
    const nowhere = event.target === document.body && document.querySelectorAll(".player").length === 1;
    if (!root.contains(event.target) && !nowhere) {
      return;
    }
    const inSelect = event.target.tagName === "SELECT" || event.altKey || event.ctrlKey || event.metaKey;
    const onButton = event.target.tagName === "BUTTON" || event.target.tagName === "SUMMARY";
    const keys = { ArrowRight: () => act.step(1), ArrowLeft: () => act.step(-1), Home: () => act.go(0), End: () => act.go(length - 1), " ": act.toggle };
    if (inSelect || !keys[event.key] || (event.key === " " && onButton)) {
      return;
    }
    event.preventDefault();
    keys[event.key]();
  });
};

// Two cards beside each other where both are narrow.
mems.playerWidth = function (targets) {
  const narrow = ({ kind, steps }) => kind === "state" || kind === "calculation" || (kind === "replacement" && steps.length <= 12);
  return targets.length > 1 && targets.every(narrow) ? "narrow" : targets.length > 1 ? "many" : "";
};

mems.player = function (parent, given, label) {
  // Who plays has the memory before the eyes: that a trace wants it drawn is no step, but for the first.
  const targets = given.map((target) => ({ ...target, steps: target.steps.filter((step, i) =>
    i === 0 || step.operation !== "show" || !target.steps[i - 1].map) })).filter(({ steps }) => steps.length > 0);
  const length = Math.max(0, ...targets.map((target) => target.steps.length));
  if (length === 0) {
    parent.append(mems.absent("There is no step to show."));
    return null;
  }
  const palette = mems.palette(targets);
  const state = { index: 0, timer: null, speed: 1 };
  const live = mems.el("p", { class: "live", "aria-live": "polite" });
  const stop = () => {
    clearInterval(state.timer);
    state.timer = null;
  };
  const show = () => {
    const playing = state.timer !== null;
    cards.forEach((card) => card.show(state.index));
    controls.show(state.index, playing);
    live.setAttribute("aria-live", playing ? "off" : "polite");
    live.textContent = "Step " + (state.index + 1) + " of " + length + ": " + targets.map((target) => {
      const step = target.steps[Math.min(state.index, target.steps.length - 1)];
      return (targets.length > 1 ? target.target + ": " : "") + (step.operation === "show" ? "the memory at the start" : step.operation) + (step.text ? ", " + step.text : "");
    }).join("; ") + ".";
  };
  const act = {
    go: (index) => {
      stop();
      state.index = Math.max(0, Math.min(length - 1, index));
      show();
    },
    step: (by) => act.go(state.index + by),
    toggle: () => (state.timer !== null ? act.pause() : act.play()),
    pause: () => {
      stop();
      show();
    },
    play: () => {
      state.index = state.index === length - 1 ? 0 : state.index;
      stop();
      state.timer = setInterval(() => {
        state.index++;
        if (state.index >= length - 1) {
          state.index = length - 1;
          stop();
        }
        show();
      }, 1200 / state.speed);
      show();
    },
    speed: (factor) => {
      state.speed = factor;
      if (state.timer !== null) {
        act.play();
      }
    },
  };
  const cards = targets.map((target) => mems.playerCard(target, palette, act.go));
  const controls = mems.playerControls(length, act, label);
  const legend = targets.some(({ kind }) => !kind) && palette.names.length > 1 ? mems.el("ul", { class: "owners" }, palette.names.map((name) => {
    const style = palette.style(name);
    return mems.el("li", null, mems.el("span", { class: "swatch " + style.class, style: "--own:" + style.color }), name);
  })) : null;
  const root = mems.el("div", { class: "player", tabindex: 0, role: "group", "aria-label": "Player: space plays, arrows step, Home and End go to the ends" },
    controls.node, mems.playerChoice(targets, cards), live, legend, mems.el("div", { class: "targets " + mems.playerWidth(targets) }, cards.map(({ node }) => node)),
    mems.details("Every step as a table", () => mems.allSteps(targets), true));
  parent.append(root);
  mems.playerKeys(root, act, length);
  mems.onPrint(() => act.go(length - 1));
  show();
  return act;
};

// ---- documents of `trace show` ------------------------------------------------------------------

mems.showTotals = function (targets) {
  const known = targets.filter(({ summary }) => summary);
  if (known.length > 0 && known.every(({ kind }) => kind === "replacement")) {
    return mems.table("Totals", ["Algorithm", "Frames", "References", "Faults", "Without the first loads", "Answer of the books"], known.map((target) => [
      target.algorithm, target.frames ?? "–", target.summary.served, target.summary.faults, target.summary.faults - target.summary.initial_loads,
      target.expected ?? "–"]));
  }
  if (known.length > 0 && known.every(({ kind }) => kind === undefined)) {
    return mems.table("Totals; fragmentation and holes are those when most was live", ["Target", "Served", "Refused", "of them, enough free", "Internal fragmentation",
      "External fragmentation", "Holes", "Largest hole", "Moved", "Faults"], known.map(({ target, summary }) => [target, summary.served, summary.refused,
      summary.refused_enough_free, mems.percent(summary.internal_share), mems.percent(summary.external_share), summary.holes, mems.units(summary.largest_hole),
      mems.units(summary.moved), summary.faults]));
  }
  return null;
};

// Faults over frames, where an algorithm was given at least three numbers of them.
mems.showSweep = function (parent, targets) {
  const lines = new Map();
  targets.filter(({ kind, frames }) => kind === "replacement" && frames).forEach((target) =>
    lines.set(target.algorithm, [...(lines.get(target.algorithm) || []), { x: target.frames, y: target.summary.faults }]));
  const drawn = Array.from(lines, ([label, points]) => ({ label, points: points.sort((a, b) => a.x - b.x) })).filter(({ points }) => points.length > 2);
  if (drawn.length === 0 || typeof Chart === "undefined") {
    return;
  }
  mems.chart(mems.grid(parent), {
    title: "Faults over frames",
    about: "LRU and OPT never rise with another frame; FIFO and CLOCK may.",
    height: 320,
    table: () => ({ head: ["Algorithm", "Frames", "Faults"], rows: drawn.flatMap(({ label, points }) => points.map(({ x, y }) => [label, x, y])) }),
    make: () => ({
      type: "scatter",
      data: { datasets: drawn.map(({ label, points }, i) => ({ ...mems.stroke({ color: "--c" + (i % 8), dash: i, marker: i, result: 0 }, points.length), label, data: points,
        showLine: true, pointRadius: 4 })) },
      options: mems.options({
        x: mems.axis({ type: "linear", title: "frames", min: 1 }),
        y: mems.axis({ title: "faults", min: 0, format: String }),
        tooltip: { label: (item) => item.dataset.label + ", " + item.raw.x + " frames: " + item.raw.y + " faults" },
      }),
    }),
  });
};

mems.view("mems-stress/show/1", (documents, main) => {
  for (const { name, root } of documents) {
    const exercise = root.exercise;
    const title = exercise ? exercise.title : name;
    const chapter = mems.chapter(main, mems.documents.length > 1 ? title : "Step by step", null);
    if (exercise) {
      chapter.append(mems.el("p", { class: "question" }, exercise.question, exercise.source ? mems.el("span", { class: "muted" }, " (" + exercise.source + ")") : null));
      if (exercise.kind === "trace") {
        chapter.append(mems.details("The trace", () => mems.el("pre", null, exercise.input), false));
      }
    }
    mems.player(chapter, root.targets);
    const totals = mems.showTotals(root.targets);
    if (totals) {
      chapter.append(mems.details(exercise ? "The totals (the solution)" : "The totals", () => {
        const box = mems.el("div", null, totals);
        mems.showSweep(box, root.targets);
        return box;
      }, true));
    }
  }
});
