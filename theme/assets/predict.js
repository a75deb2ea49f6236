// Predictions: once you have compared, each number of yours has beside it what was measured.
// exercise.js loads this, keeps the numbers, and says so with `shown` after each change.
(() => {
  "use strict";

  function compare(form) {
    const fields = [...form.querySelectorAll("[data-measured]")];
    const compared = form.dataset.verdict === "compared";
    for (const field of fields) {
      field.nextElementSibling?.remove();
      if (!compared) continue;
      const note = document.createElement("span");
      const right = Number(field.value) === Number(field.dataset.measured);
      note.className = right ? "as-measured" : "not-measured";
      note.textContent = right ? "✓ as measured" : `measured ${field.dataset.measured}`;
      field.after(note);
    }
    if (!compared) return;
    const right = form.querySelectorAll(".as-measured").length;
    form.querySelector("[role=status]").prepend(`${right} of ${fields.length} as measured. `);
  }

  document.addEventListener("shown", ({ target }) => { if (target.dataset?.kind === "predict") compare(target); }, { capture: true });
})();
