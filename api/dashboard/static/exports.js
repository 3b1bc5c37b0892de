// The export dialog: what each format is for, the weights that a trial has, and files that a process makes.

import { byId, element, setText } from "./dom.js";
import { getJson, post } from "./http.js";
import { link } from "./root.js";

const POLL_MS = 1000;
const IN_PROGRESS = new Set(["queued", "running"]);
const NAMES = { finals: "Trained in the finals", shared: "Slice of the shared weights", initial: "Initial, untrained", training: "Trained" };

const megabytes = (bytes) => (bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** Prepares the dialog of a campaign or a training; returns the function that opens it, for a trial of a campaign. */
export function exportDialog(path, mayOperate) {
  const field = byId("export-trial"); // a training has none
  let trial = null, weights = [], exports = [], formats = [], loads = 0;

  const ofTrial = () => (field ? `?trial=${trial}` : "");
  const chosen = () => weights.find(({ kind }) => byId(`export-weights-${kind}`)?.checked) ?? weights[0];

  function fail(error) {
    byId("export-error").hidden = !error;
    if (error) setText("export-error", error.message);
  }

  function downloadLink(address, name, size) {
    const text = size === undefined ? "Download" : `Download, ${megabytes(size)}`;
    return element("a", { class: "plain", href: link(address), download: true, "aria-label": `${text}: ${name}` }, text);
  }

  /** The newest export in a format with the chosen weights, as they are now. */
  const known = (format) => exports.find((each) => each.format === format.name && each.weights === chosen().kind && each.about === chosen().about);

  function control(format) {
    if (format.place === "here") return downloadLink(`${path}/exports/${format.name}${ofTrial()}`, format.name);
    const found = known(format);
    if (found?.state === "completed") return downloadLink(`/v1/exports/${found.id}/file`, format.name, found.size_bytes);
    if (found && IN_PROGRESS.has(found.state)) return element("span", { class: "muted", tabindex: "-1" }, found.progress ?? found.state);
    if (!mayOperate) return element("span", { class: "muted" }, "not made yet");
    const button = element("button", { type: "button", class: "plain", "aria-label": `Make ${format.name}` }, "Make");
    button.addEventListener("click", () => request(format));
    return button;
  }

  function row(format) {
    const failed = format.place === "worker" && known(format)?.state === "failed" ? known(format).error : null;
    return element("li", {},
      element("div", {}, element("strong", {}, format.name), ` ${format.purpose}`, ...(failed ? [element("p", { class: "error" }, failed)] : [])),
      element("div", { class: "export-control", id: `export-format-${format.name}` }, control(format)));
  }

  /** Draws the list and says what has changed; the focus stays in the row where it was. */
  function draw() {
    const made = formats.map((format) => [format.name, format.place === "worker" && known(format)]).filter(([, each]) => each);
    setText("export-status", made.map(([name, each]) => `${name} is ${each.state}`).join(", "));
    const focused = document.activeElement?.closest(".export-control")?.id;
    byId("export-formats").replaceChildren(...formats.map(row));
    if (focused) (byId(focused)?.querySelector("a, button, [tabindex]") ?? byId("export-close")).focus();
  }

  function drawWeights() {
    byId("export-weights").replaceChildren(...weights.map(({ kind, about }, index) => {
      const radio = element("input", { type: "radio", name: "export-weights", id: `export-weights-${kind}`, checked: index === 0 });
      radio.addEventListener("change", draw);
      return element("label", {}, radio, element("span", {}, element("strong", {}, NAMES[kind]), element("small", {}, about)));
    }));
  }

  async function load() {
    const number = ++loads;
    try {
      const found = await getJson(`${path}/exports${ofTrial()}`);
      if (formats.length === 0) formats = (await getJson("/v1/export-formats")).items;
      if (number !== loads) return; // another trial was chosen meanwhile
      ({ weights, exports } = found);
      fail(null);
      drawWeights();
      draw();
      follow(number);
    } catch (error) {
      if (number === loads) fail(error);
    }
  }

  async function request(format) {
    const number = loads, body = field ? { format: format.name, trial, weights: chosen().kind } : { format: format.name };
    try {
      const made = await post(`${path}/exports`, body);
      if (number !== loads) return;
      exports = [made, ...exports.filter(({ id }) => id !== made.id)];
      fail(null);
      draw();
      follow(number);
    } catch (error) {
      fail(error);
    }
  }

  let isFollowing = false;

  /** Polls the exports in progress while the dialog shows them. */
  async function follow(number) {
    if (isFollowing) return;
    isFollowing = true;
    try {
      while (number === loads && byId("export-dialog").open && exports.some(({ state }) => IN_PROGRESS.has(state))) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        const newest = await Promise.all(exports.map((each) => (IN_PROGRESS.has(each.state) ? getJson(`/v1/exports/${each.id}`) : each)));
        if (number !== loads) break;
        const isChanged = JSON.stringify(newest) !== JSON.stringify(exports);
        exports = newest;
        if (isChanged) draw();
      }
    } catch (error) {
      fail(error);
    } finally {
      isFollowing = false;
    }
    if (number !== loads) follow(loads);
  }

  field?.addEventListener("change", () => {
    if (!field.checkValidity()) return fail(new Error(field.validationMessage));
    trial = field.valueAsNumber;
    return load();
  });
  byId("export-form").addEventListener("submit", (event) => {
    if (event.submitter === byId("export-close")) return;
    event.preventDefault(); // Enter in the number of the trial
    field?.dispatchEvent(new Event("change"));
  });

  return (best = null, last = null) => {
    trial = best;
    if (field) Object.assign(field, { value: best, max: last });
    byId("export-dialog").showModal();
    load();
  };
}
