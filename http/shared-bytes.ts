/**
 * Bytes that a server holds while it waits for clients, by address. An address over its share loses
 * what has waited longest.
 */

import type { AddressShares } from "@ovation/protocol";

export class SharedBytes {
  readonly #shares: AddressShares;
  readonly #evict: (address: string) => boolean;

  /**
   * `evict` ends the socket of the address that has waited longest, which then gives back its
   * bytes.
   */
  constructor(shares: AddressShares, evict: (address: string) => boolean) {
    this.#shares = shares;
    this.#evict = evict;
  }

  /** The hold of one request or response, released once. */
  hold(address: string): ByteHold {
    return new ByteHold(this.#shares, this.#evict, address);
  }
}

export class ByteHold {
  readonly #shares: AddressShares;
  readonly #evict: (address: string) => boolean;
  readonly #address: string;
  #bytes = 0;

  constructor(shares: AddressShares, evict: (address: string) => boolean, address: string) {
    this.#shares = shares;
    this.#evict = evict;
    this.#address = address;
  }

  /**
   * It holds so many bytes now. False where its address is over its share and has nothing to evict
   * here.
   */
  set(bytes: number): boolean {
    const more = bytes - this.#bytes;
    this.#bytes = bytes;
    if (more > 0) this.#shares.add(this.#address, more);
    else if (more < 0) this.#shares.remove(this.#address, -more);
    if (more <= 0 || !this.#shares.isOver(this.#address)) return true;
    return this.#evict(this.#address);
  }

  release(): void {
    this.set(0);
  }
}
