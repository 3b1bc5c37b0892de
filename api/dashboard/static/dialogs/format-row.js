// One format of the export dialog, with the link or the button that gets its file.

import { link } from "../root.js";
import { html, useEffect, useRef } from "../ui.js";

export const megabytes = (bytes) => (bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** `found` is the export in this format, if it was requested; `address` has the file of a format that the service makes. */
export function FormatRow({ format, found, address, mayOperate, onRequest }) {
  const place = useRef(null), hasAsked = useRef(false);
  useEffect(() => { // the focus stays where the button was
    if (hasAsked.current && !place.current.contains(document.activeElement)) place.current.querySelector("a, button, [tabindex]")?.focus();
  }, [found?.state]);
  const onMake = () => { hasAsked.current = true; onRequest(); };
  const error = format.place === "worker" && found?.state === "failed" ? found.error : null;
  return html`<li>
    <div><strong>${format.name}</strong> ${format.purpose}${error && html`<p class="error">${error}</p>`}</div>
    <div class="export-control" ref=${place}><${Control} ...${{ format, found, address, mayOperate, onMake }} /></div>
  </li>`;
}

function Control({ format, found, address, mayOperate, onMake }) {
  if (format.place === "here") return html`<${Download} address=${address} name=${format.name} />`;
  if (found?.state === "completed") return html`<${Download} address=${`/v1/exports/${found.id}/file`} name=${format.name} size=${found.size_bytes} />`;
  if (found && found.finished_at === null) return html`<span class="muted" tabindex="-1">${found.progress ?? found.state}</span>`;
  if (!mayOperate) return html`<span class="muted">not made yet</span>`;
  return html`<button type="button" class="plain" aria-label=${`Make ${format.name}`} onClick=${onMake}>Make</button>`;
}

export function Download({ address, name, size }) {
  const text = size === undefined ? "Download" : `Download, ${megabytes(size)}`;
  return html`<a class="plain" href=${link(address)} download aria-label=${`${text}: ${name}`}>${text}</a>`;
}
