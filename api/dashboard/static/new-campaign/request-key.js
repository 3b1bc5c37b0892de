// Keys of requests that must be executed once: the same for the same request, so that it can be sent again.

const BYTES = 16;

/** A function of a document and of what is asked for; it gives the key of the latest one again until that changes. */
export function requestKey() {
  let latest = null, key = null;
  return (document, wanted) => {
    const request = JSON.stringify([document, wanted]);
    if (request !== latest) [latest, key] = [request, newKey()];
    return key;
  };
}

const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(BYTES)), (byte) => byte.toString(16).padStart(2, "0")).join("");
