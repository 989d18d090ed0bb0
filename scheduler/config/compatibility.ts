/// <reference path="../workerd.d.ts" />
/** Which compatibility dates the installed workerd takes. */
import { compatibilityDate } from "workerd";

/** The newest compatibility date of the installed workerd, `YYYY-MM-DD`. */
export const NEWEST_COMPATIBILITY_DATE: string = compatibilityDate;
