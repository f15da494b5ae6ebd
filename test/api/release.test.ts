import { get } from 'node:https';
import { describe, expect, it } from 'vitest';
import { fakeConfig } from './fake-router.ts';
import { ask, eventually, json, raw, serve, upstream } from './server.ts';
import { TEST_CERT, TEST_KEY } from './tls-fixture.ts';

const HEALTH = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n';

describe('release()', () => {
  it('answers whoever has connected, also one that asks only now and one that kept its connection, then ends them', async () => {
    let finish: () => void = () => {};
    const base = await upstream((_, res) => {
      res.write('begun ');
      finish = () => res.end('done');
    });
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    server.router.onAdmit = () => server.router.ready('qwen', base);
    const kept = raw(server, HEALTH);
    await kept.until(/OK$/);
    const late = raw(server, '');
    const body = '{"model":"qwen"}';
    const busy = raw(
      server,
      `POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await busy.until(/begun/);
    let over = false;
    const released = server.api.release(20_000).then(() => {
      over = true;
    });
    late.socket.write(HEALTH);
    await late.until(/connection: close.*OK$/is);
    await late.closed;
    kept.socket.write(HEALTH);
    await kept.until(/OK.*connection: close.*OK$/is);
    expect(over).toBe(false);
    finish();
    await busy.until(/done/);
    await released;
    await expect(ask(server, 'GET', '/health')).rejects.toThrow(/ECONNREFUSED/);
  });

  it('does not wait for a connection that never asks', async () => {
    const server = await serve(fakeConfig([]));
    const silent = raw(server, '');
    await eventually(() => !silent.socket.connecting, 'the connection');
    await server.api.release(20_000);
  });

  it('cuts what is left after its time', async () => {
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    const answer = json(server, 'POST', '/v1/completions', { model: 'qwen' });
    await eventually(() => server.router.admitted.length === 1, 'the arrival');
    await Promise.all([server.api.release(10), expect(answer).rejects.toThrow()]);
  });

  it('lets HTTPS answers end too', async () => {
    const server = await serve(fakeConfig([]), { tls: { cert: TEST_CERT, key: TEST_KEY } });
    const answered = new Promise<string>((resolve, reject) => {
      const request = get(`${server.url}/health`, { ca: TEST_CERT, agent: false }, (res) => {
        res.on('data', (chunk: Buffer) => resolve(chunk.toString()));
      });
      request.on('error', reject);
      request.on('socket', (socket) => socket.once('secureConnect', () => void server.api.release(5_000)));
    });
    expect(await answered).toBe('OK');
  });
});
