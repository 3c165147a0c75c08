/**
 * The states of the connection: every change goes through `transition`. The diagram is in
 * `README.md`.
 */

import type { ConnectionState } from "../types.ts";

type Reason<Name extends ConnectionState["name"]> = Extract<
  ConnectionState,
  { name: Name }
>["reason"];
export type ConnectReason = Reason<"connecting">;
export type WaitReason = Reason<"waiting">;
export type FailReason = Reason<"failed">;

export type Step =
  | { readonly step: "connect"; readonly reason: ConnectReason }
  | { readonly step: "opened"; readonly connectionId: string }
  | {
      readonly step: "lost";
      readonly reason: WaitReason;
      readonly retryInMs: number;
      readonly attempt: number;
    }
  | { readonly step: "refused"; readonly reason: FailReason; readonly detail: string }
  | { readonly step: "emptied" }
  | { readonly step: "close" };

export const IDLE: ConnectionState = { name: "idle", reason: "no-subscriptions" };

/** The state after `step`; the same object where the step does not apply. */
export function transition(state: ConnectionState, step: Step): ConnectionState {
  if (state.name === "closed") return state;
  switch (step.step) {
    case "connect":
      return { name: "connecting", reason: step.reason };
    case "opened":
      return state.name === "connecting"
        ? { name: "connected", reason: "opened", connectionId: step.connectionId }
        : state;
    case "lost":
      if (state.name === "idle" || state.name === "failed") return state;
      return {
        name: "waiting",
        reason: step.reason,
        retryInMs: step.retryInMs,
        attempt: step.attempt,
      };
    case "refused":
      return { name: "failed", reason: step.reason, detail: step.detail };
    case "emptied":
      return state.name === "idle" ? state : IDLE;
    case "close":
      return { name: "closed", reason: "closed-by-application" };
  }
}
