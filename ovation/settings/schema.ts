/** Every setting, by the name that roles have for its value, and the type that follows from it. */

import type { z } from "zod";
import {
  databaseSettings,
  dispatchersSettings,
  dispatchSettings,
  internalSettings,
  tableSettings,
} from "./cluster-settings.ts";
import { commentsSettings } from "./comments-settings.ts";
import { connectionSettings, streamSettings } from "./connection-settings.ts";
import { listenerSettings, processSettings, requestSettings } from "./listener-settings.ts";
import type { CommandName, Setting, SettingGroup } from "./setting.ts";
import { dataSettings, startSettings } from "./start-settings.ts";
import { parseValue } from "./values.ts";

export const SCHEMA = {
  ...listenerSettings,
  ...dataSettings,
  ...startSettings,
  ...commentsSettings,
  ...requestSettings,
  ...streamSettings,
  ...processSettings,
  ...connectionSettings,
  ...dispatchersSettings,
  ...tableSettings,
  ...databaseSettings,
  ...dispatchSettings,
  ...internalSettings,
};

type Schema = typeof SCHEMA;
export type SettingKey = keyof Schema;
type KeyWithDefault = {
  [Key in SettingKey]: Schema[Key] extends { readonly default: string } ? Key : never;
}[SettingKey];
type ValueOf<Key extends SettingKey> = z.output<Schema[Key]["value"]>;

/** The values of all settings, as roles read them. One without a default may be absent. */
export type SettingValues = {
  readonly [Key in KeyWithDefault]: ValueOf<Key>;
} & {
  readonly [Key in Exclude<SettingKey, KeyWithDefault>]?: ValueOf<Key>;
};

/** The settings that the command does not start without. */
export type RequiredKey<Command extends CommandName> = {
  [Key in SettingKey]: Schema[Key]["commands"] extends {
    readonly [Name in Command]: { readonly isRequired: true };
  }
    ? Key
    : never;
}[SettingKey];

/** {@link SettingValues} of one command, with those that it requires. */
export type ValuesOf<Command extends CommandName> = SettingValues & {
  readonly [Key in RequiredKey<Command>]: ValueOf<Key>;
};

/** The groups of a command, in the order of `--help`. */
const GROUPS: Readonly<Record<CommandName, readonly SettingGroup[]>> = {
  start: [
    listenerSettings,
    dataSettings,
    startSettings,
    commentsSettings,
    requestSettings,
    streamSettings,
    processSettings,
    connectionSettings,
  ],
  frontend: [
    listenerSettings,
    dispatchersSettings,
    dataSettings,
    requestSettings,
    commentsSettings,
    streamSettings,
    processSettings,
    connectionSettings,
    internalSettings,
  ],
  dispatcher: [
    listenerSettings,
    tableSettings,
    databaseSettings,
    dispatchSettings,
    dataSettings,
    requestSettings,
    processSettings,
    internalSettings,
  ],
  comments: [
    listenerSettings,
    dispatchersSettings,
    databaseSettings,
    tableSettings,
    dataSettings,
    requestSettings,
    commentsSettings,
    processSettings,
    internalSettings,
  ],
};

/** The entries of a command, in the order of its `--help`. */
export function settingsOf(command: CommandName): readonly (readonly [string, Setting])[] {
  return GROUPS[command].flatMap((group) =>
    Object.entries(group).filter(([, entry]) => command in entry.commands),
  );
}

/** The values of `given`, and the defaults of the settings that it lacks. */
export function withDefaults(given: Readonly<Record<string, unknown>>): SettingValues {
  const values = Object.entries<Setting>(SCHEMA).flatMap(([key, { value, default: initial }]) => {
    if (given[key] !== undefined) return [[key, given[key]]];
    return initial === undefined ? [] : [[key, parseValue(value, initial)]];
  });
  return Object.fromEntries(values);
}

/** The part of `values` that belongs to a command: what its process needs to be sent. */
export function valuesFor(command: CommandName, values: SettingValues): SettingValues {
  const keys = new Set(settingsOf(command).map(([key]) => key));
  const own = Object.entries(values).filter(([key]) => keys.has(key));
  return withDefaults(Object.fromEntries(own));
}
