/**
 * Presence in a cluster: frontends report connected members to any dispatcher, which keeps them in
 * the shared store and notifies the members who may see it. It needs conversations and blocks, so
 * it is the comments service without its routes.
 */

import {
  type Comments,
  openPostgresMemberStores,
  openPostgresVideoStore,
  type PresenceValues,
  type VideoLog,
} from "@ovation/comments";
import type { PublisherApi } from "@ovation/dispatcher";
import type { Authenticate } from "@ovation/protocol";
import { Registry } from "prom-client";
import type { Settings } from "../settings/settings.ts";
import { untilReachable } from "./cluster-log.ts";
import { createCommentsService } from "./comments-service.ts";
import type { Dependency } from "./dependencies.ts";

export interface ClusterPresence
  extends Pick<Comments, "heartbeat" | "upgraded" | "isDeleted" | "upkeep"> {
  close(): Promise<void>;
}

export interface ClusterPresenceOptions {
  readonly settings: Settings;
  readonly database: { readonly url: string; readonly state: Dependency };
  readonly log: VideoLog;
  readonly publisherApi: PublisherApi;
  readonly authenticate: Authenticate;
  readonly values: PresenceValues;
}

export async function openClusterPresence(
  options: ClusterPresenceOptions,
): Promise<ClusterPresence> {
  const { settings, database, log, publisherApi, authenticate, values } = options;
  const { url, state } = database;
  const store = await untilReachable(state, () => openPostgresVideoStore({ url }));
  const members = await untilReachable(state, () => openPostgresMemberStores({ url }));
  const service = createCommentsService({
    settings,
    log,
    store,
    publisherApi,
    authenticate,
    registry: new Registry(),
    members,
    presence: values,
  });
  return {
    heartbeat: (present, staff) => service.heartbeat(present, staff),
    upgraded: (guests) => service.upgraded(guests),
    isDeleted: (topic) => service.isDeleted(topic),
    upkeep: service.upkeep,
    async close() {
      // It accepts no likes, so none are lost.
      await service.close();
      await Promise.all([store.close(), members.close()]);
    },
  };
}
