// What has been entered, kept by the browser for this tab until the campaign is created.

const key = (original) => `effspine.new-campaign.${original ?? ""}`;

/** The values that were entered before, or null. A browser may refuse to keep anything. */
export function savedValues(original) {
  try {
    return JSON.parse(sessionStorage.getItem(key(original)));
  } catch {
    return null; // nothing usable is kept
  }
}

/** Keeps values; none removes them. */
export function saveValues(original, values) {
  try {
    if (values === null) sessionStorage.removeItem(key(original));
    else sessionStorage.setItem(key(original), JSON.stringify(values));
  } catch {
    return; // the form works without
  }
}
