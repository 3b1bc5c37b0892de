// What to do where the service has no data set.

import { displayed } from "../dom.js";
import { html } from "../ui.js";

export const NoDatasets = ({ commands, profile }) => html`<section class="card empty" aria-label="No data set">
  <h2>No data set yet</h2>
  <p>Register a COCO directory, or make a small one of handwritten digits; then reload this page:</p>
  <pre tabindex="0"><code>${commands.split("\n").map(displayed).join("\n")}</code></pre>
  <p class="muted">The profile <code>${profile}</code> needs none.</p>
</section>`;
