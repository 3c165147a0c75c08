/**
 * What makes a frontend's id its own. The id is a hash of a random proof that only this life of the
 * frontend knows and shows with its calls: any dispatcher can check it, and needs to remember nothing.
 * So a process that has the internal secret still cannot register an address for another's id, nor
 * end its lease: it would have to find a proof for the id (2^51 attempts) within the other's lifetime.
 */

import { createHash, randomBytes } from "node:crypto";
import { type FrontendId, parseFrontendId } from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";

const ID_CHARACTERS = 10;
const PROOF = /^[A-Za-z0-9_-]{22,64}$/;

export interface FrontendCredential {
  readonly id: FrontendId;
  /** Secret: sent to dispatchers, never logged. */
  readonly proof: string;
}

export function createFrontendCredential(random: Uint8Array = randomBytes(16)): FrontendCredential {
  const proof = Buffer.from(random).toString("base64url");
  return { id: idOfProof(proof), proof };
}

function idOfProof(proof: string): FrontendId {
  const digest = createHash("sha256").update(`ovation-frontend ${proof}`).digest();
  let text = "";
  for (const byte of digest.subarray(0, ID_CHARACTERS)) text += (byte % 36).toString(36);
  const id = parseFrontendId(text);
  if (id === undefined) throw new Error("a digest did not make an id");
  return id;
}

/** The caller's name in `ovation-from`. */
export function formatFrontendCaller({ id, proof }: FrontendCredential, url: string): string {
  return `frontend ${id} ${proof} ${url}`;
}

/** The frontend that calls, or `undefined` where it is not who it says it is. */
export function parseFrontendCaller(from: string): FrontendAddress | undefined {
  const [kind, id = "", proof = "", url = "", ...rest] = from.split(" ");
  if (kind !== "frontend" || rest.length > 0 || !PROOF.test(proof)) return undefined;
  const frontend = idOfProof(proof);
  return frontend === id && isInternalUrl(url) ? { id: frontend, url } : undefined;
}

/** `http://host:port` or `https://host:port`, and nothing else: dispatchers connect to it. */
export function isInternalUrl(text: string): boolean {
  if (text.length > 256 || !/^https?:\/\/[A-Za-z0-9.:[\]_-]+$/.test(text)) return false;
  return URL.canParse(text) && new URL(text).username === "";
}
