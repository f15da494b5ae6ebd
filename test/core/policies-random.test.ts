/** Whatever a policy says: the shape check lets it through or not, the referee allows it or not, and nothing ever breaks. */
import { describe, expect, it } from 'vitest';
import type { PolicyVerdict } from '../../src/core/events.ts';
import { requestId } from '../../src/core/ids.ts';
import { checkVerdict } from '../../src/core/referee.ts';
import type { Ticket } from '../../src/core/runtime/router.ts';
import { type Random, seededRandom } from '../../src/core/simulation/random.ts';
import type { View } from '../../src/core/view.ts';
import { groupPlanner } from '../../src/policies/group.ts';
import { readAnswer } from '../../src/policies/sandbox/read-answer.ts';
import { kernel } from './harness.ts';

const OUTPUTS = 10_000;
const PER_KERNEL = 250;
const MODELS = ['a', 'b', 'c', 'd', 'e'];
const ODD = [null, true, 0, -1, 1.5, 1e308, '', 'a', '*', [], {}, [[]], ['a', 'a'], [null], { action: 'swap' }];

/** A value near what belongs there: mostly right, at times off, at times anything. */
function near(random: Random, right: () => unknown): unknown {
  return random.chance(0.9) ? right() : random.pick(ODD);
}

function someIds(random: Random): string[] {
  const ids = MODELS.filter(() => random.chance(0.35));
  if (random.chance(0.05)) ids.push('nobody');
  if (random.chance(0.05)) ids.push(random.pick(MODELS));
  return ids;
}

/** An answer as JSON text, around the shapes of the verdicts and the names of this view. */
function randomAnswer(random: Random, view: View): string {
  const requests = () => [...view.asking.filter(() => random.chance(0.5)), ...(random.chance(0.1) ? ['r-none'] : [])];
  const alive = () => view.models.filter((model) => model.phase !== 'stopped').map((model) => model.id);
  const fields: Record<string, () => unknown> = {
    evict: () => (random.chance(0.5) ? alive() : someIds(random)),
    when: () => random.pick(['idle', 'drain']),
    forMs: () => random.pick([0, 1, 300, 5_000, 1e9]),
    on: () => 'pin',
    status: () => random.pick([409, 429, 503]),
    retryAfterSec: () => random.int(0, 100),
    model: () => {
      const ready = view.models.filter((model) => model.phase === 'ready' && model.id !== view.target);
      return ready.length > 0 && random.chance(0.7) ? random.pick(ready).id : random.pick(MODELS);
    },
    planner: () => random.pick(['group', 'budget']),
    protect: () => someIds(random),
    prefer: () => someIds(random),
    requests,
    alternatives: () => [{ evict: someIds(random), costMs: 5, reason: 'x' }],
    reason: () => 'by chance',
  };
  const shapes: Record<string, { must: string[]; may: string[] }> = {
    swap: { must: ['evict', 'reason'], may: ['when', 'alternatives'] },
    wait: { must: ['reason'], may: ['forMs', 'on', 'alternatives'] },
    reject: { must: ['status', 'reason'], may: ['retryAfterSec', 'requests'] },
    redirect: { must: ['model', 'reason'], may: ['requests'] },
    delegate: { must: ['planner'], may: ['protect', 'prefer', 'reason'] },
  };
  const action = random.pick(['swap', 'swap', 'swap', 'wait', 'reject', 'redirect', 'delegate']);
  const { must, may } = shapes[action] as { must: string[]; may: string[] };
  const answer: Record<string, unknown> = { action: near(random, () => action) };
  for (const field of [...must, ...may.filter(() => random.chance(0.4))]) {
    if (random.chance(0.98)) answer[field] = near(random, fields[field] as () => unknown);
  }
  if (random.chance(0.02)) answer[random.pick(Object.keys(fields))] = random.pick(ODD);
  const text = JSON.stringify(random.chance(0.99) ? answer : random.pick(ODD));
  return random.chance(0.99) ? text : text.slice(0, random.int(0, text.length));
}

interface Tally {
  outputs: number;
  nonsense: number;
  illegal: number;
  allowed: Record<string, number>;
}

