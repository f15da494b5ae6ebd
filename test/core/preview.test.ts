/** The dry run: what it says comes true when the request comes, and asking changes nothing. */
import { describe, expect, it } from 'vitest';
import { canonical } from '../../src/core/canonical.ts';
import { modelId } from '../../src/core/ids.ts';
import type { BuiltInName } from '../../src/core/settings.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';
import { kernel } from './harness.ts';

const SECOND = 1_000;

type Kernel = ReturnType<typeof kernel>;

/** Loads a model and lets it answer, in the place of whatever has to leave. */
function load(k: Kernel, id: string, loadMs: number): void {
  const ticket = k.request(id);
  for (const other of ['a', 'b', 'c']) {
    if (k.phase(other) !== 'stopping') continue;
    k.pass(SECOND);
    k.exited(other);
  }
  k.pass(loadMs);
  k.ready(id);
  k.finish(ticket);
}

describe('a dry run', () => {
  it('of a model that is ready says that it serves at once', async () => {
    const k = kernel().boot();
    load(k, 'a', SECOND);
    expect(await k.preview('a')).toMatchObject({ verdict: 'serve', planner: null, evict: [], etaMs: { total: 0 } });
  });

  it('of a model that nobody loaded yet assumes how long that takes, and says so', async () => {
    const k = kernel().boot();
    expect(await k.preview('a')).toMatchObject({
      verdict: 'swap',
      evict: [],
      etaMs: { total: 30_000, basis: 'assumed', loadsObserved: 0 },
    });
  });

  it('names who leaves, why, and how long it takes by the loads and stops that were seen', async () => {
    const k = kernel().boot();
    load(k, 'b', 12 * SECOND);
    load(k, 'a', 20 * SECOND);
    k.pass(60 * SECOND);
    expect(await k.preview('b')).toMatchObject({
      verdict: 'swap',
      reason: 'group g runs one model at a time, so a must leave',
      planner: { name: 'group', via: 'live' },
      evict: [{ id: 'a', phase: 'ready', idleMs: 60 * SECOND, lastClient: 'test', reloadMs: 20 * SECOND }],
      waitsFor: null,
      etaMs: { wait: 0, loadMs: 12 * SECOND, basis: 'observed', loadsObserved: 1 },
    });
  });

  it('does not know when a busy model will be idle', async () => {
    const k = kernel().boot();
    k.serve('a');
    expect(await k.preview('b')).toMatchObject({
      verdict: 'swap',
      waitsFor: 'a is busy with 1 request',
      etaMs: { total: null, wait: 'unknown' },
    });
  });

  it('joins a load that is under way, and knows what is left of it', async () => {
    const k = kernel().boot();
    load(k, 'a', 20 * SECOND);
    k.loop.post({ type: 'operator.unload', models: [modelId('a')], by: 'test' });
    k.exited('a');
    k.request('a');
    k.pass(5 * SECOND);
    expect(await k.preview('a')).toMatchObject({ verdict: 'join', etaMs: { total: 15 * SECOND } });
  });

  it.each(['queue', 'refuse'] as const)('names the pin in the way where requests are to %s', async (otherwise) => {
    const k = kernel({ settings: { protect: { models: [], otherwise } } }).boot();
    load(k, 'a', SECOND);
    k.loop.post({ type: 'operator.pin', model: modelId('a'), owner: 'anna', until: k.now() + 600 * SECOND });
    const { verdict, reason, refusal } = await k.preview('b');
    expect([verdict, reason]).toEqual([
      otherwise === 'queue' ? 'wait' : 'reject',
      'b cannot be loaded beside what is there, but a is pinned by anna for another 10 min',
    ]);
    expect(refusal).toEqual(
      otherwise === 'queue' ? null : { status: 503, code: 'planner-refused', retryAfterSec: 600 },
    );
  });

  it('says who serves instead', async () => {
    const onDemand = { action: 'redirect' as const, to: [modelId('a')], otherwise: 'load' as const };
    const k = kernel({ models: { b: { onDemand } } }).boot();
    load(k, 'a', SECOND);
    expect(await k.preview('b')).toMatchObject({ verdict: 'redirect', redirectTo: 'a', etaMs: { total: 0 } });
  });

  it.each([
    [0, 'a is likely to be asked for again at once'],
    [1, null],
  ])('counts the request that it is about, whose priority is %s, among those that wait', async (priority, waitsFor) => {
    const k = kernel({ models: { b: { priority } }, settings: { antiThrash: true } }).boot();
    load(k, 'b', 30 * SECOND);
    load(k, 'a', 30 * SECOND);
    for (let n = 0; n < 8; n++) {
      k.pass(2 * SECOND);
      k.finish(k.request('a'));
    }
    const { waitsFor: told, etaMs } = await k.preview('b');
    expect(told).toBe(waitsFor);
    expect(etaMs.wait).toBe(waitsFor === null ? 0 : 1_500);
  });
});

