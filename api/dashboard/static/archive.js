// Archiving and deletion of campaigns: the words of both, for one campaign and for several, and their requests.

import { patch, remove } from "./http.js";

export const ARCHIVE = {
  verb: "Archive",
  text: "The list shows archived campaigns only with the filter for them. Nothing is deleted, and a search that runs goes on.",
  send: (path) => patch(path, { archived: true }),
};

export const UNARCHIVE = { verb: "Unarchive", text: "Unarchived campaigns are in the list again.", send: (path) => patch(path, { archived: false }) };

export const DELETE = {
  verb: "Delete",
  text: "Trials with their learning curves and logs, events, notes, detectors and exported files are deleted and cannot be restored. Trainings that started from them stay.",
  send: (path) => remove(path),
};

/** What can be done with a campaign that is archived, or is not. */
export const archiving = (isArchived) => (isArchived ? UNARCHIVE : ARCHIVE);
