/**
 * Why the server cut a connection: no request came in time (`silent`, `idle` after an earlier one),
 * nor its head (`head`) or body (`body`); the response or the end of a stream was not read
 * (`unread`); the response was shorter than declared (`broken`); the client kept sending on a
 * stream (`input`); or it was evicted for another socket (`crowded`).
 */
export type CutReason =
  | "silent"
  | "idle"
  | "head"
  | "body"
  | "unread"
  | "broken"
  | "input"
  | "crowded";
