/** `turnout export` and `import` on the log of a turnout that runs, with a policy that knows its clients. */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changed, textOf } from '../history/export-support.ts';
import { checkKeptLog } from '../log/kept-logs.ts';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';
import { makePlace, type Place, type Ran } from './run.ts';

/** Anna's model stays; so does whatever the options name. */
const POLICY = `export default {
  name: 'anna-first', apiVersion: 1,
  options: { vip: { type: 'string' } },
  plan(view) {
    const mine = view.waiting.some(({ client }) => client === view.options.vip);
    view.log('for ' + view.waiting.map(({ client }) => client).join(', '));
    return { action: 'delegate', protect: mine ? [] : ['tiny-llm'], reason: mine ? 'anna.meier goes first' : 'tiny-llm stays' };
  },
};
`;
const WHO = ['anna.meier', 'ben.oak', 'chat-7', 'demo for Clara'];
const WHICH = ['qwen-8b', 'llama-70b', 'tiny-llm', 'chatty'];
const SECRETS = ['my-secret-prompt'];

let dir: string;
let place: Place;
let turnout: Turnout;
const out = (name: string) => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'turnout-export-cli-'));
  place = await makePlace();
  await writeFile(out('policy.js'), POLICY);
  const quick = '--load-ms 20 --tokens 2';
  const models = {
    'qwen-8b': { flags: quick, more: ['aliases: [chatty]'] },
    'llama-70b': { flags: quick },
    'tiny-llm': { flags: quick },
  };
  const policy = '{ file: ./policy.js, options: { vip: anna.meier } }';
  const tail = `turnout: { planner: policy, policy: ${policy}, client: { from: [x-user] } }`;
  turnout = await startTurnout({ config: fakeConfig(await freePorts(3), models, tail), dir });
  await until('the policy to be taken', async () => (await turnout.events('policy.loaded')).length === 1);
  const ask = async (model: string, user: string) => {
    const messages = [{ role: 'user', content: 'my-secret-prompt' }];
    const more = { headers: { 'x-user': user, 'x-session-id': 'chat-7' } };
    const response = await turnout.post('/v1/chat/completions', { model, messages }, more);
    expect(response.status).toBe(200);
    await response.text();
  };
  for (const [model, user] of [
    ['chatty', 'anna.meier'],
    ['llama-70b', 'ben.oak'],
    ['qwen-8b', 'anna.meier'],
  ] as const) {
    await ask(model, user);
  }
  await turnout.post('/api/models/pin/qwen-8b', { reason: 'demo for Clara' }, { headers: { 'x-user': 'ben.oak' } });
  const waits = ask('llama-70b', 'anna.meier');
  await until('it to wait for the pin', async () =>
    (await turnout.events('target.blocked')).some(({ data }) => data.reason.includes('Clara') || data.on === 'pin'),
  );
  await turnout.post('/api/models/unpin/qwen-8b', {}, { headers: { 'x-user': 'ben.oak' } });
  await waits;
}, 60_000);

afterAll(async () => {
  await turnout?.dispose();
  await place?.remove();
  await rm(dir, { recursive: true, force: true });
});

const ours = () => ['--state-dir', turnout.stateDir];
const cli = (...args: string[]): Promise<Ran> => place.cli([...args, '--utc']);
const found = (text: string, words: readonly string[]) => words.filter((word) => text.includes(word));

describe.each([
  { flags: [], who: true, which: true, policies: true },
  { flags: ['--redact'], who: false, which: true, policies: false },
  { flags: ['--relabel'], who: true, which: false, policies: true },
  { flags: ['--redact', '--relabel', '--policies'], who: false, which: false, policies: true },
])('turnout export $flags', { timeout: 120_000 }, ({ flags, who, which, policies }) => {
  const name = () => out(`slice${flags.join('')}.turnout`);

  it('writes one file, readable by its owner, that says no more than it should', async () => {
    const ran = await cli('export', ...flags, '--out', name(), ...ours());
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(/holds \d+ events \(1 to \d+, .*\), 4 requests, \d+ decisions\n/);
    expect((await stat(name())).mode & 0o777).toBe(0o600);
    const text = textOf(name());
    expect(found(text, SECRETS)).toEqual([]);
    expect(found(text, WHO)).toEqual(who ? WHO : []);
    expect(found(text, WHICH)).toEqual(which ? WHICH : []);
    expect(text.includes(dir)).toBe(who);
    expect(text.includes('export default')).toBe(policies);
  });

  it('can be looked at by every command that looks back, and its decisions come out the same', async () => {
    const imported = await cli('import', name());
    expect(imported).toMatchObject({ code: 0, err: '' });
    expect(imported.out).toContain('folds to  the state that was recorded');
    const { out: verified, code } = await cli('verify', '--file', name(), '--json');
    const { decisions, same, different, notComparable } = JSON.parse(verified);
    expect({ code, different }).toEqual({ code: 0, different: 0 });
    expect(decisions).toBeGreaterThan(2);
    if (policies) expect({ same, notComparable }).toEqual({ same: decisions, notComparable: {} });
    else expect(notComparable).toEqual({ 'the source of the policy is not in the log': decisions });
    const model = which ? 'llama-70b' : 'model-2';
    expect((await cli('explain', model, '--file', name())).out).toContain(model);
    expect((await cli('swaps', '--file', name())).out).toContain(model);
    expect((await cli('state', '--at', '40', '--file', name())).out).toContain('position 40, ');
    expect((await cli('replay', name(), '--speed', '0')).out).toContain(`<${model}> swap begins`);
  });
});

