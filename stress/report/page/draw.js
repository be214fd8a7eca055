// SPDX-License-Identifier: MIT
//
// draw.js - a chart in its place on the page: drawn when it comes into view, with its data as a table beside it.
//
// 1. Lazy. A page of a hundred cells has some hundred charts; Chart.js draws those that come near the window, and the
//    rest before the page is printed. Until then a chart is its title and its table.
// 2. Told without colour and without eyes. Lines have dashes and markers of their own beside the colours of Okabe and
//    Ito; a canvas has a sentence for screen readers; every chart has its data in a table.
// 3. Colours are read when a chart is drawn, so that one that is drawn again has those of the theme.
// 4. On paper a chart is drawn anew in its place there, with two dots of the canvas for one: names keep their size.
// 5. If you change this: a chart is mems.chart(parent, {title, about, height, table, make}); make() gives Chart.js its
//    configuration, table() {head, rows}. The tests read the charts from mems.charts and Chart.instances.

"use strict";

mems.charts = [];

mems.markers = ["circle", "rect", "triangle", "rectRot", "star", "cross", "crossRot", "rectRounded"];
mems.dashes = [[], [7, 3], [2, 2], [9, 3, 2, 3], [12, 4], [3, 5], [6, 2, 2, 2, 2, 2]];

// Of a line in a chart, by the style that a model gives it.
mems.stroke = function (style, points) {
  const color = mems.color(style.color);
  return {
    style,
    borderColor: color,
    backgroundColor: color,
    borderWidth: 1.8,
    borderDash: mems.dashes[style.dash % mems.dashes.length],
    pointStyle: mems.markers[style.marker % mems.markers.length],
    // Markers at a few places of a long line are enough to tell whose it is.
    pointRadius: (context) => {
      const every = Math.max(1, Math.ceil(points / 9));
      return context.dataIndex % every === style.marker % every ? 3.5 : 0;
    },
    pointHitRadius: 6,
  };
};

// Of bars: a plain colour for the first result, hatched for the others.
mems.fill = function (style) {
  const color = mems.color(style.color);
  if (style.result === 0) {
    return color;
  }
  const size = 8;
  const tile = mems.el("canvas", { width: size, height: size });
  const pen = tile.getContext("2d");
  pen.strokeStyle = color;
  pen.lineWidth = 2.5;
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, style.result % 2 === 1 ? size : 0);
    pen.lineTo(shift + size, style.result % 2 === 1 ? 0 : size);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
};

// Whiskers over horizontal bars: dataset.intervals[i] = {low, high} or null; dataset.dots[i] = each repeat.
mems.whiskers = {
  id: "whiskers",
  afterDatasetsDraw(chart) {
    const pen = chart.ctx;
    chart.data.datasets.forEach((dataset, index) => {
      const meta = chart.getDatasetMeta(index);
      if (!dataset.intervals || meta.hidden) {
        return;
      }
      pen.save();
      pen.strokeStyle = mems.color("--ink");
      pen.fillStyle = mems.color("--ink");
      pen.lineWidth = 1.4;
      dataset.intervals.forEach((interval, i) => {
        const y = meta.data[i]?.y;
        if (!interval || interval.count < 2 || y === undefined) {
          return;
        }
        const x = (value) => chart.scales.x.getPixelForValue(value);
        pen.beginPath();
        pen.moveTo(x(interval.low), y);
        pen.lineTo(x(interval.high), y);
        for (const end of [interval.low, interval.high]) {
          pen.moveTo(x(end), y - 4);
          pen.lineTo(x(end), y + 4);
        }
        pen.stroke();
      });
      pen.restore();
    });
  },
};

// What theory says, on horizontal bars: dataset.bounds[i] = value or null, a mark across the bar.
mems.bounds = {
  id: "bounds",
  afterDatasetsDraw(chart) {
    const pen = chart.ctx;
    chart.data.datasets.forEach((dataset, index) => {
      const meta = chart.getDatasetMeta(index);
      if (!dataset.bounds || meta.hidden) {
        return;
      }
      pen.save();
      dataset.bounds.forEach((bound, i) => {
        const bar = meta.data[i];
        if (mems.known(bound) && bar) {
          const x = chart.scales.x.getPixelForValue(bound);
          // Seen on any bar: ink with an edge of paper.
          for (const [color, width] of [["--paper", 6], ["--ink", 3]]) {
            pen.strokeStyle = mems.color(color);
            pen.lineWidth = width;
            pen.beginPath();
            pen.moveTo(x, bar.y - bar.height / 2 - 3);
            pen.lineTo(x, bar.y + bar.height / 2 + 3);
            pen.stroke();
          }
        }
      });
      pen.restore();
    });
  },
};

