/**
 * The commands that look back, against a turnout that runs and against its log afterwards: explain at a moment, swaps,
 * state, replay, verify. One log with a policy in charge that remembers, so that verify has to give it its memory back.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { BIN, startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';
import { retold } from './retold.ts';
import { makePlace, type Place, type Ran } from './run.ts';

/** Says how often it saw something loaded: a memory that was not given back shows in the reason. */
const POLICY = `export default {
  name: 'counting', apiVersion: 1,
  events: ['process.ready'],
  initial: () => ({ loads: 0 }),
  evolve: (state) => ({ loads: state.loads + 1 }),
  plan(view) {
    const evict = view.models.filter((model) => model.phase === 'ready').map((model) => model.id);
    return { action: 'swap', evict, reason: 'after ' + view.state.loads + ' loads, by chance ' + view.random().toFixed(6) };
  },
};
`;

let dir: string;
let place: Place;
let turnout: Turnout;
let request = '';
let firstSwap = 0;
let stopped = false;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'turnout-past-'));
  place = await makePlace();
  await writeFile(join(dir, 'policy.js'), POLICY);
  const models = { a: { flags: '--tokens 2' }, b: { flags: '--tokens 2' } };
  const tail = 'turnout: { planner: policy, policy: ./policy.js }';
  turnout = await startTurnout({ config: fakeConfig(await freePorts(2), models, tail), dir });
  await until('the policy to be loaded', async () => (await turnout.events('policy.loaded')).length > 0);
  for (const [model, client] of [
    ['a', 'ide'],
    ['b', 'chat'],
    ['a', 'ide'],
  ] as const) {
    const body = { model, messages: [] };
    const response = await turnout.post('/v1/chat/completions', body, { headers: { 'user-agent': client } });
    expect(response.status).toBe(200);
    await response.text();
    request = response.headers.get('x-turnout-request-id') ?? '';
  }
  firstSwap = (await turnout.events('swap.started')).find((event) => event.data.evict.length > 0)?.position ?? 0;
}, 60_000);

afterAll(async () => {
  await turnout?.dispose();
  await place?.remove();
  await rm(dir, { recursive: true, force: true });
});

const source = () => (stopped ? ['--state-dir', turnout.stateDir] : ['--url', turnout.url]);
const run = (...args: string[]): Promise<Ran> => place.cli([...args, '--utc', ...source()]);

