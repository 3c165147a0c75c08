/** What the processes of a stage write to standard error, for the judge of a stop. */

/** Kept of each process: as far back as a stop may have to be judged. */
const LINES_MAX = 200;

export class ProcessLines {
  readonly #byProcess = new Map<string, string[]>();

  add(process: string, line: string): void {
    const own = this.#byProcess.get(process) ?? [];
    this.#byProcess.set(process, own);
    own.push(line);
    if (own.length > LINES_MAX) own.shift();
  }

  /** Lines of the process since the last call. */
  take(process: string): readonly string[] {
    const own = this.#byProcess.get(process) ?? [];
    this.#byProcess.set(process, []);
    return own;
  }
}
