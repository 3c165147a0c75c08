/**
 * Bits that flip and files that are cut short in videos.sqlite and members.sqlite: what is read is
 * what was written, or the row or the file is refused by name.
 */

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OnDamage } from "@ovation/database";
import {
  DatabaseDamagedError,
  DatabaseUnavailableError,
  DatabaseUnusableError,
  ROW_PROBLEMS_MAX,
  SQLITE_CHECK_BYTES_MAX,
  verifyRows,
} from "@ovation/database";
import {
  cuts,
  type Damage,
  flips,
  type Image,
  imageOf,
  placeImage,
  withFile,
} from "../../log/testing/damage.ts";
import { openSqliteMemberStores } from "../members/member-stores-sql.ts";
import { openSqliteVideoStore } from "../videos/video-store-sql.ts";

setDefaultTimeout(120_000);

const IDS = Array.from({ length: 60 }, (_, n) => `v${String(n).padStart(3, "0")}`);
const NOW = 1_700_000_000_000;
let directory: string;
let cases = 0;

/** What a store answers about one id, question by question. */
type Answers = (
  ask: (what: string, read: () => Promise<unknown>) => Promise<void>,
) => Promise<void>;
interface Subject {
  readonly name: string;
  write(path: string): Promise<void>;
  read(path: string, onDamage: OnDamage, ask: Parameters<Answers>[0]): Promise<void>;
}

const VIDEOS: Subject = {
  name: "videos",
  async write(path) {
    const store = openSqliteVideoStore({ path });
    for (const [n, id] of IDS.entries()) {
      await store.put(id, { title: `Title of ${id}`, closed: n % 3 === 0 }, NOW + n);
      await store.count(id, { after: 0, upTo: n + 2, comments: n + 1 }, NOW + n);
    }
    const likes = IDS.map((id, n) => ({ id, likes: { like: n + 1, love: 1_000 + n } }));
    await store.addLikes(likes, NOW, { writer: "w", number: 1 });
    await store.close();
  },
  async read(path, onDamage, ask) {
    const store = openSqliteVideoStore({ path, onDamage });
    for (const id of IDS) await ask(id, () => store.read([id]));
    await store.close();
  },
};

const MEMBERS: Subject = {
  name: "members",
  async write(path) {
    const { members, blocks, sanctions, inboxes, conversations, addresses, close } =
      openSqliteMemberStores({ path });
    for (const [n, id] of IDS.entries()) {
      await members.remember([{ id, name: `Name of ${id}`, role: "member" }], NOW);
      await members.claimGuest(`guest ${id}`, id, NOW);
      await blocks.set("ana", id, true);
      await inboxes.setOpen(id, n % 2 === 0);
      await addresses.note(id, `hash of ${id}`, NOW);
      await addresses.put({ address: `hash ${id}`, video: "", guest: id, until: NOW + 50_000 });
      const sanction = { member: id, video: "", kind: "ban" as const, until: NOW + 60_000 + n };
      await sanctions.put({ ...sanction, reason: `because of ${id}`, at: NOW, by: "moderator" });
      const message = { from: "ana", to: id, number: n + 1, at: NOW + n };
      await conversations.record({ ...message, text: `how are you, ${id}?` });
    }
    await close();
  },
  async read(path, onDamage, ask) {
    const { members, blocks, sanctions, inboxes, conversations, addresses, close } =
      openSqliteMemberStores({ path, onDamage });
    for (const id of IDS) {
      await ask(`profile ${id}`, async () => [...(await members.profiles([id]))]);
      await ask(`owner ${id}`, async () => [...(await members.ownersOf([`guest ${id}`]))]);
      await ask(`block ${id}`, () => blocks.between("ana", id));
      await ask(`inbox ${id}`, () => inboxes.isOpen(id));
      await ask(`address ${id}`, () => addresses.addressOf(id, NOW - 1));
      await ask(`freedom ${id}`, () => addresses.of(`hash ${id}`, NOW));
      await ask(`sanction ${id}`, () => sanctions.of(id, NOW));
      await ask(`talk ${id}`, () => conversations.find(id, "ana"));
    }
    await close();
  },
};

/** What is answered when nothing is damaged. */
async function truthOf(subject: Subject, path: string): Promise<ReadonlyMap<string, string>> {
  const truth = new Map<string, string>();
  await subject.read(
    path,
    (what) => void truth.set("damage", what),
    async (what, read) => void truth.set(what, JSON.stringify(await read()) ?? "nothing"),
  );
  return truth;
}

