// Modules as they are on disk: ES modules, CommonJS, text.

import { env } from "cloudflare:workers";
import { half } from "./lib/half.js";
import note from "./note.txt";
import old from "./old.cjs";

const answers = {
  cjs: () => [typeof old.double, old.double(21), old.fileName],
  esm: () => half(84),
  text: () => note,
  env: () => Object.keys(env),
  meta: () => typeof import.meta.url,
  dynamic: async () => Object.keys(await import("./lib/half.js")),
};

export default {
  async fetch(request) {
    return Response.json(await answers[new URL(request.url).pathname.slice(1)]());
  },
};
