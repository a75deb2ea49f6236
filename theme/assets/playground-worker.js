// The playground's Python: the modules of `lab cron` under Pyodide, in a worker, so that the page never waits for them.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const HERE = new URL("./pyodide/", import.meta.url).href;
const PREPARE = `
import sys, zoneinfo
sys.path.insert(0, "/course")
zoneinfo.reset_tzpath(["/course/zoneinfo"])
from lab.cron.answer import answer
from lab.cron.zones import zone_names
lambda crontab, *asked: answer(crontab.to_bytes(), *asked)
`;

async function prepare() {
  const lab = fetch(`${HERE}lab.zip`, { cache: "no-cache" });
  const pyodide = await loadPyodide({ indexURL: HERE });
  const response = await lab;
  if (!response.ok) throw new Error(`lab.zip: ${response.status}`);
  pyodide.unpackArchive(await response.arrayBuffer(), "zip", { extractDir: "/course" });
  const answer = pyodide.runPython(PREPARE);
  const zones = pyodide.runPython("sorted(zone_names())").toJs();
  postMessage({ zones });
  return answer;
}

const prepared = prepare();
prepared.catch((error) => postMessage({ failed: String(error) }));

// Asked: a crontab as bytes, a time zone, a moment ("" for now), and whether it has a user column.
onmessage = async ({ data: { id, crontab, zone, from, system } }) => {
  const answer = await prepared;
  try {
    postMessage({ id, answer: JSON.parse(answer(crontab, zone, from, system)) });
  } catch (error) {
    postMessage({ id, answer: { refused: `This is a mistake in lab cron: ${error}`, findings: [], jobs: [] } });
  }
};
