/** Who says what, when, and to whom: the talk of one room. Also answers real people who join it. */

import { type Clock, LIKES_PER_REQUEST_MAX } from "@ovation/protocol";
import type { DemoApi } from "./demo-api.ts";
import { HOST, type Question } from "./demo-host.ts";
import type { Member } from "./demo-people.ts";
import type { DemoVideo } from "./demo-script.ts";
import type { Occasion } from "./demo-texts.ts";
import { pick } from "./grammar.ts";
import {
  PAUSE_PER_PERSON_MS,
  RECENT_COMMENTS_MAX,
  SEED_COMMENTS_PER_PERSON,
  SEED_PARALLEL,
  STRANGER_ANSWER_EVERY_MS,
  STRANGERS_KNOWN_MAX,
} from "./limits.ts";
import { unawaited } from "./unawaited.ts";
import type { Writer } from "./writer.ts";

export interface ConversationOptions {
  readonly video: DemoVideo;
  readonly host: Member;
  readonly api: DemoApi;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly random: () => number;
  /** Who is in the room now. */
  here(): readonly Member[];
  later(ms: number, run: () => void): void;
}

export interface Conversation {
  /**
   * A member of the audience says something that fits; `excited` is 1 at the height of a moment, 0
   * in calm.
   */
  somebodySpeaks(excited: number, about: "burst" | "cheer"): void;
  arrived(member: Member): void;
  leaving(member: Member): void;
  hostSays(lines: readonly string[]): Promise<void>;
  pin(lines: readonly string[]): Promise<void>;
  /** The `data:` of a comment event. */
  heard(data: string): void;
  seed(comments: number, people: readonly Member[]): Promise<void>;
}

interface Said {
  readonly seq: number;
  readonly name: string;
  readonly id: string;
  /** Something to agree with: not a question, not a cry. */
  readonly thought: boolean;
}

/** How often each occasion comes up in calm talk. */
const CALM: readonly (readonly [Occasion | "question", number])[] = [
  ["idle", 46],
  ["short", 18],
  ["question", 9],
  ["agree", 14],
  ["hello", 3],
  ["long", 4],
];

