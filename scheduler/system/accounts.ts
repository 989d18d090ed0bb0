/** `user` and `group`: names or `#number`, looked up in the system's files. */
import { readFileSync } from "node:fs";
import { DexterError } from "../errors.ts";

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** Throws UNKNOWN_USER; also when servers should run as somebody else and the scheduler is not root. */
export function resolveAccount(user: string | undefined, group: string | undefined): Account {
  if (user === undefined && group === undefined) return {};
  if (process.getuid?.() !== 0)
    throw new DexterError("NOT_ROOT", { directive: user === undefined ? "group" : "user" });
  const account = user === undefined ? undefined : lookUp("/etc/passwd", user, "user");
  const gid = group === undefined ? account?.gid : lookUp("/etc/group", group, "group").id;
  return {
    ...(account === undefined ? {} : { uid: account.id }),
    ...(gid === undefined ? {} : { gid }),
  };
}

/** `name:password:id:gid…` a line; a group's fourth field is not a number. */
function lookUp(file: string, name: string, kind: "user" | "group"): { id: number; gid?: number } {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const number = /^#(\d+)$/.exec(name)?.[1];
  const found = lines.find((fields) => (number === undefined ? fields[0] === name : fields[2] === number));
  if (found === undefined && number !== undefined) return { id: Number(number) };
  if (found === undefined) throw new DexterError("UNKNOWN_USER", { directive: kind, kind, name });
  return { id: Number(found[2]), gid: Number(found[3]) };
}
