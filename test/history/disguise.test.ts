/** Other names in an export: nothing that tells who, where or which model is left, and the slice still folds to the same. */
import { describe, expect, it } from 'vitest';
import { type EventType, type TurnoutEvent, VERSION } from '../../src/core/events.ts';
import { createReplaceNames } from '../../src/core/history/disguise/find-names.ts';
import { exportLines } from '../../src/core/history/export.ts';
import { openMemoryLog } from '../../src/core/log/memory.ts';
import type { ReadOnlyLog } from '../../src/core/log/read-only.ts';
import { runSeed } from '../simulation/run-seed.ts';
import { keptLog, opened, textOf, written } from './export-support.ts';
import { CONFIG, QWEN, TELLING, WHICH, WHO } from './telling-events.ts';

const SIMULATED = 6;
const ALL = { policies: false };
const SOURCE = "export default { plan: (view) => view.client === 'anna.meier' && 'org/qwen-8b' }; // for anna.meier";

/** The events, in the order of the table, about one model and one request. */
function tellingLog(): ReadOnlyLog {
  const { log } = openMemoryLog();
  const events = (Object.keys(TELLING) as EventType[])
    .filter((type) => type !== 'log.rebased')
    .map((type, index) => {
      const event = { position: index + 1, at: 1_000 + index, type, version: VERSION[type], data: TELLING[type] };
      return { ...event, model: QWEN, ...(type.startsWith('request.') && { request: 3 }) } as unknown as TurnoutEvent;
    });
  log.append(events, true);
  log.putBlob('config', CONFIG);
  log.putBlob('source', SOURCE);
  return { ...log, head: events.length, findRequest: log.findRequest };
}

const found = (text: string, words: readonly string[]) => words.filter((word) => text.includes(word));

describe('an export with --redact', () => {
  it('says of no client, session, machine or directory which it was', async () => {
    const log = tellingLog();
    for (const base of [0, 12]) {
      const { file } = await written(log, { redact: true, base });
      expect(found(textOf(file), WHO)).toEqual([]);
      expect(found(textOf(file), ['org/qwen-8b', 'llama-server', '-c 8192'])).toHaveLength(3);
    }
  });

  it('keeps the sources of policies only when asked to, with the names in them changed', async () => {
    const log = tellingLog();
    const without = textOf((await written(log, { redact: true })).file);
    expect(without).not.toContain('export default');
    const withThem = textOf((await written(log, { redact: true, policies: true })).file);
    expect(withThem).toContain('export default');
    expect(found(withThem, WHO)).toEqual([]);
  });

  it('gives the same client the same name everywhere, and another one in the next export', async () => {
    const log = tellingLog();
    const names = async () => {
      const slice = await opened((await written(log, { redact: true })).file);
      const events = await slice.read({});
      const client = events.flatMap((event) => (event.type === 'request.arrived' ? [event.data.client] : []))[0] ?? '';
      expect(events.find(({ type }) => type === 'model.pinned')?.data).toMatchObject({
        owner: `${client} ([REDACTED])`,
      });
      expect(events.find(({ type }) => type === 'process.stopping')?.data).toMatchObject({
        detail: `asked by ${client}`,
      });
      return client;
    };
    const [one, another] = [await names(), await names()];
    expect(one).toMatch(/^client-[0-9a-f]{12}$/);
    expect(another).not.toBe(one);
  });
});

describe('an export with --relabel', () => {
  it('says of no model which it was, in no field, sentence, file name or configuration', async () => {
    const log = tellingLog();
    for (const base of [0, 12]) {
      const { file } = await written(log, { relabel: true, base });
      const text = textOf(file).replaceAll('llama-server', '');
      expect(found(text, WHICH)).toEqual([]);
      expect(found(text, ['model-1', 'model-2', 'group-1', 'tag-1', 'logs/model-1/4.log'])).toHaveLength(5);
    }
  });

  it('hides both together', async () => {
    const { file } = await written(tellingLog(), { relabel: true, redact: true });
    expect(found(textOf(file).replaceAll('llama-server', ''), [...WHO, ...WHICH])).toEqual([]);
  });
});

