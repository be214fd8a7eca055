// SPDX-License-Identifier: MIT
//
// core.js - what every part of the page stands on: documents, elements, words for numbers, the theme, tabs.
//
// 1. Parts. The page is classic scripts, an element each, in the order of page.c's table; `mems` is all that they share.
//    A part that shows a kind of document registers itself: mems.view(SCHEMA, show). After the last part start.js calls,
//    for each schema that there is a view of, show(documents, main) once, with all documents of it: side by side is
//    one view's work, not several pages'.
// 2. Text. Names of jobs, sections and files are other people's: they reach the page by textContent and by attributes
//    that are no code, never as markup. A test holds every part to that.
// 3. Theme. Colours are the style sheet's variables, read when something is drawn: mems.color("--c0"). What draws on a
//    canvas asks to be told when they change: mems.onTheme(redraw).
// 4. Paper. Before it is printed the page is all there: mems.onPrint(draw) is called by beforeprint, and by
//    mems.complete(), which tests and people with a console may call. Then the page has the class `paper`, with which it
//    is laid out as wide as a sheet whatever the window is, and what has the size of its place is drawn anew.
// 5. If you change this: the player and the charts use these names; so do the tests.

"use strict";

const mems = { documents: [], views: [], redraws: [], prints: [] };

// ---- documents ----------------------------------------------------------------------------------

// [{name, root}] in the order of the command line; `name` is the file, `root` the document.
mems.load = function () {
  mems.documents = Array.from(document.querySelectorAll("script.document"), (element) => ({
    name: element.dataset.name,
    root: JSON.parse(element.textContent),
  }));
};

mems.view = function (schema, show) {
  mems.views.push({ schema, show });
};

// ---- elements -----------------------------------------------------------------------------------

// mems.el("td", {class: "left", title: t}, "text", child, [more]): null and false children are left out. A function among
// the attributes is a listener: {click: f}.
mems.el = function (name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") {
      element.addEventListener(key, value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child instanceof Node ? child : String(child));
    }
  }
  return element;
};

// A name for a fragment or an id: letters, digits and dashes, never twice.
mems.id = (function () {
  const taken = new Set();
  return function (text) {
    const base = String(text).toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "") || "part";
    let id = base;
    for (let n = 2; taken.has(id); n++) {
      id = base + "-" + n;
    }
    taken.add(id);
    return id;
  };
})();

// A chapter of the page, with its line in the contents.
mems.chapter = function (parent, title, about) {
  const id = mems.id(title);
  const chapter = mems.el("section", { class: "chapter", id, "aria-labelledby": id + "-title" },
    mems.el("h2", { id: id + "-title" }, title), about ? mems.el("p", { class: "muted" }, about) : null);
  parent.append(chapter);
  const nav = document.getElementById("contents");
  if (!nav.firstChild) {
    nav.append(mems.el("ul"));
  }
  nav.firstChild.append(mems.el("li", null, mems.el("a", { href: "#" + id }, title)));
  return chapter;
};

// A long name that may be broken behind : ( and commas.
mems.breakable = function (text) {
  return String(text).split(/(?<=[:(,])/).flatMap((piece, i) => (i > 0 ? [mems.el("wbr"), piece] : [piece]));
};

// 1 hole, 2 holes, 1,234 holes.
mems.count = function (number, one) {
  return number.toLocaleString("en") + " " + one + (number === 1 ? "" : "s");
};

// A sentence in the place of what cannot be shown.
mems.absent = function (text) {
  return mems.el("p", { class: "absent" }, text);
};

// A part that cannot be shown says so, and leaves the others.
mems.guarded = function (parent, show) {
  try {
    show();
  } catch (error) {
    console.error(error);
    parent.append(mems.absent("A part of the page could not be shown: " + error.message));
  }
};

// rows: arrays of cells, a cell text or a Node; the first of a row names it. Columns of words are set left, figures right.
mems.table = function (caption, head, rows) {
  const text = (cell) => String(cell?.textContent ?? cell);
  const words = head.map((_, i) => !rows.some((row) => text(row[i] ?? "").length <= 36 && /^[-+]?[\d.–]/.test(text(row[i] ?? ""))));
  const style = (cell, i) => (text(cell).length > 36 ? "long" : words[i] ? "left" : null);
  return mems.el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": caption || "table" },
    mems.el("table", null,
      caption ? mems.el("caption", null, caption) : null,
      mems.el("thead", null, mems.el("tr", null, head.map((name, i) => mems.el("th", { scope: "col", class: words[i] ? "left" : null }, name)))),
      mems.el("tbody", null, rows.map((row) => mems.el("tr", null, row.map((cell, i) =>
        mems.el(i === 0 ? "th" : "td", { scope: i === 0 ? "row" : null, class: style(cell, i) }, cell)))))));
};

