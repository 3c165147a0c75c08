/**
 * What the write path checks of an author, cached for a second: sanctions, and whether a guest has
 * become a member. It also records name and role of each author by the token, for the inbox and for
 * the rules of who may write to whom.
 */

import { DatabaseUnavailableError } from "@ovation/database";
import {
  Cache,
  type Clock,
  type Identity,
  LoadingCache,
  Problem,
  type Role,
  type StaffMember,
} from "@ovation/protocol";
import {
  ADDRESS_NOTE_MS,
  MEMBER_AGE_MS,
  MEMBERS_KEPT_MAX,
  PROFILE_AGE_MS,
  PROFILE_FLUSH_MS,
  PROFILES_WAITING_MAX,
  SANCTIONS_STALE_MS,
  STAFF_NOTED_MAX,
} from "../limits.ts";
import type { AddressSanction, MemberStores, Profile, Sanction } from "./member-stores.ts";

export interface MemberDirectory {
  /** Throws `timed-out` or `banned`, in the video; without a video, on the whole site. */
  requireUnsanctioned(member: string, video?: string): void | Promise<void>;
  /** The same for guests of an address, by its hash; throws `timed-out`. */
  requireFreeAddress(address: string | undefined, video?: string): void | Promise<void>;
  /** Where the guest or member writes, for a sanction that may come. */
  noteAddress(writer: Identity, address: string | undefined): void;
  /** What was changed for the address in this process counts at once. */
  forgetAddress(address: string): void;
  /** The member that the guest became. */
  ownerOf(guest: string): string | undefined | Promise<string | undefined>;
  /** What changed for the member in this process counts at once. */
  forget(member: string): void;
  note(identity: Identity): void;
  /** The same for hosts and moderators of whom a frontend says that they are connected. */
  noteStaff(member: StaffMember): void;
  /** The role on the site by the last token; undefined for an unknown member. */
  roleOf(member: string): Promise<Role | undefined>;
  /** Writes down who was noted. */
  flush(): Promise<void>;
}

export interface MemberDirectoryOptions {
  readonly stores: MemberStores;
  readonly clock: Clock;
  readonly steady: Clock;
  onFailure(error: unknown): void;
}

export function createMemberDirectory({
  stores,
  clock,
  steady,
  onFailure,
}: MemberDirectoryOptions): MemberDirectory {
  const limits = { ageMs: MEMBER_AGE_MS, entriesMax: MEMBERS_KEPT_MAX };
  // Likes without a token are accepted while the database is unreachable, by the stale value.
  const stale = {
    ms: SANCTIONS_STALE_MS,
    isServedAt: (error: unknown) => error instanceof DatabaseUnavailableError,
  };
  const sanctions = new LoadingCache<readonly Sanction[]>(steady, {
    ...limits,
    load: (member) => stores.sanctions.of(member, clock.now()),
  });
  const owners = new LoadingCache<string | undefined>(steady, {
    ...limits,
    load: async (guest) => (await stores.members.ownersOf([guest])).get(guest),
  });
  const addresses = new LoadingCache<readonly AddressSanction[]>(steady, {
    ...limits,
    load: (address) => stores.addresses.of(address, clock.now()),
    stale,
  });
  /** By identity, as in `createNotes`: forgotten with the token. */
  const notedAddresses = new WeakMap<Identity, { readonly address: string; readonly at: number }>();
  const notes = createNotes(stores, clock, onFailure);

  return {
    requireFreeAddress(address, video) {
      if (address === undefined) return;
      const known = addresses.get(address);
      return known instanceof Promise
        ? known.then((all) => refuseAddress(all, video, clock.now()))
        : refuseAddress(known, video, clock.now());
    },
    noteAddress(writer, address) {
      if (address === undefined) return;
      const at = steady.now();
      const before = notedAddresses.get(writer);
      if (before?.address === address && at - before.at < ADDRESS_NOTE_MS) return;
      notedAddresses.set(writer, { address, at });
      stores.addresses.note(writer.sub, address, clock.now()).catch((error: unknown) => {
        notedAddresses.delete(writer);
        onFailure(error);
      });
    },
    forgetAddress: (address) => addresses.delete(address),
    requireUnsanctioned(member, video) {
      const known = sanctions.get(member);
      return known instanceof Promise
        ? known.then((all) => refuse(all, video, clock.now()))
        : refuse(known, video, clock.now());
    },
    ownerOf: (guest) => owners.get(guest),
    forget(member) {
      sanctions.delete(member);
      owners.delete(member);
    },
    ...notes,
  };
}

