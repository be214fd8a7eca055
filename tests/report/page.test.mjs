// SPDX-License-Identifier: MIT
//
// page.test.mjs - the page in a browser: it loads without a complaint, each chart has its data, everything can be done
// by keys, it prints, and no text of a result becomes more than text. Screenshots go to shots/, for people.

import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, describe, test } from "node:test";

import { launch, measure, open, report, write } from "./browser.mjs";

const EVIL = "</script><script>window.owned=1</script><img src=x onerror=window.owned=1>\"'&amp;";
let browser;
let result;
let file;

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

// Every chart drawn, as plain data.
const charts = (page) => page.evaluate(() => {
  mems.complete();
  return mems.charts.map((entry) => ({
    title: entry.title,
    inPage: entry.canvas.isConnected,
    known: Object.values(Chart.instances).includes(entry.chart),
    label: entry.canvas.getAttribute("aria-label"),
    panel: entry.figure.closest(".panel")?.querySelector(".panel-name")?.textContent ?? null,
    chapter: entry.figure.closest(".chapter").id,
    labels: entry.chart.data.labels ?? [],
    datasets: entry.chart.data.datasets.map((dataset) => ({ label: dataset.label, intervals: dataset.intervals, bounds: dataset.bounds,
      data: dataset.data.map((point) => (point !== null && typeof point === "object" ? [point.x, point.y] : point)) })),
    table: entry.table(),
  }));
});

before(async () => {
  fs.rmSync("shots", { recursive: true, force: true });
  fs.mkdirSync("shots");
  result = measure("page.ini", "page.json");
  file = report("page.html", "page.json");
  browser = await launch();
});

after(async () => browser?.close());

