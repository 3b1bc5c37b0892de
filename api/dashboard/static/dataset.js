// The page of one data set: what was found when it was registered.

import { onReconnected } from "./connection.js";
import { byId, element, setText } from "./dom.js";
import { dateTime } from "./format.js";
import { DisconnectedError, getJson } from "./http.js";
import { link } from "./root.js";

const MAX_CATEGORIES = 200;
const name = byId("dataset").dataset.name;
const path = `/v1/datasets/${encodeURIComponent(name)}`;
const count = (number) => number.toLocaleString("en");
const entries = (counts) => Object.entries(counts).map(([key, number]) => `${key} ${count(number)}`).join(", ");

function warning({ message, examples }) {
  return element("div", { class: "banner" }, element("p", {}, message),
    ...(examples.length ? [element("ul", {}, ...examples.map((example) => element("li", {}, example)))] : []));
}

function facts(split) {
  const sizes = Object.entries(split.image_sizes).map(([key, [width, height]]) => `${key} ${width}×${height}`).join(", ");
  const decoded = split.images_decoded === split.images ? "all decoded" : `${count(split.images_decoded)} decoded, headers of all read`;
  return [["Images", `${count(split.images)} (${count(split.empty_images)} without boxes; ${decoded})`], ["Image sizes", sizes],
    ["Boxes", `${count(split.boxes)} (${count(split.crowd_boxes)} crowds; ${count(split.boxes_clipped)} clipped, ${count(split.boxes_without_area)} without area)`],
    ["By COCO area", entries(split.areas)], [`By level at ${split.image_px} px`, entries(split.levels)],
    ["Annotations", split.annotations], ["Images in", split.images_dir]];
}

function categories(split) {
  const rows = split.categories.slice(0, MAX_CATEGORIES).map((category) => element("tr", {},
    element("td", { class: "number" }, category.id), element("td", { class: "category" }, category.name),
    element("td", { class: "number" }, count(category.boxes)), element("td", { class: "number" }, count(category.images))));
  const heads = [["Id", "number"], ["Category", null], ["Boxes", "number"], ["Images", "number"]];
  return element("table", { class: "rows" }, element("caption", { class: "visually-hidden" }, "Categories"),
    element("thead", {}, element("tr", {}, ...heads.map(([text, kind]) => element("th", { scope: "col", class: kind }, text)))),
    element("tbody", {}, ...rows));
}

function section([split, found]) {
  const more = found.categories.length - MAX_CATEGORIES;
  return element("section", { class: "card split", "aria-label": split },
    element("h2", {}, split === "train" ? "Training images" : split === "val" ? "Validation images" : split),
    element("dl", { class: "facts" }, ...facts(found).map(([term, value]) => element("div", {}, element("dt", {}, term), element("dd", {}, value)))),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Categories of ${split}` }, categories(found)),
    ...(more > 0 ? [element("p", { class: "muted" }, `and ${count(more)} more categories`)] : []));
}

function show(dataset) {
  const { report } = dataset;
  setText("meta", dataset.path ?? "");
  byId("away").hidden = dataset.is_there;
  setText("away", dataset.path === null ? "Its registration is damaged; register it again." : `Its directory ${dataset.path} is not there; campaigns wait for it.`);
  byId("unregistered").hidden = report !== null;
  setText("register", dataset.register_command ?? "");
  byId("preview").hidden = !dataset.has_preview || report === null;
  if (!byId("preview").hidden) {
    byId("preview-file").setAttribute("href", link(`${path}/preview`));
    byId("preview-picture").replaceChildren(element("img", { src: link(`${path}/preview`), alt: "Images of the data set with their boxes, named by category." }));
  }
  if (report === null) return;
  setText("summary", `registered ${dateTime(report.registered_at)} · ${report.warnings.length ? `${report.warnings.length} kind${report.warnings.length === 1 ? "" : "s"} of warnings` : "nothing unusual"}`);
  byId("warnings").hidden = report.warnings.length === 0;
  byId("warning-list").replaceChildren(...report.warnings.map(warning));
  byId("splits").replaceChildren(...Object.entries(report.splits).map(section));
}

async function refresh() {
  try {
    show(await getJson(path));
    byId("error").hidden = true;
  } catch (error) {
    if (error instanceof DisconnectedError) return; // the page says so already
    byId("error").hidden = false;
    setText("error", `The data set cannot be shown: ${error.message}`);
  }
}

onReconnected(refresh);
refresh();
