/** Values of directives that are made of several: the addresses that take requests, and the files of a certificate. */
import * as z from "zod";
import { kindOf, ofKind } from "./kind.ts";
import { didYouMean } from "./nearest.ts";
import { certificateHost, filePath, listenEntry, listOf, sameListen } from "./values.ts";

/** Addresses, each of which can be listened on beside the others. */
export const listenEntries = listOf(listenEntry).superRefine((addresses, context) => {
  if (addresses.length === 0) context.addIssue("must name at least one [address:]port");
  for (const [index, address] of addresses.entries()) {
    if (addresses.slice(0, index).some((earlier) => sameListen(earlier, address)))
      context.addIssue({
        code: "custom",
        path: [index],
        message: "must differ from the other addresses; this one is already listened on",
      });
  }
});

const hosts = listOf(certificateHost);
const certificateShape = {
  cert: filePath,
  key: filePath,
  hosts: hosts.refine((all) => all.length > 0, "must name at least one host").optional(),
};

/** One table for each certificate. */
export const certificate = ofKind(
  z.strictObject(certificateShape, {
    error: (issue) => {
      if (issue.code === "unrecognized_keys") {
        const [key = ""] = (issue as { keys?: string[] }).keys ?? [];
        return `"${key}": unknown key${didYouMean(key, Object.keys(certificateShape))}`;
      }
      return 'must be a table with cert and key, such as { cert = "site.pem", key = "site.key" }';
    },
  }),
  "table of cert, key and hosts",
  {
    type: "object",
    properties: { cert: kindOf(filePath)!.json, key: kindOf(filePath)!.json, hosts: kindOf(hosts)!.json },
    required: ["cert", "key"],
    additionalProperties: false,
  },
);
