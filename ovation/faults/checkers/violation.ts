/** A promise that was broken: which, at whom, and how it was noticed. */

export type ViolationKind =
  | "log-hole"
  | "stored-twice"
  | "acknowledged-not-stored"
  | "acknowledged-elsewhere"
  | "acknowledged-same-place"
  | "not-published"
  | "lost"
  | "duplicate"
  | "phantom"
  | "other-content"
  | "reset"
  | "subscribed-late"
  | "live-duplicate"
  | "live-disorder"
  | "live-lost"
  | "live-phantom"
  | "likes-over"
  | "likes-lost"
  | "likes-disagree"
  | "total-fell"
  | "counted-twice"
  | "count-wrong"
  | "recovered-untrue";

export interface Violation {
  readonly kind: ViolationKind;
  /** Where it was seen: a viewer's, publisher's or process's name, or the log. */
  readonly who: string;
  readonly topic: string;
  readonly detail: string;
}

export type Report = (kind: ViolationKind, who: string, topic: string, detail: string) => void;
