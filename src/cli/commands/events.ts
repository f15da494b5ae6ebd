/** `turnout events`: the log, filtered; from the running turnout, or from its file when none runs. */
import { createParser } from 'eventsource-parser';
import { TurnoutError } from '../../core/errors.ts';
import { MEANING } from '../../core/event-meaning.ts';
import type { EventType, TurnoutEvent } from '../../core/events.ts';
import { formatMoment } from '../../core/history/format.ts';
import { modelId } from '../../core/ids.ts';
import type { LogQuery } from '../../core/log/log.ts';
import { openLogForReading } from '../../core/log/read-only.ts';
import { findTurnout, needStateDir, request, requestJson } from '../client.ts';
import { type GlobalOptions, print, warn } from '../output.ts';

interface EventsOptions extends GlobalOptions {
  follow?: boolean;
  model?: string;
  request?: string;
  type?: string;
  since?: string;
  limit: string;
}

export async function events(options: EventsOptions): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1) {
    throw new TurnoutError('usage', `read --limit "${options.limit}": expected a number of events, 1 or more`);
  }
  const show = (event: TurnoutEvent) =>
    print(options.json === true ? JSON.stringify(event) : eventLine(event, options));
  const found = await findTurnout(options);
  if (found.url !== null) {
    const query = new URLSearchParams();
    if (options.model !== undefined) query.set('model', options.model);
    if (options.request !== undefined) query.set('request', options.request);
    if (options.type !== undefined) query.set('types', options.type);
    if (options.since !== undefined) query.set('since', sinceParam(options.since));
    query.set('limit', String(limit));
    if (options.follow === true) return follow(found.url, query, show);
    if (options.since === undefined) query.set('reverse', '1');
    const answer = await requestJson<{ events: TurnoutEvent[] }>(found.url, `/api/log?${query}`);
    const list = options.since === undefined ? answer.events.reverse() : answer.events;
    for (const event of list) show(event);
    return;
  }
  if (options.follow === true)
    throw new TurnoutError(
      'not-found',
      `follow events: no running turnout found (looked in ${found.looked.join(', ')})`,
    );
  const dir = needStateDir(found);
  for (const event of await fromFile(dir, options, limit)) show(event);
}

/** Reconnects where it left off until the reader stops it. */
async function follow(url: string, query: URLSearchParams, show: (event: TurnoutEvent) => void): Promise<void> {
  query.set('follow', '1');
  let last: string | null = null;
  const parser = createParser({
    onEvent(message) {
      if (message.event === 'health') {
        for (const note of (JSON.parse(message.data) as { notes: string[] }).notes) warn(`turnout: ${note}`);
        return;
      }
      last = message.id ?? last;
      show(JSON.parse(message.data) as TurnoutEvent);
    },
  });
  for (;;) {
    const headers: Record<string, string> = last === null ? {} : { 'last-event-id': last };
    const response = await request(url, `/api/log?${query}`, { headers });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
    } catch {
      // the connection broke: asked again below, after the last event that came
    }
    parser.reset();
    warn('turnout: the server ended the stream, asking again');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

async function fromFile(dir: string, options: EventsOptions, limit: number): Promise<TurnoutEvent[]> {
  const log = await openLogForReading(dir);
  try {
    const query: LogQuery = { limit };
    if (options.model !== undefined) query.model = modelId(options.model);
    if (options.type !== undefined) query.types = options.type.split(',').map(eventType);
    if (options.since !== undefined) query.since = sinceMs(options.since);
    else query.reverse = true;
    if (options.request !== undefined) {
      const key = await log.findRequest(options.request);
      if (key === null)
        throw new TurnoutError('not-found', `find request "${options.request}": no such request in ${dir}`);
      query.request = key;
    }
    const list = await log.read(query);
    return query.reverse === true ? list.reverse() : list;
  } finally {
    await log.close();
  }
}

function eventType(text: string): EventType {
  const type = text.trim();
  if (Object.hasOwn(MEANING, type)) return type as EventType;
  throw new TurnoutError('usage', `read --type "${type}": expected one of ${Object.keys(MEANING).join(', ')}`);
}

/** The server understands `-10m`; people write `10m`. */
function sinceParam(text: string): string {
  return /^\d+(ms|s|m|h|d)$/.test(text) ? `-${text}` : text;
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function sinceMs(text: string): number {
  const ago = /^-?(\d+)(ms|s|m|h|d)$/.exec(text);
  if (ago !== null) return Date.now() - Number(ago[1]) * (UNIT_MS[ago[2] ?? 'ms'] ?? 1);
  const at = /^\d{10,}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw new TurnoutError('usage', `read --since "${text}": expected 10m, 2h, 1d or an ISO time`);
}

/** One line: when, where, what, of which model, and the figures. */
function eventLine(event: TurnoutEvent, style: { utc?: boolean }): string {
  const facts = Object.entries(event.data)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name}=${shorten(typeof value === 'string' ? value : JSON.stringify(value))}`);
  const about = [event.model, event.request === undefined ? null : `request ${event.request}`]
    .filter(Boolean)
    .join(' ');
  const when = formatMoment(event.at, style);
  return `${when}  ${String(event.position).padStart(6)}  ${event.type.padEnd(18)} ${about}  ${facts.join(' ')}`.trimEnd();
}

function shorten(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not reach a terminal
  const clean = text.replace(/[\u0000-\u001f\u007f]/g, ' ');
  return clean.length > 120 ? `${clean.slice(0, 117)}...` : clean;
}