interface Written {
  readonly image: Image;
  readonly truth: ReadonlyMap<string, string>;
}
const written = new Map<Subject, Written>();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ovation-stores-damage-"));
  for (const subject of [VIDEOS, MEMBERS]) {
    const path = join(directory, `${subject.name}.sqlite`);
    await subject.write(path);
    const image = imageOf(subject.name, path);
    written.set(subject, { image, truth: await truthOf(subject, path) });
  }
});
afterAll(() => rmSync(directory, { recursive: true }));

function of(subject: Subject): Written {
  const found = written.get(subject);
  if (found === undefined) throw new Error(`${subject.name} were not written`);
  return found;
}

interface Outcome {
  readonly faults: readonly string[];
  /** Rows or files that were refused. */
  readonly refused: number;
  readonly served: number;
}

async function outcomeOf(subject: Subject, { what, image }: Damage): Promise<Outcome> {
  const place = join(directory, `case ${++cases}`);
  const path = placeImage(image, place, `${subject.name}.sqlite`);
  const { truth } = of(subject);
  const faults: string[] = [];
  const said: string[] = [];
  let [refused, served] = [0, 0];
  try {
    await subject.read(
      path,
      (damage) => void said.push(damage),
      async (question, read) => {
        try {
          const answer = JSON.stringify(await read()) ?? "nothing";
          served++;
          if (answer !== truth.get(question))
            faults.push(`${what}: ${question} is ${answer.slice(0, 200)}`);
        } catch (error) {
          refused++;
          const isNamed = error instanceof DatabaseUnavailableError && error.message.includes(path);
          const isSaid = !(error instanceof DatabaseDamagedError) || said.at(-1)?.includes(path);
          if (!isNamed || isSaid === false) faults.push(`${what}: ${question}: ${error}`);
        }
      },
    );
  } catch (error) {
    refused++;
    const isNamed = error instanceof DatabaseUnusableError && error.message.includes(path);
    const isAway = error instanceof DatabaseUnavailableError;
    if (!isNamed && !isAway)
      faults.push(`${what}: ${error instanceof Error ? error.stack : error}`);
  }
  rmSync(place, { recursive: true });
  return { faults, refused, served };
}

async function expectHonest(subject: Subject, damages: Iterable<Damage>): Promise<void> {
  const faults: string[] = [];
  let [count, refused] = [0, 0];
  for (const damage of damages) {
    const outcome = await outcomeOf(subject, damage);
    faults.push(...outcome.faults);
    refused += outcome.refused > 0 ? 1 : 0;
    count++;
  }
  expect(faults.slice(0, 5)).toEqual([]);
  expect(count).toBeGreaterThan(5);
  expect(refused).toBeGreaterThan(0);
}

for (const subject of [VIDEOS, MEMBERS]) {
  describe(`${subject.name}: what was written, or refused by name`, () => {
    test("undamaged, all of it is served", async () => {
      const { image } = of(subject);
      const { faults, refused, served } = await outcomeOf(subject, { what: "whole", image });
      expect([faults, refused]).toEqual([[], 0]);
      expect(served).toBe(of(subject).truth.size);
    });
    test("bits of the file", () => expectHonest(subject, flips(of(subject).image, "", 300)));
    test("the file cut short", () => expectHonest(subject, cuts(of(subject).image, "", 60)));
    test("pages of zeros, as of a write that was lost", () =>
      expectHonest(subject, pagesOfZeros(of(subject).image)));
  });
}

function* pagesOfZeros(image: Image): Generator<Damage> {
  const bytes = image.files.get("") ?? Buffer.alloc(0);
  for (let at = 0; at < bytes.length; at += 4_096) {
    const damaged = Buffer.from(bytes);
    damaged.fill(0, at, at + 4_096);
    yield { what: `zeros from byte ${at}`, image: withFile(image, "", damaged) };
  }
}

/** Changes the value of a column behind the store's back, as a bit that flips does. */
function damage(path: string, statement: string): void {
  const database = new Database(path);
  database.run(statement);
  database.close();
}

function place(subject: Subject, name: string): string {
  return placeImage(of(subject).image, join(directory, name), `${subject.name}.sqlite`);
}