/** A few models loaded, served and served again, some of them busy, as the seed says. */
function somewhere(planner: BuiltInName, seed: number): Kernel {
  const random = seededRandom(seed);
  const ids = ['a', 'b', 'c'];
  const leaf = (id: string) => ({ kind: 'model' as const, id: modelId(id) });
  const matrix = {
    sets: [{ name: 's', text: 'a & b', expression: { kind: 'and' as const, parts: ids.slice(0, 2).map(leaf) } }],
  };
  const k = kernel({
    groups: {
      g: { members: ['a', 'b'], swap: random.chance(0.5) },
      h: { members: ['c'], exclusive: random.chance(0.5) },
    },
    models: Object.fromEntries(ids.map((id) => [id, { memory: random.int(4, 20), priority: random.int(0, 1) }])),
    settings: {
      planner,
      fallback: planner,
      antiThrash: random.chance(0.5),
      matrix: { ...matrix, evictCosts: {} },
      devices: [{ id: 'gpu0', bytes: 24 }],
    },
  }).boot();
  for (let n = random.int(1, 6); n > 0; n--) {
    const ticket = k.request(random.pick(ids));
    for (let turn = 0; turn < 4; turn++) {
      for (const id of ids) if (k.phase(id) === 'stopping' && random.chance(0.9)) k.exited(id);
      for (const id of ids) if (k.phase(id) === 'starting' && random.chance(0.9)) k.ready(id);
      k.pass(random.int(1, 20_000));
    }
    if (ticket.grant?.granted === true && random.chance(0.8)) k.finish(ticket);
  }
  return k;
}

describe.each(['group', 'matrix', 'budget'] as const)(
  'under the %s planner, wherever things stand, a dry run',
  (planner) => {
    it('changes nothing, and says what happens when the request comes', async () => {
      const seen = new Set<string>();
      for (let seed = 1; seed <= 150; seed++) {
        const k = somewhere(planner, seed);
        const target = ['a', 'b', 'c'][seed % 3] as string;
        const before = [canonical(k.state), k.events.length];
        const said = await k.preview(target);
        expect([canonical(k.state), k.events.length], `seed ${seed}`).toEqual(before);
        const asksAnew = k.state.models.get(modelId(target))?.waiting.size === 0;
        k.news();
        const ticket = k.request(target);
        const started = k.news('swap.started').includes(`swap.started ${target}`);
        if (said.verdict === 'serve') expect(ticket.grant, `seed ${seed}`).toMatchObject({ granted: true });
        if (!asksAnew) continue;
        seen.add(`${said.verdict} ${said.waitsFor === null ? 'at once' : 'later'}`);
        const decided = k.all('plan.decided').findLast(({ model }) => model === target)?.data;
        const blocked = k.state.models.get(modelId(target))?.blocked?.reason;
        if (said.verdict === 'wait') expect(blocked, `seed ${seed}`).toBe(said.reason);
        if (said.verdict === 'swap') {
          const evict = said.evict.map(({ id }) => id);
          expect(decided?.verdict, `seed ${seed}`).toMatchObject({ action: 'swap', evict, reason: said.reason });
          expect(started, `seed ${seed}`).toBe(said.waitsFor === null);
        }
      }
      expect([...seen].sort()).toEqual(expect.arrayContaining(['serve at once', 'swap at once', 'swap later']));
    });
  },
);
