// SPDX-License-Identifier: MIT
//
// player.test.mjs - the classroom's pages in a browser: they load without a complaint, step forwards and back, play, obey the
// keys, and draw what their documents say. Screenshots go to shots-player/, for people.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { launch, open, STRESS } from "./browser.mjs";

const EXERCISES = execFileSync(STRESS, ["list", "exercises"], { encoding: "utf8" }).match(/^ {2}\S+/gm).map((name) => name.trim());
let browser;

function make(name, ...arguments_) {
  const file = path.resolve("player-" + name.replace(/[^a-z0-9-]+/gi, "_") + ".html");
  execFileSync(STRESS, ["trace", "show", name, ...arguments_, "--html", file]);
  return file;
}

// The document of a page, with the steps that are played: all but the drawings that a trace asks for in between.
const documentOf = async (page) => {
  const root = await page.evaluate(() => mems.documents[0].root);
  root.targets.forEach((target) => {
    target.steps = target.steps.filter(({ operation }, i) => i === 0 || operation !== "show");
  });
  return root;
};
const count = (page) => page.locator(".count").textContent();
const said = (page, card = 0) => page.locator(".target .said").nth(card).textContent();

before(async () => {
  fs.rmSync("shots-player", { recursive: true, force: true });
  fs.mkdirSync("shots-player");
  browser = await launch();
});
after(async () => browser?.close());

describe("every exercise", () => {
  for (const name of EXERCISES) {
    test(name, async () => {
      const { page, wrong, context } = await open(browser, make(name));
      const { targets, exercise } = await documentOf(page);
      assert.equal(await page.locator(".question").textContent().then((text) => text.startsWith(exercise.question)), true);
      assert.equal(await page.locator(".target").count(), targets.length);
      const length = Math.max(...targets.map(({ steps }) => steps.length));
      assert.equal(await count(page), "step 1 of " + length);
      await page.locator(".player").focus();
      for (let i = 1; i < length; i++) {
        await page.keyboard.press("ArrowRight");
      }
      assert.equal(await count(page), "step " + length + " of " + length);
      for (const [i, target] of targets.entries()) {
        if (target.kind !== "calculation") {
          assert.ok((await said(page, i)).startsWith(target.steps.at(-1).operation), target.target);
          assert.equal(await page.locator(".target .reason").nth(i).textContent(), target.steps.at(-1).reason ?? "");
        }
        if (target.expected) {
          assert.match(await page.locator(".target").nth(i).locator(".answer").textContent(), /as the books have it$/);
        }
      }
      await page.screenshot({ path: "shots-player/" + name + ".png", fullPage: true });
      assert.deepEqual(wrong, []);
      await context.close();
    });
  }
});

describe("hands", () => {
  let page, wrong, context;
  before(async () => {
    ({ page, wrong, context } = await open(browser, make("silberschatz")));
  });
  after(async () => {
    assert.deepEqual(wrong, []);
    await context.close();
  });

  test("keys: arrows, Home, End, and at the ends nothing", async () => {
    await page.keyboard.press("ArrowRight"); // the page is fresh: the focus is nowhere
    assert.equal(await count(page), "step 2 of 20");
    await page.locator(".player").focus();
    await page.keyboard.press("End");
    assert.equal(await count(page), "step 20 of 20");
    await page.keyboard.press("ArrowRight");
    assert.equal(await count(page), "step 20 of 20");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await count(page), "step 19 of 20");
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await count(page), "step 1 of 20");
  });

  test("buttons and the scrubber", async () => {
    await page.locator(".last").click();
    await page.locator(".back").click();
    assert.equal(await count(page), "step 19 of 20");
    await page.locator(".first").click();
    await page.locator(".forward").click();
    assert.equal(await count(page), "step 2 of 20");
    await page.locator(".scrub").fill("8");
    assert.equal(await count(page), "step 8 of 20");
    assert.equal(await page.locator(".scrub").getAttribute("aria-valuetext"), "step 8 of 20");
    assert.match(await said(page), /^page 4 → fault, in place of 2/);
  });

  test("it plays, pauses by the space bar, and stops at the end", async () => {
    await page.locator(".speed").selectOption("8");
    await page.locator(".first").click();
    await page.locator(".player").focus();
    await page.keyboard.press(" ");
    assert.equal(await page.locator(".play").textContent(), "Pause");
    assert.equal(await page.locator(".live").getAttribute("aria-live"), "off");
    await page.locator(".count", { hasText: /^step [3-9] / }).waitFor();
    await page.keyboard.press(" ");
    assert.equal(await page.locator(".play").textContent(), "Play");
    assert.equal(await page.locator(".live").getAttribute("aria-live"), "polite");
    const paused = await count(page);
    await page.keyboard.press(" ");
    await page.locator(".count", { hasText: "step 20 of 20" }).waitFor();
    await page.locator(".play", { hasText: "Play" }).waitFor();
    assert.notEqual(paused, await count(page));
  });

  test("the step is told to who listens", async () => {
    await page.locator(".scrub").fill("4");
    const live = await page.locator(".live").textContent();
    assert.match(live, /^Step 4 of 20: fifo, 3 frames: page 2, fault, in place of 7/);
    assert.match(live, /opt, 4 frames: page 2, fault, into the free frame 3/);
  });

  test("a column of the table is a way to its step", async () => {
    await page.locator(".references").first().locator("thead button").nth(11).click();
    assert.equal(await count(page), "step 12 of 20");
  });

  test("a target goes and comes back", async () => {
    const button = page.locator(".lines button", { hasText: "lru, 4 frames" });
    await button.click();
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    assert.equal(await page.locator(".target", { hasText: "lru, 4 frames" }).isVisible(), false);
    await button.click();
    assert.equal(await page.locator(".target", { hasText: "lru, 4 frames" }).isVisible(), true);
  });
});

