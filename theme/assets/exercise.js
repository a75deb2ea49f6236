// Exercises: what you answered stays in this browser, under the id of the exercise (not its page, not its place).
// Everything can be read and opened without this script; it adds the buttons, the verdict in words, and, by count.js, the
// progress.
(() => {
  "use strict";

  const PREFIX = "beyond-cron:";
  let showProgress = () => {}; // that of count.js, as soon as a page has something to count
  const memory = new Map(); // stands in where the browser refuses storage

  function load(id) {
    try {
      return JSON.parse(localStorage.getItem(PREFIX + id)) ?? memory.get(id) ?? {};
    } catch {
      return memory.get(id) ?? {};
    }
  }

  // Returns whether the answer outlives the page.
  function save(id, state) {
    try {
      localStorage.setItem(PREFIX + id, JSON.stringify(state));
      return true;
    } catch {
      memory.set(id, state);
      return false;
    }
  }

  function forget(id) {
    memory.delete(id);
    try {
      localStorage.removeItem(PREFIX + id);
    } catch { /* nothing was stored */ }
  }

  const VERDICTS = {
    empty: { choice: "Choose an option first.", text: "Write an answer first.", predict: "Write a number in each field first." },
    right: "Right.",
    wrong: "Not right. Read the answer, then choose again.",
    hinted: "Not right. Read the hint, then choose again, or open the answer.",
    compared: "Saved. Compare it with the answer below.",
    done: "Done.",
  };

  // One exercise: `value` is what was chosen or written, `verdict` a key of VERDICTS, `done` counts in the progress.
  function setUp(form) {
    if (form.dataset.ready) return;
    form.dataset.ready = "yes";
    const { kind } = form.dataset;
    const status = form.querySelector("[role=status]");
    const fields = [...form.querySelectorAll("input, textarea")];
    const hint = form.querySelector("details.hint");

    // Of a prediction each field is kept under its name.
    function written(state, field) {
      if (kind !== "predict") return state.value ?? "";
      try {
        return JSON.parse(state.value || "{}")?.[field.name] ?? "";
      } catch {
        return ""; // a file of progress may hold any text
      }
    }

    function show(state, stored = true) {
      for (const field of fields) {
        if (field.type === "radio" || field.type === "checkbox") field.checked = field.value === state.value;
        else if (field.value !== written(state, field)) field.value = written(state, field);
      }
      const verdict = VERDICTS[hint && state.verdict === "wrong" ? "hinted" : state.verdict] ?? "";
      status.textContent = stored ? verdict : `${verdict} This browser keeps nothing: it is lost when you leave.`;
      form.dataset.verdict = state.verdict ?? "";
      form.dispatchEvent(new Event("shown")); // predict.js adds what was measured
    }

    function keep(state) {
      show(state, save(form.dataset.id, state));
      showProgress(load);
    }

    function value() {
      if (kind === "predict") return JSON.stringify(Object.fromEntries(fields.map(({ name, value }) => [name, value])));
      return fields.find((field) => field.checked || (kind === "text"))?.value ?? "";
    }

    form.addEventListener("input", () => {
      if (kind === "self" || kind === "check") keep(value() ? { value: value(), verdict: "done", done: true } : {});
      else keep({ ...load(form.dataset.id), value: value(), verdict: "" });
    });

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const empty = kind === "predict" ? fields.find((field) => !field.value) : !value().trim() && fields[0];
      if (empty) {
        status.textContent = VERDICTS.empty[kind] ?? "";
        empty.focus();
        return;
      }
      const right = kind !== "choice" || fields.some((field) => field.checked && "right" in field.dataset);
      keep({ value: value(), verdict: kind !== "choice" ? "compared" : right ? "right" : "wrong", done: right });
      if (!right && hint) hint.open = true;
      else for (const answer of form.querySelectorAll("details.answer")) answer.open = true;
    });

    form.addEventListener("reset", (event) => {
      event.preventDefault();
      forget(form.dataset.id);
      show({});
      showProgress(load);
      for (const part of form.querySelectorAll("details:is(.answer, .hint)")) part.open = false;
      fields[0].focus();
    });

    form.querySelector(".actions")?.removeAttribute("hidden");
    form.addEventListener("stored", () => show(load(form.dataset.id)));
    show(load(form.dataset.id));
  }

  // What only some pages need; the others do not pay for it.
  const SCRIPTS = { "form.exercise, .progress-file": "progress.js", "a.term": "terms.js", "form[data-kind=predict]": "predict.js" };
  const HERE = document.currentScript.src;
  const bring = (script) => import(new URL(script, HERE).href);

  async function start() {
    document.querySelectorAll("form.exercise").forEach(setUp);
    showProgress(load); // at once, for progress.js puts its buttons below it
    if (document.querySelector("form.exercise, .progress-file, [data-exercises]")) {
      ({ showProgress } = await bring("count.js"));
      showProgress(load);
    }
    const needed = Object.entries(SCRIPTS).filter(([part]) => document.querySelector(part));
    await Promise.all(needed.map(([, script]) => bring(script)));
    for (const form of document.querySelectorAll("form[data-kind=predict]")) form.dispatchEvent(new Event("stored"));
  }

  addEventListener("storage", () => { // another tab, or progress.js
    for (const form of document.querySelectorAll("form.exercise")) form.dispatchEvent(new Event("stored"));
    showProgress(load);
  });
  if (typeof document$ !== "undefined") document$.subscribe(start); // also after instant navigation
  else if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
