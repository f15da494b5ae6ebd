/** The policy commands that look back: one log with a policy in charge and one in the shadow, read while turnout runs and after. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';
import { makePlace, type Place } from './run.ts';

/** Counts swaps, and answers by itself: evicts whatever is in the way. */
const LIVE = `export default {
  name: 'counting', apiVersion: 1,
  options: { greeting: { type: 'string', default: 'hello' } },
  events: ['swap.finished'],
  initial: () => ({ swaps: 0 }),
  evolve: (state) => ({ swaps: state.swaps + 1 }),
  plan(view) {
    view.log(view.options.greeting + ' ' + view.state.swaps);
    return { action: 'swap', evict: [...(view.candidates[0]?.evict ?? [])], reason: 'after ' + view.state.swaps + ' swaps' };
  },
};
`;
/** Never gives up a. */
const SHADOW = `export default {
  name: 'keeps-a', apiVersion: 1,
  plan: () => ({ action: 'delegate', protect: ['a'], reason: 'a stays' }),
};
`;

let dir: string;
let place: Place;
let turnout: Turnout;
let stopped = false;
const at = (name: string) => join(dir, name);
const decisions = async () => turnout.events('plan.decided');

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'turnout-policy-log-'));
  place = await makePlace();
  await writeFile(at('live.js'), LIVE);
  await writeFile(at('shadow.js'), SHADOW);
  const models = { a: { flags: '--tokens 2' }, b: { flags: '--tokens 2' } };
  const tail =
    'turnout:\n  planner: policy\n  policy: { file: ./live.js, options: { greeting: moin }, shadow: [./shadow.js] }\n';
  turnout = await startTurnout({ config: fakeConfig(await freePorts(2), models, tail), dir });
  await until('both policies to be loaded', async () => (await turnout.events('policy.loaded')).length === 2);
  for (const model of ['a', 'b', 'a']) {
    const response = await turnout.post('/v1/chat/completions', { model, messages: [] });
    expect(response.status).toBe(200);
    await response.text();
  }
  await until('the shadow to disagree', async () => (await turnout.events('policy.disagreed')).length > 0);
}, 60_000);

afterAll(async () => {
  await turnout?.dispose();
  await place?.remove();
  await rm(dir, { recursive: true, force: true });
});

/** What the commands print must not depend on whether turnout still runs. */
describe.each(['while turnout runs', 'after it has stopped'])('%s', (when) => {
  let events: Awaited<ReturnType<typeof decisions>> = [];
  const source = () => (stopped ? ['--state-dir', turnout.stateDir] : ['--url', turnout.url]);

  beforeAll(async () => {
    if (when === 'while turnout runs') return;
    const port = turnout.url;
    await turnout.stop();
    stopped = true;
    expect(port).not.toBe('');
  });

  it('policy run says the same as then, with memory and log lines', async () => {
    events = stopped ? [] : await decisions();
    const ran = await place.cli([
      'policy',
      'run',
      at('live.js'),
      '--decision',
      'last',
      '--config',
      at('config.yaml'),
      '--json',
      ...source(),
    ]);
    expect(ran.err).toBe('');
    const told = JSON.parse(ran.out);
    expect(told).toMatchObject({ target: 'a', differs: null, illegal: null, logs: ['moin 2'], fault: null });
    expect(told.was).toMatchObject({ planner: { name: 'counting' }, via: 'live', verdict: { evict: ['b'] } });
    expect(told.answer).toEqual({ action: 'swap', evict: ['b'], reason: 'after 2 swaps' });
    if (!stopped) expect(told.decision).toBe(events.at(-1)?.position);
  });

  it('policy run tells how another policy differs', async () => {
    const list = await place.cli(['policy', 'run', at('shadow.js'), '--decision', '1', ...source()]);
    expect(list.code).toBe(1);
    const position = Number(/latest decisions are .*?(\d+) \(b\)/.exec(list.err)?.[1]);
    const ran = await place.cli(['policy', 'run', at('shadow.js'), '--decision', String(position), ...source()]);
    expect(ran.out).toContain('then: evict a: after 1 swaps   (counting, live; started)');
    expect(ran.out).toContain('now:  ask the usual planner, which may not evict a: a stays');
    expect(ran.out).toMatch(/which is: (?:wait|refuse)/);
    expect(ran.out).toContain('differs: the planner in charge said evict a, this one wait');
    expect(ran.code).toBe(0);
  });

  it('policy test --from-log adds a case that holds for the policy that decided, and fails for another', async () => {
    const policy = `mine-${stopped ? 'file' : 'live'}.js`;
    await writeFile(at(policy), LIVE);
    await writeFile(at('other.js'), SHADOW);
    const added = await place.cli(['policy', 'test', at(policy), '--from-log', 'last', ...source()]);
    expect(added.err).toBe('');
    expect(added.out).toContain('evict b for a');
    const table = at(policy.replace('.js', '.test.yaml'));
    const [one] = (parse(await readFile(table, 'utf8')) as { cases: Record<string, unknown>[] }).cases;
    expect(one).toMatchObject({ given: { target: 'a', state: { swaps: 2 } }, expect: { resolved: { evict: ['b'] } } });
    const tested = await place.cli(['policy', 'test', at(policy)]);
    expect(tested.out).toContain('1 of 1 cases hold');
    expect(tested.code).toBe(0);

    const again = await place.cli(['policy', 'test', at(policy), '--from-log', 'last', ...source()]);
    expect(again.code).toBe(0);
    expect((await place.cli(['policy', 'test', at(policy)])).out).toContain('2 of 2 cases hold');

    const text = (await readFile(table, 'utf8')).replaceAll('- b\n', '- c\n').replaceAll('[ b ]', '[ c ]');
    await writeFile(table, text);
    const failed = await place.cli(['policy', 'test', at(policy)]);
    expect(failed.out).toContain('FAIL');
    expect(failed.out).toMatch(/resolved\.evict {2}expected {2}\["c"\]\s+got {7}\["b"\]/);
    expect(failed.code).toBe(1);
  });

  it('policy shadow-report counts decisions and disagreements by model', async () => {
    const ran = await place.cli(['policy', 'shadow-report', '--json', ...source()]);
    const { shadows } = JSON.parse(ran.out);
    expect(shadows).toHaveLength(1);
    expect(shadows[0]).toMatchObject({ name: 'keeps-a', decisions: 3, disagreed: 1, failed: 0, ended: null });
    expect(shadows[0].byTarget).toEqual([
      { target: 'b', decisions: 1, disagreed: 1 },
      { target: 'a', decisions: 2, disagreed: 0 },
    ]);
    const text = await place.cli(['policy', 'shadow-report', ...source()]);
    expect(text.out).toContain('decided otherwise in 1 of 3 decisions (33 %)');
    expect(text.out).toContain('in charge: evict a: after 1 swaps');
    expect(text.out).toContain('shadow:    ask the usual planner, which may not evict a: a stays');
  });
});
