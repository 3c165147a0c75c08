/** What all channels of one kind share: its policy, and how their pending events are bounded. */

import {
  isDurable,
  type KindPolicy,
  type PendingCounts,
  type PendingOptions,
  typePolicyIn,
} from "@ovation/protocol";
import {
  PENDING_DURABLE_BYTES_MAX,
  PENDING_DURABLE_EVENTS_MAX,
  PENDING_LIVE_BYTES_MAX,
  PENDING_LIVE_EVENTS_MAX,
} from "../limits.ts";

export interface ChannelKind {
  readonly policy: KindPolicy;
  readonly pending: PendingOptions;
}

export class ChannelKinds {
  readonly #counts: PendingCounts;
  readonly #kinds = new Map<KindPolicy, ChannelKind>();

  constructor(counts: PendingCounts) {
    this.#counts = counts;
  }

  of(policy: KindPolicy): ChannelKind {
    const known = this.#kinds.get(policy);
    if (known !== undefined) return known;
    const kind = createChannelKind(policy, this.#counts);
    this.#kinds.set(policy, kind);
    return kind;
  }
}

function createChannelKind(policy: KindPolicy, counts: PendingCounts): ChannelKind {
  return {
    policy,
    pending: {
      rules(event) {
        const type = typePolicyIn(policy, event.type);
        return isDurable(event) || type.merge === undefined ? undefined : type;
      },
      bounds: {
        live: { eventsMax: PENDING_LIVE_EVENTS_MAX, bytesMax: PENDING_LIVE_BYTES_MAX },
        durable: { eventsMax: PENDING_DURABLE_EVENTS_MAX, bytesMax: PENDING_DURABLE_BYTES_MAX },
        lossTopicsMax: 1,
      },
      counts,
      paced: true,
    },
  };
}
