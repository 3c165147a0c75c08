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
  VISITOR_ANSWER_EVERY_MS,
  VISITORS_KNOWN_MAX,
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

export class Conversation {
  readonly #options: ConversationOptions;
  /** The newest last. */
  readonly #recent: Said[] = [];
  readonly #spokeAt = new Map<string, number>();
  /** Visitors, and when they were last answered. */
  readonly #visitors = new Map<string, number>();

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  /**
   * A member of the audience says something that fits; `excited` is 1 at the height of a moment, 0
   * in calm.
   */
  speak(excited: number, about: "burst" | "cheer"): void {
    const { here, clock, random } = this.#options;
    const now = clock.now();
    const isReady = ({ talk, id }: Member) =>
      talk > 0 && now - (this.#spokeAt.get(id) ?? 0) >= PAUSE_PER_PERSON_MS;
    const ready = here().filter(isReady);
    const member = pickWeighted(
      ready.map((each) => [each, each.talk] as const),
      random,
    );
    if (member === undefined) return;
    const occasions = random() < excited ? excitedOccasions(about) : CALM;
    unawaited(this.#speakAs(member, pickWeighted(occasions, random) ?? "short"));
  }

  arrived(member: Member): void {
    unawaited(this.#post(member, this.#options.writer.write(member, "hello")));
  }

  leaving(member: Member): void {
    unawaited(this.#post(member, this.#options.writer.write(member, "bye")));
  }

  async hostSays(lines: readonly string[]): Promise<void> {
    await this.#post(this.#options.host, this.#options.writer.say(lines));
  }

  async pin(lines: readonly string[]): Promise<void> {
    const { video, host, api, writer } = this.#options;
    const seq = await this.#post(host, writer.say(lines));
    if (seq !== undefined) await api.pin(video.id, seq, host.token);
  }

  /** `data` is the `data:` of a comment event. */
  heard(data: string): void {
    const comment = readComment(data);
    if (comment === undefined || comment.id.startsWith("demo.")) return;
    const isQuestion = /[?？؟]\s*$/.test(comment.text);
    const said = { seq: comment.seq, name: comment.name, id: comment.id, thought: !isQuestion };
    this.#remember(said);
    this.#answerVisitor(said, isQuestion);
  }

  async seed(comments: number, people: readonly Member[]): Promise<void> {
    const { video, api } = this.#options;
    // As many as one request takes, from each.
    await Promise.all(
      people.map((member) =>
        api.like(video.id, "like", Math.ceil(member.thumb * LIKES_PER_REQUEST_MAX), member.token),
      ),
    );
    await this.pin(HOST.pinned);
    const talkers = people.filter((member) => member.talk > 0);
    if (talkers.length === 0) return;
    // In a small room fewer: the rate limit of a member holds here too.
    const wanted = Math.min(comments, 1 + talkers.length * SEED_COMMENTS_PER_PERSON);
    for (let done = 1; done < wanted; done += SEED_PARALLEL) {
      const length = Math.min(SEED_PARALLEL, wanted - done);
      await Promise.all(
        Array.from({ length }, (_, index) => this.#seedComment(done + index, talkers)),
      );
    }
    // No author waits because of comments from before the page opened.
    this.#spokeAt.clear();
  }

  async #seedComment(number: number, talkers: readonly Member[]): Promise<void> {
    // In turn: no author writes much in a short time, and every author appears.
    const member = talkers[number % talkers.length];
    if (member === undefined) return;
    if (number === 9) return this.hostSays(HOST.moment.track);
    if (number === 27) return this.hostSays(HOST.moment.thanks);
    const isFirst = number < talkers.length && number % 4 === 1;
    const calm = pickWeighted(CALM, this.#options.random) ?? "idle";
    await this.#speakAs(member, isFirst ? "hello" : calm);
  }

  async #post(
    member: Member,
    text: string,
    about: { readonly replyTo?: number; readonly thought?: boolean } = {},
  ): Promise<number | undefined> {
    const { video, api, clock } = this.#options;
    this.#spokeAt.set(member.id, clock.now());
    const seq = await api.comment(video.id, text, member.token, about.replyTo);
    if (seq !== undefined)
      this.#remember({ seq, name: member.name, id: member.id, thought: about.thought === true });
    return seq;
  }

  #remember(said: Said): void {
    this.#recent.push(said);
    if (this.#recent.length > RECENT_COMMENTS_MAX) this.#recent.shift();
  }

  async #speakAs(member: Member, wanted: Occasion | "question"): Promise<void> {
    const { writer, random } = this.#options;
    // What takes many words is said in one's own language.
    const occasion =
      member.language !== "en" && (wanted === "long" || wanted === "question") ? "idle" : wanted;
    if (occasion === "question") {
      const { text, question } = writer.ask();
      const seq = await this.#post(member, text);
      if (seq !== undefined) this.#answerLater(seq, member.id, question);
      return;
    }
    const partner = occasion === "agree" ? this.#pickPartner(member) : undefined;
    if (partner === undefined) {
      const alone = occasion === "agree" ? "short" : occasion;
      const thought = alone === "idle" || alone === "long";
      await this.#post(member, writer.write(member, alone), { thought });
      return;
    }
    const text = writer.write(member, "agree");
    // Some use the reply button, some write the name, as people do.
    if (random() < 0.6) await this.#post(member, text, { replyTo: partner.seq });
    else await this.#post(member, `@${partner.name} ${text}`);
  }

  #pickPartner(member: Member): Said | undefined {
    const others = this.#recent.slice(-10).filter((said) => said.thought && said.id !== member.id);
    return others.length === 0 ? undefined : pick(others, this.#options.random);
  }

  /** Without a foreseen question, an author says something kind. */
  #answerLater(seq: number, askedBy: string, question?: Question): void {
    const { host, here, later, random, writer } = this.#options;
    later(3500 + random() * 7000, () => {
      const helpers = here().filter((member) => member.regular && member.id !== askedBy);
      const member = random() < 0.45 || helpers.length === 0 ? host : pick(helpers, random);
      const lines = member === host ? (question?.host ?? HOST.answer) : question?.regular;
      const text = lines === undefined ? writer.write(member, "answer") : writer.say(lines);
      unawaited(this.#post(member, text, { replyTo: seq }));
    });
  }

  /** A visitor wrote: greet them the first time, answer now and then afterwards. */
  #answerVisitor(said: Said, isQuestion: boolean): void {
    const { clock, random, later } = this.#options;
    const now = clock.now();
    const answeredAt = this.#visitors.get(said.id);
    const isRecent = answeredAt !== undefined && now - answeredAt < VISITOR_ANSWER_EVERY_MS;
    if (isRecent || (answeredAt !== undefined && random() < 0.35)) return;
    this.#visitors.delete(said.id);
    this.#visitors.set(said.id, now);
    if (this.#visitors.size > VISITORS_KNOWN_MAX) {
      const [oldest] = this.#visitors.keys();
      if (oldest !== undefined) this.#visitors.delete(oldest);
    }
    if (isQuestion) this.#answerLater(said.seq, said.id);
    else later(1500 + random() * 2500, () => this.#greet(said, answeredAt === undefined));
  }

  #greet(said: Said, isNew: boolean): void {
    const { host, here, random, writer } = this.#options;
    const regulars = here().filter((member) => member.regular);
    const member = regulars.length === 0 || random() < 0.3 ? host : pick(regulars, random);
    const welcome = () =>
      member === host
        ? writer.say(HOST.welcome, said.name)
        : writer.write(member, "welcome", said.name);
    const text = isNew ? welcome() : writer.write(member, "agree");
    unawaited(this.#post(member, text, { replyTo: said.seq }));
  }
}

function excitedOccasions(
  about: "burst" | "cheer",
): readonly (readonly [Occasion | "question", number])[] {
  return [
    [about, 64],
    ["short", 24],
    ["agree", 12],
  ];
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
