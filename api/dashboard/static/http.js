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

const send = async (method, path, body) =>
  read(await fetch(link(path), { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }));

/** `body` is undefined for a request without one. */
export const post = async (path, body) =>
  body === undefined ? read(await fetch(link(path), { method: "POST" })) : send("POST", path, body);

export const patch = (path, changes) => send("PATCH", path, changes);
