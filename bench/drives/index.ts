/** Every drive by its name. */

import type { Workload } from "../workloads.ts";
import { burst } from "./burst.ts";
import { count } from "./count.ts";
import type { Drive } from "./drive.ts";
import { load } from "./load.ts";
import { mixed } from "./mixed.ts";

export const drives: Readonly<Record<Workload["drive"], Drive>> = { load, mixed, burst, count };
