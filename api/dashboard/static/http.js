// Requests to the API; problem documents become errors. Polled responses have an ETag and `Cache-Control: no-cache`, so
// the browser revalidates them with If-None-Match and returns its cached copy after a 304.

import { failed, isFromService, responded } from "./connection.js";
import { link } from "./root.js";

/** The error of a request that got no response; the page's notice of the lost connection says so, too. */
export class DisconnectedError extends Error {
  constructor(method = "GET") {
    super(method === "GET" ? "the service does not respond" : "the service did not respond; it may or may not have received the request");
  }
}

/** The error of a request that the service refused; `problem` is its problem document, if it sent one. */
export class RefusedError extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `the service responded with ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

/** The service still computes what was asked for; the message says how far it is. */
export class PendingError extends Error {
  constructor(message, retrySeconds) {
    super(message);
    this.retrySeconds = retrySeconds;
  }
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(link(path), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    failed();
    throw new DisconnectedError(options.method);
  }
  if (!isFromService(response)) {
    failed();
    throw new DisconnectedError(options.method);
  }
  responded(response.ok && options.method === undefined && path.startsWith("/v1/"));
  if (response.status === 401) location.assign(`${link("/login")}?next=${encodeURIComponent(location.pathname + location.search)}`); // logged out
  return response;
}

async function read(response) {
  const document = await response.json().catch(() => null);
  if (!response.ok) throw new RefusedError(response.status, document);
  return document;
}

export const getJson = async (path, signal) => read(await request(path, { headers: { Accept: "application/json" }, signal }));

/** A text, such as a figure; null if the service has none. Rejects with a PendingError while it is being computed. */
export async function getText(path, signal) {
  const response = await request(path, { signal });
  if (response.status === 404) return null;
  if (response.status === 202) throw new PendingError((await read(response)).detail, Number(response.headers.get("Retry-After")) || 1);
  if (!response.ok) return read(response);
  return response.text();
}

const send = async (method, path, body, headers = {}) => {
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  return read(await request(path, { method, headers: { ...type, ...headers }, body: JSON.stringify(body) }));
};

/** `body` is undefined for a request without one. With a `key` it is executed once, however often it is sent. */
export const post = (path, body, key) => send("POST", path, body, key === undefined ? {} : { "Idempotency-Key": key });

export const patch = (path, changes) => send("PATCH", path, changes);

export const remove = (path) => send("DELETE", path);
