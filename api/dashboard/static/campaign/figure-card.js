// A card with a figure. It is drawn once it comes into view, and again only while it is in view.

import { Figure } from "../figure.js";
import { html, useEffect, useRef, useState } from "../ui.js";

const MARGIN = "400px";

/**
 * `version` is that of the campaign; `children` stand between the title and the figure. While it `exists` not yet, its text
 * for that stands in its place. The other props are those of `Figure`.
 */
export function FigureCard({ title, note, isWide = false, exists = true, version, children, ...figure }) {
  const card = useRef(null);
  const isInView = useIsInView(card);
  const drawn = useRef(null); // the version of the latest drawing
  if (isInView && exists) drawn.current = version;
  return html`<figure class=${`card ${isWide ? "wide" : ""}`} ref=${card}>
    <figcaption><h2>${title}</h2>${note && html`<p class="muted">${note}</p>`}</figcaption>
    ${children}
    ${!exists ? html`<p class="placeholder">${figure.empty}</p>` : drawn.current !== null && html`<${Figure} ...${figure} version=${drawn.current} />`}
  </figure>`;
}

/** Whether an element is in view, or nearly. */
export function useIsInView(element) {
  const [isInView, setIsInView] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setIsInView(entries.at(-1).isIntersecting), { rootMargin: MARGIN });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return isInView;
}
