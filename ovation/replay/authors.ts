/** Who posts: every author of a recording as a member of their own. */

import { createHash } from "node:crypto";
import type { TokenClaims } from "../tokens/mod.ts";
import type { Api } from "./api.ts";
import { AUTHORS_MAX } from "./limits.ts";
import type { RecordedRole } from "./recording.ts";
import { prepareName } from "./text.ts";

/** Signs with the server's secret. */
export type SignToken = (claims: TokenClaims) => Promise<string>;

export interface Author {
  readonly token: string;
  /** Stands before the text where many authors share one member. */
  readonly prefix: string;
}

export interface Authors {
  author(name: string, role: RecordedRole): Promise<Author>;
  /** How they are let in, for people. */
  readonly way: string;
}

/** Signed members: the same author is the same member in every replay, and moderators are moderators. */
export function signedAuthors(sign: SignToken, videoId: string): Authors {
  return {
    way: "each author as a member, with a signed token",
    author: remember(async (name, role) => {
      const sub = `replay.${createHash("sha256").update(name).digest("hex").slice(0, 16)}`;
      const roles = role === "member" ? {} : { [videoId]: role };
      return {
        token: await sign({ sub, name: prepareName(name), role: "member", roles }),
        prefix: "",
      };
    }),
  };
}

/** Guests, as a viewer without an account is one. */
export function guestAuthors(api: Api): Authors {
  return {
    way: "each author as a guest",
    author: remember(async (name) => ({ token: await api.guest(prepareName(name)), prefix: "" })),
  };
}

/** One member for all, with the author's name before the text. */
export function oneAuthor(token: string): Authors {
  return {
    way: "all comments as the token's member, with the author's name before the text",
    author: async (name) => ({ token, prefix: `${prepareName(name)}: ` }),
  };
}

function remember(make: (name: string, role: RecordedRole) => Promise<Author>): Authors["author"] {
  const known = new Map<string, Author>();
  return async (name, role) => {
    const key = `${role} ${name}`;
    const author = known.get(key) ?? (await make(name, role));
    // The longest unused one goes first: a Map keeps the order of insertion.
    known.delete(key);
    known.set(key, author);
    if (known.size > AUTHORS_MAX) {
      const [oldest] = known.keys();
      if (oldest !== undefined) known.delete(oldest);
    }
    return author;
  };
}
