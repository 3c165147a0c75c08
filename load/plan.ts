/**
 * The assignment of topics, streams and connections by number, which every process computes alone.
 *
 * Connection `c` has the topics `c·t … c·t + t − 1` (mod topics), where t is topics per connection.
 * A stream is one publisher on one topic: `topic × publishers + publisher`.
 */
export interface Plan {
  readonly topics: number;
  readonly topicPrefix: string;
  readonly topicsPerConnection: number;
  readonly publishers: number;
}

export function topicName(plan: Plan, topic: number): string {
  return `${plan.topicPrefix}${topic}`;
}

export function topicsOf(plan: Plan, connection: number): number[] {
  return Array.from(
    { length: plan.topicsPerConnection },
    (_, index) => (connection * plan.topicsPerConnection + index) % plan.topics,
  );
}

export function streamOf(plan: Plan, topic: number, publisher: number): number {
  return topic * plan.publishers + publisher;
}

export function slotsPerConnection(plan: Plan): number {
  return plan.topicsPerConnection * plan.publishers;
}

/**
 * The slot of a stream among a connection's own; −1 where the connection has not subscribed to its
 * topic.
 */
export function slotOf(plan: Plan, connection: number, stream: number): number {
  const topic = Math.floor(stream / plan.publishers);
  const first = (connection * plan.topicsPerConnection) % plan.topics;
  const index = (topic - first + plan.topics) % plan.topics;
  return topic < plan.topics && index < plan.topicsPerConnection
    ? index * plan.publishers + (stream % plan.publishers)
    : -1;
}

/** The stream of a connection's slot: the inverse of {@link slotOf}. */
export function streamOfSlot(plan: Plan, connection: number, slot: number): number {
  const index = Math.floor(slot / plan.publishers);
  const topic = (connection * plan.topicsPerConnection + index) % plan.topics;
  return streamOf(plan, topic, slot % plan.publishers);
}
