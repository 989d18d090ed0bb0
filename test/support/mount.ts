/** File systems that tests fill. */
import { spawnSync } from "node:child_process";
import type { TestContext } from "node:test";
import { cleanUp } from "./node.ts";

/** A file system of its own, so small that it is soon full; false where none may be made. */
export function mountSmall(test: TestContext, folder: string): boolean {
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "dexter", folder], {
    timeout: 10_000,
  });
  if (status === 0) cleanUp(test, () => void spawnSync("umount", ["-l", folder], { timeout: 10_000 }));
  return status === 0;
}
