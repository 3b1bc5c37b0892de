// POSTs that are executed once, however often they are sent.

import { post, RefusedError } from "./http.js";

const BYTES = 16;

/**
 * A function like `post` that sends a request again with the key of the first time, until the service has answered it. A
 * request that got no response may have been executed: then its repetition gets the first response.
 */
export function repeatablePost() {
  let unanswered = null;
  return async (path, body) => {
    const request = JSON.stringify([path, body]);
    if (unanswered?.request !== request) unanswered = { request, key: newKey() };
    try {
      const document = await post(path, body, unanswered.key);
      unanswered = null;
      return document;
    } catch (error) {
      if (isAnswer(error)) unanswered = null;
      throw error;
    }
  };
}

/** What is answered before a request is looked at. */
const UNDECIDED = new Set([401, 403, 413, 429]);

/** Whether the service has decided on the request, and not failed itself; a proxy's refusal has no problem type. */
const isAnswer = (error) => error instanceof RefusedError && error.problem?.type !== undefined
  && error.status < 500 && !UNDECIDED.has(error.status) && !error.problem.type.endsWith(":idempotency-key-busy");

const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(BYTES)), (byte) => byte.toString(16).padStart(2, "0")).join("");
