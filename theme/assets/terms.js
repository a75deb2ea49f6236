// Terms of the glossary: a first touch shows the meaning, a second one follows the link; Escape closes what is shown.
// Pointing and the Tab key need no script.
(() => {
  "use strict";

  let shown = null; // by touch

  document.addEventListener("click", (event) => {
    const term = event.target.closest?.("a.term");
    if (term && event.pointerType === "touch" && term !== shown) {
      event.preventDefault();
      event.stopImmediatePropagation(); // the theme's instant navigation would follow it
      term.focus();
    }
    shown = term;
  }, { capture: true });

  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") document.querySelectorAll("a.term:is(:hover, :focus)").forEach((term) => { term.dataset.closed = ""; });
  });
  for (const left of ["pointerout", "focusout"]) {
    document.addEventListener(left, ({ target }) => { delete target.closest?.("a.term")?.dataset.closed; });
  }
})();
