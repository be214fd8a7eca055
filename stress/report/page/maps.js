// SPDX-License-Identifier: MIT
//
// maps.js - the memory of a job's targets in motion: pictures side by side, at the same operation.
//
// 1. One moment. Pictures have the number of operations that were done; the player's steps are all those numbers, and
//    each target stands at its last picture up to there, which its line names where it is an earlier one.
// 2. What is drawn is what is there. Few pieces are bars with names (player.js). Many are a strip of several rows on a
//    canvas, each piece at its place; what is narrower than a pixel tints it by its share. Cells, which a picture has where
//    even runs are too many, are tinted by their shares of live and of cached bytes. Frames are a grid of squares.
//    The pointer's title tells what is under it; the counts are in the line below.
// 3. What happened is the difference of the engine's counters from one picture to the next. Why is the last operation
//    before a picture, as the map before and after it shows (run/decision.c), and the policy's rule: of a fit only where
//    the counts of the other holes bear it out.

"use strict";

mems.mapBarsMost = 60; // pieces with names; more are a strip
mems.mapFramesMost = 4096;

// "mems:dynamic(fit=best,thread_cache=no)" as {policy, options}.
mems.policyOf = function (target) {
  const [, policy, inside] = /^mems:([\w-]+)(?:\((.*)\))?$/.exec(target) || [null, "", ""];
  return { policy, options: Object.fromEntries((inside || "").split(",").filter(Boolean).map((pair) => pair.trim().split("="))) };
};

// ---- the pieces of a picture ----------------------------------------------------------------------

// "b64,1 h32 b64,1*3" as [["block", 64, 1], ["hole", 32], ...]: as page.c has packed it (pick.c).
mems.mapUnpack = function (text) {
  const names = { b: "block", c: "cached", h: "hole", ce: "cell" };
  return text.split(" ").filter(Boolean).flatMap((item) => {
    const [, letter, numbers, times] = /^([a-z]+)([\d,]+)(?:\*(\d+))?$/.exec(item);
    const piece = [names[letter], ...numbers.split(",").map(Number)];
    return Array(Number(times || 1)).fill(piece);
  });
};

// Pieces with their places, as the player has them. `one`: all blocks are one owner's.
mems.mapPieces = function (picture, one) {
  let at = 0;
  const run = picture.drawn === "runs";
  return picture.pieces.map(([what, size, ...more]) => {
    const piece = { what, region: 0, at, size };
    at += size;
    if (what === "cell") {
      const [live, cached, holes, largest, space] = more;
      return { ...piece, live, cached, holes, largest, owner: live === 0 ? undefined : one ? "live" : space > 0 ? "space " + space : "several" };
    }
    if (what === "block") {
      return { ...piece, owner: one ? "live" : "space " + more[0], pieces: run ? more[1] : 1, ...(!run && more.length > 1 ? { page: more[1] } : {}) };
    }
    return { ...piece, pieces: run && what === "cached" ? more[0] : 1 };
  });
};

mems.mapTitle = function (piece) {
  const place = ", " + mems.bytes(piece.size) + " at " + mems.bytes(piece.at);
  if (piece.what === "cell") {
    const whose = piece.owner && piece.owner !== "live" ? (piece.owner === "several" ? " of several owners" : " of " + piece.owner) : "";
    return mems.percent(piece.live / piece.size) + " live" + whose + (piece.cached > 0 ? ", " + mems.percent(piece.cached / piece.size) + " in caches" : "") +
      (piece.largest > 0 ? "; " + mems.count(piece.holes, "hole") + " begin here, the largest of " + mems.bytes(piece.largest) : "") + place;
  }
  if (piece.what === "hole") {
    return "a hole" + place;
  }
  const many = piece.pieces > 1 ? mems.count(piece.pieces, "block") : "a block";
  return (piece.what === "cached" ? many + " at hand in a cache" : many + (piece.owner === "live" ? "" : " of " + piece.owner)) + place;
};