/** What the commands say must not depend on whether turnout still runs. */
describe.each(['while turnout runs', 'after it has stopped'])('%s', { timeout: 30_000 }, (when) => {
  beforeAll(async () => {
    if (when === 'while turnout runs') return;
    await turnout.stop();
    stopped = true;
  });

  it('explain tells a request, a swap, and what was decided at a moment', async () => {
    const asked = await run('explain', request);
    expect(asked).toMatchObject({ code: 0, err: '' });
    expect(asked.out).toMatch(/the swap was decided by the counting planner: after 2 loads, by chance 0\.\d{6}\n/);
    expect(asked.out).toMatch(/where its time went, and what is usual \(median of 1 request\):\n {2}queue +\S+ ms/);
    const swap = await run('explain', String(firstSwap));
    expect(swap.out).toMatch(/^position \d+, .* UTC: swap\.started \(b\)/);
    expect(swap.out).toMatch(/asked for "b"/);
    const moment = await run('explain', 'b', '--at', String(firstSwap));
    expect(moment.out).toMatch(/: (swap\.started|plan\.decided) \(b\)/);
    const nearest = await run('explain', 'b', '--at', '-1s');
    expect(nearest).toMatchObject({ code: 0, err: '' });
  });

  it('explain says what it does not know, with an exit code', async () => {
    expect(await run('explain', '99999')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('99999') });
    expect(await run('explain', request, '--at', '-1h')).toMatchObject({
      code: 2,
      err: expect.stringContaining('name the model that is meant, as in: turnout explain qwen --at 03:00'),
    });
    expect(await run('explain', 'a', '--at', 'noon')).toMatchObject({
      code: 2,
      err: expect.stringContaining('read --at "noon": expected a time (03:00, -2h, "yesterday 3:10"'),
    });
  });

  it('swaps lists them, or sums them up by client', async () => {
    const { out } = await run('swaps');
    const rows = out.trim().split('\n');
    expect(rows[0]).toMatch(/^TIME +MODEL +FOR +EVICTED +STOPPING +LOADING +RELOADED$/);
    expect(rows).toHaveLength(4);
    expect(rows[2]).toMatch(/ b +chat 127\.0\.0\.1 +a +\d+ ms +[\d.]+ m?s +a after /);
    expect(rows[3]).toMatch(/ a +ide 127\.0\.0\.1 +b +\d+ ms +[\d.]+ m?s +no$/);
    const sums = (await run('swaps', '--by', 'client')).out.trim().split('\n');
    expect(sums[0]).toMatch(/^CLIENT +SWAPS +FAILED +EVICTED +RELOADED +STOPPING +LOADING$/);
    expect(
      sums
        .slice(1)
        .map((row) => row.split(/ {2,}/).slice(0, 3))
        .sort(),
    ).toEqual([
      ['chat 127.0.0.1', '1', '0'],
      ['ide 127.0.0.1', '2', '0'],
    ]);
    expect((await run('swaps', '--since', '2099-01-01')).out).toBe('no swap in that time\n');
    expect(JSON.parse((await run('swaps', '--json')).out)).toMatchObject({ swaps: [{}, { target: 'b' }, {}] });
    expect(await run('swaps', '--limit', 'all')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--limit "all"'),
    });
  });

  it('state shows a moment, as text or JSON, and what is different at another one', async () => {
    const then = await run('state', '--at', String(firstSwap));
    expect(then.out).toMatch(new RegExp(`^position ${firstSwap}, .*: turnout is running, planner policy\n`));
    expect(then.out).toMatch(/\na +ready /);
    const json = JSON.parse((await run('state', '--at', String(firstSwap), '--json')).out);
    expect(json).toMatchObject({
      position: firstSwap,
      models: [
        { id: 'a', phase: 'ready' },
        { id: 'b', phase: 'stopped' },
      ],
    });
    const diff = await run('state', '--at', String(firstSwap), '--diff', String(firstSwap + 1));
    expect(diff.out).toMatch(new RegExp(`^from position ${firstSwap} to ${firstSwap + 1}:\n`));
    expect((await run('state', '--at', '5', '--diff', '5')).out).toBe('from position 5 to 5: nothing is different\n');
    expect(await run('state', '--at', '99999')).toMatchObject({ code: 1, err: expect.stringContaining('99999') });
    expect(await run('state')).toMatchObject({ code: 2, err: expect.stringContaining('--at') });
  });

  it('replay shows what happened, one thing a line, without waiting at speed 0', async () => {
    const began = performance.now();
    const { code, out } = await place.cli(['replay', '--speed', '0', '--utc', '--state-dir', turnout.stateDir]);
    expect(code).toBe(0);
    expect(performance.now() - began).toBeLessThan(20_000);
    const lines = out.split('\n');
    const at = (what: RegExp) => lines.findIndex((line) => what.test(line));
    const order = [
      /<b> request req_\S+ of chat 127\.0\.0\.1 arrived/,
      /<b> counting planner: swap, evicting a \(started\): after 1 loads/,
      /<b> swap begins: a must leave/,
      /b starting/,
      /<b> swap done after/,
      /<b> request \d+ finished with 200 \(ok\)/,
    ].map(at);
    expect(order, `the order of things in:\n${out}`).toEqual([...order].sort((x, y) => x - y));
    expect(order).not.toContain(-1);
    const part = await place.cli([
      'replay',
      '--from',
      String(firstSwap),
      '--to',
      String(firstSwap),
      '--speed',
      '0',
      '--utc',
      '--state-dir',
      turnout.stateDir,
    ]);
    expect(part.out.split('\n')[0]).toMatch(new RegExp(`^[\\d:.]+ +${firstSwap} +<b> swap begins: a must leave$`));
    expect(await place.cli(['replay', '--speed', 'fast', '--state-dir', turnout.stateDir])).toMatchObject({
      code: 2,
      err: expect.stringContaining('read --speed "fast": expected 0 (no waiting) or a factor such as 10'),
    });
  });

  it('verify proves the log whole and asks the policy again, with the memory and the chance that it had', async () => {
    const ran = await place.cli(['verify', '--state-dir', turnout.stateDir]);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(
      /^the log in \S+ is whole: \d+ events, the hashes agree\n3 decisions asked again: 3 the same\n$/,
    );
    const json = JSON.parse((await place.cli(['verify', '--json', '--state-dir', turnout.stateDir])).out);
    expect(json).toMatchObject({ log: { whole: true }, decisions: 3, same: 3, different: 0, first: null });
  });

  it.runIf(when === 'while turnout runs')(
    'a turnout that is named by its address is found on the disk when it runs on this machine',
    async () => {
      const env = { TURNOUT_URL: `${turnout.url}/` };
      const here = await place.cli(['verify'], { ...env, XDG_RUNTIME_DIR: turnout.dir });
      expect(here).toMatchObject({ code: 0, out: expect.stringContaining(turnout.stateDir) });
      const elsewhere = await place.cli(['verify'], env);
      expect(elsewhere).toMatchObject({ code: 2, err: expect.stringContaining('--state-dir') });
    },
  );
});

