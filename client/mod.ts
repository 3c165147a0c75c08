/** client: the SDK. One connection, many topics; each durable event once and in order. */
export * from "./types.ts";
