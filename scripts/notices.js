// The notices of the packages whose code is in dist/, which their licenses ask for in every copy.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const HEAD = `# Third-party notices

The files in this folder contain code of the packages below, under their own licenses. The build writes this file.
`;
const LICENSE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-]|$)/i;

/**
 * @param metafiles esbuild's, of all builds
 * @param root the folder that their paths start from
 * @returns the text: one part for each package, sorted by name
 */
export function notices(metafiles, root) {
  const packages = [...new Set(metafiles.flatMap(bundledFolders))].map((folder) =>
    noticeOf(path.join(root, folder)),
  );
  packages.sort((a, b) => (a.title < b.title ? -1 : 1));
  return [HEAD, ...packages.map(({ title, text }) => `## ${title}\n\n${text}\n`)].join("\n");
}

/** The folders of packages of which at least a byte is in an output. */
function bundledFolders({ outputs }) {
  return Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .flatMap(([file]) => /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  );
}

function noticeOf(folder) {
  const { name, version, license, author } = JSON.parse(
    readFileSync(path.join(folder, "package.json"), "utf8"),
  );
  const files = readdirSync(folder).filter((file) => LICENSE_FILE.test(file));
  const texts = files.sort().map((file) => readFileSync(path.join(folder, file), "utf8"));
  const by = typeof author === "string" ? author : author?.name;
  return {
    title: `${name} ${version}`,
    text: [
      `License: ${license}`,
      ...(texts.length > 0 ? texts.map(quoted) : by ? [`Author: ${by}`] : []),
    ].join("\n\n"),
  };
}

/** As it is, and not read as Markdown. */
function quoted(text) {
  const lines = text
    .replaceAll("\r\n", "\n")
    .replace(/[ \t]+$/gm, "")
    .trim();
  return `\`\`\`text\n${lines}\n\`\`\``;
}