// What is only made when it is opened (and before it is printed, where `printed`).
mems.details = function (summary, make, printed) {
  const details = mems.el("details", null, mems.el("summary", null, summary));
  let made = false;
  const open = () => {
    if (!made) {
      made = true;
      details.append(make());
    }
  };
  details.addEventListener("toggle", () => details.open && open());
  if (printed) {
    mems.onPrint(() => {
      open();
      details.open = true;
    });
  }
  return details;
};

// ---- tabs ---------------------------------------------------------------------------------------

// Names for tabs: of long ones that begin alike the common beginning is cut, at a word, to what tells that it was there.
mems.shortNames = function (names) {
  const long = 30;
  const begins = 10;
  return names.map((name) => {
    const alike = names.filter((other) => other.slice(0, begins) === name.slice(0, begins));
    const shortest = Math.min(...alike.map((other) => other.length));
    let common = 0;
    while (alike.length > 1 && common < shortest && alike.every((other) => other[common] === name[common])) {
      common++;
    }
    const word = name.slice(0, common).search(/[^\s/,:]*$/);
    return name.length > long && word > begins ? name.slice(0, begins) + "… " + name.slice(word) : name;
  });
};

// items: [{title, make(panel)}]. One tab is in the order of the Tab key; arrows, Home and End go from one to the next. A
// panel is made when it is first shown; on paper all are there, each with its name.
mems.tabs = function (parent, label, items) {
  const list = mems.el("div", { class: "tabs", role: "tablist", "aria-label": label });
  const tabs = [];
  const panels = [];
  const made = [];
  const names = mems.shortNames(items.map(({ title }) => title));
  const make = (index) => {
    if (!made[index]) {
      made[index] = true;
      items[index].make(panels[index]);
    }
  };
  const select = (index, focus) => {
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", i === index ? "true" : "false");
      tab.tabIndex = i === index ? 0 : -1;
      panels[i].hidden = i !== index;
    });
    make(index);
    if (focus) {
      tabs[index].focus();
    }
  };
  items.forEach((item, index) => {
    const id = mems.id("tab " + item.title);
    tabs.push(mems.el("button", { type: "button", role: "tab", id, "aria-controls": id + "-panel",
      title: item.title, "aria-label": names[index] === item.title ? null : item.title, click: () => select(index, false) }, names[index]));
    panels.push(mems.el("div", { class: "panel", role: "tabpanel", id: id + "-panel", "aria-labelledby": id },
      mems.el("h3", { class: "panel-name" }, item.title)));
  });
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at >= 0 && to !== undefined) {
      event.preventDefault();
      select((to + tabs.length) % tabs.length, true);
    }
  });
  list.append(...tabs);
  parent.append(list, ...panels);
  mems.onPrint(() => items.forEach((item, index) => make(index)));
  if (items.length > 0) {
    select(0, false);
  }
  return { select, tabs, panels };
};

// ---- numbers in words ---------------------------------------------------------------------------

mems.known = function (value) {
  return typeof value === "number" && Number.isFinite(value);
};

// Three digits: 4.18, 30.0, 771, 0.00123, 1.2e+9; a dash for what is not known.
mems.number = function (value) {
  if (!mems.known(value)) {
    return "–";
  }
  const size = Math.abs(value);
  if (size === 0) {
    return "0";
  }
  if (size >= 1e6 || size < 1e-3) {
    return value.toExponential(2).replace("e+", "e");
  }
  return size >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
};

