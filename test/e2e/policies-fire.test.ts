/**
 * Policies that mean harm, and a host that is killed again and again, while fifty streams run and clients ask: nobody loses
 * an answer, no stream waits for it, and turnout stays small. Figures are printed, for bounds must be wide on a busy machine.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EventOf, EventType } from '../../src/core/events.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { type Row, rowToJson } from '../../src/core/log/codec.ts';
import { EXHAUSTING, type Hostile, REFUSED } from '../policies/sandbox/hostile-programs.ts';
import type { Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';
import { ask, configOf, EVICT_ALL, hostPid, replace, status, type WithPolicy, withPolicy } from './policies-support.ts';

const STREAMS = 50;
const BESIDE = 10;
/** What turnout may add to a gap while it runs hostile policies. */
const GAP_MS = 50;
const CHUNK_MS = 40;
const CALM_ROUNDS = 20;
/** V8 doubles this by itself when much is allocated, whatever of it is kept, and at a moment of its choice: not counted. */
const YOUNG_GENERATION = '--max-semi-space-size=4';
const RSS_GROWTH_BYTES = 20 * 1024 * 1024;
const ROWS: Record<string, Hostile & { message?: string }> = { ...EXHAUSTING, ...REFUSED };
const NAMES = Object.keys(ROWS);

/** One file with all of them; which one it is, is an option. */
const SOURCE = `
const ROWS = [
${NAMES.map((name) => `  function (view) { ${ROWS[name]?.body} },`).join('\n')}
];
export default {
  name: 'hostile', apiVersion: 1,
  options: { row: { type: 'number', default: -1 }, round: { type: 'number', default: 0 } },
  plan(view) {
    if (view.target !== 'refused') { ${EVICT_ALL} }
    if (view.options.row < 0) return { action: 'reject', status: 409, reason: 'calm' };
    return ROWS[view.options.row](view);
  },
};
`;

const MODELS = {
  streams: {
    flags: `--slots 70 --tokens 100000 --tokens-per-second ${1000 / CHUNK_MS}`,
    more: ['concurrencyLimit: 60'],
  },
  refused: {},
  a: { flags: '--tokens 3', more: ['concurrencyLimit: 60'] },
  b: { flags: '--tokens 3', more: ['concurrencyLimit: 60'] },
};
/** Beside a protected model the fallback refuses at once, so that its answer is seen without loading anything. */
const TAIL = `groups:
  g: { swap: true, exclusive: false, members: [streams, refused] }
  h: { swap: true, exclusive: false, members: [a, b] }`;

interface Fire extends WithPolicy {
  /** Loads the policy with these options, and gives the position at which it is in charge. */
  be(options: string): Promise<number>;
  since: Since;
}

/** Durable events of one type from a position on, read beside turnout: asking it for them again and again takes its memory. */
type Since = <T extends EventType>(from: number, type: T) => EventOf<T>[];

function reader(stateDir: string): Since {
  const db = new Database(join(stateDir, 'events.db'), { readonly: true });
  onTestFinished(() => void db.close());
  const rows = db.prepare<[number, string], Row>('SELECT * FROM events WHERE position >= ? AND type = ?').raw();
  return <T extends EventType>(from: number, type: T) =>
    rows.all(from, type).map((row) => JSON.parse(rowToJson(row)) as EventOf<T>);
}

async function start(): Promise<Fire> {
  const policy = (options: string) =>
    `{ file: ./policy.js, fallback: group, options: ${options} }\n  protect: { models: [streams], otherwise: refuse }`;
  const started = await withPolicy({
    env: { NODE_OPTIONS: YOUNG_GENERATION },
    models: MODELS,
    files: { 'policy.js': SOURCE },
    tail: TAIL,
    policy: policy('{}'),
  });
  const { turnout, dir, config } = started;
  const since = reader(turnout.stateDir);
  const port = Number(/startPort: (\d+)/.exec(config)?.[1]);
  let seen = since(1, 'policy.loaded').at(-1)?.position ?? 0;
  return {
    ...started,
    since,
    async be(options) {
      await replace(dir, 'config.yaml', configOf(port, { models: MODELS, tail: TAIL, policy: policy(options) }));
      process.kill(turnout.pid, 'SIGHUP');
      const loaded = await until(`the policy with ${options}`, () => since(seen + 1, 'policy.loaded')[0]);
      seen = loaded.position;
      return seen;
    },
  };
}

async function rssOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1]) * 1024;
}

/** The highest resident memory so far. */
function watchMemory({ pid }: Turnout): () => number {
  let highest = 0;
  const timer = setInterval(async () => {
    highest = Math.max(highest, await rssOf(pid).catch(() => 0)); // it may have ended
  }, 50);
  onTestFinished(() => clearInterval(timer));
  return () => highest;
}

/** Opens so many streams; what comes of `gaps` is for the time since it was asked last. */
async function openStreams(count: number, open: (signal: AbortSignal) => Promise<Response>) {
  const stop = new AbortController();
  let gaps: number[] = [];
  let cut = 0;
  let flowing = 0;
  const all = Array.from({ length: count }, async () => {
    const response = await open(stop.signal);
    if (response.status !== 200 || response.body === null) throw new Error(`a stream was refused: ${response.status}`);
    let last = 0;
    try {
      for await (const _chunk of response.body) {
        const now = performance.now();
        if (last === 0) flowing++;
        else gaps.push(now - last);
        last = now;
      }
      cut++;
    } catch {
      if (!stop.signal.aborted) cut++;
    }
  });
  await until('all streams to flow', () => flowing === count);
  return {
    cut: () => cut,
    gaps() {
      const sorted = gaps.sort((a, b) => a - b);
      gaps = [];
      const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
      // whoever stands still once makes a gap in every stream
      const stall = Math.round(sorted.at(-count / 2) ?? 0);
      return { chunks: sorted.length, p50: at(0.5), p99: at(0.99), stall, max: at(1) };
    },
    async close() {
      stop.abort();
      await Promise.allSettled(all);
    },
  };
}

