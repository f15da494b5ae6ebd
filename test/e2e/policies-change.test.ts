/** A policy file that changes under a running turnout: the new one is checked and takes over, a bad one changes nothing. */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';
import {
  ask,
  configOf,
  EVICT_ALL,
  notesOf,
  planning,
  replace,
  status,
  taken,
  type WithPolicy,
  withPolicy,
} from './policies-support.ts';

const MODELS = { a: {}, b: {} };
/** Refuses everything, and names itself. */
const saying = (word: string) => planning(`return { action: 'reject', status: 409, reason: 'I am ${word}' };`);
const BROKEN = "export default {\n  name: 'test', apiVersion: 1,\n  plan(view) {\n    return {;\n  },\n};\n";

async function said(turnout: Turnout): Promise<string> {
  return (await ask(turnout, 'a')).text();
}

async function refused({ turnout }: WithPolicy, count: number) {
  return until('the refusal', async () => (await turnout.events('policy.refused'))[count - 1]);
}

describe('a policy file that changes', { timeout: 60_000 }, () => {
  it('takes over when it is good; a bad one changes nothing, and says where and why; what was good comes back', async () => {
    const it = await withPolicy({ models: MODELS, files: { 'policy.js': saying('first') } });
    const { turnout, dir } = it;
    expect(await said(turnout)).toContain('I am first');

    await replace(dir, 'policy.js', saying('second'));
    await taken(turnout, 2);
    expect(await said(turnout)).toContain('I am second');

    await replace(dir, 'policy.js', BROKEN);
    const { data } = await refused(it, 1);
    expect(data).toMatchObject({ slot: 'live', fault: { kind: 'syntax', line: 4, during: 'load' } });
    expect(data.fault.file).toBe(join(dir, 'policy.js'));
    expect(data.fault.excerpt).toContain('return {;');
    expect(await notesOf(turnout)).toEqual([expect.stringMatching(/policy\.js:4:\d+ was not taken: .*SyntaxError/)]);
    await until('a line about it', () =>
      /policy not taken, .*\nerror\[syntax\].*\n +--> .*policy\.js:4:\d+\n/.test(turnout.output()),
    );
    expect(await said(turnout)).toContain('I am second');
    expect((await turnout.get('/health')).status).toBe(200);

    await replace(dir, 'policy.js', saying('second'));
    await taken(turnout, 3);
    expect(await notesOf(turnout)).toEqual([]);
    await turnout.stop();
  });

  it('stays in charge when its file is gone, which is told, until that is back', async () => {
    const it = await withPolicy({ models: MODELS, files: { 'policy.js': saying('there') } });
    const { turnout, dir } = it;
    await rename(join(dir, 'policy.js'), join(dir, 'away.js'));
    expect((await refused(it, 1)).data.fault.message).toContain('cannot read policy');
    expect(await said(turnout)).toContain('I am there');
    await rename(join(dir, 'away.js'), join(dir, 'policy.js'));
    await taken(turnout, 2);
    expect(await notesOf(turnout)).toEqual([]);
    await turnout.stop();
  });

  it('that is not there at the start leaves the fallback in charge, and is taken when it comes', async () => {
    const it = await withPolicy({ models: MODELS, files: {} });
    const { turnout, dir } = it;
    await refused(it, 1);
    expect(await status(ask(turnout, 'a'))).toBe(200);
    expect((await turnout.events('plan.decided'))[0]?.data).toMatchObject({
      via: 'fallback',
      planner: { name: 'group' },
    });
    await replace(dir, 'policy.js', saying('late'));
    await taken(turnout);
    expect(await (await ask(turnout, 'b')).text()).toContain('I am late');
    await turnout.stop();
  });
});

const OBEYING = planning(
  "return { action: 'reject', status: 409, reason: 'patience ' + view.options.patience };",
  "\n  options: { patience: { type: 'number', default: 1, max: 10 }, keep: { type: 'model', optional: true } },",
);

describe('options that change with the configuration', { timeout: 60_000 }, () => {
  it('reach the policy; those that it does not have are refused by name, and the old ones stay', async () => {
    const setup = { models: MODELS, files: { 'policy.js': OBEYING } };
    const it = await withPolicy({ ...setup, policy: '{ file: ./policy.js, options: { patience: 2 } }' });
    const { turnout, dir, config } = it;
    const port = Number(/startPort: (\d+)/.exec(config)?.[1]);
    const reload = async (policy: string, models: Record<string, object> = MODELS) => {
      await replace(dir, 'config.yaml', configOf(port, { models, policy }));
      process.kill(turnout.pid, 'SIGHUP');
    };
    expect(await said(turnout)).toContain('patience 2');

    await reload('{ file: ./policy.js, options: { patience: 5, keep: b } }');
    await taken(turnout, 2);
    expect(await said(turnout)).toContain('patience 5');

    await reload('{ file: ./policy.js, options: { patienc: 7 } }');
    expect((await refused(it, 1)).data.fault.message).toContain('did you mean "patience"?');
    expect(await said(turnout)).toContain('patience 5');

    await reload('{ file: ./policy.js, options: { patience: 5, keep: b } }');
    await taken(turnout, 3);
    await reload('{ file: ./policy.js, options: { patience: 5, keep: b } }', { a: {} });
    expect((await refused(it, 2)).data.fault.message).toContain('"keep"');
    expect(await said(turnout)).toContain('patience 5');
    await turnout.stop();
  });

  it('another planner in the configuration ends its rule at once', async () => {
    const { turnout, dir, config } = await withPolicy({ models: MODELS, files: { 'policy.js': saying('no') } });
    expect(await said(turnout)).toContain('I am no');
    await replace(dir, 'config.yaml', config.replace('planner: policy', 'planner: group'));
    process.kill(turnout.pid, 'SIGHUP');
    await until('it to be let go', async () => (await turnout.events('policy.unloaded')).length === 1);
    expect(await status(ask(turnout, 'a'))).toBe(200);
    expect((await turnout.events('plan.decided')).at(-1)?.data).toMatchObject({
      via: 'live',
      planner: { name: 'group' },
    });
    await turnout.stop();
  });
});

describe('a new version of a policy with memory', { timeout: 60_000 }, () => {
  it('starts with what happened before it was there', async () => {
    const { turnout, dir } = await withPolicy({ models: MODELS, files: { 'policy.js': planning(EVICT_ALL) } });
    for (const model of ['a', 'b']) expect(await status(ask(turnout, model))).toBe(200);
    await until('both to be over', async () => (await turnout.events('request.finished')).length === 2);
    const remembering = planning(
      "return { action: 'reject', status: 409, reason: 'served ' + view.state.join() };",
      `
  events: ['request.finished'],
  initial() { return []; },
  evolve(state, event) { return [...state, event.model]; },`,
    );
    await replace(dir, 'policy.js', remembering);
    await taken(turnout, 2);
    expect(await said(turnout)).toContain('served a,b');
    await turnout.stop();
  });
});
