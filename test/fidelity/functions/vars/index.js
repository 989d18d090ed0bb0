// Variables of the configuration, in every place that shows them.
import { env as importedEnv } from "cloudflare:workers";

const atTopLevel = importedEnv.TEXT;

const answers = {
  env: (env) => env,
  types: (env) => Object.entries(env).map(([name, value]) => [name, typeof value]),
  imported: (env) => [
    importedEnv.TEXT,
    importedEnv.OBJECT,
    atTopLevel,
    importedEnv.OBJECT.list === env.OBJECT.list,
  ],
  process: () =>
    ["TEXT", "EMPTY", "UNICODE", "NUMBER", "OBJECT", "CONTROL", "MISSING"].map(
      (name) => process.env[name] ?? null,
    ),
  control: (env) => [env.CONTROL, importedEnv.CONTROL],
  missing: (env) => [env.MISSING ?? null, "MISSING" in env],
};

export default {
  fetch(request, env) {
    return Response.json(answers[new URL(request.url).pathname.slice(1)](env));
  },
};
