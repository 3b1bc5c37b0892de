// Talking to the service: JSON in, JSON out, problem documents as errors.

async function answer(response) {
  const document = await response.json().catch(() => null);
  if (response.ok) return document;
  if (response.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname)}`); // logged out
  throw new Error(document?.detail ?? `the service answered ${response.status}`);
}

export const getJson = async (path) => answer(await fetch(path, { headers: { Accept: "application/json" } }));

export const post = async (path) => answer(await fetch(path, { method: "POST" }));
