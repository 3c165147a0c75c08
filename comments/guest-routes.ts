/** `POST /v1/guests`: a name becomes a signed token. */

import { Problem, type Route, VIEWER_BODY_BYTES_MAX } from "@ovation/protocol";
import { readBody } from "./body.ts";
import { NAME_CODE_POINTS_MAX } from "./limits.ts";
import { guest } from "./schemas.ts";
import { jsonResponse, requireRate, type Service } from "./service.ts";
import { cleanName } from "./text.ts";

/** Makes guests; the tokens are `ovation/`'s. */
export interface Guests {
  issue(name: string): Promise<{ readonly token: string; readonly member: { readonly id: string; readonly name: string } }>;
}

export function createGuestRoutes(service: Service, guests: Guests | undefined): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/v1/guests",
      async handle(request, context) {
        if (guests === undefined) throw new Problem("guests-off");
        await requireRate(service, `guest address ${context.address}`, service.rules.guestsPerAddress);
        const { name } = await readBody(request, guest, VIEWER_BODY_BYTES_MAX);
        const issued = await guests.issue(cleanName(name, NAME_CODE_POINTS_MAX));
        service.metrics.guests.inc();
        return jsonResponse(JSON.stringify(issued), 201);
      },
    },
  ];
}
