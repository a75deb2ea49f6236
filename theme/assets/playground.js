// On the page with the playground: load its script. No other page pays for it.
(() => {
  "use strict";

  const SCRIPT = new URL("playground-page.js", document.currentScript.src).href;
  let playground = null;

  async function start() {
    playground?.stop(); // of the page before
    const root = document.getElementById("playground");
    const here = document.querySelector("meta[name=playground]");
    if (!root || !here || root.hasChildNodes()) return;
    playground = await import(SCRIPT);
    if (!root.isConnected || root.hasChildNodes()) return; // the visitor has gone on meanwhile
    document.querySelector(".without-playground")?.remove();
    playground.setUp(root, here.content);
  }

  if (typeof document$ !== "undefined") document$.subscribe(start); // also after instant navigation
  else if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