describe("a damaged row", () => {
  test("of a video: it is refused and named, and all others are served", async () => {
    const path = place(VIDEOS, "title");
    damage(path, "UPDATE ovation_videos SET title = 'Another' WHERE id = 'v007'");
    const said: string[] = [];
    const store = openSqliteVideoStore({ path, onDamage: (what) => void said.push(what) });
    const named = `${path} is damaged: the row ovation_videos "v007" is not what was written`;
    await expect(store.read(["v007"])).rejects.toThrow(named);
    await expect(store.put("v007", { title: "mine" }, NOW)).rejects.toThrow(DatabaseDamagedError);
    expect(said).toEqual([named, named]);
    expect((await store.read(["v008"]))[0]?.title).toBe("Title of v008");
    const listed = (await store.list(100)).map(({ id }) => id);
    expect(listed).toHaveLength(IDS.length - 1);
    expect(listed).not.toContain("v007");
    await store.close();
  });

  test("of likes: more likes give it no new checksum, others are stored", async () => {
    const path = place(VIDEOS, "likes");
    damage(path, "UPDATE ovation_likes SET n = n + 65536 WHERE video = 'v003' AND kind = 'like'");
    damage(path, "UPDATE ovation_videos SET comments = 9 WHERE id = 'v005'");
    const store = openSqliteVideoStore({ path });
    const one = (id: string) => ({ id, likes: { like: 1 } });
    const changes = ["v002", "v003", "v004", "v005", "new"].map(one);
    const flush = { writer: "x", number: 1 };
    const totals = await store.addLikes(changes, NOW, flush);
    expect(totals.map((total) => total?.like)).toEqual([4, undefined, 6, undefined, 1]);
    expect((await store.addLikes(changes, NOW, flush))[0]?.like).toBe(4);
    await expect(store.read(["v003"])).rejects.toThrow('ovation_likes "v003" "like"');
    await expect(store.read(["v005"])).rejects.toThrow(DatabaseDamagedError);
    const listed = (await store.list(100)).map(({ id }) => id);
    expect(listed).toContain("v002");
    expect(listed).not.toContain("v003");
    await store.close();
  });

  test("of a sanction: its member is not let off; a new sanction repairs it", async () => {
    const path = place(MEMBERS, "sanction");
    damage(path, "UPDATE ovation_sanctions SET until_at = 1 WHERE member = 'v001'");
    const stores = openSqliteMemberStores({ path });
    await expect(stores.sanctions.of("v001", NOW)).rejects.toThrow(DatabaseDamagedError);
    const ban = { member: "v001", video: "", kind: "ban" as const, until: null };
    await stores.sanctions.put({ ...ban, reason: "again", at: NOW, by: "moderator" });
    expect((await stores.sanctions.of("v001", NOW))[0]?.reason).toBe("again");
    await stores.close();
  });

  test("of a profile: refused where it decides, left out of names, then repaired", async () => {
    const path = place(MEMBERS, "profile");
    damage(path, "UPDATE ovation_members SET role = 'host' WHERE id = 'v001'");
    const { members, close } = openSqliteMemberStores({ path });
    await expect(members.profiles(["v001"])).rejects.toThrow(DatabaseDamagedError);
    expect([...(await members.profiles(["v001", "v002"], "leave out")).keys()]).toEqual(["v002"]);
    expect(await members.staff(10)).toEqual([]);
    await members.remember([{ id: "v001", name: "One", role: "member" }], NOW);
    expect((await members.profiles(["v001"])).get("v001")?.name).toBe("One");
    await close();
  });

  test("of a conversation: cursors and messages give it no new checksum", async () => {
    const path = place(MEMBERS, "conversation");
    damage(path, "UPDATE ovation_conversations SET seen = 9 WHERE member = 'v001'");
    const { conversations, close } = openSqliteMemberStores({ path });
    const cursors = { seen: 2, delivered: 2 };
    await expect(conversations.advance("v001", "ana", cursors)).rejects.toThrow(
      DatabaseDamagedError,
    );
    const message = { from: "v001", to: "ana", number: 9, at: NOW, text: "hello" };
    await expect(conversations.record(message)).rejects.toThrow(DatabaseDamagedError);
    await expect(conversations.find("v001", "ana")).rejects.toThrow(DatabaseDamagedError);
    expect(await conversations.list("v001", 10)).toEqual([]);
    expect((await conversations.find("v002", "ana"))?.lastText).toBe("how are you, v002?");
    await close();
  });
});

