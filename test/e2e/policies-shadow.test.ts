/** Policies in the shadow are asked after the answer has gone out and harm nothing; no policy ever sees a secret. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { ask, EVICT_ALL, planning, status, taken, withPolicy } from './policies-support.ts';

const MODELS = { a: {}, b: {} };

describe('policies in the shadow', { timeout: 60_000 }, () => {
  it('record where they disagree with the built-in in charge; one that hangs is let be, and nobody waits for it', async () => {
    const { turnout, dir } = await withPolicy({
      models: MODELS,
      planner: 'group',
      policy: '{ shadow: [./waits.js, ./agrees.js, ./hangs.js] }',
      files: {
        'waits.js': planning("return { action: 'wait', reason: 'I would not' };"),
        'agrees.js': planning("return { action: 'delegate', planner: 'group', reason: 'the same' };"),
        'hangs.js': planning('for (;;);'),
      },
    });
    const slots = ['waits.js', 'agrees.js', 'hangs.js'].map((name) => join(dir, name));
    for (const slot of slots) await taken(turnout, 1, slot);
    const models = ['a', 'b', 'a', 'b', 'a'];
    for (const [n, model] of models.entries()) {
      expect(await status(ask(turnout, model))).toBe(200);
      await until('the shadows to be heard', async () => (await turnout.events('policy.disagreed')).length > n);
    }
    const disagreed = await turnout.events('policy.disagreed');
    expect(disagreed.map((event) => event.data.slot)).toEqual(models.map(() => slots[0]));
    const decided = await turnout.events('plan.decided');
    expect(disagreed.map((event) => event.data.plan)).toEqual(decided.map((event) => event.position));
    expect(disagreed[1]?.data).toMatchObject({
      verdict: { action: 'wait', reason: 'I would not' },
      reason: 'the planner in charge said evict a, this one wait',
    });
    // decided in the turn in which they came, whatever the shadows do: nothing else happened in between
    const arrived = (await turnout.events('request.arrived')).map((event) => event.position);
    expect(decided.map((event) => event.cause)).toEqual(arrived);
    expect(decided.map((event) => event.position)).toEqual(arrived.map((position) => position + 1));
    expect(decided.every((event) => event.data.via === 'live')).toBe(true);
    // the host is gone for a moment after each time: not every question reaches the one that hangs
    await until('the one that hangs to be disabled', async () => {
      for (const model of ['b', 'a']) expect(await status(ask(turnout, model))).toBe(200);
      return (await turnout.events('policy.disabled'))[0];
    });
    expect((await turnout.events('policy.disabled')).map((event) => event.data.slot)).toEqual([slots[2]]);
    await turnout.stop();
  });
});

describe('what a policy gets to see', { timeout: 60_000 }, () => {
  it('holds no prompt, no key and no header, neither in the view nor in the events', async () => {
    const SECRETS = ['sk-test-planted', 'prompt-planted', 'header-planted', 'query-planted', 'env-planted'];
    const source = planning(
      `view.log(JSON.stringify(view).slice(0, 480));
      const text = JSON.stringify(view);
      const found = view.options.secrets.filter((word) => text.includes(word.split('+').join('-')));
      view.log('found ' + JSON.stringify(found) + ' in ' + text.length + ', client ' + view.waiting[0].client);${EVICT_ALL}`,
      `
  options: { secrets: { type: 'string[]', default: [] } },
  events: ['request.arrived', 'request.granted', 'request.finished', 'config.applied', 'process.starting', 'process.exited'],
  initial() { return ''; },
  evolve(state, event) { return (state + JSON.stringify(event)).slice(-20000); },`,
    );
    // written otherwise in the options, which a policy may see
    const options = SECRETS.map((word) => word.split('-').join('+'));
    const headers = { authorization: 'Bearer sk-test-planted', 'x-trace': 'header-planted', cookie: 'header-planted' };
    const { turnout, dir } = await withPolicy({
      headers,
      models: { a: { more: ['env: ["TOKEN=env-planted"]'] }, b: {} },
      files: { 'policy.js': source },
      policy: `{ file: ./policy.js, options: { secrets: ${JSON.stringify(options)} } }`,
      tail: 'apiKeys: [sk-test-planted]',
    });
    for (const model of ['a', 'b', 'a']) {
      const messages = [{ role: 'user', content: 'prompt-planted' }];
      const body = { model, messages, user: 'prompt-planted', metadata: { note: 'prompt-planted' } };
      const answer = await turnout.post('/v1/chat/completions?note=query-planted', body);
      expect(answer.status).toBe(200);
      await answer.text();
    }
    const events = await turnout.events('plan.decided');
    expect(events).toHaveLength(3);
    for (const { data } of events) {
      expect(data.via).toBe('live');
      expect(data.logs?.at(-1)).toMatch(/^found \[\] in \d{4,}/);
    }
    // nor does anything of them lie in the log, from which a policy's memory is rebuilt
    for (const name of await readdir(join(dir, 'state'))) {
      if (!/\.(sqlite|db)(-wal)?$/.test(name)) continue;
      const text = await readFile(join(dir, 'state', name), 'latin1');
      for (const word of SECRETS) expect(text.includes(word), `${word} in ${name}`).toBe(false);
    }
    await turnout.stop();
  });
});