// The frames of a picture: a piece each.
mems.mapFrames = function (picture, pieces) {
  const size = picture.frame_bytes;
  return pieces.flatMap((piece) => {
    const count = Math.max(1, Math.round(piece.size / size));
    return count === 1 ? [piece] : Array.from({ length: count }, (_, i) => ({ ...piece, at: piece.at + i * size, size, pieces: 1 }));
  });
};

// ---- canvases -------------------------------------------------------------------------------------

// A canvas as wide as its place; `paint(pen, width)` again when the theme changes. `under(x, y)`: the title there.
mems.mapCanvas = function (place, height, label, paint, under) {
  const canvas = mems.el("canvas", { class: "map", role: "img", "aria-label": label, style: "height:" + height + "px",
    mousemove: (event) => {
      canvas.title = under(event.offsetX, event.offsetY) ?? "";
    } });
  place.append(canvas);
  const draw = () => {
    const width = canvas.clientWidth || 1000;
    const scale = Math.min(2, window.devicePixelRatio || 1);
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    paint(pen, width);
  };
  canvas.redraw = draw;
  draw();
};

// When the theme changes, the maps that are on the page.
mems.mapsThemed = function (root) {
  mems.onTheme(() => root.querySelectorAll("canvas.map").forEach((canvas) => canvas.redraw()));
};

mems.mapColors = function (palette) {
  const named = new Map();
  const color = (name) => {
    if (!named.has(name)) {
      named.set(name, name === "several" ? mems.color("--muted") : mems.color(palette.style(name).color.slice(4, -1)));
    }
    return named.get(name);
  };
  return { free: mems.color("--free"), cached: mems.color("--cached"), line: mems.color("--paper"), ink: mems.color("--ink"), bad: mems.color("--bad"), color };
};

// One stretch of a row: a whole piece, or a cell by its shares.
mems.mapFill = function (pen, colors, piece, x, y, width, height) {
  const put = (color, share) => {
    pen.globalAlpha = share;
    pen.fillStyle = color;
    pen.fillRect(x, y, width, height);
    pen.globalAlpha = 1;
  };
  if (piece.what === "cell") {
    const live = piece.live / piece.size;
    put(colors.cached, piece.cached > 0 ? piece.cached / Math.max(1, piece.size - piece.live) : 0);
    put(colors.color(piece.owner ?? "live"), live);
  } else if (piece.what !== "hole") {
    put(piece.what === "cached" ? colors.cached : colors.color(piece.owner), 1);
  }
};

mems.drawStrip = function (map, palette, place) {
  const [rows, high, gap] = [Math.min(16, Math.max(4, Math.ceil(map.pieces.length / 180))), 18, 4];
  const each = Math.ceil(map.memory / rows);
  const at = (x, y, width) => Math.floor(y / (high + gap)) * each + (x / width) * each;
  const find = (position) => map.pieces.find((piece) => piece.at <= position && position < piece.at + piece.size);
  let wide = 1000;
  mems.mapCanvas(place, rows * (high + gap), mems.count(map.holes, "hole") + " between " + mems.count(map.live_blocks, "block"), (pen, width) => {
    const colors = mems.mapColors(palette);
    wide = width;
    pen.clearRect(0, 0, width, rows * (high + gap));
    pen.fillStyle = colors.free;
    for (let row = 0; row < rows; row++) {
      const length = Math.min(each, map.memory - row * each);
      pen.fillRect(0, row * (high + gap), (length / each) * width, high);
    }
    for (const piece of map.pieces) {
      for (let row = Math.floor(piece.at / each); row * each < piece.at + piece.size && row < rows; row++) {
        const from = Math.max(piece.at, row * each) - row * each;
        const to = Math.min(piece.at + piece.size, (row + 1) * each) - row * each;
        const [left, right] = [(from / each) * width, (to / each) * width];
        mems.mapFill(pen, colors, piece, left, row * (high + gap), right - left, high);
        // Neighbours are told apart where there is room for a line.
        if (right - left >= 4 && piece.what === "block") {
          pen.fillStyle = colors.line;
          pen.fillRect(right - 1, row * (high + gap), 1, high);
        }
      }
    }
  }, (x, y) => {
    const piece = find(at(x, y, wide));
    return piece && mems.mapTitle(piece);
  });
  place.append(mems.el("p", { class: "key muted" }, "Rows of " + mems.bytes(each) + ", from the left and downwards. " + (map.drawn === "cells"
    ? "More pieces than a picture has room for: each cell of " + mems.bytes(map.pieces[0].size) + " is tinted by the share of it that is live, " +
      "and says under the pointer how many holes it has; the counts below are of all."
    : map.drawn === "runs" ? "Neighbouring blocks of one owner are drawn as one; every hole is there." : map.drawn ? "" :
      "Each piece is what most of a stretch of memory is.")));
};

