// What stands in place of a figure that does not exist yet: what will come, and when.

import { FINISHED, STARTABLE } from "../states.js";
import { isTrainingShared } from "./finals.js";

/** `what` is the subject, such as "The rewards". */
export function emptyText(campaign, what) {
  if (FINISHED.has(campaign.state)) {
    return campaign.best_reward === null ? `There are none: the campaign has ended before its first reward.` : `${what} cannot be shown.`;
  }
  if (STARTABLE.has(campaign.state)) return `${what} come with the first trials, once this draft is started.`;
  if (campaign.paused_at !== null) return `${what} come with the first reward, once the campaign is resumed.`;
  if (campaign.waiting_for) return `${what} come with the first reward; the campaign waits.`;
  if (isTrainingShared(campaign)) return `${what} come once the shared weights are trained.`;
  return `${what} come with the first reward.`;
}
