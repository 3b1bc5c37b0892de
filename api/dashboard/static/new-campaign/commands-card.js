// The commands that create the same campaign, to copy.

import { CopyButton } from "../copy.js";
import { html, useState } from "../ui.js";
import { commandsOf } from "./commands.js";

export function CommandsCard({ document, service }) {
  const [chosen, setChosen] = useState("Command");
  const texts = commandsOf(document, service);
  return html`<section class="card commands" aria-labelledby="commands-title">
    <div class="table-head"><h2 id="commands-title">Equivalent command</h2>
      <p class="pager">${Object.keys(texts).map((name) => html`<button type="button" key=${name} class="plain" aria-pressed=${name === chosen} onClick=${() => setChosen(name)}>${name}</button>`)}
        <${CopyButton} text=${texts[chosen]} name=${`the ${chosen}`} /></p></div>
    <pre tabindex="0" aria-label=${chosen}>${texts[chosen]}</pre>
  </section>`;
}
