import type { Identity, Topic } from "@ovation/protocol";

/**
 * Whether an identity, or a client without a token, may subscribe to a topic: the policy of its
 * kind. It is asked at the connect and at each change of topics, and not again while the connection
 * lasts.
 */
export type Authorize = (
  identity: Identity | undefined,
  topic: Topic,
) => boolean | Promise<boolean>;
