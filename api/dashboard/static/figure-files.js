// The links of a figure to its files.

import { link } from "./root.js";
import { html } from "./ui.js";

/** `files` are the paths of the figure as a file by suffix, such as `svg`. */
export function FigureFiles({ files }) {
  return html`<p class="files">Download ${Object.entries(files).map(([suffix, path]) => html`<a key=${suffix} download href=${link(path)}>${suffix.toUpperCase()}</a>`)}</p>`;
}