mems.drawFrameGrid = function (map, before, palette, place) {
  const side = map.frames.length > 1200 ? 9 : map.frames.length > 200 ? 14 : 40;
  const was = before?.frames?.length === map.frames.length ? before.frames : null;
  const changed = (frame, i) => was && (was[i].what !== frame.what || was[i].owner !== frame.owner || was[i].page !== frame.page);
  const columns = Math.max(1, Math.floor((place.clientWidth || 1000) / side));
  const rows = Math.ceil(map.frames.length / columns);
  mems.mapCanvas(place, rows * side, mems.count(map.frames.length, "frame"), (pen, width) => {
    const colors = mems.mapColors(palette);
    pen.clearRect(0, 0, width, rows * side);
    map.frames.forEach((frame, i) => {
      const [x, y] = [(i % columns) * side, Math.floor(i / columns) * side];
      pen.fillStyle = colors.free;
      pen.fillRect(x, y, side - 1, side - 1);
      mems.mapFill(pen, colors, frame, x, y, side - 1, side - 1);
      if (side > 30 && mems.known(frame.page)) {
        const text = String(frame.page);
        pen.font = "11px sans-serif";
        const width = pen.measureText(text).width + 6;
        pen.fillStyle = colors.line;
        pen.fillRect(x + (side - 1 - width) / 2, y + 11, width, 16);
        pen.fillStyle = colors.ink;
        pen.fillText(text, x + (side - 1 - width) / 2 + 3, y + 23);
      }
      if (changed(frame, i)) {
        pen.strokeStyle = colors.bad;
        pen.lineWidth = 2;
        pen.strokeRect(x + 1, y + 1, side - 3, side - 3);
      }
    });
  }, (x, y) => {
    const index = Math.floor(y / side) * columns + Math.floor(x / side);
    const frame = map.frames[index];
    return frame && "frame " + index + ": " + (frame.what === "hole" ? "free" : frame.what === "cached" ? "free, at hand in a cache"
      : (mems.known(frame.page) ? "page " + frame.page + " of " : "of ") + (frame.owner === "live" ? "the only owner" : frame.owner));
  });
  const free = map.frames.filter(({ what }) => what !== "block").length;
  place.append(mems.el("p", { class: "key muted" }, mems.count(map.frames.length, "frame") + " of " + mems.bytes(map.frame_bytes) + ", " + free + " free" +
    (map.absent > 0 ? "; " + mems.bytes(map.absent) + " of blocks are not in memory" + (map.swap > 0 ? ", " + mems.bytes(map.swap) + " on swap" : "") : "") +
    ". Framed: another page since the picture before."));
};

// ---- words ----------------------------------------------------------------------------------------

