/**
 * Shared by the tests of all folders: servers, viewers, clocks, conditions, random numbers.
 * Tests and tools import a file by its path, so no package depends on this one. Product code
 * imports none of it (`scripts/imports.test.ts`). The fakes of one module stay beside the module.
 */

export * from "./free-port.ts";
export * from "./manual-clock.ts";
export * from "./random.ts";
export * from "./until.ts";
