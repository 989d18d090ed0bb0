/** The manifest for Kubernetes: its parts fit each other, the configuration in it, the image and the program. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { loadProject } from "../../scheduler/config/load.ts";
import { startDexter } from "../support/dexter.ts";
import { cleanUp, httpGet, temporaryFolder } from "../support/node.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const documents = parseAllDocuments(read("packaging/kubernetes/dexter.yaml"), { uniqueKeys: true });
// biome-ignore lint/suspicious/noExplicitAny: what is in a manifest, the assertions say
type Any = any;
const objects = documents.map((document) => document.toJS() as Any);

function find(kind: string, name = "dexter"): Any {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name === name);
  assert.equal(found.length, 1, `${kind} ${name}`);
  return found[0];
}

const deployment = find("Deployment");
const pod = deployment.spec.template.spec;
const [container] = pod.containers;
const { labels } = deployment.spec.template.metadata;
const portNamed = (name: string) =>
  container.ports.find((port: Any) => port.name === name)?.containerPort ?? assert.fail(`no port ${name}`);

function volumeAt(path: string): Any {
  const mount = container.volumeMounts.find(({ mountPath }: Any) => mountPath === path);
  return (
    pod.volumes.find(({ name }: Any) => name === mount?.name) ?? assert.fail(`nothing is mounted at ${path}`)
  );
}

/** /etc/dexter as it is in a pod, where a ConfigMap's files are links into a hidden folder. */
async function inPod(test: TestContext) {
  const etc = await temporaryFolder(test);
  for (const [path, into] of [
    ["/etc/dexter/wrangler.toml", etc.dir],
    ["/etc/dexter/functions", join(etc.dir, "functions")],
  ] as const) {
    await mkdir(join(into, "..data"), { recursive: true });
    for (const [name, text] of Object.entries(find("ConfigMap", volumeAt(path).configMap.name).data)) {
      await writeFile(join(into, "..data", name), String(text));
      await symlink(join("..data", name), join(into, name));
    }
  }
  return etc;
}

describe("dexter.yaml", () => {
  it("is YAML without a doubt", () => {
    for (const { errors, warnings } of documents) assert.deepEqual([...errors, ...warnings], []);
    for (const object of objects) assert.ok(object.apiVersion && object.kind && object.metadata.name);
  });

  it("has a configuration that dexter takes, and a function that answers", async (test) => {
    const { dir } = await inPod(test);
    assert.deepEqual((await loadProject({ cwd: dir })).warnings, []);
    const args = ["--set", `data_dir=${join(dir, "data")}`, "--set", "admin_listen=127.0.0.1:0"];
    const dexter = await startDexter({ dir, args });
    cleanUp(test, () => dexter.stop("SIGINT"));
    assert.deepEqual((await httpGet(dexter.port, "/")).text, "Hello from dexter\n");
  });

  it("probes, and leads to, the ports that the configuration opens", async (test) => {
    const { node } = await loadProject({ cwd: (await inPod(test)).dir });
    assert.deepEqual(
      node.listen.map(({ port }) => port),
      [portNamed("http")],
    );
    assert.equal(node.adminListen?.port, portNamed("admin"));
    for (const { host } of [...node.listen, node.adminListen!]) assert.equal(host, "0.0.0.0");
    for (const [probe, path] of [
      ["startupProbe", "/readyz"],
      ["readinessProbe", "/readyz"],
      ["livenessProbe", "/healthz"],
    ] as const)
      assert.deepEqual(container[probe].httpGet, { path, port: "admin" });
    const targets = find("Service").spec.ports.map(({ targetPort }: Any) => targetPort);
    assert.deepEqual(targets, ["http"], "the admin listener is not for everybody");
  });

  it("gives a pod the time to stop", async (test) => {
    const { node } = await loadProject({ cwd: (await inPod(test)).dir });
    const [program, seconds] = container.lifecycle.preStop.exec.command;
    assert.equal(program, "sleep");
    const needed = Number(seconds) + (2 * node.stopTimeoutMs) / 1_000;
    assert.ok(pod.terminationGracePeriodSeconds > needed, `${needed} s may be needed`);
  });

  it("mounts what dexter writes to, since the rest is read-only", async (test) => {
    const { node } = await loadProject({ cwd: (await inPod(test)).dir });
    assert.equal(container.securityContext.readOnlyRootFilesystem, true);
    for (const path of [node.dataDir, "/tmp"]) assert.ok(volumeAt(path).emptyDir, path);
  });

  it("has no privilege", () => {
    assert.deepEqual(container.securityContext.capabilities, { drop: ["ALL"] });
    assert.equal(container.securityContext.allowPrivilegeEscalation, false);
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.deepEqual(pod.securityContext.seccompProfile, { type: "RuntimeDefault" });
    assert.equal(pod.automountServiceAccountToken, false);
  });

  it("runs the image of this version as the image's user", () => {
    const { runAsUser, runAsGroup } = pod.securityContext;
    const dockerfile = read("packaging/docker/Dockerfile");
    assert.ok(dockerfile.includes(`\nUSER ${runAsUser}:${runAsGroup}\n`));
    assert.ok(dockerfile.includes(`\nCMD ${JSON.stringify(container.args).replaceAll(",", ", ")}\n`));
    assert.equal(container.image, `dexter:${JSON.parse(read("package.json")).version}`);
  });

  it("selects its own pods, and keeps one of several", () => {
    assert.deepEqual(deployment.spec.selector.matchLabels, labels);
    assert.deepEqual(find("Service").spec.selector, labels);
    const { selector, minAvailable } = find("PodDisruptionBudget").spec;
    assert.deepEqual(selector.matchLabels, labels);
    assert.ok(
      minAvailable >= 1 && minAvailable < deployment.spec.replicas,
      "else no machine could be drained",
    );
  });
});
