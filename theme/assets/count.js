// How many exercises are done: on a lesson's page below its title, elsewhere after every link that names a lesson, and
// in all of these together.
// exercise.js loads this, and calls it after each change; `load` gives what was kept of an exercise.

export function showProgress(load) {
  const count = (ids) => `${ids.filter((id) => load(id).done).length} of ${ids.length} done`;

  const line = document.querySelector(".lesson-progress");
  if (line) {
    const ids = [...document.querySelectorAll("form.exercise")].map((form) => form.dataset.id);
    line.querySelector("progress").value = ids.filter((id) => load(id).done).length;
    line.querySelector("span").textContent = `Exercises: ${count(ids)}`;
  }
  const named = new Set();
  for (const link of document.querySelectorAll("[data-exercises]")) {
    const ids = link.dataset.exercises.split(" ");
    for (const id of ids) named.add(id);
    if (!link.nextElementSibling?.matches(".progress")) {
      const label = document.createElement("span");
      label.className = "progress";
      link.after(" ", label);
    }
    link.nextElementSibling.textContent = count(ids);
  }
  for (const total of document.querySelectorAll(".progress-total")) total.textContent = `All exercises: ${count([...named])}`;
}
