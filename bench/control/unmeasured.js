// Loaded into dexter before its own code: it cannot tell how busy its servers are. Then it holds nothing back, as on
// a system that does not say (`scheduler/server/load.ts`); so there is no setting for what nobody should turn off.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const { readFileSync } = fs;
const HIDDEN = /^\/proc\/\d+\/schedstat$/;

fs.readFileSync = (path, ...rest) => {
  if (typeof path === "string" && HIDDEN.test(path)) throw new Error(`${path} is hidden`);
  return readFileSync(path, ...rest);
};
syncBuiltinESMExports();
