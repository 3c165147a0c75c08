export { EventSource } from "eventsource";
export * from "../mod.ts";