describe('turnout export', () => {
  it('takes a slice, which begins where what was going on then began', async () => {
    const [blocked] = await turnout.events('target.blocked');
    const since = String((blocked?.position ?? 0) + 1);
    const file = out('middle.turnout');
    const ran = await cli('export', '--since', since, '--until', '-0s', '--out', file, ...ours(), '--json');
    const { base, head, end } = JSON.parse(ran.out);
    const arrived = (await turnout.events('request.arrived')).findLast(({ position }) => position < Number(since));
    expect(base).toBe((arrived?.position ?? 0) - 1);
    expect(end.events).toBe(head - base);
    const { out: said } = await cli('explain', arrived?.data.id ?? '', '--file', file);
    expect(said).toContain('demo for Clara');
  });

  it('never overwrites, and says what is in the way', async () => {
    await writeFile(out('taken'), 'mine');
    const ran = await cli('export', '--out', out('taken'), ...ours());
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toContain('expected a name that is free');
    const none = await cli('export', '--since', '99999', '--out', out('none'), ...ours());
    expect(none).toMatchObject({ code: 2 });
    expect(none.err).toMatch(/export events 99999 to \d+: expected some, got none; the log holds events 1 to \d+/);
    expect(await readdir(dir)).not.toContain('none');
  });

  it('--as-test writes a case that runs as it is', async () => {
    const folder = out('cases/a-demo');
    const ran = await cli('export', '--as-test', '--out', folder, ...ours());
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect((await readdir(folder)).toSorted()).toEqual(['case.json', 'slice.turnout']);
    expect(found(textOf(join(folder, 'slice.turnout')), WHO)).toEqual([]);
    await checkKeptLog(folder);
    expect((await cli('export', '--as-test', '--out', folder, ...ours())).err).toContain(
      'expected a name that is free',
    );
    expect(await readdir(out('cases'))).toEqual(['a-demo']);
  });
});

describe('turnout import', () => {
  it('says what a file holds and how to look at it', async () => {
    const file = out('slice.turnout');
    const { out: said } = await cli('import', file);
    expect(said).toMatch(/^export {4}.*slice\.turnout: whole$/m);
    expect(said).toMatch(/^models {4}qwen-8b, llama-70b, tiny-llm$/m);
    expect(said).toContain(`turnout replay ${file} --speed 0`);
    const { header, foldsTo, stateDir } = JSON.parse((await cli('import', file, '--json')).out);
    expect({ foldsTo, stateDir, base: header.base }).toEqual({ foldsTo: 'the same', stateDir: null, base: 0 });
  });

  it('makes a state directory of it, and refuses one that has a log', async () => {
    const ran = await cli('import', out('slice.turnout'), '--state-dir', out('elsewhere'));
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect((await cli('verify', '--state-dir', out('elsewhere'))).code).toBe(0);
    const again = await cli('import', out('slice.turnout'), '--state-dir', out('elsewhere'));
    expect(again).toMatchObject({ code: 1 });
    expect(again.err).toContain('expected a directory without a log, got one with a log');
  });

  it('says when it does not lead where it says, or cannot be compared', { timeout: 60_000 }, async () => {
    const other = changed(out('slice.turnout'), (text) => text.replace(/"stateHash":"..../, '"stateHash":"0000'));
    const ran = await cli('import', other);
    expect(ran).toMatchObject({ code: 3, err: '' });
    expect(ran.out).toContain('another state than was recorded: please report it, with the file');
    const older = changed(out('slice.turnout'), (text) =>
      text.replace(/"stateVersion":\d+,"stateHash":"..../, '"stateVersion":0,"stateHash":"0000'),
    );
    expect(await cli('import', older)).toMatchObject({ code: 0, err: '' });
    expect((await cli('import', older)).out).toContain(
      'a state of another version of turnout, which cannot be compared',
    );
  });

  it('of something else says what was expected', async () => {
    const ran = await cli('import', out('policy.js'));
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain('expected an export or a backup');
    expect((await cli('replay', out('policy.js'))).err).toContain('expected an export or a backup');
    expect((await cli('replay', out('nowhere'))).code).toBe(1);
  });
});
