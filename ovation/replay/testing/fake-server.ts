/**
 * The two addresses that a replay uses, with refusals on demand. Real HTTP; keeps what arrived, in
 * order.
 */

export interface FakeServer {
  readonly url: string;
  readonly comments: {
    readonly author: string;
    readonly text: string;
    readonly clientId: string;
  }[];
  /** Every request for a comment, the refused ones too. */
  readonly attempts: string[];
  readonly guests: string[];
  stop(): Promise<void>;
}

export interface FakeServerOptions {
  /** Asked for every comment; an answer refuses it. */
  refuse?(text: string, attempt: number): Response | undefined;
  /** Asked for every guest; an answer refuses the name. */
  refuseName?(name: string): Response | undefined;
}

export function startFakeServer(options: FakeServerOptions = {}): FakeServer {
  const comments: FakeServer["comments"][number][] = [];
  const attempts: string[] = [];
  const guests: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const body = (await request.json()) as { name?: string; text?: string; clientId?: string };
      if (new URL(request.url).pathname === "/v1/guests") {
        const name = body.name ?? "";
        guests.push(name);
        const refusedName = options.refuseName?.(name);
        if (refusedName !== undefined) return refusedName;
        return Response.json(
          {
            token: `guest ${encodeURIComponent(name)}`,
            member: { id: `guest-${guests.length}`, name },
          },
          { status: 201 },
        );
      }
      const text = body.text ?? "";
      attempts.push(text);
      const refusal = options.refuse?.(text, attempts.length);
      if (refusal !== undefined) return refusal;
      const [, author = ""] =
        /^Bearer \w+ (.*)$/.exec(request.headers.get("authorization") ?? "") ?? [];
      comments.push({ author: decodeURIComponent(author), text, clientId: body.clientId ?? "" });
      return Response.json({ seq: comments.length }, { status: 201 });
    },
  });
  return { url: server.url.origin, comments, attempts, guests, stop: () => server.stop(true) };
}

export function refusal(
  status: number,
  code: string,
  extra: Record<string, unknown> = {},
): Response {
  return Response.json(
    { status, code, detail: `refused: ${code}`, ...extra },
    { status, headers: { "content-type": "application/problem+json" } },
  );
}
