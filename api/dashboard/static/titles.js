// The words for identifiers of the API, which the service writes into every page.

const titles = (name) => JSON.parse(document.body.dataset[`${name}Titles`]);

const ERRORS = titles("error");
const STOP_REASONS = titles("stop_reason");
const FIELDS = titles("field");

/** The words for a kind of error; of a kind that this version does not know, its identifier. Null for null. */
export const errorTitle = (kind) => ERRORS[kind] ?? kind;

/** Why a search ended, with the number of trials where `stop` of the specification has it; nas_controller/titles.py has the
 * same rule.
 */
export function stopReasonTitle(reason, stop = null) {
  const trials = reason === "no_improvement_trials" ? stop?.[reason] : null;
  return `${STOP_REASONS[reason]}${trials ? ` for ${trials.toLocaleString("en")} trial${trials === 1 ? "" : "s"}` : ""}`;
}

/** The title of a field of the campaign document. */
export const fieldTitle = (name) => FIELDS[name] ?? name;
