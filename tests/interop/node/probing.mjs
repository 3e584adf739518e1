// What the Node clients share: the questions, and a line for each probe.
//
// Environment: HEYAN_ADDRESS, HEYAN_CA, HEYAN_CERTIFICATE, HEYAN_KEY, HEYAN_PROBES (a file of questions, see ../README.md).

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

export const address = process.env.HEYAN_ADDRESS;
export const ca = readFileSync(process.env.HEYAN_CA);
export const cert = readFileSync(process.env.HEYAN_CERTIFICATE);
export const key = readFileSync(process.env.HEYAN_KEY);
export const asked = JSON.parse(readFileSync(process.env.HEYAN_PROBES, "utf8"));
/** How long a call may take where its deadline is not what is probed, in milliseconds. */
export const patience = 20_000;

/** The client has no such feature; says so. */
export class Skip extends Error {}

/** One of the questions in protobuf JSON, with a request id of its own. */
export function question(name, changed = {}) {
  return { ...structuredClone(asked[name]), request_id: randomUUID(), ...changed };
}

/** As many questions as a batch takes, none of which is answered from memory: more than a few milliseconds of work. */
export function liveBatch(maxAge) {
  return { requests: Array.from({ length: asked.batch }, () => question("answer", { max_age: maxAge })) };
}

/** Runs probes one after the other and prints a line for each. */
export async function report(probes) {
  for (const [name, probe] of Object.entries(probes)) {
    try {
      await probe();
      console.log(`ok ${name}`);
    } catch (error) {
      const why = String(error.stack ?? error).replaceAll("\n", " ").slice(0, 600);
      console.log(error instanceof Skip ? `skip ${name}: ${error.message}` : `not ${name}: ${why}`);
    }
  }
}

export { assert };
