// The copy button of a console block copies the commands, without prompt and output.
// Material's clipboard prefers data-clipboard-text, so it is set before Material sees the click.
(() => {
  "use strict";

  function commands(text) {
    const kept = [];
    let inside = false; // a line with "> " continues a command only when it follows one
    for (const line of text.split("\n")) {
      inside = line.startsWith("$ ") || (inside && line.startsWith("> "));
      if (inside) kept.push(line.slice(2));
    }
    return kept.join("\n");
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-clipboard-target]");
    const code = button?.closest(".language-console")?.querySelector("code");
    if (code) button.setAttribute("data-clipboard-text", commands(code.textContent));
  }, { capture: true });

  // A table that is wider than its column scrolls: whoever has no mouse must be able to enter it.
  const sizes = new ResizeObserver((boxes) => {
    for (const { target } of boxes) target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
  });
  new MutationObserver(() => {
    document.querySelectorAll(".md-typeset__scrollwrap").forEach((box) => sizes.observe(box));
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
