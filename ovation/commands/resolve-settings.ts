/**
 * From the values of the schema to the settings of a process: files are checked, secrets required.
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { DEFAULT_POLICY } from "@ovation/protocol";
import type { Logger } from "pino";
import { createLogger } from "../logging/logger.ts";
import { fail } from "../operator-error.ts";
import { PolicyFileError, readPolicyFile } from "../policy/policy-file.ts";
import type { SettingValues } from "../settings/schema.ts";
import type { Settings } from "../settings/settings.ts";
import type { InternalSettings } from "../wiring/internal-calls.ts";
import { requireInternalSecrets } from "./secrets.ts";

/** Rejects with an `OperatorError` where a value or one of its files cannot be used. */
export async function resolveSettings<Values extends SettingValues>(
  values: Values,
  secret: string,
  logger: Logger = createLogger(values.logLevel),
): Promise<Settings & Values> {
  const settings = { ...values, secret, policy: DEFAULT_POLICY, tls: tlsOf(values), logger };
  return withPolicyFile(settings, values.policyFile);
}

/** The settings with the policy file's, which replace those of the command line. */
async function withPolicyFile<Resolved extends Settings>(
  settings: Resolved,
  path: string | undefined,
): Promise<Resolved> {
  if (path === undefined) return settings;
  try {
    const { policy, trustedProxies, hosts, pages, guests, videos, corsOrigins, tokens, ...rest } =
      await readPolicyFile(path);
    return {
      ...settings,
      policy,
      guests: guests ?? settings.guests,
      videos: videos ?? settings.videos,
      ...(trustedProxies === undefined ? {} : { trustedProxies }),
      ...(pages === undefined ? {} : { pages }),
      ...(hosts === undefined ? {} : { hosts }),
      ...(corsOrigins === undefined ? {} : { corsOrigins }),
      ...(tokens === undefined ? {} : { tokens }),
      comments: rest,
    };
  } catch (error) {
    if (error instanceof PolicyFileError) return fail(error.message);
    throw error;
  }
}

/** `secret` is the one of tokens. */
export function resolveInternal(values: SettingValues, secret: string): InternalSettings {
  const secrets = requireInternalSecrets(values.internalSecrets ?? [], secret);
  const { internalTlsCert: cert, internalTlsKey: key, internalTlsCa: ca } = values;
  const pair = requireKeyPair("--internal-tls", cert, key);
  if (ca !== undefined)
    readPem("--internal-tls-ca", ca, "certificate", (pem) => new X509Certificate(pem));
  return {
    host: values.internalHost,
    port: values.internalPort,
    url: values.internalUrl,
    secrets,
    tls: pair === undefined ? undefined : { ...pair, ca },
  };
}

function tlsOf({ tlsCert, tlsKey }: SettingValues): Settings["tls"] {
  return requireKeyPair("--tls", tlsCert, tlsKey);
}

/** The files of `PREFIX-cert` and `PREFIX-key`, which are a certificate and its key, or neither. */
function requireKeyPair(prefix: string, cert: string | undefined, key: string | undefined) {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    return fail(`${prefix}-cert and ${prefix}-key go together`);
  const certificate = readPem(`${prefix}-cert`, cert, "certificate", (pem) => {
    return new X509Certificate(pem);
  });
  const privateKey = readPem(`${prefix}-key`, key, "private key", (pem) => createPrivateKey(pem));
  if (!certificate.checkPrivateKey(privateKey))
    fail(`${prefix}-key ${key} is not the key of the certificate in ${cert}`);
  return { cert, key };
}

/** `what` names the content, as PEM. The library's own message may quote a key, and is left out. */
function readPem<Read>(
  flag: string,
  file: string,
  what: string,
  parse: (pem: Buffer) => Read,
): Read {
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (error) {
    return fail(`${flag} ${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    return parse(pem);
  } catch {
    return fail(`${flag} ${file}: holds no ${what} in PEM form`);
  }
}
