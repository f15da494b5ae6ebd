/** `turnout pin MODEL [--for 2h]`: no request evicts it and it is not unloaded for idleness; also what takes a pin away. */
import { PIN_FOR, pinMs } from '../../api/pin-duration.ts';
import { TurnoutError } from '../../core/errors.ts';
import { formatMoment, formatRough } from '../../core/history/format.ts';
import { modelPath, needServer, requestJson } from '../client.ts';
import { type GlobalOptions, print, printJson } from '../output.ts';

interface PinOptions extends GlobalOptions {
  for?: string;
  reason?: string;
}

interface Pinned {
  model: string;
  owner: string;
  until: number | null;
  phase: string;
}

export async function pin(model: string, options: PinOptions): Promise<void> {
  const ms = options.for === undefined ? null : pinMs(options.for);
  if (options.for !== undefined && ms === null) {
    throw new TurnoutError('usage', `read --for "${options.for}": expected ${PIN_FOR}`);
  }
  const url = await needServer(options);
  const body = JSON.stringify({ for: options.for, reason: options.reason });
  const headers = { 'content-type': 'application/json' };
  const path = `/api/models/pin/${modelPath(model)}`;
  const answer = await requestJson<Pinned>(url, path, { method: 'POST', headers, body });
  if (options.json === true) return printJson(answer);
  const { until, owner, phase } = answer;
  const end =
    until === null ? 'until it is unpinned' : `for ${formatRough(ms ?? 0)}, until ${formatMoment(until, options)}`;
  print(`${answer.model} is pinned by ${owner} ${end}`);
  if (phase === 'stopped') print('it is not loaded; the pin counts as soon as it is');
}

export async function unpin(model: string, options: GlobalOptions): Promise<void> {
  const url = await needServer(options);
  const path = `/api/models/unpin/${modelPath(model)}`;
  const answer = await requestJson<{ model: string; wasPinned: boolean }>(url, path, { method: 'POST' });
  if (options.json === true) printJson(answer);
  else print(answer.wasPinned ? `${answer.model} is not pinned any more` : `${answer.model} was not pinned`);
}
