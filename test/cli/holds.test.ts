/** Pins and dry runs with the real kernel: what they say is what then happens. */
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';
import { makePlace, type Place } from './run.ts';

const USER = userInfo().username;

let turnout: Turnout;
let place: Place;

beforeAll(async () => {
  place = await makePlace();
  const models = {
    qwen: { flags: '--tokens 3' },
    llama: { flags: '--tokens 3' },
    any: { flags: '--tokens 3', more: ['turnout: {onDemand: {redirect: [qwen, llama], otherwise: load}}'] },
  };
  turnout = await startTurnout({ config: fakeConfig(await freePorts(3), models) });
});

afterAll(async () => {
  await turnout.dispose();
  await place.remove();
});

const at = (...args: string[]) => place.cli(args, { TURNOUT_URL: turnout.url });
const ask = (model: string) => turnout.post('/v1/chat/completions', { model, messages: [] });

describe('turnout plan', () => {
  it('foretells a load, a swap and an answer at once, and changes nothing', async () => {
    const before = (await turnout.events()).length;
    expect((await at('plan', 'qwen')).out).toMatch(
      /^a request for qwen now would load it and be served in about 30 s; nothing has to leave\n[\s\S]*assumed: it was never loaded/,
    );
    expect(await turnout.events()).toHaveLength(before);

    await at('load', 'qwen');
    expect((await at('plan', 'qwen')).out).toMatch(/^a request for qwen now would be served at once\n/);
    const { out } = await at('plan', 'llama');
    expect(out).toContain('a request for llama now would load it in place of qwen and be served in ');
    expect(out).toMatch(/\n {2}evicts qwen: ready, idle for .* to load again\n/);
    expect(await turnout.events('swap.started')).toHaveLength(1);

    await (await ask('llama')).text();
    expect((await turnout.events('swap.started')).at(-1)?.data.evict).toEqual(['qwen']);
    expect(JSON.parse((await at('plan', 'qwen', '--json')).out)).toMatchObject({
      verdict: 'swap',
      evict: [{ id: 'llama', loadsObserved: 1, lastClient: 'node 127.0.0.1' }],
      etaMs: { basis: 'observed', loadsObserved: 1 },
    });
  });
});

describe('turnout pin', () => {
  it('keeps a model loaded, names its owner to those who wait, and lets them go on once it is taken away', async () => {
    await at('load', 'qwen');
    expect((await at('pin', 'qwen', '--for', '2h')).code).toBe(0);
    expect((await at('ps')).out).toContain(`qwen is pinned by ${USER} 127.0.0.1 for another 2 h`);
    expect((await at('plan', 'llama')).out).toMatch(
      new RegExp(`^a request for llama now would wait\\n {2}why: .*${USER} 127\\.0\\.0\\.1`),
    );

    const answer = ask('llama');
    await until('the request to wait for the pin', async () => {
      return (await turnout.events('target.blocked')).some((event) => event.data.on === 'pin');
    });
    expect((await at('explain')).out).toMatch(new RegExp(`waits .* for llama: .*pinned.*${USER} 127\\.0\\.0\\.1`));
    expect((await at('explain', 'qwen')).out).toMatch(
      new RegExp(`it is pinned by ${USER} 127\\.0\\.0\\.1 since .* for another 2 h`),
    );

    expect((await at('unpin', 'qwen')).out).toBe('qwen is not pinned any more\n');
    expect((await answer).status).toBe(200);
    expect((await at('explain', 'qwen')).out).toContain('it was unpinned');
    expect(turnout.output()).toContain(`<qwen> pinned by ${USER} 127.0.0.1 for 2 h: no request evicts it`);
    expect(turnout.output()).toContain(`<qwen> unpinned by ${USER} 127.0.0.1`);
  });

  it('ends by itself', async () => {
    await at('load', 'qwen');
    await at('pin', 'qwen', '--for', '300ms');
    expect((await ask('llama')).status).toBe(200);
    await until('the end of the pin to be on disk', async () => {
      return (await turnout.events('model.unpinned')).some((event) => event.data.why === 'expired');
    });
  });
});

describe('a redirect', () => {
  it('is foretold, done, named on the answer, and explained', async () => {
    await at('load', 'llama');
    expect((await at('plan', 'any')).out).toContain('a request for any now would be served by llama instead');
    const answer = await ask('any');
    expect(answer.headers.get('x-turnout-model')).toBe('llama');
    expect(await answer.json()).toMatchObject({ model: 'llama' });
    const told = (await at('explain', answer.headers.get('x-turnout-request-id') ?? '')).out;
    expect(told).toMatch(/it was given to llama in place of any at [\d:.]+: any was not loaded and llama was\n/);
    expect(turnout.output()).toMatch(/<any> request \d+ is served by llama: any is not loaded and llama is/);
  });
});
