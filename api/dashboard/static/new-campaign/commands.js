// The requests and commands that create the campaign of a document.

import { toYaml } from "../yaml.js";

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** `service` has `url`, `defaultUrl` (that commands ask unless they are told another), and `needsKey`. */
export function commandsOf(document, { url, defaultUrl, needsKey }) {
  const yaml = toYaml(document);
  const environment = url === defaultUrl ? "" : `EFFSPINE_URL=${quoted(url)} `;
  const headers = ["Content-Type: application/json"].map(quoted);
  if (needsKey) headers.push('"Authorization: Bearer $EFFSPINE_API_KEY"');
  return {
    Command: `${environment}effspine campaign create -f - <<'EOF'\n${yaml}EOF\n`,
    YAML: yaml,
    curl: `curl -X POST ${quoted(`${url}/v1/campaigns`)} \\\n${headers.map((header) => `  -H ${header} \\\n`).join("")}  -d ${quoted(JSON.stringify(document))}\n`,
  };
}
