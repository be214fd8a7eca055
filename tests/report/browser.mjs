// SPDX-License-Identifier: MIT
//
// browser.mjs - a browser for the tests: pages with what goes wrong on them, results and pages made of them.

import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

import { chromium } from "playwright-core";

export const STRESS = process.env.PAGE_STRESS;
export const HERE = process.env.PAGE_HERE;

export async function launch() {
  // No sandbox: containers of continuous integration have none to give.
  return chromium.launch({ executablePath: process.env.PAGE_CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
}

// A result of a job beside this file; the job has one cell that fails.
export function measure(job, result) {
  const done = spawnSync(STRESS, ["run", path.join(HERE, job), "--json", result], { encoding: "utf8" });
  if (done.status !== 2) {
    throw new Error(job + ": exit status " + done.status + ", and 2 is wanted\n" + done.stdout + done.stderr);
  }
  return JSON.parse(fs.readFileSync(result, "utf8"));
}

// A whole number that no 64 bits hold was a real in the result, and is to be one again.
export function write(file, document) {
  fs.writeFileSync(file, JSON.stringify(document).replace(/(?<=[:,[])\d{19,}(?=[,\]}])/g, "$&.0"));
}

export function report(page, ...results) {
  execFileSync(STRESS, ["report", ...results, "-o", page]);
  return path.resolve(page);
}

// The page, ready after `ready` ms, of which its main thread had the CPU for `busy`; `wrong` gathers console errors, exceptions, dialogs, and whatever it asks of a network.
export async function open(browser, file, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push("console: " + message.text()));
  page.on("pageerror", (error) => wrong.push("exception: " + error.stack));
  page.on("dialog", (dialog) => {
    wrong.push("dialog: " + dialog.message());
    dialog.dismiss();
  });
  page.on("request", (request) => !/^(file|data|blob):/.test(request.url()) && wrong.push("asks for " + request.url()));
  const client = await context.newCDPSession(page);
  await client.send("Performance.enable", { timeDomain: "threadTicks" });
  const began = performance.now();
  await page.goto("file://" + file);
  await page.locator("html[data-ready=yes]").waitFor({ state: "attached" });
  const ready = performance.now() - began;
  const { metrics } = await client.send("Performance.getMetrics");
  return { page, wrong, ready, busy: 1000 * metrics.find(({ name }) => name === "ThreadTime").value, context };
}
