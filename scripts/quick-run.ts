// Runs test files in this process, one after the other: to start one for each file takes longer than most of them.
// Arguments: the files, from the root.
import { fileURLToPath } from "node:url";

const root = new URL("..", import.meta.url);
for (const file of process.argv.slice(2)) await import(fileURLToPath(new URL(file, root)));
