/** Ways to set secrets of a running node, and to look for a value everywhere that it must not be. */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { adminCall, makePackage, type PackageParts } from "./deploy.ts";
import { descendants, type TestNode } from "./node.ts";

/** A function that answers with what the query names of its `env`. */
export const TELLS = `export default {
  fetch: (request, env) => new Response(String(env[new URL(request.url).search.slice(1)])),
};`;

export const tells = (name: string, parts: PackageParts = {}) => makePackage(name, TELLS, parts);

export function putSecret(
  node: Pick<TestNode, "folder">,
  functionName: string,
  name: string,
  body: string | Buffer,
) {
  return adminCall(node, "PUT", `/functions/${functionName}/secrets/${name}`, { body });
}

export function deleteSecret(node: Pick<TestNode, "folder">, functionName: string, name: string) {
  return adminCall(node, "DELETE", `/functions/${functionName}/secrets/${name}`);
}

/** Files, command lines and environments in which the value stands, as it is or in base64. */
export function findValue(node: TestNode, value: string): string[] {
  const found: string[] = [];
  const look = (place: string, content: Buffer) => {
    for (const form of [value, Buffer.from(value).toString("base64")])
      if (content.includes(form)) found.push(place);
  };
  for (const file of readdirSync(node.folder.dir, { recursive: true }).map(String)) {
    // A link to a descriptor would lead to one of this process.
    const stat = lstatSync(join(node.folder.dir, file), { throwIfNoEntry: false });
    if (stat?.isFile()) look(file, readFileSync(join(node.folder.dir, file)));
  }
  const { pid } = node.dexter;
  for (const one of [pid, ...descendants(pid)])
    for (const part of ["cmdline", "environ"]) {
      try {
        look(`/proc/${one}/${part}`, readFileSync(`/proc/${one}/${part}`));
      } catch {
        // it ended meanwhile, or there is no /proc
      }
    }
  look("the log", Buffer.from(node.dexter.output()));
  return found;
}
