/**
 * Who a request comes from (design section 5): a label for its client and one for its session, as they stand in events.
 * A key is only ever shown as a short hash.
 */
import type { IncomingMessage } from 'node:http';
import type { Config } from '../core/config/config.ts';
import { LIMITS } from '../core/limits.ts';
import { addressOf } from './access-log.ts';
import { printable } from './guard.ts';

export interface Labels {
  client: string;
  session: string | null;
}

/** `keyLabel` is that of the valid API key, or null when none is asked for. */
export function labelsOf(req: IncomingMessage, keyLabel: string | null, config: Config): Labels {
  const { clientFrom, sessionFrom } = config.turnout;
  const client = keyLabel ?? firstHeader(req, clientFrom) ?? `${productOf(req)} ${addressOf(req)}`;
  return { client, session: firstHeader(req, sessionFrom) };
}

/** Text of a client, bounded and fit to be shown. */
export function label(text: string): string {
  return printable(text, LIMITS.labelCharsMax);
}

function firstHeader(req: IncomingMessage, names: readonly string[]): string | null {
  for (const name of names) {
    const value = req.headers[name.toLowerCase()];
    const text = (Array.isArray(value) ? value[0] : value)?.trim() ?? '';
    if (text !== '') return label(text);
  }
  return null;
}

/** `curl` of `curl/8.5.0`: versions would make a new client of every update. */
function productOf(req: IncomingMessage): string {
  const product = /^[^/\s(]+/.exec(req.headers['user-agent']?.trim() ?? '')?.[0];
  return product === undefined ? 'unknown' : printable(product, 60);
}