/** Asks once; gives the fault of the policy, or null when the machine was too busy to let it come to its fault. */
async function faultOf({ turnout, since }: Fire, from: number, kinds: readonly string[], message: string) {
  const before = since(from, 'plan.decided').length;
  const answer = await ask(turnout, 'refused', 'prober');
  const text = await answer.text();
  const decided = await until('the decision to be on disk', () => since(from, 'plan.decided')[before]);
  const failed = since(decided.data.viewPosition, 'policy.failed').filter((event) => {
    return event.position < decided.position;
  });
  expect(answer.status, text).toBe(503);
  expect(failed.length).toBeLessThan(2);
  const [fault] = failed;
  if (fault === undefined || fault.data.strike === 0) return null;
  const { kind } = fault.data.fault;
  if (kind === 'timeout') return kinds.includes(kind) ? fault : null;
  expect(kinds).toContain(kind);
  expect(fault.data.fault.message).toContain(message);
  return fault;
}

describe('under fire', { timeout: 180_000 }, () => {
  it('every hostile policy fails by itself, the fallback answers in time, and fifty streams do not notice', async ({
    annotate,
  }) => {
    const started = await start();
    const { turnout, be, since } = started;
    const streams = await openStreams(STREAMS, (signal) => ask(turnout, 'streams', 'reader', { stream: true }, signal));
    // past turnout, from the same model to the same reader: what gaps these have is not for turnout to answer for
    const [ready] = since(1, 'process.ready');
    const beside = await openStreams(BESIDE, (signal) => {
      const body = JSON.stringify({ model: 'streams', messages: [{ role: 'user', content: 'hi' }], stream: true });
      return fetch(`${ready?.data.baseUrl}/v1/chat/completions`, { method: 'POST', body, signal });
    });
    const memory = watchMemory(turnout);
    for (let round = 1; round <= CALM_ROUNDS; round++) {
      await be(`{ round: ${round} }`);
      expect(await status(ask(turnout, 'refused', 'prober'))).toBe(409);
    }
    const calm = streams.gaps();
    beside.gaps();
    const before = memory();
    for (const [row, name] of NAMES.entries()) {
      const { kinds, message = '' } = ROWS[name] as Hostile & { message?: string };
      let round = 0;
      await until(`"${name}" to fail by itself`, async () => {
        const from = await be(`{ row: ${row}, round: ${++round} }`); // which brings back a host that it killed
        return faultOf(started, from, kinds, message);
      });
    }
    const fire = streams.gaps();
    const noise = beside.gaps();
    const growth = memory() - before;
    await annotate(
      `gaps in ms, calm: ${JSON.stringify(calm)}; under fire: ${JSON.stringify(fire)}; past turnout: ${JSON.stringify(noise)}; rss +${Math.round(growth / 1024)} kB`,
    );
    expect(streams.cut()).toBe(0);
    expect(fire.chunks).toBeGreaterThan(10_000);
    expect(fire.stall - noise.stall).toBeLessThan(GAP_MS);
    expect(growth).toBeLessThan(RSS_GROWTH_BYTES);

    const decided = (await turnout.events('plan.decided')).filter((event) => event.data.via === 'fallback');
    const arrived = new Map((await turnout.events('request.arrived')).map((event) => [event.position, event.at]));
    const took = decided.map((event) => event.at - (arrived.get(event.cause ?? 0) ?? Number.NaN)).sort((a, b) => a - b);
    await annotate(`answers of the fallback: ${took.length}, p50 ${took[took.length >> 1]} ms, max ${took.at(-1)} ms`);
    expect(took.length).toBeGreaterThanOrEqual(NAMES.length);
    expect(took.at(-1)).toBeLessThanOrEqual(LIMITS.planAnswerMs);
    expect((await turnout.get('/health')).status).toBe(200);
    await beside.close();
    await streams.close();
    await turnout.stop();
  });

  it('the host may be killed twenty times under load: no request is lost', async () => {
    const { turnout, be } = await start();
    let asking = true;
    const statuses: number[] = [];
    const clients = Array.from({ length: 6 }, async (_, n) => {
      for (let turn = n; asking; turn++) statuses.push(await status(ask(turnout, turn % 3 === 0 ? 'a' : 'b', `c${n}`)));
    });
    for (let kill = 1; kill <= 20; kill++) {
      process.kill(await hostPid(turnout), 'SIGKILL');
      await be(`{ round: ${kill} }`);
    }
    asking = false;
    await Promise.all(clients);
    expect(statuses.length).toBeGreaterThan(20);
    expect(statuses.filter((one) => one !== 200)).toEqual([]);
    const arrived = (await turnout.events('request.arrived')).length;
    expect(arrived).toBe(statuses.length);
    // an end is on disk a moment after its last byte
    await until('the end of each', async () => (await turnout.events('request.finished')).length === arrived);
    expect((await turnout.events('policy.disabled')).length).toBe(0);
    const live = (await turnout.events('plan.decided')).filter((event) => event.data.via === 'live');
    expect(live.length).toBeGreaterThan(0);
    await turnout.stop();
  });
});