/** One kernel under requests, cancellations, failures and time, with a planner that answers by chance. */
async function run(seed: number, isLate: boolean, tally: Tally): Promise<string[]> {
  const random = seededRandom(seed);
  const limit = tally.outputs + PER_KERNEL;
  const answer = (view: View): PolicyVerdict => {
    if (tally.outputs < limit) tally.outputs++;
    const read = readAnswer('plan', randomAnswer(random, view));
    if (!read.ok) {
      tally.nonsense++;
      throw new Error(read.message);
    }
    const { action } = read.answer;
    const rules = groupPlanner(k.state.settings);
    const illegal = action !== 'delegate' && checkVerdict(k.state, view.target, read.answer, rules) !== null;
    if (illegal) tally.illegal++;
    else tally.allowed[action] = (tally.allowed[action] ?? 0) + 1;
    return read.answer;
  };
  const k = kernel({
    groups: {
      g: { members: ['a', 'b', 'c'] },
      h: { members: ['d'], swap: false },
      f: { members: ['e'], persistent: true },
    },
    models: { b: { concurrencyLimit: 2 } },
    plan: (view) => (isLate ? Promise.resolve().then(() => answer(view)) : answer(view)),
  }).boot();
  const turn = async () => {
    for (let n = 0; isLate && n < 6; n++) await Promise.resolve();
  };
  const open = new Set<Ticket>();
  const broken: string[] = [];
  for (let step = 0; tally.outputs < limit && step < 20_000; step++) {
    const did = act(random, k, open);
    await turn();
    // folding it all again takes long: now and then is enough, for what is broken stays so
    const isWhole = step % 10 === 0 && !k.loop.questionOutstanding();
    const wrong = isWhole ? k.check() : k.broken;
    if (wrong.length > 0) return wrong.map((one) => `${one} (seed ${seed}, step ${step}, after ${did})`);
  }
  // whatever it says in the end, nobody is forgotten: all are answered or their time in the queue runs out
  for (let n = 0; n < 40; n++) {
    for (const model of MODELS) step(k, model);
    for (const ticket of open) if (ticket.grant?.granted === true) k.finish(ticket);
    k.pass(60_000);
    await turn();
  }
  if (k.state.requests.size > 0) broken.push(`${k.state.requests.size} requests are left (seed ${seed})`);
  return [...broken, ...k.check()];
}

type Kernel = ReturnType<typeof kernel>;

/** Whatever a process does next: it becomes ready, or ends. */
function step(k: Kernel, model: string): void {
  const phase = k.phase(model);
  if (phase === 'starting') k.ready(model);
  else if (phase === 'stopping') k.exited(model);
}

function act(random: Random, k: Kernel, open: Set<Ticket>): string {
  const model = random.pick(MODELS);
  const what = random.pick([
    'request',
    'request',
    'step',
    'step',
    'finish',
    'finish',
    'leave',
    'pass',
    'crash',
  ] as const);
  for (const ticket of open) if (ticket.grant?.granted === false) open.delete(ticket);
  const ticket = random.pick([...open]);
  switch (what) {
    case 'request':
      if (open.size < 12) open.add(k.request(model, { id: requestId(`r${random.int(0, 1e9)}`) }));
      break;
    case 'step':
      for (const one of MODELS) if (random.chance(0.6)) step(k, one);
      break;
    case 'finish':
      if (ticket?.grant?.granted !== true) break;
      k.finish(ticket);
      open.delete(ticket);
      break;
    case 'leave':
      if (ticket === undefined || random.chance(0.5)) break;
      k.leave(ticket);
      open.delete(ticket);
      break;
    case 'pass':
      k.pass(random.pick([10, 300, 6_000]));
      break;
    case 'crash':
      if (random.chance(0.2) && k.phase(model) !== 'stopped') k.exited(model, 1);
  }
  return `${what} ${model}`;
}

describe('10,000 answers by chance', { timeout: 120_000 }, () => {
  it.each([
    ['at once', false],
    ['late', true],
  ])('given %s, never break an invariant nor lose a request', async (_, isLate) => {
    const tally: Tally = { outputs: 0, nonsense: 0, illegal: 0, allowed: {} };
    for (let seed = isLate ? 5_000 : 1; tally.outputs < OUTPUTS / 2; seed++) {
      expect(await run(seed, isLate, tally)).toEqual([]);
    }
    // it is worth something only if all kinds came through in numbers
    expect(tally.nonsense).toBeGreaterThan(200);
    expect(tally.illegal).toBeGreaterThan(200);
    for (const action of ['swap', 'wait', 'reject', 'redirect', 'delegate']) {
      expect(tally.allowed[action] ?? 0, action).toBeGreaterThan(50);
    }
  });
});