// 80.0 % is 80 % beside an axis.
mems.short = (text) => String(text).replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");

// An axis: {title, format, type, min, max, ...more of Chart.js}.
mems.axis = function ({ title, format, ticks, ...more }) {
  return {
    title: { display: Boolean(title), text: title, color: mems.color("--muted") },
    grid: { color: mems.color("--grid"), borderColor: mems.color("--line") },
    ticks: { color: mems.color("--muted"), maxRotation: 0, autoSkipPadding: 14, ...(format ? { callback: (value) => mems.short(format(value)) } : {}), ...ticks },
    ...more,
  };
};

// Steps that are powers of two, as the units are.
mems.byteAxis = function (more) {
  return mems.axis({ format: mems.bytes, min: 0, afterBuildTicks: (axis) => {
    const step = 2 ** Math.ceil(Math.log2(Math.max(axis.max, 8) / 7));
    axis.max = Math.ceil(axis.max / step) * step;
    axis.ticks = Array.from({ length: Math.round(axis.max / step) + 1 }, (_, i) => ({ value: i * step }));
  }, ...more });
};

// Powers of ten are labelled; two and five times them too where there is room.
mems.logAxis = function ({ format, powers, ...more }) {
  return mems.axis({
    type: "logarithmic",
    ticks: { autoSkip: false, callback(value) {
      const power = Math.floor(Math.log10(value) + 1e-9);
      const digit = Math.round(value / 10 ** power);
      const narrow = !powers && Math.log10(this.max / this.min) < 2.6;
      return Math.abs(value / 10 ** power - digit) < 1e-6 && (narrow ? [1, 2, 5] : [1]).includes(digit) ? mems.short(format(value)) : "";
    } },
    ...more,
  });
};

