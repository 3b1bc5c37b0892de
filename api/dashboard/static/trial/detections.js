// What a trial and the baseline find in a few reserved images, beside the true boxes. A process of the service makes it.

import { post } from "../http.js";
import { useResource } from "../resource.js";
import { link } from "../root.js";
import { html, useEffect, useState } from "../ui.js";

const POLL_MS = 1000;

export function Detections({ path, trial, mayOperate }) {
  const [score, setScore] = useState(null); // null: the service's default
  const [refusal, setRefusal] = useState(null);
  const [isWaiting, setWaiting] = useState(false);
  const address = `${path}/trials/${trial.number}/detections`;
  const { data, error, refresh } = useResource(`${address}${score === null ? "" : `?lowest_score=${score}`}`, isWaiting ? POLL_MS : null);
  const made = data?.export;
  useEffect(() => setWaiting(Boolean(made) && made.finished_at === null), [made?.finished_at, made?.id]);

  async function request() {
    try {
      await post(address, score === null ? {} : { lowest_score: score });
      setRefusal(null);
      await refresh();
    } catch (refused) {
      setRefusal(refused.message);
    }
  }

  return html`<section class="card" aria-labelledby="trial-detections">
    <h2 id="trial-detections">Detections on reserved images</h2>
    ${(refusal ?? error?.message) && html`<p class="banner" role="alert">${refusal ?? error.message}</p>`}
    ${data && (data.unavailable ? html`<p class="muted">Not available because ${data.unavailable}.</p>` : html`
      <p class="muted">${data.about}</p>
      <${Request} data=${data} isWaiting=${isWaiting} mayOperate=${mayOperate} onScore=${setScore} onRequest=${request} />
      ${data.images && html`<${Images} data=${data} number=${trial.number} address=${address} />`}`)}
  </section>`;
}

function Request({ data, isWaiting, mayOperate, onScore, onRequest }) {
  const onChange = ({ target }) => { if (target.reportValidity()) onScore(target.valueAsNumber); };
  const failed = data.export?.state === "failed" && data.export;
  return html`<div class="detections-request">
    <label>Lowest score <input type="number" min="0" max="1" step="0.05" required value=${data.lowest_score} onChange=${onChange} /></label>
    ${!data.images && !isWaiting && (mayOperate ? html`<button type="button" class="button" onClick=${onRequest}>Show detections</button>`
      : html`<span class="muted">Nobody has requested them with this score yet.</span>`)}
    <span class="muted" role="status">${isWaiting && html`<span class="state" data-state=${data.export.state}>${data.export.state}</span> ${data.export.progress}`}</span>
    ${failed && html`<p class="error">${failed.error}</p>`}
    ${failed?.log_tail && html`<pre class="log" tabindex="0" aria-label="End of the log of the process">${failed.log_tail}</pre>`}
  </div>`;
}

function Images({ data, number, address }) {
  const columns = [["truth", "Ground truth"], ["trial", `Trial ${number}`], ["baseline", "Baseline"]].filter(([name]) => data.images[0]?.[name]);
  const isEmpty = !data.images.some(({ trial, baseline }) => trial.length || baseline?.length);
  return html`
    ${isEmpty && html`<p class="banner">No object reaches a score of ${data.lowest_score} in these images; a lower one shows what was found with less certainty.</p>`}
    <div class="detections-list">${data.images.map((image) => html`<div class="detections" key=${image.file_name} role="group" aria-label=${image.file_name}>
      ${columns.map(([name, title]) => html`<figure key=${name}>
        <img src=${link(image[`${name}_picture`])} alt=${`${title}: ${listed(image[name])}`} loading="lazy" />
        <figcaption><strong>${title}</strong> <span class="muted">${image[name].length} ${image[name].length === 1 ? "object" : "objects"}</span></figcaption>
      </figure>`)}
      <p class="muted">${image.file_name}, ${image.width} × ${image.height} px</p>
    </div>`)}</div>
    <p class="muted">${data.images.length} of ${data.of_images.toLocaleString("en")} images that gave rewards and were not learned from; the same for every trial. Both have the ${data.export.weights} weights.</p>
    <p class="actions">
      <a class="plain" download href=${link(`/v1/exports/${data.export.id}/file`)}>Download pictures</a>
      <a class="plain" download="detections.json" href=${link(`${address}?lowest_score=${data.lowest_score}`)}>Download boxes</a>
    </p>`;
}

const listed = (objects) => objects.map(({ name, score }) => (score === undefined ? name : `${name} ${score.toFixed(2)}`)).join(", ") || "no objects";
