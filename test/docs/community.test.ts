/** What the repository's host reads: the workflow, the forms of issues, and where a vulnerability is reported. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
// biome-ignore lint/suspicious/noExplicitAny: what is in a file, the assertions say
type Any = any;

function yaml(path: string): Any {
  const document = parseDocument(read(path), { uniqueKeys: true });
  assert.deepEqual([...document.errors, ...document.warnings], [], path);
  return document.toJS();
}

describe("the workflow", () => {
  const workflow = yaml(".github/workflows/ci.yml");
  const { test } = workflow.jobs;

  it("runs the gate on every version of Node.js that is supported", () => {
    assert.deepEqual(test.strategy.matrix["node-version"], [20, 22, 24]);
    assert.equal(test.strategy["fail-fast"], false);
    const setup = test.steps.find(({ uses = "" }: Any) => uses.startsWith("actions/setup-node@"));
    assert.equal(setup.with["node-version"], `\${{ matrix.node-version }}`);
    assert.ok(test.steps.some(({ run }: Any) => run === ".ci/run"));
    assert.ok(statSync(join(root, ".ci/run")).mode & 0o111, ".ci/run can be executed");
  });

  it("runs for pull requests and for main, and may only read", () => {
    assert.ok("pull_request" in workflow.on);
    assert.deepEqual(workflow.on.push.branches, ["main"]);
    assert.deepEqual(workflow.permissions, { contents: "read" });
    assert.equal(workflow.concurrency["cancel-in-progress"], true);
  });
});

describe("the forms of issues", () => {
  const folder = ".github/ISSUE_TEMPLATE";
  const forms = readdirSync(join(root, folder)).filter((file) => file !== "config.yml");

  it("are one for bugs and one for features", () => {
    assert.deepEqual(forms.sort(), ["bug.yml", "feature.yml"]);
    assert.equal(typeof yaml(`${folder}/config.yml`).blank_issues_enabled, "boolean");
  });

  for (const file of forms)
    it(`${file} has fields with labels and ids of their own`, () => {
      const { name, description, body } = yaml(`${folder}/${file}`);
      assert.ok(name && description);
      const fields = body.filter(({ type }: Any) => type !== "markdown");
      for (const { type, attributes } of fields)
        assert.ok(["textarea", "input"].includes(type) && attributes.label, JSON.stringify(attributes));
      assert.equal(new Set(fields.map(({ id }: Any) => id)).size, fields.length);
    });

  it("ask for a bug's versions and for what dexter check says", () => {
    const text = read(`${folder}/bug.yml`);
    for (const command of ["dexter --version", "node --version", "dexter check", "SECURITY.md"])
      assert.ok(text.includes(command), command);
  });
});

describe("SECURITY.md", () => {
  it("says how to report, what counts and what does not, and which versions get fixes", () => {
    const text = read("SECURITY.md");
    for (const title of [
      "Report a vulnerability",
      "Which versions get fixes",
      "What counts",
      "What does not count",
    ])
      assert.match(text, new RegExp(`^## ${title}`, "m"));
    assert.match(text, /\*\*Security\*\*.*\*\*Report a vulnerability\*\*/s);
    assert.ok(existsSync(join(root, ".github/PULL_REQUEST_TEMPLATE.md")));
  });
});
