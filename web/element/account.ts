/** The viewer's identity: of the page's token, of a remembered guest, or none. */

import type { Client } from "@ovation/client";
import { type Me, readToken } from "./identity.ts";
import { recall, remember } from "./platform/storage.ts";

export class Account {
  me: Me | undefined;
  /** The viewer is a guest, and may choose another name. */
  guest = false;
  /** Called when the identity has changed. */
  onChange: () => void = () => {};
  readonly #server: string;
  readonly #video: string;
  readonly #source: () => string | undefined | Promise<string | undefined>;

  /** `source` is the page's token. It takes precedence over a remembered guest. */
  constructor(
    server: string,
    video: string,
    source: () => string | undefined | Promise<string | undefined>,
  ) {
    this.#server = server;
    this.#video = video;
    this.#source = source;
    this.#recall();
  }

  /** For the SDK: the token to use now. */
  async fetchToken(): Promise<string | undefined> {
    const token = await this.#source();
    if (token === undefined) {
      if (!this.guest) this.#recall();
      return this.me?.token;
    }
    this.guest = false;
    this.me = readToken(token, this.#video) ?? { token, id: "", name: "", role: "member" };
    this.onChange();
    return token;
  }

  /** The page's token was replaced. */
  changed(client: Client): void {
    this.me = undefined;
    this.guest = false;
    client.setToken(() => this.fetchToken());
    this.onChange();
  }

  /** Becomes a guest. Rejects as the SDK does. */
  async join(client: Client, name: string): Promise<void> {
    const { token, member } = await client.guest(name);
    this.me = { role: "guest", ...readToken(token, this.#video), ...member, token };
    this.guest = true;
    remember(this.#key, token);
    this.onChange();
  }

  /** For a guest who chooses another name, or whom the server has forgotten. */
  forgetGuest(client: Client): void {
    remember(this.#key, undefined);
    this.changed(client);
  }

  get #key(): string {
    return `guest:${this.#server}`;
  }

  #recall(): void {
    this.me = readToken(recall(this.#key), this.#video);
    this.guest = this.me !== undefined;
  }
}