// A long name in lines, cut behind ( and commas.
mems.lines = function (text) {
  const lines = [];
  for (const piece of String(text).match(/[^(,]*[(,]?/g).filter(Boolean)) {
    if (lines.length > 0 && (lines[lines.length - 1] + piece).length <= 24) {
      lines[lines.length - 1] += piece;
    } else {
      lines.push(piece);
    }
  }
  return lines.length > 1 ? lines : text;
};

mems.options = function ({ x, y, tooltip, ...more }) {
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    normalized: true,
    interaction: { mode: "nearest", axis: "xy", intersect: false },
    scales: { x, y },
    plugins: {
      legend: { display: false },
      tooltip: { callbacks: tooltip || {}, backgroundColor: mems.color("--ink"), titleColor: mems.color("--paper"),
        bodyColor: mems.color("--paper") },
    },
    ...more,
  };
};

// ---- the legend ---------------------------------------------------------------------------------

// The markers of Chart.js, as SVG of 28 x 12.
mems.markShapes = {
  circle: ["circle", { cx: 14, cy: 6, r: 3.4 }],
  rect: ["rect", { x: 11, y: 3, width: 6, height: 6 }],
  triangle: ["path", { d: "M14 2.2 L17.8 9 H10.2 Z" }],
  rectRot: ["path", { d: "M14 2 L18 6 L14 10 L10 6 Z" }],
  star: ["path", { d: "M14 2 V10 M10 6 H18 M11.2 3.2 L16.8 8.8 M16.8 3.2 L11.2 8.8" }],
  cross: ["path", { d: "M14 2 V10 M10 6 H18" }],
  crossRot: ["path", { d: "M11 3 L17 9 M17 3 L11 9" }],
  rectRounded: ["rect", { x: 11, y: 3, width: 6, height: 6, rx: 2 }],
};

mems.svg = function (name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
};

mems.swatch = function (dataset) {
  const color = "var(" + (dataset.style?.color || "--muted") + ")";
  const svg = mems.svg("svg", { width: 28, height: 12, viewBox: "0 0 28 12", "aria-hidden": "true" });
  if (dataset.bar) {
    svg.append(mems.svg("rect", { x: 4, y: 1, width: 20, height: 10, fill: color, "fill-opacity": dataset.style.result === 0 ? 1 : 0.15,
      stroke: color }));
    if (dataset.style.result > 0) {
      svg.append(mems.svg("path", { d: "M4 11 L12 1 M12 11 L20 1 M18 11 L24 3", stroke: color, "stroke-width": 2 }));
    }
    return svg;
  }
  svg.append(mems.svg("line", { x1: 0, y1: 6, x2: 28, y2: 6, stroke: color, "stroke-width": 2,
    "stroke-dasharray": (dataset.borderDash || []).join(" ") }));
  if (dataset.pointRadius !== 0 && dataset.pointStyle) {
    const [name, attributes] = mems.markShapes[dataset.pointStyle];
    svg.append(mems.svg(name, { ...attributes, fill: color, stroke: color, "stroke-width": 1.4 }));
  }
  return svg;
};

// A button a line, which takes it away and brings it back.
mems.legend = function (entry) {
  const datasets = entry.chart.data.datasets;
  // By name; what is no target's line (what theory says) comes last.
  const order = datasets.map((_, index) => index).sort((a, b) => (datasets[a].pointRadius === 0) - (datasets[b].pointRadius === 0) ||
    datasets[a].label.localeCompare(datasets[b].label, "en", { numeric: true }));
  entry.legend.replaceChildren(...order.map((index) => [datasets[index], index]).map(([dataset, index]) => mems.el("button", { type: "button",
    "aria-pressed": entry.chart.isDatasetVisible(index) ? "true" : "false", title: "show or hide " + dataset.label,
    click: (event) => {
      const shown = !entry.chart.isDatasetVisible(index);
      entry.chart.setDatasetVisibility(index, shown);
      entry.shown.set(dataset.label, shown);
      event.currentTarget.setAttribute("aria-pressed", shown ? "true" : "false");
      entry.chart.update();
    } }, mems.swatch(dataset), dataset.label)));
  entry.legend.hidden = datasets.length < 2;
};

// ---- a chart on the page ------------------------------------------------------------------------

mems.near = null;

mems.chart = function (parent, { title, about, height, table, make, level }) {
  const canvas = mems.el("canvas", { role: "img", "aria-label": title + (about ? ". " + about : "") + " The table below has its data." });
  const box = mems.el("div", { class: "canvas", style: "height:" + (height || 260) + "px" }, canvas);
  const legend = mems.el("div", { class: "lines", role: "group", "aria-label": "Lines of " + title, hidden: true });
  const figure = mems.el("figure", { class: "card" }, mems.el("h" + (level || 4), null, title),
    about ? mems.el("p", { class: "muted small" }, about) : null, box, legend,
    mems.details("Data", () => {
      const { head, rows } = table();
      return mems.table(title, head, rows);
    }));
  // `shown`: the lines that a reader has taken away or brought back, by name.
  const entry = { title, figure, canvas, legend, chart: null, table, shown: new Map() };
  const render = () => {
    const config = make();
    config.data.datasets.forEach((dataset) => {
      dataset.hidden = entry.shown.has(dataset.label) ? !entry.shown.get(dataset.label) : Boolean(dataset.hidden);
    });
    if (document.documentElement.classList.contains("paper")) {
      config.options.devicePixelRatio = 2;
    }
    entry.chart = new Chart(canvas, config);
    mems.legend(entry);
  };
  const draw = () => {
    if (!entry.chart && canvas.isConnected) {
      render();
      mems.near.unobserve(figure);
    }
  };
  entry.draw = draw;
  mems.charts.push(entry);
  mems.near ||= new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting) {
        mems.charts.find((one) => one.figure === target)?.draw();
      }
    }
  }, { rootMargin: "400px 0px" });
  mems.near.observe(figure);
  mems.onPrint(draw);
  mems.onTheme(() => {
    if (entry.chart) {
      entry.chart.destroy();
      render();
    }
  });
  parent.append(figure);
  return entry;
};

mems.grid = function (parent) {
  const grid = mems.el("div", { class: "grid" });
  parent.append(grid);
  return grid;
};