describe("the page of a result", () => {
  let page, wrong, drawn;

  before(async () => {
    ({ page, wrong } = await open(browser, file));
    drawn = await charts(page);
  });
  after(() => assert.deepEqual(wrong, []));

  test("chapters: verdicts first, nothing left out", async () => {
    const titles = await page.$$eval(".chapter > h2", (all) => all.map((h) => h.textContent));
    assert.deepEqual(titles, ["Verdicts", "Throughput", "Scaling", "Heat maps", "Section by section", "Failures", "Environment"]);
    const links = await page.$$eval("#contents a", (all) => all.map((a) => document.querySelector(a.hash)?.className));
    assert.deepEqual(links, titles.map(() => "chapter"));
  });

  test("every verdict is in the table", async () => {
    const rows = await page.$$eval(".matrix tbody tr", (all) => all.map((row) => row.textContent));
    assert.equal(rows.length, result.job.sections.length);
    assert.match(rows.at(-1), /✗ failed/);
    assert.match(await page.textContent(".result"), /failed.*44 pass, 1 skipped, 1 failed|failed/s);
  });

  test("each chart has its data, a table of it and a name", () => {
    assert.ok(drawn.length > 40, "only " + drawn.length + " charts");
    for (const chart of drawn) {
      const where = [chart.chapter, chart.panel, chart.title].join(": ");
      assert.ok(chart.inPage && chart.known, where);
      assert.ok(chart.datasets.length > 0, where + " has no line");
      for (const { label, data } of chart.datasets) {
        const values = data.flat().filter((value) => value !== null);
        assert.ok(label && values.length > 0 && values.every(Number.isFinite), where + ": " + label + " has no data");
      }
      assert.ok(chart.table.rows.length > 0, where);
      assert.ok(chart.table.rows.every((row) => row.length === chart.table.head.length), where + ": the table is crooked");
      assert.ok(chart.label.startsWith(chart.title), where);
    }
  });

  test("throughput is the medians of the repeats, with intervals that hold them", () => {
    for (const section of result.job.sections) {
      const chart = drawn.find(({ chapter, title }) => chapter === "throughput" && title === section.name);
      assert.ok(chart, section.name);
      const [dataset] = chart.datasets;
      chart.labels.forEach((label, i) => {
        const target = [].concat(label).join("");
        const rates = result.cells.filter((cell) => cell.section === section.name && cell.target === target)
          .map((cell) => cell.metrics.ops_per_second);
        assert.ok(Math.abs(dataset.data[i] / median(rates) - 1) < 1e-5, section.name + " " + target);
        assert.ok(dataset.intervals[i].low <= dataset.data[i] && dataset.data[i] <= dataset.intervals[i].high);
      });
    }
  });

  test("scaling, latencies, locks, memory, decay: of every section that has them", () => {
    const titles = (panel) => drawn.filter((chart) => chart.panel === panel).map(({ title }) => title);
    const remote = titles("remote");
    for (const title of ["Allocation", "Free, local: by the thread that allocated", "Free, remote: by another thread", "Wait", "Owner switches",
      "Held from the system, and live", "Resident set", "Most held over most live, so far", "External fragmentation", "Internal fragmentation",
      "Holes over live blocks", "Resident set after all was freed"]) {
      assert.ok(remote.includes(title), title + " is not among " + remote.join(", "));
    }
    assert.ok(!titles("robson").includes("Free, remote: by another thread"));
    assert.ok(titles("paced").includes("Allocation, response: from the intended start"));
    const scaling = drawn.filter(({ chapter }) => chapter === "scaling").map(({ title }) => title);
    assert.deepEqual(scaling, ["sweep size=16-256", "sweep size=16-256: efficiency", "sweep size=log:16-16Ki", "sweep size=log:16-16Ki: efficiency"]);
  });

  test("what theory says stands beside what was measured", () => {
    const bound = result.cells.find((cell) => cell.id === "robson/mems:dynamic/0").report.figures.find(({ name }) => name === "blow-up").bound;
    const level = drawn.find((chart) => chart.panel === "robson" && chart.title === "Most held over most live, so far").datasets.at(-1);
    assert.equal(level.label, "Robson's bound (moves no block)");
    assert.ok(Math.abs(level.data[0][1] - bound) < 1e-5 && level.data[0][1] === level.data[1][1]);
    const rule = drawn.find((chart) => chart.panel === "remote" && chart.title === "Holes over live blocks").datasets.at(-1);
    assert.deepEqual([rule.label, rule.data[0][1]], ["50-percent rule, p = 1", 0.5]);
    const opt = drawn.find((chart) => chart.panel === "references" && chart.title === "faults where OPT is counted").datasets[0];
    const wanted = result.cells.filter((cell) => cell.section === "references").map((cell) =>
      cell.report.figures.find(({ name }) => name === "faults where OPT is counted").bound);
    assert.deepEqual([...opt.bounds].sort(), wanted.sort());
    opt.data.forEach((faults, i) => assert.ok(faults >= opt.bounds[i]));
  });

  test("percentile curves rise, and say what the document says", () => {
    const chart = drawn.find(({ panel, title }) => panel === "remote" && title === "Allocation");
    for (const { label, data } of chart.datasets) {
      data.forEach((point, i) => assert.ok(i === 0 || (point[0] >= data[i - 1][0] && point[1] >= data[i - 1][1]), label));
      const known = result.cells.find((cell) => cell.section === "remote" && cell.target === label).report.latency.alloc.p90_ns;
      const at = data.findLast(([x]) => x <= 10.0001)[1];
      const row = chart.table.rows.find(([name]) => name === label);
      assert.ok(known === null || Math.abs(at - known) <= known * 0.07 + 1, label + ": " + at + ", and " + known + " in the document");
      assert.ok(row);
    }
  });

  test("heat maps are tables with figures as text", async () => {
    const cells = await page.$$eval(".heat td", (all) => all.map((td) => [td.textContent, td.style.background !== ""]));
    assert.equal(cells.length, 4 * 4);
    cells.forEach(([text, colored]) => assert.ok(/op\/s$/.test(text) && colored, text));
    await page.selectOption("#heat-maps select", { index: 4 });
    assert.match(await page.textContent(".heat caption"), /held over most live/i);
    assert.doesNotMatch(await page.textContent(".heat td"), /op\/s$/);
  });

  test("the failure has its evidence and its command", async () => {
    const failed = result.cells.find((cell) => cell.verdict === "failed");
    const text = await page.textContent(".failure");
    for (const wanted of [failed.id, failed.message, failed.again, "latency_limit", "Backtrace"]) {
      assert.ok(text.includes(wanted), wanted);
    }
    assert.match(await page.textContent("#failures"), /no-such-malloc/);
  });

  test("the environment and every warning", async () => {
    const text = await page.textContent("#environment");
    for (const wanted of [result.host.cpu, result.host.kernel, result.host.revision, result.job.text, ...result.warnings.map((w) => w.text)]) {
      assert.ok(text.includes(wanted), wanted);
    }
  });

  test("what is not there is said", async () => {
    const told = await page.$$eval(".absent", (all) => all.map((p) => p.textContent));
    assert.ok(told.some((text) => /decay = 2s/.test(text)) && told.some((text) => /map = 50/.test(text)), told.join("\n"));
  });
});

