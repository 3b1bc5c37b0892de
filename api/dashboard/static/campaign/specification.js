// The whole specification of a campaign, as YAML or JSON, to copy.

import { html, useState } from "../ui.js";
import { CopyButton } from "../copy.js";
import { toYaml } from "../yaml.js";

const FORMATS = { YAML: toYaml, JSON: (spec) => `${JSON.stringify(spec, null, 2)}\n` };

export function Specification({ spec }) {
  const [format, setFormat] = useState("YAML");
  const text = FORMATS[format](spec);
  return html`<section class="card specification" aria-labelledby="specification-title">
    <div class="table-head"><h2 id="specification-title">Specification</h2>
      <p class="pager">${Object.keys(FORMATS).map((name) => html`<button type="button" key=${name} class="plain" aria-pressed=${name === format} onClick=${() => setFormat(name)}>${name}</button>`)}
        <${CopyButton} text=${text} name="the specification" /></p></div>
    <pre tabindex="0" aria-label="Specification">${text}</pre>
  </section>`;
}
