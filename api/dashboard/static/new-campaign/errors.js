// The errors of a problem document at the fields of a form.

/** The messages by the path of the field that each is about; those about none are under the empty path. */
export function errorsByField(fields, problem) {
  const paths = fields.map(({ path }) => path);
  const errors = {};
  for (const { field, message } of problem?.errors ?? []) (errors[nearest(paths, field)] ??= []).push(message);
  if (problem && !Object.keys(errors).length) errors[""] = [problem.detail];
  return errors;
}

/** The field itself, or the one that the path leads into, such as `search_space.choices` of `search_space.choices.0`. */
function nearest(paths, path) {
  const within = paths.filter((each) => path === each || path.startsWith(`${each}.`));
  return within.sort((a, b) => b.length - a.length)[0] ?? "";
}
