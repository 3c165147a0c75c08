/**
 * A process of a run: started from a file of this folder, controlled over IPC, ended with its
 * parent.
 */
import { fileURLToPath } from "node:url";

export interface Child<Command, Message> {
  say(command: Command): void;
  /** Resolves with the next message of this kind. */
  next<Kind extends KindOf<Message>>(kind: Kind): Promise<Extract<Message, { is: Kind }>>;
  readonly pid: number;
  end(): void;
}

type KindOf<Message> = Message extends { is: infer Kind } ? Kind : never;

export interface ChildCallbacks<Message> {
  onMessage(message: Message): void;
  /** The process ended before it was stopped. */
  onLost(reason: string): void;
}

export function startChild<Command, Message extends { readonly is: string }>(
  file: string,
  callbacks: ChildCallbacks<Message>,
  environment: Readonly<Record<string, string>> = {},
): Child<Command, Message> {
  const waiting = new Map<string, (message: Message) => void>();
  const kept = new Map<string, Message>();
  let ended = false;
  const subprocess = Bun.spawn([process.execPath, fileURLToPath(new URL(file, import.meta.url))], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "inherit", "inherit"],
    ipc(message: Message) {
      const waiter = waiting.get(message.is);
      if (waiter === undefined) {
        kept.set(message.is, message);
      } else {
        waiting.delete(message.is);
        waiter(message);
      }
      callbacks.onMessage(message);
    },
    onExit(_, code, signal) {
      if (!ended) callbacks.onLost(`a process of the run ended (${signal ?? code})`);
    },
  });
  return {
    pid: subprocess.pid,
    say(command) {
      if (!ended) subprocess.send(command);
    },
    next<Kind extends KindOf<Message>>(kind: Kind) {
      return new Promise<Extract<Message, { is: Kind }>>((resolve) => {
        const name = String(kind);
        const message = kept.get(name);
        if (message === undefined) {
          waiting.set(name, resolve as (message: Message) => void);
        } else {
          kept.delete(name);
          resolve(message as Extract<Message, { is: Kind }>);
        }
      });
    },
    end() {
      ended = true;
      subprocess.kill();
    },
  };
}
