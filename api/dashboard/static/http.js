// Requests to the API; problem documents become errors. Polled responses have an ETag and `Cache-Control: no-cache`, so
// the browser revalidates them with If-None-Match and returns its cached copy after a 304.

import { link } from "./root.js";

async function read(response) {
  const document = await response.json().catch(() => null);
  if (response.ok) return document;
  if (response.status === 401) location.assign(`${link("/login")}?next=${encodeURIComponent(location.pathname)}`); // logged out
  throw new Error(document?.detail ?? `the service responded with ${response.status}`);
}

export const getJson = async (path) => read(await fetch(link(path), { headers: { Accept: "application/json" } }));

export const post = async (path) => read(await fetch(link(path), { method: "POST" }));

export const patch = async (path, changes) =>
  read(await fetch(link(path), { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(changes) }));
