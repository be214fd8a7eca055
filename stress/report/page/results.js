// SPDX-License-Identifier: MIT
//
// results.js - the view of results: its chapters in their order.

"use strict";

// A chapter that cannot be shown says so, and leaves the others.
mems.view("mems-stress/1", (documents, main) => {
  const model = mems.model(documents);
  for (const show of [mems.showVerdicts, mems.showThroughput, mems.showScaling, mems.showHeat, mems.showSections, mems.showFailures,
    mems.showEnvironment]) {
    try {
      show(model, main);
    } catch (error) {
      console.error(error);
      main.append(mems.absent("A part of the page could not be shown: " + error.message));
    }
  }
});
