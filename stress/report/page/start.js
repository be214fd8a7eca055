// SPDX-License-Identifier: MIT
//
// start.js - the last part: the documents are read and each view is given those of its kind.

"use strict";

(function () {
  const main = document.getElementById("main");
  mems.load();
  document.getElementById("controls").append(
    mems.themeSwitch(), mems.el("button", { type: "button", id: "print", click: () => window.print() }, "Print"));
  window.addEventListener("beforeprint", mems.beforePrint);
  window.addEventListener("afterprint", mems.afterPrint);
  const paper = matchMedia("print"); // what shows a page as printed asks for no more than that
  paper.addEventListener("change", () => (paper.matches ? mems.beforePrint() : mems.afterPrint()));
  for (const { schema, show } of mems.views) {
    const documents = mems.documents.filter((document) => document.root.schema === schema);
    if (documents.length > 0) {
      show(documents, main);
    }
  }
  // The chapter that is read is marked in the contents.
  const links = new Map(Array.from(document.querySelectorAll("#contents a"), (a) => [a.hash.slice(1), a]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        links.forEach((link) => link.removeAttribute("aria-current"));
        links.get(entry.target.id)?.setAttribute("aria-current", "true");
      }
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  document.querySelectorAll(".chapter").forEach((chapter) => seen.observe(chapter));
  document.documentElement.dataset.ready = "yes";
})();
