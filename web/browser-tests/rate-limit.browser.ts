import { Server } from "../../testing/server.ts";
import { actAs, composer, expect, openWatch, rows, test, write } from "./test.ts";

let server: Server;
test.beforeAll(async () => {
  server = await Server.start();
});
test.afterAll(() => server.stop());

test("who writes too fast gets the text back and sees how long to wait", async ({
  page,
  context,
}) => {
  await actAs(context, server, await server.guest("Speedy"));
  await openWatch(page, server);
  let sent = 0;
  const wait = page.getByText(/You can send again in \d+ s/).first();
  while (sent < 40 && !(await wait.isVisible())) {
    await write(page, `number ${++sent}`);
    const settled = page.locator("live-comments li[data-state=sent]");
    await expect
      .poll(async () => (await settled.count()) === sent || (await wait.isVisible()))
      .toBe(true);
  }
  await expect(wait).toBeVisible();
  await expect(composer(page)).toHaveValue(`number ${sent}`);
  await expect(page.locator("live-comments button[part=send]")).toBeDisabled();
  await expect(rows(page)).toHaveCount(sent - 1);
  // Until it is over, and then the same text goes.
  await expect(wait).toBeHidden({ timeout: 20_000 });
  await composer(page).press("Enter");
  await expect(rows(page)).toHaveCount(sent);
});