describe("the write-ahead log of a store", () => {
  const crashed = async (): Promise<Image> => {
    const path = place(VIDEOS, `crash ${++cases}`);
    const store = openSqliteVideoStore({ path });
    for (const id of IDS) await store.put(id, { title: `Second title of ${id}` }, NOW);
    const image = imageOf("crashed", path);
    await store.close();
    return image;
  };
  const titlesOf = async (image: Image) => {
    const said: string[] = [];
    const path = placeImage(image, join(directory, `wal ${++cases}`), "videos.sqlite");
    const store = openSqliteVideoStore({ path, onDamage: (what) => void said.push(what) });
    const titles = (await store.read(IDS)).map((video) => video?.title);
    await store.close();
    return { path, titles, said };
  };

  test("that is whole is read, and nothing is said", async () => {
    const { titles, said } = await titlesOf(await crashed());
    expect(titles).toEqual(IDS.map((id) => `Second title of ${id}`));
    expect(said).toEqual([]);
  });

  test("with a flipped bit, or cut short: what came before stands, the loss is named", async () => {
    const image = await crashed();
    const wal = image.files.get("-wal") as Buffer;
    const flipped = Buffer.from(wal);
    flipped[Math.floor(wal.length / 2)] = (flipped[Math.floor(wal.length / 2)] ?? 0) ^ 4;
    for (const bytes of [flipped, wal.subarray(0, wal.length / 3), Buffer.alloc(0)]) {
      const { path, titles, said } = await titlesOf(withFile(image, "-wal", bytes));
      expect(said).toHaveLength(1);
      expect(said[0]).toStartWith(`${path} lost its last changes: `);
      const first = titles.findIndex((title, n) => title === `Title of ${IDS[n]}`);
      expect(first).toBeGreaterThanOrEqual(0);
      const expected = IDS.map((id, n) => `${n < first ? "Second title" : "Title"} of ${id}`);
      expect(titles).toEqual(expected);
    }
  });
});

test("a file without checksums gets them; the version before refuses it then", async () => {
  const path = place(VIDEOS, "before");
  const database = new Database(path);
  const tables = ["ovation_videos", "ovation_likes", "ovation_like_writers"];
  for (const table of tables) database.run(`ALTER TABLE ${table} DROP COLUMN checksum`);
  const { user_version: version } = database.query("PRAGMA user_version").get() as {
    user_version: number;
  };
  expect(version).toBeGreaterThan(1_000);
  database.run(`PRAGMA user_version = ${version - 1_000}`);
  database.close();
  const truth = of(VIDEOS).truth;
  expect(await truthOf(VIDEOS, path)).toEqual(truth);
  damage(path, "UPDATE ovation_videos SET poster = 'x' WHERE id = 'v000'");
  const store = openSqliteVideoStore({ path });
  await expect(store.read(["v000"])).rejects.toThrow(DatabaseDamagedError);
  await store.close();
  expect(existsSync(path)).toBe(true);
});

test("verifyRows lists ROW_PROBLEMS_MAX problems; more are counted", async () => {
  const path = place(VIDEOS, "verify");
  const whole = verifyRows(path);
  // Videos, two kinds of likes of each, one writer of likes.
  expect(whole).toEqual({ rows: 3 * IDS.length + 1, problems: [], problemCount: 0 });
  damage(path, "UPDATE ovation_likes SET n = n + 1");
  damage(path, "UPDATE ovation_like_writers SET number = 0");
  const { problems, problemCount } = verifyRows(path);
  expect(problems).toHaveLength(ROW_PROBLEMS_MAX);
  expect(problemCount).toBe(2 * IDS.length + 1);
  expect(problems[0]).toBe('the row ovation_like_writers "w" is not what was written');
  truncateSync(path, 6 * 4_096);
  expect(verifyRows(path).problemCount).toBeGreaterThan(0);
});

test("SQLITE_CHECK_BYTES_MAX: a larger file is opened without a look at all of it", () => {
  const { image } = of(VIDEOS);
  const path = placeImage(image, join(directory, "large"), "store.sqlite");
  truncateSync(path, (image.files.get("") as Buffer).length - 4_096);
  expect(() => openSqliteVideoStore({ path })).toThrow(DatabaseUnusableError);
  const large = placeImage(image, join(directory, "larger"), "store.sqlite");
  truncateSync(large, SQLITE_CHECK_BYTES_MAX + 4_096);
  expect(() => openSqliteVideoStore({ path: large })).not.toThrow();
});
