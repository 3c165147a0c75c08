import { expect, test } from "bun:test";
import { createSockets } from "./choose-sockets.ts";
import { openLibc } from "./libc.ts";
import { socketsContract } from "./sockets.contract.ts";
import { BunSockets } from "./sockets-bun.ts";
import { EpollSockets } from "./sockets-epoll.ts";

const HOST = "127.0.0.1";

socketsContract("sockets by Bun.connect", (port, handlers) => new BunSockets(HOST, port, handlers));

const libc = openLibc();
if (libc !== undefined)
  socketsContract(
    "sockets by epoll",
    (port, handlers) => new EpollSockets(libc, HOST, port, handlers),
  );

test("Linux gets epoll where the server has an IPv4 address, anything else gets Bun", () => {
  const handlers = { opened() {}, received() {}, roundEnded() {}, closed() {} };
  const cheap = createSockets(HOST, 1, handlers);
  expect(cheap instanceof EpollSockets).toBe(process.platform === "linux");
  cheap.end();
  expect(createSockets("::1", 1, handlers)).toBeInstanceOf(BunSockets);
  expect(createSockets("example.org", 1, handlers)).toBeInstanceOf(BunSockets);
});
