// The result of a dry run: the whole specification, with every default, and what is known of it.

import { CopyButton } from "../copy.js";
import { compact } from "../format.js";
import { Modal } from "../modal.js";
import { html } from "../ui.js";
import { toYaml } from "../yaml.js";
import { Estimate, Warnings } from "./estimate.js";

export function DryRunDialog({ found, onClose }) {
  const { least, most } = found.feasible_madds;
  const yaml = toYaml(found.spec);
  return html`<${Modal} title="Dry run" kind="dry-run" onClose=${onClose}>
    <p class="muted">Nothing was created. The service accepts this campaign:</p>
    <${Estimate} estimate=${found.estimate} />
    <dl class="facts"><div><dt>Feasible budgets</dt><dd>${compact(least)} to ${compact(most)} multi-adds</dd></div></dl>
    <${Warnings} warnings=${found.warnings} />
    <div class="table-head"><h3>Specification</h3><p class="pager"><${CopyButton} text=${yaml} name="the specification" /></p></div>
    <pre tabindex="0" aria-label="Specification">${yaml}</pre>
    <p class="actions"><button type="button" class="button" autofocus onClick=${onClose}>Close</button></p>
  <//>`;
}