describe('a slice with other names', () => {
  it.each([
    ['clients', { redact: true }],
    ['models', { relabel: true }],
    ['both', { redact: true, relabel: true }],
  ])('folds at every position to as much as the log does: %s', async (_, names) => {
    const log = await keptLog('0.1.0');
    const slice = await opened((await written(log, { base: 60, ...names })).file);
    for (let position = 60; position <= log.head; position += 13) {
      const [then, now] = [await log.stateAt(position), await slice.stateAt(position)];
      const shape = (state: typeof then) => ({
        models: [...state.models.values()].map(({ run, waiting, serving, pin }) => [
          run?.phase,
          waiting,
          serving,
          pin?.until,
        ]),
        requests: [...state.requests.keys()],
        swaps: [...state.swaps.keys()],
        policies: [...state.policies.values()].map(({ name }) => name),
      });
      expect(shape(now)).toEqual(shape(then));
    }
  });
});

describe('a client that is called like a word of turnout', () => {
  it('is hidden where it is the client, and leaves sentences alone', async () => {
    const { log } = openMemoryLog();
    const arrived = { ...TELLING['request.arrived'], client: 'swap', session: '1' };
    const blocked = { on: 'swap', until: null, reason: 'a swap of 1 model is under way' } as const;
    log.append(
      [
        { position: 1, at: 1, version: 1, type: 'request.arrived', model: QWEN, data: arrived },
        { position: 2, at: 2, version: 1, type: 'target.blocked', model: QWEN, data: blocked },
      ],
      true,
    );
    const text = textOf((await written({ ...log, head: 2 }, { redact: true })).file);
    expect(text).toContain('"reason":"a swap of 1 model is under way"');
    expect(text).toMatch(/"client":"client-[0-9a-f]+","session":"session-[0-9a-f]+"/);
  });
});

describe('slices of simulated logs', () => {
  const first = Number(process.env['TURNOUT_TEST_SEED'] ?? Date.now() % 1_000_000);
  const seeds = Array.from({ length: SIMULATED }, (_, index) => first + index);

  it.each(seeds)('fold to the same under other names, wherever they begin: seed %i', async (seed) => {
    const { log } = openMemoryLog();
    const events = runSeed(seed).log.map((text) => JSON.parse(text) as TurnoutEvent);
    log.append(events, true);
    for (const part of [0, 0.3, 0.9]) {
      const base = Math.floor(events.length * part);
      const options = { ...ALL, base, head: events.length, redact: true, relabel: true, version: '0', now: 0 };
      const lines: string[] = [];
      // It ends with an error when the slice does not fold to the renamed state of the log.
      for await (const line of exportLines(log, options)) lines.push(line);
      expect(lines.at(-1)).toContain('"stateHash"');
      expect(found(lines.join(''), ['client0', 'client1', 'client2', 'pinned by simulation'])).toEqual([]);
    }
  });
});

describe('names in a sentence', () => {
  const replace = createReplaceNames(
    new Map([
      ['qwen', 'model-1'],
      ['qwen-8b', 'model-2'],
      ['org/llama:70b', 'model-3'],
      ['curl 127.0.0.1', 'client-a'],
    ]),
  );

  it.each([
    ['qwen and qwen-8b', 'model-1 and model-2'],
    ['qwen2 is not qwen_ but qwen.', 'qwen2 is not qwen_ but model-1.'],
    ['"org/llama:70b" for curl 127.0.0.1', '"model-3" for client-a'],
    ['a long reason that ends in org/lla…', 'a long reason that ends in model-3…'],
    ['größe ist nicht ßqwen', 'größe ist nicht ßqwen'],
    ['', ''],
  ])('%s', (text, expected) => {
    expect(replace(text)).toBe(expected);
  });
});