export function createConversation(options: ConversationOptions): Conversation {
  const { video, host, api, writer, clock, random, later } = options;
  /** The newest last. */
  const recent: Said[] = [];
  const spokeAt = new Map<string, number>();
  /** Real people, and when they were last answered. */
  const strangers = new Map<string, number>();

  async function post(
    member: Member,
    text: string,
    about: { readonly replyTo?: number; readonly thought?: boolean } = {},
  ): Promise<number | undefined> {
    spokeAt.set(member.id, clock.now());
    const seq = await api.comment(video.id, text, member.token, about.replyTo);
    if (seq !== undefined)
      remember({ seq, name: member.name, id: member.id, thought: about.thought === true });
    return seq;
  }

  function remember(said: Said): void {
    recent.push(said);
    if (recent.length > RECENT_COMMENTS_MAX) recent.shift();
  }

  async function speak(member: Member, wanted: Occasion | "question"): Promise<void> {
    // What takes many words is said in one's own language.
    const occasion =
      member.language !== "en" && (wanted === "long" || wanted === "question") ? "idle" : wanted;
    if (occasion === "question") {
      const { text, question } = writer.ask();
      const seq = await post(member, text);
      if (seq !== undefined) letSomebodyAnswer(seq, member.id, question);
      return;
    }
    const partner = occasion === "agree" ? pickPartner(member) : undefined;
    if (partner === undefined) {
      const alone = occasion === "agree" ? "short" : occasion;
      await post(member, writer.write(member, alone), {
        thought: alone === "idle" || alone === "long",
      });
      return;
    }
    const text = writer.write(member, "agree");
    // Some use the reply button, some write the name, as people do.
    if (random() < 0.6) await post(member, text, { replyTo: partner.seq });
    else await post(member, `@${partner.name} ${text}`);
  }

  function pickPartner(member: Member): Said | undefined {
    const others = recent.slice(-10).filter((said) => said.thought && said.id !== member.id);
    return others.length === 0 ? undefined : pick(others, random);
  }

  /** Without a foreseen question, an author says something kind. */
  function letSomebodyAnswer(seq: number, askedBy: string, question?: Question): void {
    later(3500 + random() * 7000, () => {
      const helpers = options.here().filter((member) => member.regular && member.id !== askedBy);
      const member = random() < 0.45 || helpers.length === 0 ? host : pick(helpers, random);
      const lines = member === host ? (question?.host ?? HOST.answer) : question?.regular;
      unawaited(
        post(member, lines === undefined ? writer.write(member, "answer") : writer.say(lines), {
          replyTo: seq,
        }),
      );
    });
  }

  /**
   * A visitor wrote: greet them the first time, answer now and then
   * afterwards.
   */
  function answerStranger(said: Said, isQuestion: boolean): void {
    const now = clock.now();
    const answeredAt = strangers.get(said.id);
    if (
      answeredAt !== undefined &&
      (now - answeredAt < STRANGER_ANSWER_EVERY_MS || random() < 0.35)
    )
      return;
    strangers.delete(said.id);
    strangers.set(said.id, now);
    if (strangers.size > STRANGERS_KNOWN_MAX) {
      const [oldest] = strangers.keys();
      if (oldest !== undefined) strangers.delete(oldest);
    }
    if (isQuestion) {
      letSomebodyAnswer(said.seq, said.id);
      return;
    }
    later(1500 + random() * 2500, () => {
      const regulars = options.here().filter((member) => member.regular);
      const member = regulars.length === 0 || random() < 0.3 ? host : pick(regulars, random);
      const text =
        answeredAt !== undefined
          ? writer.write(member, "agree")
          : member === host
            ? writer.say(HOST.welcome, said.name)
            : writer.write(member, "welcome", said.name);
      unawaited(post(member, text, { replyTo: said.seq }));
    });
  }

  async function hostSays(lines: readonly string[]): Promise<void> {
    await post(host, writer.say(lines));
  }

  async function pin(lines: readonly string[]): Promise<void> {
    const seq = await post(host, writer.say(lines));
    if (seq !== undefined) await api.pin(video.id, seq, host.token);
  }

  return {
    somebodySpeaks(excited, about) {
      const now = clock.now();
      const ready = options
        .here()
        .filter(
          (member) => member.talk > 0 && now - (spokeAt.get(member.id) ?? 0) >= PAUSE_PER_PERSON_MS,
        );
      const member = pickWeighted(
        ready.map((each) => [each, each.talk] as const),
        random,
      );
      if (member === undefined) return;
      const occasion =
        random() < excited
          ? pickWeighted(
              [
                [about, 64],
                ["short", 24],
                ["agree", 12],
              ] as const,
              random,
            )
          : pickWeighted(CALM, random);
      unawaited(speak(member, occasion ?? "short"));
    },

    arrived: (member) => unawaited(post(member, writer.write(member, "hello"))),
    leaving: (member) => unawaited(post(member, writer.write(member, "bye"))),
    hostSays,
    pin,

    heard(data) {
      const comment = readComment(data);
      if (comment === undefined || comment.id.startsWith("demo.")) return;
      const isQuestion = /[?？؟]\s*$/.test(comment.text);
      const said = { seq: comment.seq, name: comment.name, id: comment.id, thought: !isQuestion };
      remember(said);
      answerStranger(said, isQuestion);
    },

    async seed(comments, people) {
      // As many as one request takes, from each.
      await Promise.all(
        people.map((member) =>
          api.like(video.id, "like", Math.ceil(member.thumb * LIKES_PER_REQUEST_MAX), member.token),
        ),
      );
      await pin(HOST.pinned);
      const talkers = people.filter((member) => member.talk > 0);
      if (talkers.length === 0) return;
      // In a small room fewer: the rate limit of a member holds here too.
      const wanted = Math.min(comments, 1 + talkers.length * SEED_COMMENTS_PER_PERSON);
      for (let done = 1; done < wanted; done += SEED_PARALLEL) {
        const wave = Array.from(
          { length: Math.min(SEED_PARALLEL, wanted - done) },
          async (_, index) => {
            const number = done + index;
            // In turn: no author writes much in a short time, and every author appears.
            const member = talkers[number % talkers.length];
            if (member === undefined) return;
            if (number === 9) await hostSays(HOST.moment.track);
            else if (number === 27) await hostSays(HOST.moment.thanks);
            else
              await speak(
                member,
                number < talkers.length && number % 4 === 1
                  ? "hello"
                  : (pickWeighted(CALM, random) ?? "idle"),
              );
          },
        );
        await Promise.all(wave);
      }
      // No author waits because of comments from before the page opened.
      spokeAt.clear();
    },
  };
}

function pickWeighted<Item>(
  items: readonly (readonly [Item, number])[],
  random: () => number,
): Item | undefined {
  let left = random() * items.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [item, weight] of items) {
    left -= weight;
    if (left <= 0) return item;
  }
  return items.at(-1)?.[0];
}

interface HeardComment {
  readonly seq: number;
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** What the room needs of a comment event; undefined where it is removed. */
function readComment(data: string): HeardComment | undefined {
  const event = JSON.parse(data) as {
    seq?: number;
    data?: { text?: string; author?: { id?: string; name?: string } };
  };
  const { text, author } = event.data ?? {};
  if (event.seq === undefined || !text || author?.id === undefined) return undefined;
  return { seq: event.seq, id: author.id, name: author.name ?? author.id, text };
}