describe('of a log whose decisions are not those of its policy', { timeout: 30_000 }, () => {
  it('verify shows the first with both answers, and ends with 3', async () => {
    const copy = join(dir, 'retold');
    await retold(turnout.stateDir, copy, (event) => {
      if (event.type !== 'plan.decided' || event.model !== 'b') return event;
      const { verdict } = event.data;
      return { ...event, data: { ...event.data, verdict: { ...verdict, reason: 'after 7 loads, by chance 0.5' } } };
    });
    const ran = await place.cli(['verify', '--utc', '--state-dir', copy]);
    expect(ran).toMatchObject({ code: 3, err: '' });
    expect(ran.out).toContain('3 decisions asked again: 2 the same and 1 different');
    expect(ran.out).toMatch(/the first that differs is at position \d+, .* UTC, about b \(counting planner\):/);
    expect(ran.out).toContain('  recorded: swap, evicting a: after 7 loads, by chance 0.5 (started)');
    expect(ran.out).toMatch(/ {2}answered: swap, evicting a: after 1 loads, by chance 0\.\d{6} \(started\)/);
  });

  it('verify does not trust a log that was changed and not written anew', async () => {
    const copy = join(dir, 'changed');
    execFileSync('cp', ['-r', turnout.stateDir, copy]);
    execFileSync('sh', ['-c', `sed -i 's/after 1 loads/after 9 loads/' '${join(copy, 'events.db')}'`]);
    const ran = await place.cli(['verify', '--state-dir', copy]);
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toMatch(/got damaged: .*turnout log restore FILE/);
  });
});

describe('replay, step by step', () => {
  it('shows one thing for each line that is typed', async () => {
    const args = [BIN, 'replay', '--step', '--utc', '--state-dir', turnout.stateDir];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    const ended = new Promise((resolve) => child.once('close', resolve));
    const things = () => out.split('\n').filter((line) => /^\d\d:\d\d/.test(line)).length;
    for (const typed of [1, 2, 3]) {
      child.stdin.write('\n');
      await until(`${typed} things to be shown`, () => things() === typed);
    }
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(things()).toBe(3);
  });
});
