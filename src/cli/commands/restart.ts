/**
 * `turnout restart`: the running turnout becomes its successor, with the same pid; waits until that has started and says
 * which models it adopted. Exit code 1 when it cannot come up: then nothing has changed.
 */
import { setTimeout as after } from 'node:timers/promises';
import { TurnoutError } from '../../core/errors.ts';
import type { EventOf, TurnoutEvent } from '../../core/events.ts';
import { LIMITS } from '../../core/limits.ts';
import { needServer, request, requestJson } from '../client.ts';
import { type GlobalOptions, print, printJson } from '../output.ts';

const LOOK_MS = 50;

export async function restart(options: GlobalOptions): Promise<void> {
  const url = await needServer(options);
  const began = performance.now();
  const { pid, started } = await requestJson<{ pid: number; started: number }>(url, '/api/restart', { method: 'POST' });
  const events = await successor(url, started, began);
  const tookMs = Math.round(performance.now() - began);
  const adopted = events.flatMap((event) => (event.type === 'process.adopted' ? [event] : []));
  const stopped = events.flatMap((event) => (event.type === 'process.stopping' ? [event] : []));
  const successorPid = events.flatMap((event) => (event.type === 'router.started' ? [event.data.pid] : []))[0] ?? pid;
  if (options.json === true) {
    const models = (some: TurnoutEvent[]) => some.map((event) => event.model);
    printJson({ pid: successorPid, tookMs, adopted: models(adopted), stopped: models(stopped) });
    return;
  }
  print(`restarted within ${(tookMs / 1000).toFixed(1)} s, process ${successorPid} as before`);
  for (const event of adopted) print(`  ${event.model} stayed loaded`);
  for (const event of stopped) print(`  ${event.model} was stopped: ${detailOf(event)}`);
}

const detailOf = ({ data }: EventOf<'process.stopping'>): string => data.detail ?? data.reason;

/** What the successor wrote about its start, once there is one. */
async function successor(url: string, after_: number, began: number): Promise<TurnoutEvent[]> {
  const query = `types=router.started,config.applied,process.adopted,process.stopping&from=${after_ + 1}&limit=1000`;
  const waitMs = LIMITS.restartGapMs + LIMITS.shutdownMs + LIMITS.restartCheckMs;
  while (performance.now() - began < waitMs) {
    await after(LOOK_MS);
    const events = await eventsOf(url, query);
    const at = events.findIndex((event) => event.type === 'router.started');
    const known = events.findIndex((event, n) => at >= 0 && n > at && event.type === 'config.applied');
    if (known >= 0) return events.slice(at, known);
  }
  throw new TurnoutError('internal', `restart: no successor within ${waitMs / 1000} s; its log lines say why`);
}

/** While one turns into the other, connections wait; only one that was kept from before can break. */
async function eventsOf(url: string, query: string): Promise<TurnoutEvent[]> {
  try {
    const response = await request(url, `/api/log?${query}`, { signal: AbortSignal.timeout(LIMITS.restartGapMs) });
    return ((await response.json()) as { events: TurnoutEvent[] }).events;
  } catch {
    return [];
  }
}
