/** `/sdk.js`: the SDK as one module for pages without a bundler. */
export * from "@ovation/client";
export { createMembers } from "@ovation/client/members";
