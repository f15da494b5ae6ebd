/** What people and programs get wrong, through a whole turnout: a clear error each time, and it serves on. */
import { connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';

let turnout: Turnout;
const taken = createServer();

beforeAll(async () => {
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as { port: number };
  const models = { good: {}, broken: { flags: '--exit-after-ms 0 --exit-code 9' } };
  const config = fakeConfig(await freePorts(2), models, 'turnout: { maxBodyBytes: 4KiB }').replace(
    'models:\n',
    `models:
  nowhere:
    cmd: /nonexistent/llama-server --port \${PORT}
  clash:
    cmd: sleep 60
    proxy: http://127.0.0.1:${port}
  unreachable:
    cmd: sleep 60
    proxy: http://127.0.0.1:1
    checkEndpoint: none
`,
  );
  turnout = await startTurnout({ config });
});

afterAll(async () => {
  taken.close();
  await turnout.stop();
  await turnout.dispose();
});

interface ErrorBody {
  src: string;
  error: { message: string; type: string; code: string };
}

async function refused(response: Response): Promise<{ status: number; message: string; id: string | null }> {
  const body = (await response.json()) as ErrorBody;
  const id = response.headers.get('x-turnout-request-id');
  return { status: response.status, message: body.error.message, id };
}

const ask = (body: unknown) => turnout.post('/v1/chat/completions', body);

/** Sends these bytes and reads the answer to its end. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(turnout.url);
    const socket = connect(Number(port), hostname, () => socket.write(text.replaceAll('\n', '\r\n')));
    let answer = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk;
      if (answer.includes('\r\n\r\n')) socket.end();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('requests', () => {
  it.each([
    ['an unknown model', { model: 'goood' }, 404, /no router for requested model.*did you mean "good"/],
    ['no model', { messages: [] }, 404, /^no model id could be identified/],
    ['broken JSON', '{"model": "good", }', 400, /line 1, column \d+/],
    ['a body over the limit', { model: 'good', x: 'x'.repeat(5_000) }, 413, /turnout\.maxBodyBytes/],
  ])('%s', async (_what, body, status, message) => {
    const answer = await refused(await ask(body));
    expect(answer).toMatchObject({ status, message: expect.stringMatching(message) });
    expect(answer.id).toMatch(/^req_/);
  });

  it('two Host headers', async () => {
    expect(await raw('GET /health HTTP/1.1\nHost: a\nHost: b\n\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it.each(['/upstream/good/../../etc', '/upstream/good/%2e%2e/x', '/upstream/good/a\\b'])(
    'dot segments: %s',
    async (path) => {
      expect(await raw(`GET ${path} HTTP/1.1\nHost: localhost\nConnection: close\n\n`)).toMatch(/^HTTP\/1\.1 400 /);
    },
  );
});

describe('models', () => {
  it.each([
    ['a command that does not exist', 'nowhere', /failed to start command "\/nonexistent\/llama-server"/],
    ['a server that exits at once', 'broken', /upstream command exited prematurely \(exit code 9\)/],
    ['a port that another program holds', 'clash', /port-in-use: .*\d+/],
  ])('%s: 500 with the reason, then 503 with Retry-After', async (_what, model, reason) => {
    const first = await refused(await ask({ model, messages: [] }));
    expect(first).toMatchObject({ status: 500, message: expect.stringMatching(/^unspecific error: /) });
    expect(first.message).toMatch(reason);
    const second = await ask({ model, messages: [] });
    expect(second.headers.get('retry-after')).toMatch(/^[1-5]$/);
    expect(await refused(second)).toMatchObject({ status: 503, message: expect.stringMatching(reason) });
  });

  it('a server that does not listen: 502 with the reason', async () => {
    const answer = await refused(await ask({ model: 'unreachable', messages: [] }));
    expect(answer).toMatchObject({ status: 502, message: expect.stringContaining('127.0.0.1:1') });
  });

  it('do not keep the good one from serving', async () => {
    expect((await ask({ model: 'good', messages: [] })).status).toBe(200);
    expect(await (await turnout.get('/health')).text()).toBe('OK');
  });
});
