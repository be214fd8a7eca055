// SPDX-License-Identifier: MIT
//
// results.js - the view of results: its chapters in their order.

"use strict";

mems.view("mems-stress/1", (documents, main) => {
  const model = mems.model(documents);
  for (const show of [mems.showVerdicts, mems.showThroughput, mems.showScaling, mems.showHeat, mems.showSections, mems.showFailures,
    mems.showEnvironment]) {
    mems.guarded(main, () => show(model, main));
  }
});
