/** A subscription: one connection in one channel, and what a broadcast reads and writes of it. */

import type { TopicPosition } from "@ovation/protocol";
import type { WireForm } from "../connections/wire-form.ts";
import type { Channel, Subscriber } from "./channel.ts";

/**
 * `Owner` is the connection. Its type is a parameter, because a connection lists its subscriptions.
 */
export interface Subscription<Owner extends Subscriber["connection"] = Subscriber["connection"]>
  extends Subscriber {
  readonly connection: Owner;
  readonly channel: Channel<Subscription<Owner>>;
  /** Where the topic stood when it was subscribed. */
  readonly start: TopicPosition;
  /** The number of the next batch of the channel to write to this connection. */
  next: number;
  /** The socket that a broadcast writes to; -1 where it must go through the connection's writer. */
  descriptor: number;
  /** A copy of the connection's form, beside the descriptor. */
  readonly form: WireForm;
  /** The connection has other topics, which may have events for it as well. */
  several: boolean;
}
