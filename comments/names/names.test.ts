/** Who may be called how: what people see decides. A running server. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { signToken } from "../../ovation/tokens/signer.ts";
import { Server } from "../../testing/server.ts";

const SECRET = "the secret of this test, long enough";
let server: Server;
beforeAll(async () => {
  server = await Server.start({ flags: ["--secret", SECRET] });
}, 30_000);
afterAll(() => server.stop());

async function call(method: string, path: string, token?: string, body?: unknown) {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    body: (await response.json()) as {
      readonly code?: string;
      readonly token: string;
      readonly member: { readonly name: string };
    },
  };
}

const tokenOf = (sub: string, name: string, claims: object = {}) =>
  signToken(SECRET, { sub, name, ...claims }, 600);
const join = (name: string, video?: string) =>
  call("POST", "/v1/guests", undefined, { name, ...(video === undefined ? {} : { video }) });
const comment = async (token: string, video = "names") =>
  (await call("POST", `/v1/videos/${video}/comments`, token, { text: "hello" })).body.code ?? "ok";

test("a guest cannot be called like a host or a moderator, whatever the letters", async () => {
  const early = (await join("Hanna Berg")).body.token;
  await comment(await tokenOf("hanna", "Hanna Berg", { role: "host" }));
  await call(
    "GET",
    "/v1/videos/names/comments",
    await tokenOf("mo", "Mo Farah", { roles: { names: "moderator" } }),
  );
  for (const name of ["Hanna Berg", "hanna  berg", "Ｈanna Berg", "Наnna Berg", "Hánna-Berg"])
    expect([name, (await join(name)).body.code]).toEqual([name, "name-taken"]);
  // Whose role is for one video is in that one.
  expect((await join("MΟ Farah", "names")).body.code).toBe("name-taken");
  expect((await join("MΟ Farah", "elsewhere")).status).toBe(201);
  // A name that was taken before the host came is no use either.
  expect(await comment(early)).toBe("name-taken");
  expect((await join("Hanna")).status).toBe(201);
});

test("a guest cannot be called like a member who is in the video, and elsewhere can", async () => {
  await comment(await tokenOf("ada", "Ada Lovelace"));
  expect((await join("Ada Lovelace", "names")).body.code).toBe("name-taken");
  const { token } = (await join("Àda LoveIace")).body;
  expect(await comment(token)).toBe("name-taken");
  expect(await comment(token, "elsewhere")).toBe("ok");
  // Who only watches with a name is in the video as well.
  await call("POST", "/v1/videos/names/likes", await tokenOf("bob", "Bob Byrne"), {});
  expect((await join("B0b Byrne", "names")).body.code).toBe("name-taken");
});

test("a guest who wrote first keeps the name when a member of that name comes", async () => {
  const { token } = (await join("Carla Rossi")).body;
  expect(await comment(token)).toBe("ok");
  await comment(await tokenOf("carla", "Carla Rossi"));
  await Bun.sleep(2_100);
  expect(await comment(token)).toBe("ok");
  const second = (await join("Carla Rossi")).body.token;
  expect(await comment(second)).toBe("name-taken");
}, 10_000);

test("members may have like names, and real names of guests are accepted", async () => {
  await comment(await tokenOf("dan-1", "Dan"));
  expect(await comment(await tokenOf("dan-2", "Dan"))).toBe("ok");
  for (const name of ["علی\u200cرضا", "محمد", "José Ñandú", "क्\u200dष"])
    expect([name, (await join(name)).body.member?.name]).toEqual([name, name.normalize("NFC")]);
  expect((await join("Ali\u00adna")).body.member?.name).toBe("Alina");
  expect((await join("\ufe0f")).body.code).toBe("text-empty");
  expect((await join("🛡️ Moderator")).body.code).toBe("name-taken");
  const guest = (await join("Eva")).body.token;
  for (const text of ["\ufe0f", "\u00ad\u200d", "\u115f"])
    expect((await call("POST", "/v1/videos/v/comments", guest, { text })).body.code).toBe(
      "text-empty",
    );
});

test("the author of a guest's comment is marked as a guest", async () => {
  const { token } = (await join("Fritz")).body;
  await comment(token, "marks");
  const page = await fetch(`${server.url}/v1/videos/marks/comments`);
  expect(await page.json()).toMatchObject({
    comments: [{ author: { name: "Fritz", role: "guest" } }],
  });
});

test("the names of staff are known after a restart", async () => {
  const { directory } = server;
  await Bun.sleep(400);
  await server.kill();
  server = await Server.start({ flags: ["--secret", SECRET], directory });
  expect((await join("Hanna Berg")).body.code).toBe("name-taken");
}, 30_000);