mems.mapHappened = function (picture, before) {
  const now = picture.counters;
  if (!now) {
    return "";
  }
  const was = before?.counters;
  const since = (name) => now[name] - (was?.[name] ?? 0);
  const parts = [[since("allocs"), "placed"], [since("releases"), "freed"], [since("resizes"), "resized"],
    [picture.refused - (before?.refused ?? 0), "refused"]].filter(([count]) => count > 0).map(([count, what]) => count.toLocaleString("en") + " " + what);
  if (since("cache_hits") > 0) {
    parts.push(since("cache_hits").toLocaleString("en") + " of these by threads' magazines alone");
  }
  if (since("compactions") > 0 || since("moved_bytes") > 0) {
    parts.push(mems.bytes(since("moved_bytes")) + " moved in " + mems.count(since("compactions"), "compaction"));
  }
  if (since("faults") > 0) {
    parts.push(mems.count(since("faults"), "fault"));
  }
  if (since("evictions") > 0) {
    parts.push(mems.count(since("evictions"), "eviction") + (since("write_backs") > 0 ? " (" + since("write_backs").toLocaleString("en") + " written to swap)" : ""));
  }
  if (before && before.holes !== picture.holes) {
    parts.push("holes " + before.holes.toLocaleString("en") + " → " + picture.holes.toLocaleString("en"));
  }
  return (before ? "Since the picture before: " : "Since the engine was opened: ") + (parts.join(", ") || "nothing") + ".";
};

// A fit's rule, where what was seen bears it out.
mems.mapFitRule = function (target, made) {
  const { policy, options } = mems.policyOf(target);
  const fit = options.fit ?? (["dynamic", "segmentation", "vm-segmentation"].includes(policy) ? "first" : "");
  const splits = Math.log2(made.hole_bytes / made.taken_bytes);
  const rules = {
    first: [made.fitting_lower === 0, "first fit: no hole at a lower address holds it"],
    best: [made.fitting_smaller === 0, "best fit: no smaller hole holds it"],
    worst: [made.fitting_larger === 0, "worst fit: no hole is larger"],
    buddy: [made.fitting_smaller === 0 && Number.isInteger(splits), "buddies: the smallest that holds it, " +
      (splits === 0 ? "whole" : "halved " + (splits === 1 ? "once" : splits + " times"))],
  };
  return rules[fit]?.[0] ? "; " + rules[fit][1] : "";
};

mems.replacementRules = {
  fifo: "FIFO evicts the page that was loaded first", lru: "LRU evicts the page whose last use is longest ago",
  clock: "CLOCK's hand clears R where it is set and takes the first page whose R is 0", "second-chance": "second chance evicts the oldest page whose R is 0, and clears R of those it passes",
  nru: "NRU evicts a page of the lowest class of R and M", lfu: "LFU evicts the page used least often", random: "any page, at random",
  opt: "OPT evicts the page whose next use is farthest away", arc: "ARC keeps a list of pages used once and one of pages used again, and moves the border by its ghosts",
  "2q": "2Q evicts from the queue of pages used once before those used again", lirs: "LIRS evicts a page of high inter-reference recency",
  s3fifo: "S3-FIFO evicts from its small queue what was not used again", sieve: "SIEVE's hand goes from old to new, clears R where it is set and takes the first page whose R is 0",
  ws: "the working set gives up pages not used for tau references", pff: "PFF gives up pages when faults are far apart",
};

// Why this victim: the rule in words, where the pages that replacement had to choose from bear it out.
mems.mapVictimRule = function (replacement, made) {
  if (made.candidates === 0) {
    return "";
  }
  const first = (words) => [made.passed === 0, words + " of " + mems.count(made.candidates, "page")];
  const round = made.passed === 0 && made.candidates_referenced === made.candidates;
  const hand = round ? [true, "R was 1 of all " + mems.count(made.candidates, "page") + ": the hand cleared each, came round, and took the first"]
    : [made.passed === made.passed_referenced && made.victim_referenced === 0, made.passed === 0 ? "the hand stood at it, and its R was 0"
      : "the hand passed " + mems.count(made.passed, "page") + " whose R was 1, cleared it, and came to this one with R 0"];
  const marks = "R " + made.victim_referenced + " and M " + made.victim_modified;
  const rules = {
    fifo: first("loaded first"), lru: first("not used for longest"), ws: first("not used for longest"), pff: first("not used for longest"), lfu: first("used least often"),
    clock: hand, "second-chance": hand, sieve: hand,
    nru: [made.lower_class === 0, marks + ": none of " + mems.count(made.candidates, "page") + " is of a lower class"],
  };
  const [holds, words] = rules[replacement] ?? [false];
  return (holds ? ": " + words : "") + (made.victim_modified === 1 ? "; it had been written, and was saved to swap" : "");
};

