// The sinks that cannot be written: copies of the record for which no campaign waits.

import { html } from "../ui.js";

/** `supervisors` is the list of the service, null until it has been read. */
export function FailingSinks({ supervisors }) {
  const alive = (supervisors ?? []).filter(({ is_alive: isAlive }) => isAlive);
  const causes = new Set(alive.flatMap(({ failing_sinks: failing }) => Object.values(failing)));
  return [...causes].map((cause) => html`<p key=${cause} class="banner" role="status">${`Copying to TensorBoard or MLflow failed; retrying: ${cause}`}</p>`);
}
