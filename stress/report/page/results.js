// SPDX-License-Identifier: MIT
//
// results.js - the view of results: its chapters in their order.

"use strict";

mems.view("mems-stress/1", (documents, main) => {
  const model = mems.model(documents);
  mems.showVerdicts(model, main);
  mems.showThroughput(model, main);
  mems.showScaling(model, main);
  mems.showHeat(model, main);
  mems.showSections(model, main);
  mems.showFailures(model, main);
  mems.showEnvironment(model, main);
});
