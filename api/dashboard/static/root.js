// The path prefix under which a reverse proxy shows the service; empty if there is none.

const ROOT = document.documentElement.dataset.root;

/** The address of a path of the service. */
export const link = (path) => `${ROOT}${path}`;
