/**
 * The publishing process of one run: started by `load.ts`, controlled over IPC, ends with its
 * parent.
 */
import type { PublisherCommand, PublisherMessage } from "./messages.ts";
import { Publishers } from "./publisher.ts";

let publishers: Publishers | undefined;

function say(message: PublisherMessage): void {
  process.send?.(message);
}

async function obey(command: PublisherCommand): Promise<void> {
  if (command.do === "start") {
    const created = new Publishers(command.task);
    publishers = created;
    setInterval(() => say({ is: "second", published: created.published }), 1000);
    return;
  }
  if (publishers === undefined) throw new Error("the first command is start");
  if (command.do === "stop") publishers.stop();
  else say({ is: "published", result: await publishers.publish(command.fromUs, command.untilUs) });
}

process.on("message", (command: PublisherCommand) => {
  obey(command).catch((error) =>
    say({ is: "failed", reason: error instanceof Error ? error.message : String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
say({ is: "up" });