function refuse(all: readonly Sanction[], video: string | undefined, now: number): void {
  for (const sanction of all) {
    if (sanction.video !== "" && sanction.video !== video) continue;
    if (sanction.until === null || sanction.until > now) throw problemOf(sanction, now);
  }
}

function refuseAddress(
  all: readonly AddressSanction[],
  video: string | undefined,
  now: number,
): void {
  for (const { video: place, until } of all) {
    if (until <= now || (place !== "" && place !== video)) continue;
    throw new Problem(
      "timed-out",
      "A sanction holds for this address, and guests here wait for its end. Sign in to write",
      { until, retryAfterMs: until - now },
    );
  }
}

function problemOf({ kind, until, reason }: Sanction, now: number): Problem {
  const detail = reason === "" ? undefined : reason;
  const extra = { ...(until === null ? {} : { until }), ...(reason === "" ? {} : { reason }) };
  return kind === "ban"
    ? new Problem("banned", detail, extra)
    : new Problem("timed-out", detail, { ...extra, retryAfterMs: (until ?? now) - now });
}

function createNotes(
  stores: MemberStores,
  clock: Clock,
  onFailure: (error: unknown) => void,
): Pick<MemberDirectory, "note" | "noteStaff" | "roleOf" | "flush"> {
  /** By identity: the verifier caches one object per token. */
  const noted = new WeakMap<Identity, number>();
  /** What was written down of them. */
  const notedStaff = new Cache<string>(clock, {
    ageMs: PROFILE_AGE_MS,
    entriesMax: STAFF_NOTED_MAX,
  });
  let waiting = new Map<string, Profile>();
  /** Taken from those that wait, and not in the store yet. */
  let writingDown = new Map<string, Profile>();
  let scheduled = false;
  let writing: Promise<void> = Promise.resolve();

  function flush(): Promise<void> {
    writing = writing.then(async () => {
      const profiles = [...waiting.values()];
      writingDown = waiting;
      waiting = new Map();
      try {
        await stores.members.remember(profiles, clock.now());
      } catch (error) {
        // They are noted again with their next comment, an hour from now at the latest.
        onFailure(error);
      }
      writingDown = new Map();
    });
    return writing;
  }

  /** False where too many wait: the next one is noted when those are written. */
  function write({ sub: id, name, avatar, role }: StaffMember): boolean {
    if (waiting.size >= PROFILES_WAITING_MAX) return false;
    waiting.set(id, { id, name, ...(avatar === undefined ? {} : { avatar }), role });
    if (scheduled) return true;
    scheduled = true;
    clock.after(PROFILE_FLUSH_MS, () => {
      scheduled = false;
      void flush();
    });
    return true;
  }

  return {
    note(identity) {
      const now = clock.now();
      if (now - (noted.get(identity) ?? Number.NEGATIVE_INFINITY) < PROFILE_AGE_MS) return;
      if (write(identity)) noted.set(identity, now);
    },
    noteStaff(member) {
      const said = `${member.role} ${member.name} ${member.avatar ?? ""}`;
      if (notedStaff.get(member.sub) === said) return;
      if (write(member)) notedStaff.set(member.sub, said);
    },
    async roleOf(member) {
      // Who has just come for the first time is not written down yet.
      const role = waiting.get(member)?.role ?? writingDown.get(member)?.role;
      return role ?? (await stores.members.profiles([member])).get(member)?.role;
    },
    flush,
  };
}
