/**
 * Why a connection was ended that nobody had asked to end: no request came in time (`silent`, `idle` after an
 * earlier one), its head (`head`) or body (`body`) did not, nobody took the answer or the end of a stream
 * (`unread`), the answer came to less than it had said (`broken`), the client went on sending on a stream
 * (`input`), or its place was needed for somebody else's socket (`crowded`).
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
