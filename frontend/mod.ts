export * from "./upstream.ts";