describe("what is drawn is what the document says", () => {
  test("the table of a reference string, step by step", async () => {
    const { page, wrong, context } = await open(browser, make("stallings"));
    const { targets } = await documentOf(page);
    for (const at of [0, 3, 7, 11]) {
      await page.locator(".scrub").fill(String(at + 1));
      const shown = await page.$$eval(".references", (tables) => tables.map((table) => Array.from(table.querySelectorAll("tbody tr"), (row) =>
        Array.from(row.querySelectorAll("td"), (cell) => (cell.classList.contains("later") ? "" : cell.textContent)))));
      for (const [i, target] of targets.entries()) {
        target.steps.forEach((step, column) => {
          step.map.pieces.forEach((piece, row) => {
            const hand = step.map.hand === row && piece.page !== null ? "▸" : "";
            const text = piece.page === null ? "" : hand + piece.page + (piece.referenced ? "*" : "");
            assert.equal(shown[i][row][column], column > at ? "" : text, [target.target, row, column].join());
          });
          const mark = step.fault ? (step.initial ? "○" : "●") : "";
          assert.equal(shown[i][step.map.pieces.length][column], column > at ? "" : mark);
        });
      }
    }
    assert.deepEqual(wrong, []);
    await context.close();
  });

  test("bars: each piece at its place, with its name, the hole that was taken above it", async () => {
    const { page, wrong, context } = await open(browser, make("five-holes"));
    const { targets } = await documentOf(page);
    for (const [number, step] of targets[0].steps.entries()) {
      await page.locator(".scrub").fill(String(number + 1));
      const drawn = await page.locator(".target").first().evaluate((card) => Array.from(card.querySelectorAll(".piece"), (piece) =>
        [parseFloat(piece.style.left), parseFloat(piece.style.width), piece.querySelector(".tag")?.textContent ?? null, piece.title]));
      assert.equal(drawn.length, step.map.pieces.length);
      step.map.pieces.forEach((piece, i) => {
        assert.ok(Math.abs(drawn[i][0] - (100 * piece.at) / step.map.memory) < 0.01);
        assert.ok(Math.abs(drawn[i][1] - (100 * piece.size) / step.map.memory) < 0.01);
        assert.ok(drawn[i][2] === null || drawn[i][2] === (piece.owner ?? String(piece.size)));
        assert.ok(drawn[i][3].startsWith(piece.owner ?? "free"));
      });
      assert.equal(await page.locator(".target").first().locator(".mark .span").count(), step.choice ? 1 : 0);
    }
    assert.deepEqual(wrong, []);
    await context.close();
  });

  test("owners are told apart without colour", async () => {
    const { page, context } = await open(browser, make("compaction"));
    const looks = await page.$$eval(".owners .swatch", (all) => all.map((swatch) => swatch.className + getComputedStyle(swatch).backgroundColor));
    assert.equal(new Set(looks).size, 5);
    const patterns = await page.$$eval(".owners .swatch", (all) => all.map((swatch) => getComputedStyle(swatch).backgroundImage));
    assert.equal(new Set(patterns).size, 5);
    await context.close();
  });

  test("names stay text", async () => {
    fs.writeFileSync("evil.trace", "alloc <b>x</i 10\nalloc <img 20\nshow\n");
    const { page, wrong, context } = await open(browser, make("evil.trace"));
    await page.locator(".last").click();
    assert.equal(await page.locator("main img, main b").count(), 0);
    assert.equal(await page.locator(".piece .tag", { hasText: "<img" }).count() > 0, true);
    assert.deepEqual(wrong, []);
    await context.close();
  });
});

describe("paper and narrow screens", () => {
  test("everything is printed: each step, each target, tables to their ends", async () => {
    const { page, wrong, context } = await open(browser, make("sweep"));
    const { targets } = await documentOf(page);
    assert.equal(await page.locator(".target:visible").count(), 8); // of 21: the rest is a click away
    await page.evaluate(() => mems.complete());
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator(".target:visible").count(), targets.length);
    assert.equal(await page.locator(".player-controls:visible").count(), 0);
    const rows = await page.locator(".all-steps tbody tr").count();
    assert.equal(rows, targets.reduce((sum, { steps }) => sum + steps.length, 0));
    assert.equal(await page.evaluate(() => mems.charts.length), 1);
    fs.writeFileSync("shots-player/sweep.pdf", await page.pdf({ format: "A4" }));
    assert.deepEqual(wrong, []);
    await context.close();
  });

  for (const colorScheme of ["light", "dark"]) {
    test("on a phone nothing is cut off, " + colorScheme, async () => {
      const { page, wrong, context } = await open(browser, make("processes"), { viewport: { width: 390, height: 800 }, colorScheme });
      await page.locator(".scrub").fill("40");
      const { wide, room } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, room: innerWidth }));
      assert.ok(wide <= room, wide + " of " + room);
      await page.screenshot({ path: "shots-player/phone-" + colorScheme + ".png", fullPage: true });
      assert.deepEqual(wrong, []);
      await context.close();
    });
  }
});
