// Progress as a file: what this browser has kept of the exercises is saved to one, and read from one. The form of the file
// is that of lab/progress/store.py: `lab check` writes such a file too, and `lab list --progress FILE` reads it.
(() => {
  "use strict";

  const PREFIX = "beyond-cron:"; // as in exercise.js
  const FORMAT = "beyond-cron progress";
  const VERSION = 1;
  const MOST = 1_000_000; // bytes
  const NAME = "[a-z0-9]+(?:-[a-z0-9]+)*";
  const ANSWER = new RegExp(`^${NAME}$`);
  const CHECK = new RegExp(`^${NAME}/(${NAME})$`);
  const VERDICTS = ["", "right", "wrong", "compared", "done"];

  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

  // What was kept of each exercise, by its id. Throws where the browser refuses storage.
  function kept() {
    localStorage.setItem(PREFIX, "");
    localStorage.removeItem(PREFIX);
    const answers = {};
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).sort()) {
      const answer = JSON.parse(localStorage.getItem(key));
      const { value = "", verdict = "", done = false } = isObject(answer) ? answer : {};
      answers[key.slice(PREFIX.length)] = { value, verdict, done };
    }
    return answers;
  }

  function download(answers) {
    const text = JSON.stringify({ format: FORMAT, version: VERSION, answers }, null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: "application/json" }));
    link.download = "beyond-cron-progress.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser reads it after the click
  }

  // The answers in a file, by id; an exercise that `lab check` has passed is marked as done. Throws what is wrong, in words.
  function read(text) {
    let file;
    try {
      file = JSON.parse(text);
    } catch {
      throw new Error("it is no JSON");
    }
    if (!isObject(file) || file.format !== FORMAT) throw new Error(`it does not say "format": "${FORMAT}"`);
    if (file.version !== VERSION) throw new Error(`this course reads version ${VERSION} of it`);
    const { answers = {}, checks = {} } = file;
    if (!isObject(answers) || !isObject(checks)) throw new Error("answers or checks is no object");
    const found = new Map();
    for (const [id, answer] of Object.entries(answers)) {
      const { value = "", verdict = "", done = false } = isObject(answer) ? answer : { value: null };
      if (!ANSWER.test(id) || typeof value !== "string" || !VERDICTS.includes(verdict) || typeof done !== "boolean") {
        throw new Error("an answer in it is none");
      }
      found.set(id, { value, verdict, done });
    }
    for (const [id, judged] of Object.entries(checks)) {
      const name = CHECK.exec(id)?.[1];
      if (!name || typeof judged?.passed !== "boolean") throw new Error("a check in it is none");
      if (judged.passed) found.set(name, { value: "done", verdict: "done", done: true });
    }
    return found;
  }

  function save(say) {
    try {
      const answers = kept();
      if (!Object.keys(answers).length) return say("There is nothing to save yet.");
      download(answers);
      return say(`Saved what you have done in ${number(Object.keys(answers).length)}.`);
    } catch {
      return say("This browser keeps nothing: there is nothing to save.");
    }
  }

  async function load(file, say) {
    let found;
    try {
      if (file.size > MOST) throw new Error(`it is larger than ${MOST} bytes`);
      found = read(await file.text());
    } catch (error) {
      return say(`${file.name} is no file with progress: ${error.message}.`);
    }
    try {
      for (const [id, answer] of found) localStorage.setItem(PREFIX + id, JSON.stringify(answer));
    } catch {
      return say("This browser keeps nothing: the file was not loaded.");
    } finally {
      dispatchEvent(new Event("storage")); // exercise.js shows it
    }
    return say(`Loaded what you have done in ${number(found.size)}.`);
  }

  // Only what is kept here: a file that was saved, and what `lab check` has noted, stay.
  function forget(say) {
    try {
      const ids = Object.keys(kept());
      if (!ids.length) return say("There is nothing to forget yet.");
      if (!confirm(`Forget what you have done in ${number(ids.length)}, on all pages?`)) return say("Nothing was forgotten.");
      for (const id of ids) localStorage.removeItem(PREFIX + id);
      dispatchEvent(new Event("storage"));
      return say(`Forgot what you had done in ${number(ids.length)}.`);
    } catch {
      return say("This browser keeps nothing: there is nothing to forget.");
    }
  }

  const number = (count) => `${count} exercise${count === 1 ? "" : "s"}`;

  function button(label, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", action);
    return made;
  }

  // Below the last exercise, where they push nothing down when they come, or where a page asks for the buttons.
  function start() {
    const place = document.querySelector(".progress-file") ?? [...document.querySelectorAll("form.exercise")].at(-1);
    if (!place || document.querySelector(".progress-buttons")) return;
    const line = document.createElement("div");
    line.className = "progress-buttons";
    const status = document.createElement("span");
    status.setAttribute("role", "status");
    const say = (text) => { status.textContent = text; };
    const chooser = document.createElement("input");
    Object.assign(chooser, { type: "file", accept: ".json,application/json", hidden: true });
    chooser.addEventListener("change", () => {
      if (chooser.files.length) load(chooser.files[0], say);
      chooser.value = ""; // the same file may be chosen again
    });
    line.append(button("Save progress", () => save(say)), button("Load progress", () => chooser.click()));
    line.append(button("Forget all", () => forget(say)), chooser, status);
    place.after(line);
  }

  if (typeof document$ !== "undefined") document$.subscribe(start); // also after instant navigation
  else if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
