// Collects what a page's load and its interactions cost, from its first moment on: `window.measured`.

window.measured = { paints: {}, longTasks: [], events: [], useful: null };

const observe = (type, onEntry, options = {}) =>
  new PerformanceObserver((list) => list.getEntries().forEach(onEntry)).observe({ type, buffered: true, ...options });

observe("paint", ({ name, startTime }) => { window.measured.paints[name] = startTime; });
observe("longtask", ({ startTime, duration }) => window.measured.longTasks.push({ startTime, duration }));
observe("event", ({ name, startTime, duration, interactionId }) => {
  if (interactionId) window.measured.events.push({ name, startTime, duration });
}, { durationThreshold: 16 });

// The first frame in which all of `window.wanted` is shown; its paint follows.
const check = () => {
  const isShown = (selector) => [...document.querySelectorAll(selector)].some((element) => element.getClientRects().length && (element.tagName === "svg" || /[0-9]/.test(element.textContent)));
  if (window.wanted.every(isShown)) requestAnimationFrame(() => { window.measured.useful = performance.now(); document.documentElement.dataset.isUseful = "yes"; });
  else requestAnimationFrame(check);
};
document.addEventListener("DOMContentLoaded", () => requestAnimationFrame(check));
