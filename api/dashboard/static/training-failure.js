// What the error of a training means in its state.

import { FINISHED_TRAININGS } from "./states.js";

/** The heading of the error: why the training failed, or why one of its processes ended before. */
export function failureTitle(state) {
  if (state === "failed") return "The training failed. Resumed, it continues from its checkpoint.";
  return FINISHED_TRAININGS.has(state) ? "An earlier process was lost." : "An earlier process was lost; the training continues from its checkpoint.";
}
