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

/** Whether the service has decided on the request: it has not failed itself, and is not executing it still. */
const isAnswer = (error) => error instanceof RefusedError && error.status < 500 && !error.problem?.type?.endsWith(":idempotency-key-busy");

const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(BYTES)), (byte) => byte.toString(16).padStart(2, "0")).join("");