describe("hands", () => {
  test("every control is reached by Tab, and is seen to be", async () => {
    const { page, wrong } = await open(browser, file);
    const wanted = await page.evaluate(() => Array.from(document.querySelectorAll("a[href], button, select, summary, input, [tabindex='0']"))
      .filter((element) => element.checkVisibility() && element.tabIndex >= 0 && !element.disabled).length);
    const seen = new Set();
    for (let i = 0; i < wanted + 150; i++) {
      await page.keyboard.press("Tab");
      const [key, shown] = await page.evaluate(() => {
        const element = document.activeElement;
        window.visited ||= new Map();
        if (!window.visited.has(element)) {
          window.visited.set(element, window.visited.size);
        }
        const style = getComputedStyle(element);
        return [element === document.body ? -1 : window.visited.get(element), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
      });
      if (key === -1) {
        break;
      }
      assert.ok(shown, "focus is not seen at " + await page.evaluate(() => document.activeElement.outerHTML.slice(0, 120)));
      seen.add(key);
    }
    assert.ok(seen.size >= wanted, seen.size + " of " + wanted + " controls were reached");
    assert.deepEqual(wrong, []);
  });

  test("tabs by arrows, Home and End", async () => {
    const { page } = await open(browser, file);
    const selected = () => page.$eval(".tabs [aria-selected=true]", (tab) => [tab.textContent, tab === document.activeElement,
      document.getElementById(tab.getAttribute("aria-controls")).checkVisibility(), document.querySelectorAll(".panel:not([hidden])").length]);
    await page.focus(".tabs [aria-selected=true]");
    const names = result.job.sections.map((section) => section.name);
    for (const [key, name] of [["ArrowRight", names[1]], ["End", names.at(-1)], ["ArrowRight", names[0]], ["ArrowLeft", names.at(-1)], ["Home", names[0]]]) {
      await page.keyboard.press(key);
      assert.deepEqual(await selected(), [name, true, true, 1], key);
    }
  });

  test("a line goes and comes back, also when the theme changes", async () => {
    const { page } = await open(browser, file);
    await page.locator("#scaling .card").first().scrollIntoViewIfNeeded();
    const button = page.locator("#scaling .lines button", { hasText: "libc" }).first();
    const shown = () => page.evaluate(() => {
      const { chart } = mems.charts.find(({ figure }) => figure.closest("#scaling"));
      return chart.isDatasetVisible(chart.data.datasets.findIndex(({ label }) => label === "libc"));
    });
    await button.focus();
    assert.equal(await shown(), true);
    await page.keyboard.press("Space");
    assert.deepEqual([await shown(), await button.getAttribute("aria-pressed")], [false, "false"]);
    await page.click("#theme");
    assert.deepEqual([await shown(), await button.getAttribute("aria-pressed")], [false, "false"]);
    await button.press("Enter");
    assert.equal(await shown(), true);
  });

  test("the theme is the system's until it is chosen", async () => {
    const paper = (page) => page.evaluate(() => [getComputedStyle(document.body).backgroundColor, mems.charts.find(({ chart }) => chart).chart.options.scales.x.ticks.color]);
    const light = await open(browser, file, { colorScheme: "light" });
    const dark = await open(browser, file, { colorScheme: "dark" });
    for (const { page } of [light, dark]) {
      await page.evaluate(() => mems.charts[0].draw());
    }
    const [day, night] = [await paper(light.page), await paper(dark.page)];
    assert.notEqual(day[0], night[0]);
    assert.notEqual(day[1], night[1]);
    await dark.page.click("#theme");
    assert.deepEqual(await paper(dark.page), day);
  });

  test("the memory map plays, pauses and steps", async () => {
    const { page, wrong } = await open(browser, file);
    await page.click(".tabs button:text-is('remote')");
    const player = page.locator(".player").first();
    const cells = result.cells.filter((cell) => cell.section === "remote" && cell.report?.map);
    const operations = Array.from(new Set(cells.flatMap((cell) => cell.report.map.map((picture) => picture.operations)))).sort((a, b) => a - b);
    const pictures = operations.length;
    const count = () => player.locator(".count").textContent();
    const step = (n) => "step " + n + " of " + pictures + ": " + operations[n - 1].toLocaleString("en") + (operations[n - 1] === 1 ? " operation" : " operations");
    assert.equal(await count(), step(1));
    await player.locator(".forward").click();
    assert.equal(await count(), step(2));
    await player.focus();
    await page.keyboard.press("ArrowRight");
    assert.equal(await count(), step(3));
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("End");
    assert.equal(await count(), step(pictures));
    await page.keyboard.press("Home");
    await page.keyboard.press("Space");
    assert.equal(await player.locator(".play").textContent(), "Pause");
    await player.locator(".count", { hasText: /^step 2 / }).waitFor();
    await page.keyboard.press("Space");
    assert.equal(await player.locator(".play").textContent(), "Play");
    assert.equal(await player.locator(".bar, canvas.map").count() > 0, true);
    assert.deepEqual(wrong, []);
  });

  test("at each step every target is at its last picture up to that operation, and draws what it has", async () => {
    const { page, wrong } = await open(browser, file);
    for (const section of ["remote", "references"]) {
      await page.click(".tabs button:text-is('" + section + "')");
      const player = page.locator(".panel:not([hidden]) .player");
      const cells = result.cells.filter((cell) => cell.section === section && cell.report?.map);
      assert.ok(cells.length >= 2);
      const operations = Array.from(new Set(cells.flatMap((cell) => cell.report.map.map((picture) => picture.operations)))).sort((a, b) => a - b);
      for (const index of [0, operations.length >> 1, operations.length - 1]) {
        await player.locator(".scrub").fill(String(index + 1));
        for (const cell of cells) {
          const picture = cell.report.map.findLast((one) => one.operations <= operations[index]) ?? cell.report.map[0];
          const card = player.locator(".target", { has: page.locator("h3", { hasText: new RegExp("^" + cell.target.replace(/[()]/g, "\\$&") + "$") }) });
          assert.match(await card.locator(".said").textContent(), new RegExp("^after " + picture.operations.toLocaleString("en") + " operations? "), cell.id);
          assert.match(await card.locator(".account").textContent(), new RegExp(" in " + picture.holes.toLocaleString("en") + " holes?"), cell.id);
          assert.equal(await card.locator(".bar, canvas.map").count() > 0, true);
          if (picture.frame_bytes > 0) {
            assert.match(await card.locator(".drawing").textContent(), new RegExp(picture.memory_bytes / picture.frame_bytes + " frames of 4 KiB"));
          }
        }
      }
    }
    assert.deepEqual(wrong, []);
  });

  test("the pieces of a picture come to the page whole", async () => {
    const { page } = await open(browser, file);
    const unpacked = await page.evaluate(() => mems.documents[0].root.cells.map((cell) => cell.report?.map?.map((picture) => mems.mapUnpack(picture.pieces))));
    result.cells.forEach((cell, i) => assert.deepEqual(unpacked[i], cell.report?.map?.map((picture) => picture.pieces)));
  });

  test("why: a fit's rule only where the other holes bear it out", async () => {
    const { page } = await open(browser, file);
    const say = (target, decision, more) => page.evaluate(([name, made, threads]) => mems.mapWhy(name, { decision: made, holes: 3, free_bytes: 300, largest_hole_bytes: 128 },
      threads), [target, { what: "alloc from a hole", asked_bytes: 64, taken_bytes: 64, hole_at_bytes: 128, hole_bytes: 128, holes: 5, holes_fitting: 3, ...decision }, more ?? 1]);
    assert.match(await say("mems:dynamic", {}), /64 B came out of the hole of 128 B at 128 B, one of 3 holes .* first fit: no hole at a lower address holds it\.$/);
    assert.doesNotMatch(await say("mems:dynamic", { fitting_lower: 1 }), /first fit/);
    assert.match(await say("mems:dynamic(fit=best,thread_cache=no)", { fitting_lower: 1 }), /best fit/);
    assert.doesNotMatch(await say("mems:dynamic(fit=best)", { fitting_smaller: 1 }), /best fit/);
    assert.match(await say("mems:dynamic(fit=buddy)", {}), /halved once/);
    assert.doesNotMatch(await say("mems:dynamic(fit=tlsf)", {}), / fit:/);
    assert.match(await say("mems:vm-paging(replacement=clock)", { what: "touch, fault", page: 7, frame: 2, victim_page: 9, victim_space: 1 }),
      /page 7 came into frame 2, where page 9 had to go\. The rule: CLOCK/);
    const victim = (replacement, evidence) => say("mems:vm-paging(replacement=" + replacement + ")",
      { what: "touch, fault", page: 7, frame: 2, victim_page: 9, victim_space: 1, candidates: 5, ...evidence });
    assert.match(await victim("lru", {}), /page 9 had to go: not used for longest of 5 pages\./);
    assert.doesNotMatch(await victim("lru", { passed: 1 }), /longest of/);
    assert.match(await victim("clock", { passed: 2, passed_referenced: 2, candidates_referenced: 3 }), /the hand passed 2 pages whose R was 1, cleared it, and came to this one with R 0\./);
    assert.match(await victim("clock", { candidates_referenced: 1 }), /the hand stood at it, and its R was 0\./);
    assert.match(await victim("sieve", { candidates_referenced: 5, victim_referenced: 1 }), /R was 1 of all 5 pages: the hand cleared each/);
    assert.doesNotMatch(await victim("clock", { passed: 2, passed_referenced: 1, candidates_referenced: 3 }), /the hand/);
    assert.match(await victim("nru", { victim_modified: 1 }), /R 0 and M 1: none of 5 pages is of a lower class; it had been written, and was saved to swap\./);
    assert.doesNotMatch(await victim("nru", { lower_class: 2 }), /lower class;|is of a lower/);
    assert.match(await say("mems:slab", { what: "unknown" }, 2), /2 threads at work/);
  });

  test("toggles look like buttons, and the names are in order", async () => {
    const { page } = await open(browser, file);
    await page.evaluate(() => mems.charts.find(({ figure }) => figure.closest("#scaling")).draw());
    const looks = await page.locator("#scaling .lines").first().locator("button").evaluateAll((all) => all.map((button) => {
      const style = getComputedStyle(button);
      return [button.textContent, button.getAttribute("aria-pressed"), style.borderTopWidth, style.borderTopColor !== "rgba(0, 0, 0, 0)"];
    }));
    assert.ok(looks.length > 3);
    looks.forEach(([name, pressed, width, seen]) => assert.ok(pressed && width !== "0px" && seen, name));
    const names = looks.map(([name]) => name).filter((name) => !/fitted|perfect/.test(name));
    assert.deepEqual(names, [...names].sort((a, b) => a.localeCompare(b, "en", { numeric: true })));
  });
});

describe("paper, size, company", () => {
  test("it prints: every section, every chart, dark ink on white", async () => {
    const { page, wrong } = await open(browser, file, { colorScheme: "dark" });
    await page.pdf({ path: "shots/print.pdf", format: "A4", printBackground: true });
    const left = await page.evaluate(() => mems.charts.filter(({ chart }) => !chart).map(({ title }) => title));
    assert.deepEqual(left, []);
    assert.equal(await page.evaluate(() => document.documentElement.classList.contains("printing")), false);
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.$$eval(".panel", (all) => all.filter((panel) => !panel.checkVisibility()).length), 0);
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
    await page.setViewportSize({ width: 703, height: 1000 }); // 186 mm
    const wide = await page.evaluate(() => Array.from(document.querySelectorAll("table, .card")).filter((one) => one.checkVisibility())
      .map((one) => [one.className, one.closest("section")?.id, Math.round(one.getBoundingClientRect().right - document.body.getBoundingClientRect().right)]).filter(([, , over]) => over > 1));
    assert.deepEqual(wide, [], "wider than the paper");
    assert.deepEqual(wrong, []);
  });

  test("no two lines of many targets look the same", async () => {
    const { page } = await open(browser, file);
    const looks = await page.evaluate(() => {
      const [{ name, root }] = mems.documents;
      const cells = Array.from({ length: 60 }, (_, i) => ({ ...root.cells[0], target: "preload:number" + i }));
      const model = mems.model([{ name, root: { ...root, cells } }, { name: name + "2", root: { ...root, cells } }]);
      return model.lines(root.cells[0].section).map(({ style }) => [style.color, mems.markers[style.marker % mems.markers.length], style.dash].join(" "));
    });
    assert.equal(looks.length, 120);
    assert.equal(new Set(looks).size, 120);
  });

  // What is on a canvas is as large as it was drawn, or it is shrunk.
  const drawnSizes = (page) => page.evaluate(() => mems.charts.map(({ title, canvas, chart, figure }) => ({ title, shown: canvas.getBoundingClientRect().width,
    drawn: chart.width, font: chart.options.scales.y.ticks.font?.size ?? 12, three: Boolean(figure.closest(".three")), dots: chart.currentDevicePixelRatio,
    tall: canvas.getBoundingClientRect().height, wanted: Number.parseFloat(canvas.parentElement.style.height) })));

  for (const [how, begin, end] of [
    ["a window's own event", (page) => page.evaluate(() => dispatchEvent(new Event("beforeprint"))), (page) => page.evaluate(() => dispatchEvent(new Event("afterprint")))],
    ["another medium", (page) => page.emulateMedia({ media: "print" }), (page) => page.emulateMedia({ media: "screen" })]]) {
    test("charts are drawn at the size of paper, whatever the window: by " + how, async () => {
      for (const width of [400, 800, 1280]) {
        const { page, wrong, context } = await open(browser, file, { viewport: { width, height: 900 } });
        await page.click(".tabs button:text-is('remote')");
        await page.evaluate(() => mems.charts.forEach((entry) => entry.canvas.offsetParent && entry.draw()));
        await begin(page);
        await page.locator("html.paper").waitFor({ state: "attached" });
        const sizes = await drawnSizes(page);
        assert.ok(sizes.filter(({ three }) => three).length >= 3);
        for (const { title, shown, drawn, font, dots, tall, wanted } of sizes) {
          const points = font * shown / drawn * 0.75;
          assert.ok(points > 7.5, title + ": names of " + points.toFixed(1) + " pt from a window of " + width);
          assert.ok(shown > 300, title + " is " + shown + " wide");
          assert.equal(dots, 2);
          assert.ok(Math.abs(tall - wanted) < 2, title + " is " + tall + " tall, and has " + wanted);
        }
        await end(page);
        await page.locator("html:not(.paper)").waitFor({ state: "attached" });
        assert.equal(await page.evaluate(() => document.body.getBoundingClientRect().width), width);
        assert.deepEqual(wrong, []);
        await context.close();
      }
    });
  }

  test("charts of one row begin at one height", async () => {
    const { page } = await open(browser, file);
    await page.click(".tabs button:text-is('remote')");
    const tops = await page.locator(".panel:not([hidden]) .three canvas").evaluateAll((all) => all.map((canvas) => canvas.getBoundingClientRect().top));
    assert.equal(tops.length, 3);
    tops.forEach((top) => assert.ok(Math.abs(top - tops[0]) < 1, tops.join(", ")));
  });

  test("names of tabs that begin alike can be told apart where there is little room", async () => {
    const other = structuredClone(result);
    const long = "a workload of our server at its busiest hour of the whole week, recorded";
    const names = new Map(result.job.sections.map(({ name }, i) => [name, i < 4 ? long + [" a=1 b=1", " a=1 b=2", " a=2 b=1", " a=2 b=2"][i] : name]));
    other.job.sections.forEach((section) => (section.name = names.get(section.name)));
    other.cells.forEach((cell) => Object.assign(cell, { section: names.get(cell.section) }));
    write("alike.json", other);
    const { page, wrong } = await open(browser, report("alike.html", "alike.json"), { viewport: { width: 390, height: 800 } });
    const tabs = await page.locator("#section-by-section .tabs button").evaluateAll((all) => all.map((tab) => ({ text: tab.textContent, title: tab.title,
      name: tab.getAttribute("aria-label") ?? tab.textContent, cut: tab.scrollWidth > tab.clientWidth || tab.scrollHeight > tab.clientHeight + 1 })));
    assert.equal(new Set(tabs.map(({ text }) => text)).size, tabs.length);
    tabs.forEach(({ text, title, name, cut }) => assert.ok(!cut && name === title, text));
    assert.ok(tabs.some(({ text }) => text === "a workload… a=1 b=2"), tabs.map(({ text }) => text).join("; "));
    assert.deepEqual(wrong, []);
    await page.screenshot({ path: "shots/alike.png" });
  });

  test("pictures of memory are in the figures: said, and no such figure is the best", async () => {
    const { page } = await open(browser, file);
    await page.click(".tabs button:text-is('remote')");
    const panel = page.locator("#section-by-section .panel:not([hidden])");
    assert.match(await panel.locator("p.notice").textContent(), /^Pictures of memory were taken of mems:dynamic, mems:slab, mems:segmentation: .* not for comparison/);
    const best = await panel.locator("td.best").evaluateAll((all) => all.map((cell) => cell.parentElement.firstChild.textContent));
    assert.ok(!best.some((target) => /^mems:/.test(target)), best.join(", "));
    const cards = await page.locator("#throughput figure").allTextContents();
    assert.equal(cards.filter((text) => /Pictures of memory/.test(text)).length, 2);
    assert.match(await page.textContent("#environment .warnings"), /map \[remote\] pictures of memory were taken of mems:dynamic, mems:segmentation, mems:slab/);
  });

  test("a part of a plan says what is missing, first", async () => {
    const part = structuredClone(result);
    const names = Array.from(new Set(result.cells.map(({ section }) => section)));
    const targets = names.map((name) => Array.from(new Set(result.cells.filter(({ section }) => section === name).map(({ target }) => target))));
    part.shard = { index: 1, count: 3, sections: names.map((name, i) => ({ name, sha256: "", shard: name === "paced" ? 2 : 1, targets: targets[i] })),
      cells: result.cells.map((cell) => [names.indexOf(cell.section), targets[names.indexOf(cell.section)].indexOf(cell.target), cell.repeat]) };
    part.verdict = "pass";
    part.cells = part.cells.filter(({ section, verdict }) => section !== "paced" && verdict !== "failed");
    part.job.sections = part.job.sections.filter(({ name }) => name !== "paced");
    write("part.json", part);
    const { page, wrong } = await open(browser, report("part.html", "part.json"));
    const lost = result.cells.length - part.cells.length;
    const first = await page.locator("#verdicts > :not(h2)").first().textContent();
    assert.match(first, new RegExp("^Shard 1 of 3: " + lost + " of " + result.cells.length + " cells missing: .*paced/libc/0 \\(shard 2\\)"));
    assert.deepEqual(await page.locator(".result .pill").allTextContents(), ["… " + lost + " of " + result.cells.length + " cells missing", "✓ pass"]);
    assert.match(await page.locator(".matrix tr", { hasText: "paced" }).textContent(), /… missing/);
    assert.deepEqual(wrong, []);
    await page.screenshot({ path: "shots/part.png" });
    part.shard.index = 0;
    write("part.json", part);
    const merged = await open(browser, report("part.html", "part.json"));
    assert.match(await merged.page.locator("#verdicts > :not(h2)").first().textContent(), /^A merge of some of 3 shards: \d+ of \d+ cells missing/);
    part.shard.cells = [[99, 0, 0]];
    write("part.json", part);
    assert.throws(() => report("part.html", "part.json"), /part.json: shard: /);
  });

  test("a hundred cells: small, and drawn as it is looked at", async () => {
    const many = structuredClone(result);
    const copies = Math.ceil(100 / many.cells.length);
    many.job.sections = Array.from({ length: copies }, (_, i) => result.job.sections.map((section) => ({ ...section, name: section.name + " " + i }))).flat();
    many.cells = Array.from({ length: copies }, (_, i) => result.cells.map((cell) => ({ ...cell, section: cell.section + " " + i }))).flat();
    write("many.json", many);
    const made = report("many.html", "many.json");
    assert.ok(fs.statSync(made).size < 3e6, fs.statSync(made).size + " bytes");
    const { page, wrong, ready, busy } = await open(browser, made);
    const [all, now] = await page.evaluate(() => [mems.charts.length, mems.charts.filter(({ chart }) => chart).length]);
    assert.ok(now < all / 2, now + " of " + all + " charts were drawn at once");
    console.log(many.cells.length + " cells, " + fs.statSync(made).size + " bytes: ready in " + Math.round(ready) + " ms, " + Math.round(busy) +
      " ms of the CPU, " + now + " of " + all + " charts drawn");
    assert.deepEqual(wrong, []);
  });

  test("two results side by side", async () => {
    const other = structuredClone(result);
    other.host.kernel = "another kernel";
    other.cells.forEach((cell) => cell.metrics && (cell.metrics.ops_per_second *= 2));
    write("other.json", other);
    const { page, wrong } = await open(browser, report("both.html", "page.json", "other.json"));
    const drawn = await charts(page);
    const bars = drawn.find(({ chapter, title }) => chapter === "throughput" && title === "robson");
    assert.deepEqual(bars.datasets.map(({ label }) => label), ["A", "B"]);
    bars.datasets[0].data.forEach((rate, i) => assert.ok(Math.abs(bars.datasets[1].data[i] / rate - 2) < 1e-5));
    const lines = drawn.find(({ panel, title }) => panel === "remote" && title === "Allocation").datasets.map(({ label }) => label);
    assert.ok(lines.includes("libc\u00a0·\u00a0A") && lines.includes("libc\u00a0·\u00a0B"), lines.join(", "));
    assert.match(await page.textContent(".differs"), /≠ Kernel/);
    assert.deepEqual(wrong, []);
    await page.screenshot({ path: "shots/both.png", fullPage: true });
  });

  test("what theory says of a round is said of no run that did not end one", async () => {
    const other = structuredClone(result);
    other.cells.filter((cell) => cell.section === "robson").forEach((cell) => cell.report && (cell.report.figures = []));
    write("no-round.json", other);
    const { page, wrong } = await open(browser, report("no-round.html", "no-round.json"));
    const drawn = await charts(page);
    const lines = drawn.find(({ panel, title }) => panel === "robson" && title === "Most held over most live, so far").datasets.map(({ label }) => label);
    assert.ok(!lines.some((label) => /Robson/.test(label)), lines.join(", "));
    const holes = drawn.filter(({ panel, title }) => panel === "robson" && title === "Holes over live blocks");
    assert.ok(holes.every(({ datasets }) => !datasets.some(({ label }) => /50-percent/.test(label))));
    assert.deepEqual(wrong, []);
  });

  test("a result whose columns do not fit is refused with what is wrong", () => {
    const other = structuredClone(result);
    const index = other.cells.findIndex((cell) => cell.report?.samples?.at_ns.length > 1);
    delete other.cells[index].report.samples.held_bytes;
    write("short.json", other);
    assert.throws(() => report("short.html", "short.json"), new RegExp("short.json: cells\\[" + index + "\\]\\.report\\.samples\\.held_bytes: an array as long as at_ns"));
  });

  test("names of three hundred letters", async () => {
    const other = structuredClone(result);
    const long = "x".repeat(300);
    const name = (text) => (text === "remote" ? long : text);
    other.job.sections.forEach((section) => (section.name = name(section.name)));
    other.cells.forEach((cell) => Object.assign(cell, { section: name(cell.section), id: cell.id.replace(/^remote/, long) }));
    write("long.json", other);
    for (const width of [1280, 400]) {
      const { page, wrong, context } = await open(browser, report("long.html", "long.json"), { viewport: { width, height: 900 } });
      await page.click(".tabs button[title=" + long + "]");
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0, wide + " pixels too wide at " + width);
      assert.deepEqual(wrong, []);
      await context.close();
    }
  });

  test("twelve results: thinned to a budget, and the page says so", async () => {
    const many = structuredClone(result);
    for (let i = 0; i < 3; i++) {
      many.cells.push(...result.cells.filter((cell) => cell.report?.map).map((cell) => ({ ...cell, repeat: 10 + i, id: cell.id.replace(/\d+$/, 10 + i) })));
    }
    const files = Array.from({ length: 12 }, (_, i) => "many-" + i + ".json");
    files.forEach((name) => write(name, many));
    const page_file = report("many.html", ...files);
    assert.ok(fs.statSync(page_file).size < 3 * 1024 * 1024, fs.statSync(page_file).size + " bytes");
    const { page, wrong } = await open(browser, page_file);
    assert.match(await page.textContent(".result"), /On this page ?to stay small: /);
    assert.deepEqual(wrong, []);
  });

  test("texts of a result stay texts", async () => {
    const evil = (value, key) => {
      if (Array.isArray(value)) {
        return value.map((inner) => evil(inner, key));
      }
      if (value !== null && typeof value === "object") {
        return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, evil(inner, name)]));
      }
      return typeof value === "string" && !["schema", "verdict", "pieces"].includes(key) ? value + EVIL : value;
    };
    write("evil.json", evil(result));
    const { page, wrong } = await open(browser, report("evil.html", "evil.json"));
    await charts(page);
    await page.$$eval("details", (all) => all.forEach((details) => (details.open = true)));
    assert.equal(await page.evaluate(() => window.owned), undefined);
    assert.equal(await page.$$eval("img, iframe", (all) => all.length), 0);
    assert.ok((await page.textContent("#verdicts")).includes(result.job.title + EVIL));
    assert.deepEqual(wrong, []);
  });

  test("without JavaScript it says so", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto("file://" + file);
    assert.match(await page.textContent("main"), /switched off.*page\.json: failed/s);
  });

  test("screenshots for people", async () => {
    for (const [name, colorScheme, width] of [["light", "light", 1280], ["dark", "dark", 1280], ["narrow", "light", 800], ["phone", "light", 400]]) {
      const { page, context, wrong } = await open(browser, file, { colorScheme, viewport: { width, height: 900 } });
      await page.click(".tabs button:text-is('remote')");
      await page.evaluate(() => mems.charts.forEach((entry) => entry.canvas.offsetParent && entry.draw()));
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: "shots/" + name + ".png", fullPage: true });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0, name + " is " + wide + " pixels too wide");
      assert.deepEqual(wrong, []);
      await context.close();
    }
  });
});
