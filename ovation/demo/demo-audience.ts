/**
 * `--demo`: videos, their hosts and an audience, so that the page is alive when it opens. They use
 * the public API and real connections only, from the same process or any other.
 */

import type { Clock } from "@ovation/protocol";
import type { TokenClaims } from "../tokens/mod.ts";
import { createDemoApi } from "./demo-api.ts";
import { gatherPeople, type Member, type Person } from "./demo-people.ts";
import { Room } from "./demo-room.ts";
import { DEMO_VIDEOS, type DemoVideo } from "./demo-script.ts";
import { SEED_COMMENTS, VIEWERS_DEFAULT, VIEWERS_MAX } from "./limits.ts";
import { createWriter } from "./writer.ts";

export interface DemoOptions {
  /** The server, for example `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Default: {@link DEMO_VIDEOS}. */
  readonly videos?: readonly DemoVideo[];
  /** Of all videos together. Default 40. */
  readonly viewers?: number;
  readonly random: () => number;
  readonly clock: Clock;
  /** A token with these claims, valid as long as the demo runs. */
  sign(claims: TokenClaims): Promise<string>;
  /** Called for every request that was refused or failed; the demo continues. */
  onTrouble?(what: string): void;
}

export interface Demo {
  /** Ends all connections and timers. */
  stop(): void;
}

/**
 * Resolves when the pages have something to show; the audience then continues until it is
 * stopped.
 */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const videos = options.videos ?? DEMO_VIDEOS;
  const viewers = Math.min(VIEWERS_MAX, options.viewers ?? VIEWERS_DEFAULT);
  const api = createDemoApi({
    url: options.url,
    onTrouble: options.onTrouble ?? (() => undefined),
  });
  const people = gatherPeople(viewers, options.random);
  const rooms: Room[] = [];

  const asMember = async (person: Person): Promise<Member> => ({
    ...person,
    token: await options.sign({ sub: person.id, name: person.name, role: "member" }),
  });

  let taken = 0;
  const seeding = videos.map(async (video) => {
    const count = Math.max(1, Math.round(viewers * video.share));
    const crowd = people.slice(taken, taken + count);
    taken += count;
    const host = await hostOf(video, options);
    await api.describe(
      video.id,
      {
        title: video.title,
        description: video.description,
        live: true,
        media: video.media,
        poster: video.poster,
      },
      host.token,
    );
    const room = new Room({
      url: options.url,
      video,
      host,
      people: await Promise.all(crowd.map(asMember)),
      api,
      writer: createWriter(options.random),
      clock: options.clock,
      random: options.random,
    });
    rooms.push(room);
    room.open(1_000);
    // What an earlier run left is as good.
    const wanted = video.eventful ? SEED_COMMENTS : Math.ceil(SEED_COMMENTS / 4);
    if ((await api.countComments(video.id)) < wanted) await room.seed(wanted);
    room.start();
  });
  await Promise.all(seeding);

  return {
    stop() {
      for (const room of rooms) room.stop();
    },
  };
}

async function hostOf(video: DemoVideo, { sign }: DemoOptions): Promise<Member> {
  const id = `demo.host.${video.id}`;
  const token = await sign({
    sub: id,
    name: video.host,
    role: "member",
    roles: { [video.id]: "host" },
  });
  return { id, name: video.host, language: "en", talk: 0, thumb: 0, regular: true, token };
}
