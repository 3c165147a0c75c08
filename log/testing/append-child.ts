/**
 * A process that appends to a log until it is killed or has appended enough, and says on standard
 * output what was acknowledged: a line `<seq> <epoch> <key>` for each event.
 *
 * Arguments: the location (a path or a postgres URL), the topic, the writer's name, the number of
 * events.
 */

import { parseTopic, toJsonText } from "@ovation/protocol";
import { openLog } from "../mod.ts";

const CLIENTS = 16;

const [location = "", topicText = "", writer = "", countText = ""] = process.argv.slice(2);
const topic = parseTopic(topicText);
if (topic === undefined) throw new Error(`not a topic: ${topicText}`);
const log = await openLog(
  location.startsWith("postgres:") ? { url: location } : { path: location },
);
let next = 0;

async function client(): Promise<void> {
  if (topic === undefined) return;
  while (next < Number(countText)) {
    const key = `${writer}-${next++}`;
    const [appended] = await log.append([
      { topic, type: "comment", at: Date.now(), data: toJsonText({ key }), key },
    ]);
    process.stdout.write(`${appended?.place.seq} ${appended?.place.epoch} ${key}\n`);
  }
}

await Promise.all(Array.from({ length: CLIENTS }, client));
await log.close();
