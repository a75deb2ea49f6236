// The playground: a crontab, and below it what `lab cron` says of it, as you type. Python is loaded when you ask for it.
const WORKER = new URL("playground-worker.js", import.meta.url).href;
const LIMIT = 5000; // milliseconds for an answer
const PAUSE = 150; // milliseconds without a key before it is asked for
const LONGEST = 4000; // characters of an address
const EXAMPLE = `MAILTO=ops@example.org
*/15 2 * * *    /app/report.sh
30 2 * * *      /app/backup.sh && curl -fsS $PING_URL
0 0 13 * 5      root /app/invoices.sh > /var/log/invoices-$(date +%F).log
0 22-6 * * *    /app/night.sh
`;
const FORM = `
  <label for="pg-crontab">A crontab, or one schedule</label>
  <textarea id="pg-crontab" name="crontab" rows="7" spellcheck="false" autocapitalize="off" autocomplete="off" wrap="off"></textarea>
  <div class="fields">
    <div><label for="pg-zone">Time zone that cron runs in</label>
      <input id="pg-zone" name="zone" type="text" list="pg-zones" spellcheck="false" autocomplete="off">
      <datalist id="pg-zones"></datalist></div>
    <div><label for="pg-from">List runs after (empty: now)</label>
      <input id="pg-from" name="from" type="datetime-local" min="1970-01-01T00:00" max="9997-12-31T23:59"></div>
  </div>
  <label class="box"><input name="system" type="checkbox"> A file of <code>/etc/cron.d</code>, with a user column</label>
  <p class="actions"><button type="submit"></button></p>
  <p role="status"></p>
  <div class="answer" hidden></div>`;

let worker = null;

export function stop() {
  worker?.terminate();
  worker = null;
}

function node(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// A line that begins with "warning: " or "note: ", as the command prints it, or a finding.
function remark(level, text) {
  const line = node("p", text, { class: "remark", "data-level": level });
  line.prepend(node("strong", `${level}: `));
  return line;
}

function finding({ line, level, what, fix }) {
  const said = remark(level, `${what} → ${fix}`);
  said.prepend(node("span", `Line ${line} `, { class: "place" }));
  return said;
}

function explained(job, alone) {
  const part = node("section", "", { class: "job" });
  if (!alone) {
    const title = node("h2", `Line ${job.line} `);
    title.append(node("code", `${job.schedule} ${job.rest}`.trim()));
    part.append(title);
  }
  part.append(...job.words.map((line) => node("p", line, { class: "words" })));
  if (job.runs.length) part.append(node("pre", job.runs.join("\n")));
  for (const note of job.notes) {
    const [level, ...words] = note.split(": ");
    part.append(remark(level, words.join(": ")));
  }
  if (job.fields.length) {
    const fields = node("details", "", { class: "each-field" });
    fields.open = alone;
    fields.append(node("summary", "Field by field"), node("pre", job.fields.join("\n")));
    part.append(fields);
  }
  return part;
}

function shown({ refused, alone, findings, jobs, more }) {
  const parts = refused ? [remark("error", refused)] : [];
  if (!alone) parts.push(...findings.map(finding));
  parts.push(...jobs.map((job) => explained(job, alone)));
  if (more) parts.push(node("p", `Jobs that are not explained here: ${more}`));
  return parts;
}

function summary({ refused, alone, findings, jobs, more }) {
  if (refused) return "Refused.";
  if (alone) return "One schedule.";
  const count = (level) => findings.filter((one) => one.level === level).length;
  return `Jobs: ${jobs.length + more}. Errors: ${count("error")}. Warnings: ${count("warning")}.`;
}

export function setUp(root, size) {
  root.append(Object.assign(document.createElement("form"), { innerHTML: FORM }));
  const form = root.firstElementChild;
  const { crontab, zone, from, system } = form.elements;
  const button = form.querySelector("button");
  const status = form.querySelector("[role=status]");
  const answer = form.querySelector(".answer");
  let asked = 0; // the number of the question that is being answered, 0 for none
  let number = 0;
  let next = false; // whether something has changed since
  let waiting; // for a pause in typing, and for an answer
  let limit;

  const shared = new URLSearchParams(location.hash.slice(1));
  crontab.value = shared.get("crontab") ?? EXAMPLE;
  zone.value = shared.get("zone") ?? Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
  from.value = shared.get("from") ?? "";
  system.checked = shared.has("system");
  button.textContent = `Explain it in this browser (loads ${size})`;

  function keepInAddress() {
    const kept = new URLSearchParams({ crontab: crontab.value, zone: zone.value });
    if (from.value) kept.set("from", from.value);
    if (system.checked) kept.set("system", "");
    history.replaceState(history.state, "", `${kept}`.length > LONGEST ? location.pathname : `#${kept}`);
  }

  function ask() {
    if (!root.isConnected || !worker) return; // the reader has gone to another page, or Python has failed
    next = false;
    if (!crontab.value.trim()) {
      status.textContent = "Write a line first.";
      answer.hidden = true;
      return;
    }
    asked = ++number;
    limit = setTimeout(giveUp, LIMIT);
    const text = crontab.value.endsWith("\n") ? crontab.value : `${crontab.value}\n`;
    const bytes = new TextEncoder().encode(text);
    worker.postMessage({ id: asked, crontab: bytes, zone: zone.value, from: from.value, system: system.checked });
    keepInAddress();
  }

  function giveUp() {
    if (!root.isConnected) return;
    begin("begins again");
    answer.hidden = true;
    status.textContent = `No answer in ${LIMIT / 1000} seconds: it was stopped. In a terminal, lab cron lint has no limit.`;
  }

  function receive({ data }) {
    if (data.failed) {
      clearTimeout(limit);
      stop();
      button.hidden = false;
      root.dataset.state = "failed";
      status.textContent = `Python does not start here (${data.failed}). The commands below say the same.`;
    } else if (data.zones) {
      const first = root.dataset.state === "starts"; // and not again, after an answer that did not come
      root.dataset.state = "ready";
      form.querySelector("datalist").replaceChildren(...data.zones.map((name) => node("option", "", { value: name })));
      if (first && !shared.has("zone") && !data.zones.includes(zone.value)) zone.value = "UTC"; // the browser's own name
      if (first || next) ask();
    } else if (data.id === asked) {
      clearTimeout(limit);
      asked = 0;
      status.textContent = summary(data.answer);
      answer.replaceChildren(...shown(data.answer));
      answer.hidden = false;
      if (next) ask();
    }
  }

  function begin(state) {
    stop();
    asked = 0;
    root.dataset.state = state;
    worker = new Worker(WORKER, { type: "module" });
    worker.onmessage = receive;
    worker.onerror = (event) => receive({ data: { failed: event.message || "a file is missing" } });
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (worker) return;
    begin("starts");
    button.hidden = true;
    status.textContent = "Python starts …";
    crontab.focus();
  });

  form.addEventListener("input", () => {
    next = true;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (next && !asked && root.dataset.state === "ready") ask();
    }, PAUSE);
  });
}
