/** Commands that ask and order a running turnout, against the real HTTP side with a kernel that the test plays. */
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelId } from '../../src/core/ids.ts';
import { fakeConfig, preview } from '../api/fake-router.ts';
import { serve, type TestServer } from '../api/server.ts';
import { makePlace, type Place } from './run.ts';

const USER = userInfo().username;

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});
afterAll(() => place.remove());

async function running(): Promise<{ server: TestServer; at: (...args: string[]) => ReturnType<Place['cli']> }> {
  const server = await serve(fakeConfig([{ id: 'org/qwen:8b', aliases: ['qwen'] }, { id: 'llama' }]));
  return { server, at: (...args) => place.cli(args, { TURNOUT_URL: server.url }) };
}

const pinOf = (server: TestServer, model: string) => server.router.state().models.get(modelId(model))?.pin ?? null;

describe('turnout pin and unpin', () => {
  it('pin for a time and say until when', async () => {
    const { server, at } = await running();
    server.router.ready('org/qwen:8b', 'http://x');
    const before = Date.now();
    const ran = await at('pin', 'qwen', '--for', '2h', '--utc');
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(
      new RegExp(
        `^org/qwen:8b is pinned by ${USER} 127\\.0\\.0\\.1 for 2 h, until \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3} UTC\\n$`,
      ),
    );
    expect((pinOf(server, 'org/qwen:8b')?.until ?? 0) - before).toBeGreaterThanOrEqual(7_200_000);
  });

  it('pin until further notice, with a reason, and say that the model is not loaded', async () => {
    const { server, at } = await running();
    expect(await at('pin', 'llama', '--reason', 'demo at four')).toMatchObject({
      code: 0,
      out: `llama is pinned by ${USER} 127.0.0.1 (demo at four) until it is unpinned\nit is not loaded; the pin counts as soon as it is\n`,
    });
    expect(pinOf(server, 'llama')).toEqual({ owner: `${USER} 127.0.0.1 (demo at four)`, until: null });
  });

  it('unpin and say whether it was pinned', async () => {
    const { at } = await running();
    await at('pin', 'llama');
    expect(await at('unpin', 'llama')).toMatchObject({ code: 0, out: 'llama is not pinned any more\n' });
    expect(await at('unpin', 'llama')).toMatchObject({ code: 0, out: 'llama was not pinned\n' });
  });

  it('print JSON', async () => {
    const { at } = await running();
    expect(JSON.parse((await at('pin', 'qwen', '--json')).out)).toMatchObject({ model: 'org/qwen:8b', until: null });
    expect(JSON.parse((await at('unpin', 'qwen', '--json')).out)).toMatchObject({ wasPinned: true });
  });
});

describe('turnout forget', () => {
  it('forgets what was observed', async () => {
    const { server, at } = await running();
    expect(await at('forget', 'llama')).toMatchObject({
      code: 0,
      out: 'what was observed of the memory of llama is forgotten\n',
    });
    expect(await server.router.log.read({ types: ['memory.forgotten'] })).toHaveLength(1);
  });
});

describe('turnout plan', () => {
  it('says what a request would lead to, in words and in JSON', async () => {
    const { server, at } = await running();
    server.router.onPlan = (model) => preview(model, { reason: 'qwen is ready and nothing waits for its place' });
    expect(await at('plan', 'qwen')).toMatchObject({
      code: 0,
      out: 'a request for org/qwen:8b now would be served at once\n  why: qwen is ready and nothing waits for its place\n',
    });
    expect(JSON.parse((await at('plan', 'qwen', '--json')).out)).toMatchObject({ verdict: 'serve' });
    expect(server.router.admitted).toEqual([]);
  });
});

describe('turnout ps', () => {
  it('shows pins and swaps avoided where there are any', async () => {
    const { server, at } = await running();
    server.router.ready('llama', 'http://x');
    await at('pin', 'llama', '--for', '2h');
    const { out } = await at('ps');
    expect(out).toMatch(/^MODEL +STATE +PID +PORT +SERVING +WAITING +IDLE\n/);
    expect(out).toMatch(/\nllama +ready +- +5800 +0 +0 +\d/);
    expect(out).toMatch(new RegExp(`\\nllama is pinned by ${USER} 127\\.0\\.0\\.1 for another 2 h\\n$`));
  });
});

describe('wrong command lines', () => {
  it.each([
    ['pin without a model', ['pin'], 2, "missing required argument 'model'"],
    ['a duration that is none', ['pin', 'llama', '--for', 'soon'], 2, 'read --for "soon": expected a duration'],
    ['a mistyped flag', ['pin', 'llama', '--fro', '2h'], 2, 'Did you mean --for?'],
    ['a mistyped command', ['unpinn', 'llama'], 2, 'unpin'],
    ['a model that is not known', ['pin', 'lama'], 1, 'model not found; did you mean "llama"?'],
    ['a dry run of a model that is not known', ['plan', 'lama'], 1, 'model not found; did you mean "llama"?'],
    ['forgetting a model that is not known', ['forget', 'lama'], 1, 'model not found; did you mean "llama"?'],
  ] satisfies [string, string[], number, string][])('%s: exit code and remedy', async (_what, args, code, message) => {
    const { at } = await running();
    const ran = await at(...args);
    expect(ran.err).toContain(message);
    expect(ran).toMatchObject({ code, out: '' });
  });

  it.each(['pin', 'unpin', 'forget', 'plan'])('%s --help has an example', async (command) => {
    const ran = await place.cli([command, '--help']);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain(`Example:\n  turnout ${command} qwen`);
  });

  it('say where a running turnout was looked for', async () => {
    const ran = await place.cli(['pin', 'llama', '--state-dir', place.dir]);
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('no running turnout found') });
  });
});
