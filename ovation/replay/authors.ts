/** Who posts: every author of a recording as a member of their own. */

import { createHash } from "node:crypto";
import { NAME_CODE_POINTS_MAX } from "@ovation/protocol";
import type { TokenClaims } from "../tokens/mod.ts";
import { type Api, RefusedError } from "./api.ts";
import { AUTHORS_MAX } from "./limits.ts";
import { NO_AUTHOR } from "./recorded-values.ts";
import type { RecordedRole } from "./recording.ts";
import { cutAt, prepareName } from "./text.ts";

/** Of the mark that makes a refused name another one. */
const MARK_CHARACTERS = 4;

/** Signs with the server's secret. */
export type SignToken = (claims: TokenClaims) => Promise<string>;

export interface Author {
  readonly token: string;
  /** Stands before the text where many authors share one member. */
  readonly prefix: string;
}

export interface Authors {
  author(name: string, role: RecordedRole): Promise<Author>;
  /** In place of an author whose name the server refused; undefined where there is no other. */
  rename(name: string, role: RecordedRole): Promise<Author | undefined>;
  /** Authors whose name the server refused, and who got another. */
  renamed(): number;
  /** What the authors become at the server, for people. */
  readonly way: string;
}

/**
 * Signed members: the same author is the same member in every replay, and moderators are
 * moderators.
 */
export function signedAuthors(sign: SignToken, videoId: string): Authors {
  return {
    way: "each author as a member, with a signed token",
    author: createMemory(async (name, role) => {
      const sub = `replay.${hashOf(name, 16)}`;
      const roles = role === "member" ? {} : { [videoId]: role };
      return {
        token: await sign({ sub, name: prepareName(name), role: "member", roles }),
        prefix: "",
      };
    }).author,
    rename: async () => undefined,
    renamed: () => 0,
  };
}

/**
 * Guests, as a viewer without an account is one. A name that the server refuses becomes another.
 */
export function guestAuthors(api: Api): Authors {
  const refused = new Map<string, number>();
  let renamed = 0;
  const { author, forget } = createMemory(async (name) => {
    const names = guestNamesOf(name);
    for (let index = refused.get(name) ?? 0; ; index++) {
      const [candidate, isLast] = [names[index], index >= names.length - 1];
      try {
        return { token: await api.guest(candidate ?? NO_AUTHOR), prefix: "" };
      } catch (error) {
        if (isLast || !(error instanceof RefusedError) || !concernsName(error)) throw error;
        refuse(name, index + 1);
      }
    }
  });
  return {
    way: "each author as a guest",
    author,
    async rename(name, role) {
      const index = (refused.get(name) ?? 0) + 1;
      if (index >= guestNamesOf(name).length) return undefined;
      refuse(name, index);
      forget(name, role);
      return await author(name, role);
    },
    renamed: () => renamed,
  };

  function refuse(name: string, index: number): void {
    if (!refused.delete(name)) renamed++;
    refused.set(name, index);
    dropOldest(refused);
  }
}

/** Each is tried where the one before it is refused: `Ana`, `Ana 4f21`, `viewer 4f21aa`. */
function guestNamesOf(recorded: string): readonly string[] {
  const name = prepareName(recorded);
  const short = prepareName(cutAt(name, NAME_CODE_POINTS_MAX - MARK_CHARACTERS - 1));
  const mark = hashOf(recorded, MARK_CHARACTERS);
  return [name, `${short} ${mark}`, `viewer ${hashOf(recorded, MARK_CHARACTERS + 2)}`];
}

/** A refusal of the name, not of guests. */
function concernsName({ status, code }: RefusedError): boolean {
  return status === 400 || code === "name-taken";
}

/** One member for all, with the author's name before the text. */
export function oneAuthor(token: string): Authors {
  return {
    way: "all comments as the token's member, with the author's name before the text",
    author: async (name) => ({ token, prefix: `${prepareName(name)}: ` }),
    rename: async () => undefined,
    renamed: () => 0,
  };
}

function hashOf(text: string, characters: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, characters);
}

function createMemory(make: (name: string, role: RecordedRole) => Promise<Author>) {
  const known = new Map<string, Author>();
  return {
    async author(name: string, role: RecordedRole) {
      const key = `${role} ${name}`;
      const author = known.get(key) ?? (await make(name, role));
      // The longest unused one goes first: a Map keeps the order of insertion.
      known.delete(key);
      known.set(key, author);
      dropOldest(known);
      return author;
    },
    forget: (name: string, role: RecordedRole) => void known.delete(`${role} ${name}`),
  };
}

function dropOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > AUTHORS_MAX && oldest !== undefined) map.delete(oldest);
}
