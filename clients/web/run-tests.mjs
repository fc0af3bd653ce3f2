/**
 * Everything that is tested of the web client and its pages: `node clients/web/run-tests.mjs [library|stack]`.
 *
 * Installs what package-lock.json names, checks the types, builds, weighs the bundle, and runs the tests: those of the
 * library, and those against the stack, which `cargo xtask stack` starts. The last line is `N passed, M failed`.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const DIST = join(FOLDER, "dist");

/** What both pages may weigh in all, compressed, in bytes. */
const LIMIT = 150_000;

const PAGES = ["paywall", "merchant"];

const counts = { passed: 0, failed: 0 };

/** Runs a program of node_modules or the PATH, and fails with its name. */
function run(program, ...args) {
  const local = join(FOLDER, "node_modules", ".bin", program);
  const { status, error } = spawnSync(existsSync(local) ? local : program, args, { cwd: FOLDER, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: exit status ${status}`);
}

function install() {
  const stamp = join(FOLDER, "node_modules", ".installed");
  const wanted = createHash("sha256").update(readFileSync(join(FOLDER, "package-lock.json"))).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
  writeFileSync(stamp, wanted);
}

/** The bundle is committed, so that the sidecar builds without Node: it has to be what the source builds to. */
function bundle() {
  const before = digest();
  rmSync(DIST, { recursive: true, force: true });
  for (const page of PAGES) run("vite", "build", "--mode", page, "--logLevel", "warn");
  if (before !== digest()) throw new Error("dist was not what the source builds to; it is now, so commit it");
}

function digest() {
  const hash = createHash("sha256");
  for (const file of existsSync(DIST) ? readdirSync(DIST).sort() : []) hash.update(file).update(readFileSync(join(DIST, file)));
  return hash.digest("hex");
}

function weigh() {
  const files = readdirSync(DIST);
  const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(DIST, file)), { level: 9 }).length, 0);
  console.log(`${files.join(" and ")}: ${Math.ceil(bytes / 1000)} of at most ${LIMIT / 1000} KB, compressed`);
  if (bytes > LIMIT) throw new Error(`dist weighs ${bytes} bytes, at most ${LIMIT} are allowed`);
}

/** What the pages' policies would refuse, or what would make it load something from elsewhere. */
function inspect() {
  const [script, style] = ["js", "css"].map((kind) =>
    PAGES.map((page) => readFileSync(join(DIST, `${page}.${kind}`), "utf8")).join("\n"),
  );
  const signs = [/\beval\(/, /new Function\(/, /\bimport\(/, /innerHTML/, /document\.write/];
  const found = [...signs.filter((sign) => sign.test(script)), ...[/url\(/, /@import/].filter((sign) => sign.test(style))];
  if (found.length > 0) throw new Error(`the bundle has ${found.join(" and ")}`);
}

function test(projects) {
  const folder = mkdtempSync(join(tmpdir(), "uraiden-web-"));
  const report = join(folder, "report.json");
  try {
    const selected = projects.flatMap((project) => ["--project", project]);
    const vitest = join(FOLDER, "node_modules", ".bin", "vitest");
    const args = ["run", "--reporter=verbose", "--reporter=json", `--outputFile=${report}`, ...selected];
    const { status } = spawnSync(vitest, args, { cwd: FOLDER, stdio: "inherit" });
    const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(readFileSync(report, "utf8"));
    counts.passed += numPassedTests;
    counts.failed += numFailedTests;
    if (numTotalTests === 0) throw new Error("no test was found");
    if (status !== 0 && numFailedTests === 0) throw new Error(`vitest: exit status ${status}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One step; what goes wrong in it counts as one failure. */
function step(name, work) {
  try {
    work();
    counts.passed += 1;
    return true;
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    counts.failed += 1;
    return false;
  }
}

const projects = process.argv.slice(2);
if (step("install", install)) {
  step("types", () => run("tsc", "--noEmit"));
  const built = step("library", () => run("tsc", "--project", "tsconfig.lib.json"));
  step("bundle", bundle);
  step("weight", weigh);
  step("policy", inspect);
  if (built) step("tests", () => test(projects));
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 ? 0 : 1;