mems.mapWhy = function (target, picture, threads) {
  // A figure that is 0 is left out (report/pick.c).
  const made = picture.decision && new Proxy(picture.decision, { get: (figures, name) => figures[name] ?? 0 });
  const { policy, options } = mems.policyOf(target);
  const paged = policy === "vm-paging" || policy === "vm-segmentation";
  const replacement = options.replacement ?? (policy === "vm-paging" ? "sieve" : "");
  const rule = paged ? mems.replacementRules[replacement] : null;
  const asked = () => mems.bytes(made.asked_bytes) + (made.taken_bytes > made.asked_bytes ? " (" + mems.bytes(made.taken_bytes) + " with rounding)" : "");
  const words = {
    "alloc from a hole": () => asked() + " came out of the hole of " + mems.bytes(made.hole_bytes) + " at " + mems.bytes(made.hole_at_bytes) + ", one of " +
      mems.count(made.holes_fitting, "hole") + " that would hold it (of " + made.holes.toLocaleString("en") + ")" + mems.mapFitRule(target, made),
    "alloc from a magazine": () => mems.bytes(made.asked_bytes) + " came out of the thread's magazine: no hole was looked at",
    "alloc after a refill": () => mems.bytes(made.asked_bytes) + " wanted, and the thread's magazine was empty: a batch was fetched from the policy, and this is one of it",
    "alloc in new memory": () => asked() + " in memory that was mapped for it: no hole held it",
    "alloc of frames": () => mems.bytes(made.asked_bytes) + " went into " + mems.count(made.frames, "frame") + " that had been free",
    "free to a hole": () => {
      const beside = [made.joined_below_bytes > 0 ? mems.bytes(made.joined_below_bytes) + " below" : "", made.joined_above_bytes > 0 ? mems.bytes(made.joined_above_bytes) + " above" : ""].filter(Boolean);
      return mems.bytes(made.taken_bytes) + " at " + mems.bytes(made.at_bytes) + " freed: " + (beside.length > 0 ? "coalesced with the free " + beside.join(" and ") +
        " to a hole of " + mems.bytes(made.hole_bytes) : "nothing free beside it, a hole of its own");
    },
    "free to a magazine": () => mems.bytes(made.taken_bytes) + " freed into the thread's magazine: no hole changes",
    "free of frames": () => mems.count(made.frames, "frame") + " freed",
    "touch, in memory": () => "the page was in memory: no fault",
    "touch, fault": () => "page " + made.page + " came into frame " + made.frame + (made.victim_space > 0 ? ", where page " + made.victim_page + " had to go" + mems.mapVictimRule(replacement, made) :
      ", which was free"),
    "alloc refused": () => mems.bytes(made.asked_bytes) + " refused: " + mems.bytes(picture.free_bytes) + " are free in " + mems.count(picture.holes, "hole") + ", the largest of " +
      mems.bytes(picture.largest_hole_bytes),
  };
  const told = made && words[made.what] ? "The last operation: " + words[made.what]() + "." : made && threads > 1
    ? "With " + threads + " threads at work no operation was the last." : "";
  return told + (rule ? (told ? " " : "") + "The rule: " + rule + "." : "");
};

// ---- steps ----------------------------------------------------------------------------------------

