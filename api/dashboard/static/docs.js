// The API page: Swagger UI on this service's OpenAPI document, in the theme of the other pages, with the names and roles
// that it leaves out.

const dark = matchMedia("(prefers-color-scheme: dark)");
const showTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);

dark.addEventListener("change", showTheme);
showTheme();

/** The button of an operation may have no link inside; its text is enough. */
const withoutLinks = ({ React }) => ({ components: { DeepLink: ({ text }) => React.createElement("span", null, text) } });

const MISSING = [
  ["pre.microlight:not([tabindex])", (code) => { code.tabIndex = 0; }],
  ["tr[data-param-name] select:not([aria-label])", (select) => select.setAttribute("aria-label", select.closest("tr").dataset.paramName)],
  [".examples-select-element:not([aria-label])", (select) => select.setAttribute("aria-label", "Example")],
  ["h3.opblock-tag:not([aria-level])", (heading) => heading.setAttribute("aria-level", "2")],
  ["#swagger-ui h4:not([aria-level])", (heading) => heading.setAttribute("aria-level", "3")],
  ["#swagger-ui h5:not([aria-level])", (heading) => heading.setAttribute("aria-level", "4")],
  [".responses-inner [role=region]:not([aria-label]), [id$=_responses]:not([aria-label])", (region) => region.setAttribute("aria-label", `Responses of ${region.id.replace(/_responses$/, "")}`)],
  ["#swagger-ui :is(select, input, textarea):not([aria-label], [id])", (control) => control.setAttribute("aria-label", control.getAttribute("placeholder") ?? "Value")],
];
const complete = () => { for (const [selector, add] of MISSING) document.querySelectorAll(selector).forEach(add); };

new MutationObserver(complete).observe(document.getElementById("swagger-ui"), { childList: true, subtree: true });
window.ui = SwaggerUIBundle({
  url: `${document.documentElement.dataset.root}/openapi.json`, dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  syntaxHighlight: false, defaultModelsExpandDepth: 0, plugins: [withoutLinks],
});
