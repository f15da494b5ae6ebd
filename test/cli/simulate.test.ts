/** `turnout simulate` as a command: what it says, policies of users in the real host, and what it refuses. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type SimulateOptions, simulate } from '../../src/cli/commands/simulate.ts';
import type { TurnoutEvent } from '../../src/core/events.ts';
import { openTestLog, tempDir } from '../log/log-fixtures.ts';
import { twoModels } from '../simulate/story.ts';

let out: string[];
let errors: string[];
let exitCode: typeof process.exitCode;

beforeEach(() => {
  out = [];
  errors = [];
  exitCode = process.exitCode;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => errors.push(String(text)) > 0);
  vi.stubEnv('TURNOUT_URL', '');
  vi.stubEnv('XDG_RUNTIME_DIR', tempDir());
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = exitCode;
});

async function recorded(events: TurnoutEvent[] = twoModels()): Promise<string> {
  const dir = tempDir();
  const { log } = await openTestLog(dir);
  log.append(events, true);
  await log.flush();
  await log.close();
  return dir;
}

async function said(options: SimulateOptions): Promise<string> {
  out = [];
  await simulate({ utc: true, ...options });
  return out.join('');
}

function policyFile(plan: string, more = ''): string {
  const file = join(tempDir(), 'mine.js');
  writeFileSync(file, `export default { name: 'mine', apiVersion: 1, ${more} plan(view) { ${plan} } };\n`);
  return file;
}

describe('turnout simulate', () => {
  it('proves first, then compares, and says where they part and what nobody can beat', async () => {
    const text = await said({ stateDir: await recorded(), policy: ['builtin:budget'] });
    expect(text.split('\n')).toEqual([
      'from 1970-01-01 00:16:40.000 UTC, for 25.5 s: 33 events, 3 requests',
      '3 decisions asked again: 3 the same',
      'played again, the recorded planner decides the same, 3 times in the same order',
      '',
      '                  SWAPS  LOADING  WAIT P50  P95    MAX    IN ALL  REFUSED  STARVED  RELOADED',
      'as it happened    3      14.0 s   4.5 s     6.5 s  6.5 s  15.0 s  0        0        1',
      'group (recorded)  3      14.0 s   4.5 s     6.5 s  6.5 s  15.0 s  0        0        1',
      'builtin:budget    2      10.0 s   4.0 s     6.0 s  6.0 s  10.0 s  0        0        0',
      'reloaded: evicted and loaded again within five minutes',
      'starved: waited longer than anybody may have to here (35.0 s at most), or refused for it',
      '',
      'builtin:budget decides otherwise about 2 requests:',
      '  00:16:50.000, about b, for r2',
      '    group (recorded): swap, evicting a: group g runs one model at a time, so a must leave',
      '    builtin:budget:   load it beside the others: b fits beside what is loaded',
      '  00:17:00.000, about a, for r3',
      '    group (recorded): swap, evicting b: group g runs one model at a time, so b must leave',
      '    builtin:budget:   had nothing to decide: its model was loaded or loading, or it did not come to that',
      '',
      "lower bound (group (recorded)): 5.0 s. Whoever decides under the group planner's law, the 3 requests wait that long in all at least;",
      '  exact where stops take no time: the best of every order of loads, found by search',
      "lower bound (builtin:budget): 4.0 s. Whoever decides under the budget planner's law on gpu0 of 24 GiB, the 3 requests wait that long in all at least;",
      '  exact where stops take no time: the best of every order of loads, found by search',
      '',
      ...text.split('\n').slice(24),
    ]);
    expect(text).toContain('\nrecorded: who came when');
    expect(text).toContain('\nmodelled: a load or stop beyond the recorded ones');
    expect(process.exitCode).toBe(exitCode);
  });

  it('warns, with both answers, and exits with 3 when a recorded decision does not come out again', async () => {
    const events = twoModels().map((event) =>
      event.type === 'plan.decided' && event.model === 'b'
        ? { ...event, data: { ...event.data, verdict: { ...event.data.verdict, reason: 'for fun' } } }
        : event,
    );
    const text = await said({ stateDir: await recorded(events) });
    expect(text).toContain('3 decisions asked again: 2 the same and 1 different');
    expect(text).toContain('recorded: swap, evicting a: for fun (started)');
    expect(text).toContain('answered: swap, evicting a: group g runs one model at a time, so a must leave (started)');
    expect(text).toContain('warning: the recorded decisions do not come out again');
    expect(process.exitCode).toBe(3);
  });

  it('takes other memory, and is the same byte for byte each time', async () => {
    const stateDir = await recorded();
    const options = { stateDir, policy: ['builtin:budget'], memory: ['gpu0=12GiB'], seed: '7', json: true };
    const once = await said(options);
    const told = JSON.parse(once) as { contenders: { name: string; figures: { swaps: number } }[]; notes: string[] };
    expect(told.contenders.map(({ name, figures }) => [name, figures.swaps])).toEqual([
      ['group, other memory', 3],
      ['builtin:budget', 3],
    ]);
    expect(told.notes).toEqual(['--memory changes nothing for the group planner, which does not look at memory']);
    expect(await said(options)).toBe(once);
  });

  it('asks a policy file in the real host, with its chance by the seed', async () => {
    const stateDir = await recorded();
    const keeps = policyFile("return { action: 'reject', status: 503, reason: 'no ' + view.random() };");
    const plain = JSON.parse(await said({ stateDir, policy: [keeps], json: true })) as Told;
    expect(plain.contenders[0]).toMatchObject({ figures: { swaps: 0, refusals: 3, faults: {} }, broken: [] });
    const first = await said({ stateDir, policy: [keeps], seed: '1', json: true });
    expect(await said({ stateDir, policy: [keeps], seed: '1', json: true })).toBe(first);
    expect(await said({ stateDir, policy: [keeps], seed: '2', json: true })).not.toBe(first);
  });

  it('gives a policy the memory of the time before the slice, and of the play', async () => {
    const stateDir = await recorded();
    const memory = "initial: () => 0, events: ['process.ready'], evolve: (n) => n + 1,";
    const counts = policyFile(
      "return view.state === 2 ? { action: 'reject', status: 503, reason: 'x' } : { action: 'delegate' };",
      memory,
    );
    const whole = JSON.parse(await said({ stateDir, policy: [counts], json: true })) as Told;
    const late = JSON.parse(await said({ stateDir, policy: [counts], since: '13', json: true })) as Told;
    const planners = (told: Told) => told.contenders[0]?.otherwise.first.map(({ theirs }) => theirs?.planner ?? null);
    expect(planners(whole)).toEqual(['mine']);
    expect(planners(late)).toEqual(['mine']);
  });

  it('lets the fallback decide where a policy fails, and says how often', async () => {
    const file = policyFile("throw new Error('broken');");
    const text = await said({ stateDir: await recorded(), policy: [file] });
    expect(text).toContain(`${file}: answers that did not count (3 x throw); the fallback decided in its place`);
    expect(text).toMatch(/mine\.js +3 +14\.0 s/);
  });

  it('plays a slice alone, which begins with the end of a millisecond', async () => {
    const told = JSON.parse(await said({ stateDir: await recorded(), since: '14', until: '24', json: true })) as Told;
    expect(told.slice).toMatchObject({ from: 15, to: 24 });
    expect(told.replayed.sameDecisions).toBe(true);
  });
});

interface Told {
  slice: object;
  replayed: { sameDecisions: boolean };
  contenders: {
    figures: object;
    broken: string[];
    otherwise: { first: { theirs: { planner: string } | null }[] };
  }[];
}

describe('turnout simulate refuses', () => {
  it.each([
    [{ policy: ['builtin:fast'] }, 'read --policy "builtin:fast": expected a file, or one of builtin:group, '],
    [{ policy: ['builtin:matrix'] }, 'simulate builtin:matrix: expected sets (matrix) in the recorded configuration'],
    [{ policy: ['nowhere.js'] }, 'nowhere.js'],
    [{ memory: ['24GiB'] }, 'read --memory "24GiB": expected a device and a size such as gpu0=24GiB'],
    [{ memory: ['gpu7=24GiB'] }, 'read --memory "gpu7": expected a device among gpu0'],
    [{ seed: 'x' }, 'read --seed "x": expected a whole number'],
    [{ since: '30', until: '20' }, 'expected events, but nothing happened between --since and --until'],
    [{ since: 'soon' }, 'read --since "soon": expected a time'],
  ] as [SimulateOptions, string][])('%j', async (options, message) => {
    const stateDir = await recorded();
    await expect(simulate({ stateDir, ...options })).rejects.toThrow(message);
  });

  it('a budget without devices', async () => {
    const stateDir = await recorded(twoModels({ devices: [] }));
    const why =
      'simulate builtin:budget: expected devices in the recorded configuration, got none; name them with --memory';
    await expect(simulate({ stateDir, policy: ['builtin:budget'] })).rejects.toThrow(why);
    const text = await said({ stateDir, policy: ['builtin:budget'], memory: ['gpu0=24GiB'] });
    expect(text).toMatch(/builtin:budget +2 +10\.0 s/);
  });

  it('a log that is empty, or without requests, or not whole, or none', async () => {
    await expect(simulate({ stateDir: await recorded([]) })).rejects.toThrow('expected events, but it holds none');
    const quiet = await recorded(twoModels().slice(0, 2));
    await expect(simulate({ stateDir: quiet })).rejects.toThrow(
      'expected requests of clients in it, got 2 events without any',
    );
    const cut = join(await recorded(), 'events.db');
    truncateSync(cut, readFileSync(cut).length >> 1);
    await expect(simulate({ file: cut })).rejects.toMatchObject({ code: 'log-damaged' });
    await expect(simulate({ stateDir: join(tempDir(), 'none') })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('says what a model takes that nobody knows', async () => {
    const stateDir = await recorded(twoModels({ memory: null }));
    const text = await said({ stateDir, policy: ['builtin:budget'] });
    expect(text).toContain(
      'budget: what a, b take is neither configured nor observed, so each gets everything for itself',
    );
    expect(text).toMatch(/builtin:budget +3 +14\.0 s/);
  });
});