mems.scaled = function (value, steps) {
  if (!mems.known(value)) {
    return "–";
  }
  let [factor, unit] = steps[0];
  for (const [f, u] of steps) {
    if (Math.abs(value) >= f) {
      [factor, unit] = [f, u];
    }
  }
  const scaled = value / factor;
  const text = Math.abs(scaled) >= 100 || scaled === Math.round(scaled) ? String(Math.round(scaled)) : scaled.toPrecision(3);
  return text + " " + unit;
};

mems.bytes = function (value) {
  return mems.scaled(value, [[1, "B"], [1024, "KiB"], [1024 ** 2, "MiB"], [1024 ** 3, "GiB"], [1024 ** 4, "TiB"]]);
};

mems.time = function (ns) {
  return mems.scaled(ns, [[1, "ns"], [1e3, "µs"], [1e6, "ms"], [1e9, "s"]]);
};

mems.rate = function (value) {
  return mems.scaled(value, [[1, "op/s"], [1e3, "kop/s"], [1e6, "Mop/s"], [1e9, "Gop/s"]]);
};

// A value with the unit it has in the document, in the words of the page.
mems.withUnit = function (value, unit) {
  const known = { bytes: mems.bytes, ns: mems.time, "ns/op": mems.time, ms: (v) => mems.time(v * 1e6), s: (v) => mems.time(v * 1e9),
    "%": (v) => mems.percent(v / 100) };
  return known[unit] ? known[unit](value) : mems.number(value);
};

mems.percent = function (share) {
  return mems.known(share) ? mems.number(share * 100) + " %" : "–";
};

// ---- theme and paper ----------------------------------------------------------------------------

mems.color = function (variable) {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
};

mems.onTheme = function (redraw) {
  mems.redraws.push(redraw);
};

mems.onPrint = function (draw) {
  mems.prints.push(draw);
};

// Everything that would be drawn later is drawn now. What that makes may ask for more.
mems.complete = function () {
  const root = document.documentElement;
  const printing = root.classList.contains("printing");
  // A chart has the size of its place, and what is hidden has none.
  root.classList.add("printing");
  for (let i = 0; i < mems.prints.length; i++) {
    mems.prints[i]();
  }
  root.classList.toggle("printing", printing);
};

// Paper is white, whatever the theme.
mems.beforePrint = function () {
  const root = document.documentElement;
  if (!root.classList.contains("printing")) {
    root.classList.add("printing", "paper");
    mems.screenTheme = root.dataset.theme;
    root.dataset.theme = "light";
    mems.complete();
    mems.themed();
  }
};

mems.afterPrint = function () {
  const root = document.documentElement;
  if (!root.classList.contains("paper")) {
    return;
  }
  root.classList.remove("printing", "paper");
  if (mems.screenTheme) {
    root.dataset.theme = mems.screenTheme;
  } else {
    delete root.dataset.theme;
  }
  mems.themed();
};

mems.themed = function () {
  mems.redraws.forEach((redraw) => redraw());
};

// As the system says, light, dark: the choice is kept where the browser lets a file keep one.
mems.themeSwitch = function () {
  const names = { "": "Theme: system", light: "Theme: light", dark: "Theme: dark" };
  const order = ["", "light", "dark"];
  let theme = "";
  try {
    theme = localStorage.getItem("mems-theme") || "";
  } catch (error) {
    theme = "";
  }
  const button = mems.el("button", { type: "button", id: "theme" });
  const apply = () => {
    if (theme) {
      document.documentElement.dataset.theme = theme;
    } else {
      delete document.documentElement.dataset.theme;
    }
    button.textContent = names[theme] || names[""];
    mems.themed();
  };
  button.addEventListener("click", () => {
    theme = order[(order.indexOf(theme) + 1) % order.length];
    try {
      localStorage.setItem("mems-theme", theme);
    } catch (error) {
      // A page that may keep nothing changes its theme all the same.
    }
    apply();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", mems.themed);
  apply();
  return button;
};
