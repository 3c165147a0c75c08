/** A server with the login of a site, and callers that attempt what they must not. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { Server } from "../../testing/server.ts";

const SECRET = "the installation's own secret, long enough";
export const ISSUER = "https://login.example";
const POLICY = `
messages: members
trustedProxies: [loopback]
tokens: { issuer: "${ISSUER}", audience: ovation, publicKeys: [login.pem] }
kinds:
  video:
    exceptions: [{ ids: board-*, subscribe: token }]
`;

export interface TokenOptions {
  readonly claims?: Record<string, unknown>;
  readonly issuer?: string;
  readonly audience?: string;
  readonly expiresIn?: number;
  readonly notBefore?: number;
  readonly algorithm?: string;
  readonly key?: CryptoKey | Uint8Array;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly code: string;
  readonly body: Record<string, unknown>;
}

type Call = (
  method: string,
  path: string,
  token?: string,
  body?: unknown,
  address?: string,
) => Promise<Reply>;

export interface Attempts {
  url(): string;
  /** The public key of the site's login, as PEM text. */
  loginPem(): string;
  /** A token of the site's login, with the faults that `options` give it. */
  tokenOf(sub: string, options?: TokenOptions): Promise<string>;
  /** Notes a token that was shown to the server: it must not be in the server's output. */
  remember(token: string): string;
  readonly call: Call;
  /** Status and code of the answer. */
  codeOf(...parameters: Parameters<Call>): Promise<readonly [number, string]>;
  /** Declares the last test of the file: the server is alive, and no token is in its output. */
  endWithNoTokenShown(): void;
}

/** Starts the server before the tests of the file and stops it after them. */
export function serveAttempts(): Attempts {
  let server: Server;
  let loginKey: CryptoKey;
  let loginPem: string;
  const shown: string[] = [];

  beforeAll(async () => {
    const pair = await generateKeyPair("RS256", { extractable: true });
    loginKey = pair.privateKey;
    loginPem = await exportSPKI(pair.publicKey);
    server = await Server.start({
      flags: ["--secret", SECRET, "--policy", "{directory}/policy.yaml", "--log-level", "debug"],
      files: { "policy.yaml": POLICY, "login.pem": loginPem },
    });
  }, 30_000);
  afterAll(() => server.stop());

  function remember(token: string): string {
    shown.push(token);
    return token;
  }

  async function tokenOf(sub: string, options: TokenOptions = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const jwt = new SignJWT({ sub, ...options.claims })
      .setProtectedHeader({ alg: options.algorithm ?? "RS256" })
      .setIssuer(options.issuer ?? ISSUER)
      .setAudience(options.audience ?? "ovation")
      .setExpirationTime(now + (options.expiresIn ?? 600));
    if (options.notBefore !== undefined) jwt.setNotBefore(now + options.notBefore);
    return remember(await jwt.sign(options.key ?? loginKey));
  }

  async function call(
    method: string,
    path: string,
    token?: string,
    body?: unknown,
    address?: string,
  ): Promise<Reply> {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(address === undefined ? {} : { "x-forwarded-for": address }),
        "content-type": "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed = JSON.parse(text) as Record<string, unknown>;
    const claims = token?.split(".")[1] ?? "";
    if (response.status >= 400 && claims.length > 10) expect(text).not.toContain(claims);
    return { status: response.status, text, code: String(parsed.code ?? ""), body: parsed };
  }

  return {
    url: () => server.url,
    loginPem: () => loginPem,
    tokenOf,
    remember,
    call,
    async codeOf(...parameters) {
      const { status, code } = await call(...parameters);
      return [status, code];
    },
    endWithNoTokenShown() {
      test("after all that the server is alive, and no token is in anything it wrote", async () => {
        expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
        const output = server.output;
        const parts = shown
          .flatMap((token) => token.split(".").slice(1))
          .filter((part) => part.length > 10);
        expect(parts.length).toBeGreaterThan(10);
        expect(parts.filter((part) => output.includes(part))).toEqual([]);
        expect(output).not.toContain(SECRET);
      });
    },
  };
}