mems.mapOf = function (picture, one) {
  const pieces = mems.mapPieces(picture, one);
  const memory = picture.memory_bytes;
  const frames = picture.frame_bytes > 0 && picture.drawn !== "cells" && memory / picture.frame_bytes <= mems.mapFramesMost ? mems.mapFrames(picture, pieces) : null;
  const bars = !frames && pieces.length <= mems.mapBarsMost && pieces.every(({ what }) => what !== "cell");
  return { memory, live_blocks: picture.live_blocks, requested: picture.requested_bytes, taken: picture.taken_bytes, free: picture.free_bytes,
    holes: picture.holes, largest_hole: picture.largest_hole_bytes, refused: picture.refused, refused_enough_free: picture.refused_enough_free, pieces,
    amount: mems.bytes, drawn: picture.drawn, frames, frame_bytes: picture.frame_bytes, absent: picture.counters?.absent_bytes, swap: picture.counters?.swap_bytes,
    view: frames ? (map, before, palette, place) => mems.drawFrameGrid(map, before, palette, place)
      : bars ? null : (map, before, palette, place) => mems.drawStrip(map, palette, place) };
};

// The pictures of a cell as a target of the player, with a step for each of `operations`.
mems.mapTarget = function ({ line, pictures, threads }, operations) {
  const spaces = new Set(pictures.flatMap((picture) => picture.pieces.filter(([what]) => what === "block" || what === "cell")
    .map(([what, , ...more]) => (what === "cell" ? more[4] : more[0]))).filter((space) => space > 0));
  const one = spaces.size < 2 && pictures.every((picture) => picture.pieces.every(([what, , live, , , , space]) => what !== "cell" || live === 0 || space > 0));
  const made = pictures.map((picture, i) => ({
    operations: picture.operations,
    map: mems.mapOf(picture, one),
    text: mems.bytes(picture.requested_bytes) + " live. " + mems.mapHappened(picture, pictures[i - 1]),
    reason: mems.mapWhy(line.target, picture, threads),
    time: picture.at_ns,
  }));
  const steps = operations.map((wanted, i) => {
    const at = Math.max(0, made.findLastIndex((one) => one.operations <= wanted));
    const { map, text, reason, time, operations: done } = made[at];
    const ended = at === made.length - 1 && done < wanted;
    return { number: i + 1, operation: "after " + mems.count(done, "operation") + " (" + mems.time(time) + ")" + (ended ? ", its end" : ""), outcome: "show", text, reason, map,
      before: made[at - 1]?.map };
  });
  return { target: line.label, options: "", unit_bytes: 1, bytes: true, steps, end: made[made.length - 1].map };
};

// In motion and side by side: one repeat a line.
mems.showMaps = function (model, section, panel) {
  panel.append(mems.el("h3", null, "Memory map in motion"));
  const maps = model.lines(section).map((line) => ({ line, threads: line.result.sections.get(section)?.threads ?? 1,
    pictures: mems.typical(line, (cell) => cell.report?.map?.length > 0)?.report.map.map((picture) => ({ ...picture, pieces: mems.mapUnpack(picture.pieces) })) }))
    .filter(({ pictures }) => pictures);
  if (maps.length === 0) {
    panel.append(mems.absent("Not recorded: map = 50 in the job keeps so many pictures of the memory of an engine's target (mems:)."));
    return;
  }
  const operations = Array.from(new Set(maps.flatMap(({ pictures }) => pictures.map((picture) => picture.operations)))).sort((a, b) => a - b);
  panel.append(mems.el("p", { class: "muted small" }, "Each target at its last picture up to the same number of operations" + (maps.some(({ threads }) => threads > 1)
    ? "; other threads go on while one walks over the memory, and a piece is as it was or as it is." : ".")));
  mems.player(panel, maps.map((map) => mems.mapTarget(map, operations)), (index) => mems.count(operations[index], "operation"));
  mems.mapsThemed(panel);
};
