// What stands in place of the figures while there are none: what will come, and when.

import { FINISHED, STARTABLE } from "../states.js";
import { isTrainingShared } from "./finals.js";

/** Of a campaign without a reward. */
export function emptyText(campaign) {
  if (FINISHED.has(campaign.state)) return "The campaign ended before its first reward.";
  if (STARTABLE.has(campaign.state)) return "They come with the first trials, once this draft is started.";
  if (campaign.paused_at !== null) return "They come with the first reward, once the campaign is resumed.";
  if (campaign.waiting_for) return "They come with the first reward; the campaign waits.";
  if (isTrainingShared(campaign)) return "They come with the first trials, once the shared weights are trained.";
  return "They come with the first reward.";
}
