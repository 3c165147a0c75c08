/**
 * Proves that a frontend owns its id. The id is a hash of a random proof that only this incarnation
 * of the frontend has, and sends with its calls: any dispatcher can check it without state. A
 * process with the internal secret still cannot register a URL for the id of another frontend, nor
 * end its lease: finding a proof for that id within the other's lifetime takes 2^51 attempts.
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

/** The calling frontend; `undefined` where the proof does not match the id. */
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
