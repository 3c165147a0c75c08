/**
 * Names that guests may not take: those of hosts and moderators of the site, and in a video those
 * of its own staff and of members that are there.
 *
 * Sources: the staff that this process or the store of members has seen, the members that this
 * process has seen in the video, and the authors of its latest comments. A guest with an earlier
 * comment there keeps the name.
 */

import type { Log } from "@ovation/log";
import {
  Cache,
  type Clock,
  type Identity,
  idOf,
  Problem,
  type Role,
  roleIn,
  type Topic,
} from "@ovation/protocol";
import { commentOf } from "../comment.ts";
import {
  NAMED_AMONG,
  NAMES_FRESH_MS,
  NAMES_HERE_MS,
  NAMES_PER_VIDEO_MAX,
  NAMES_STAFF_MAX,
  NAMES_VIDEOS_MAX,
} from "../limits.ts";
import type { MemberStores } from "../members/member-stores.ts";
import { looksOf } from "./look-alikes.ts";

export interface NameGuard {
  /** The identity is in the video. */
  note(identity: Identity, topic: Topic | undefined): void;
  /** Throws `name-taken` for a look-alike; `guest` is the id of the guest, if it has one. */
  requireFree(name: string, guest: string | undefined, topic: Topic | undefined): Promise<void>;
}

export interface NameGuardOptions {
  readonly log: Log;
  readonly stores: MemberStores | undefined;
  readonly steady: Clock;
  onFailure(error: unknown): void;
}

/** Ids by look of the name; the oldest are evicted first. */
type Names = Map<string, string>;

/** In one video. */
interface Here {
  readonly staff: Names;
  readonly members: Names;
}

type Read = Promise<ReadonlyMap<string, ReadonlySet<string>>>;

export function createNameGuard({ log, stores, steady, onFailure }: NameGuardOptions): NameGuard {
  const staff: Names = new Map();
  const videos = new Cache<Here>(steady, { ageMs: NAMES_HERE_MS, entriesMax: NAMES_VIDEOS_MAX });
  const reads = new Cache<Read>(steady, { ageMs: NAMES_FRESH_MS, entriesMax: NAMES_VIDEOS_MAX });

  function put(names: Names, name: string, id: string, max: number): void {
    const looks = looksOf(name);
    if (names.get(looks[0] ?? "") === id) return;
    for (const look of looks) {
      names.delete(look);
      names.set(look, id);
      dropOldest(names, max);
    }
  }

  function hereOf(topic: Topic): Here {
    const here = videos.get(topic) ?? { staff: new Map(), members: new Map() };
    videos.set(topic, here);
    return here;
  }

  /** At most NAMES_FRESH_MS old. An unreachable database reserves no names. */
  function known(key: string, read: () => Promise<readonly (readonly [string, string])[]>) {
    const before = reads.get(key);
    if (before !== undefined) return before;
    const names = read()
      .then((pairs) => {
        const found = new Map<string, Set<string>>();
        for (const [name, id] of pairs)
          for (const look of looksOf(name)) found.set(look, (found.get(look) ?? new Set()).add(id));
        return found;
      })
      .catch((error: unknown) => {
        onFailure(error);
        return new Map<string, Set<string>>();
      });
    reads.set(key, names);
    return names;
  }

  const readStaff = async () =>
    ((await stores?.members.staff(NAMES_STAFF_MAX)) ?? []).map(
      ({ id, name }) => [name, id] as const,
    );

  return {
    note(identity, topic) {
      const { sub, name, role } = identity;
      if (role === "guest") return;
      if (isStaff(role)) put(staff, name, sub, NAMES_STAFF_MAX);
      if (topic === undefined) return;
      const here = hereOf(topic);
      const isStaffHere = isStaff(roleIn(identity, idOf(topic)));
      put(isStaffHere ? here.staff : here.members, name, sub, NAMES_PER_VIDEO_MAX);
    },

    async requireFree(name, guest, topic) {
      const looks = looksOf(name);
      if (looks.some((look) => staff.has(look))) refuse();
      const ofStaff = await known("", readStaff);
      if (looks.some((look) => ofStaff.has(look))) refuse();
      if (topic === undefined) return;
      if (looks.some((look) => videos.get(topic)?.staff.has(look) === true)) refuse();
      const written = await known(topic, () => readVideo(log, topic));
      const authors = looks.flatMap((look) => [...(written.get(look) ?? [])]);
      if (guest !== undefined && authors.includes(`guest ${guest}`)) return;
      const here = videos.get(topic);
      if (looks.some((look) => here?.members.has(look) === true)) refuse();
      if (authors.some((author) => !author.startsWith("guest "))) refuse();
    },
  };
}

/** Guests too: the first author with a name keeps it. */
async function readVideo(log: Pick<Log, "read">, topic: Topic) {
  const { events } = await log.read(topic, { limit: NAMED_AMONG, types: ["comment"] });
  return events.flatMap((event) => {
    const author = commentOf(event)?.author;
    return author === undefined ? [] : [[author.name, `${author.role} ${author.id}`] as const];
  });
}

function refuse(): never {
  throw new Problem("name-taken", "A name like this one is taken here: choose another");
}

function isStaff(role: Role): boolean {
  return role === "host" || role === "moderator";
}

function dropOldest<Key>(map: Map<Key, unknown>, max: number): void {
  const [oldest] = map.keys();
  if (map.size > max && oldest !== undefined) map.delete(oldest);
}
