/** The headers of a request: names in lower case, in the order in which they came. */

import type { HttpHeaders } from "@ovation/protocol";

export class RequestHeaders implements HttpHeaders {
  readonly #names: readonly string[];
  readonly #values: readonly string[];

  constructor(names: readonly string[], values: readonly string[]) {
    this.#names = names;
    this.#values = values;
  }

  /** Several of one name are one list: [spec] RFC 9110, 5.3. */
  get(name: string): string | null {
    const at = this.#names.indexOf(name);
    // Only a caller with upper-case letters pays for the conversion.
    if (at < 0) return isLowerCase(name) ? null : this.get(name.toLowerCase());
    const value = this.#values[at] ?? "";
    return this.#names.indexOf(name, at + 1) < 0 ? value : this.all(name).join(", ");
  }

  /** Each value of a name in lower case by itself. */
  all(name: string): readonly string[] {
    return this.#values.filter((_, index) => this.#names[index] === name);
  }

  forEach(each: (value: string, name: string) => void): void {
    for (const [index, name] of this.#names.entries()) each(this.#values[index] ?? "", name);
  }
}

function isLowerCase(name: string): boolean {
  return name === name.toLowerCase();
}
