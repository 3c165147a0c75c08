/** The request in flight of a connection: one at a time. */

import { BodyIntake } from "./body-intake.ts";
import { IncomingBody } from "./incoming-body.ts";
import { IncomingRequest } from "./incoming-request.ts";
import type { RequestHead } from "./request-head.ts";

export interface RequestInFlight {
  readonly head: RequestHead;
  readonly request: IncomingRequest;
  readonly body: IncomingBody | undefined;
  readonly intake: BodyIntake | undefined;
}

/** `onWanted`: the handler asks for the body. */
export function beginRequest(head: RequestHead, onWanted: () => void): RequestInFlight {
  const form = head.body;
  const body = form.kind === "none" ? undefined : new IncomingBody({ onWanted });
  return {
    head,
    request: new IncomingRequest(head, body),
    body,
    intake: body === undefined || form.kind === "none" ? undefined : new BodyIntake(form, body),
  };
}

/** Whether all of the request has arrived, so that the start of the next one is known. */
export function isWhole({ body, intake }: RequestInFlight): boolean {
  return body === undefined || (body.ended && intake?.problem === undefined);
}
