// Talking to the service: JSON in, JSON out, problem documents as errors. What is polled has an ETag and may be kept but
// not used unasked (`Cache-Control: no-cache`), so the browser itself asks with If-None-Match, and gives us what it has
// where the answer is 304.

async function answer(response) {
  const document = await response.json().catch(() => null);
  if (response.ok) return document;
  if (response.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname)}`); // logged out
  throw new Error(document?.detail ?? `the service answered ${response.status}`);
}

export const getJson = async (path) => answer(await fetch(path, { headers: { Accept: "application/json" } }));

export const post = async (path) => answer(await fetch(path, { method: "POST" }));

export const patch = async (path, changes) =>
  answer(await fetch(path, { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(changes) }));
