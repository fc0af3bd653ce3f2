/** The document that the paywall answers browsers with: what the page's script and style sheet are loaded into. */

/** A problem document of the paywall. */
export type Problem = Readonly<Record<string, unknown>>;

/** What the operator and the paywall say beside it. */
export interface PageFacts {
  readonly chainId: number;
  readonly method: string;
  readonly title?: string;
  readonly text?: string;
  readonly logo?: string;
  readonly accent?: string;
}

/** Only what this host serves, nothing inline, and in nobody's frame. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The whole document. */
export function render(problem: Problem, page: PageFacts, assets = "/js/"): string {
  const { title, detail, next } = problem as { title: string; detail: string; next: string };
  const rows = Object.entries(problem)
    .filter(([name]) => !["type", "title", "status", "detail", "next"].includes(name))
    .map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(String(value))}</dd></div>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escape(page.title ?? title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${escape(assets)}paywall.css">
<script type="module" src="${escape(assets)}paywall.js"></script>
</head>
<body>
<main id="uraiden" data-problem="${escape(JSON.stringify(problem))}" data-page="${escape(JSON.stringify(page))}">
<h1>${escape(page.title ?? title)}</h1>
<p>${escape(detail)}</p>
<p>${escape(next)}</p>
<dl>
${rows.join("\n")}
</dl>
</main>
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
