// The notes and tags of a campaign, edited in place.

import { patch } from "../http.js";
import { html, useState } from "../ui.js";

const tagsOf = (text) => text.split(/[,\s]+/).filter(Boolean);

/** `onChanged` is called after the service has stored a change. */
export function Notes({ campaign, page, onChanged }) {
  const [isEdited, setIsEdited] = useState(false);
  const [error, setError] = useState(null);
  const onSubmit = async (event) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    try {
      await patch(page.path, { notes: values.get("notes"), tags: tagsOf(values.get("tags")) });
      setError(null);
      setIsEdited(false);
      onChanged();
    } catch (refusal) {
      setError(refusal.message);
    }
  };
  const onKeyDown = (event) => { if (event.key === "Escape") setIsEdited(false); };
  return html`<section class="card notes" aria-labelledby="notes-title">
    <div class="table-head"><h2 id="notes-title">Notes</h2>
      ${page.mayOperate && !isEdited && html`<button type="button" class="plain" onClick=${() => setIsEdited(true)}>Edit notes and tags</button>`}</div>
    ${isEdited ? html`<form onSubmit=${onSubmit} onKeyDown=${onKeyDown}>
      <label>Notes <textarea name="notes" rows="5" autofocus defaultValue=${campaign.notes}>${campaign.notes}</textarea></label>
      <label>Tags, with commas or spaces between <input name="tags" defaultValue=${campaign.tags.join(", ")} /></label>
      ${error && html`<p class="banner failure" role="alert">${error}</p>`}
      <p class="actions"><button type="button" class="button" onClick=${() => { setError(null); setIsEdited(false); }}>Cancel</button><button class="button">Save</button></p>
    </form>` : html`<p class=${campaign.notes ? "text" : "muted"}>${campaign.notes || (page.mayOperate ? "None yet. Write down why this campaign exists, or what came of it." : "None.")}</p>`}
  </section>`;
}
