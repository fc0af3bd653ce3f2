// Checks Kubernetes objects, a JSON list on stdin, by their published models: values by the schemas, and by TypeScript
// that no field is there which the model does not have. Prints what is wrong, a line each.
//
// Usage: node models.mjs NODE_MODULES

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const MODELS = [
  "kubernetes-models",
  "@kubernetes-models/istio",
  "@kubernetes-models/gateway-api",
  "@kubernetes-models/envoy-gateway",
  "@kubernetes-models/prometheus-operator",
];

const modules = process.argv[2];
const objects = JSON.parse(readFileSync(0, "utf8"));
const findings = [];

/** `PACKAGE/GROUP/VERSION/Kind`, of the one package that has it. */
function model({ apiVersion, kind }) {
  const names = MODELS.map((name) => `${name}/${apiVersion}/${kind}`);
  const found = names.filter((name) => existsSync(join(modules, `${name}.js`)));
  if (found.length !== 1) throw new Error(`${apiVersion} ${kind}: ${found.length} models`);
  return found[0];
}

const told = ({ kind, metadata }) => `${kind} ${metadata.name}`;

let source = "";
for (const [index, object] of objects.entries()) {
  const name = model(object);
  const { [object.kind]: Model } = await import(pathToFileURL(join(modules, `${name}.js`)).href);
  try {
    new Model(object).validate();
  } catch (error) {
    findings.push(`${told(object)}: ${error.message}`);
  }
  source += `import type { I${object.kind} as Model${index} } from "${name}";\n`;
  source += `export const object${index}: Model${index} = ${JSON.stringify(object)};\n`;
}

const folder = mkdtempSync(join(tmpdir(), "models-"));
try {
  symlinkSync(modules, join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "objects.ts"), source);
  const tsc = join(modules, "typescript/bin/tsc");
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--types", ""];
  execFileSync(process.execPath, [tsc, ...options, "objects.ts"], { cwd: folder, encoding: "utf8" });
} catch (error) {
  // Even lines of the source are objects, and tsc counts from 1.
  const lines = String(error.stdout ?? error).split("\n");
  for (const line of lines.filter((line) => line.includes("error"))) {
    const at = /^objects\.ts\((\d+),/.exec(line);
    findings.push(at ? `${told(objects[at[1] / 2 - 1])}: ${line}` : line);
  }
} finally {
  rmSync(folder, { recursive: true });
}

for (const finding of findings) console.log(finding);
