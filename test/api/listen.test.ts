import { get } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseHostPort } from '../../src/api/listen.ts';
import { fakeConfig } from './fake-router.ts';
import { ask, eventually, json, raw, serve, upstream } from './server.ts';
import { TEST_CERT, TEST_KEY } from './tls-fixture.ts';

describe('listen()', () => {
  it.each([
    [':8080', { host: undefined, port: 8080 }],
    ['*:8080', { host: undefined, port: 8080 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['my-host:65535', { host: 'my-host', port: 65_535 }],
  ])('reads %s', (text, expected) => {
    expect(parseHostPort(text)).toEqual(expected);
  });

  it.each(['8080', 'host', 'host:', 'host:65536', '::1:80', 'http://a:1', ''])(
    'refuses %j with what was expected',
    (text) => {
      expect(() => parseHostPort(text)).toThrow(/expected HOST:PORT/);
    },
  );

  it('names the address and the remedy when the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    const { api } = await serve(fakeConfig([]));
    await api.close(0);
    const again = await serve(fakeConfig([]));
    await again.api.close(0);
    await expect(again.api.listen(taken)).rejects.toMatchObject({
      code: 'port-in-use',
      message: `listen on "${taken}": the address is in use; stop the program that holds it, or choose another address with --listen`,
    });
  });

  it('says where it can be reached', async () => {
    const server = await serve(fakeConfig([]));
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
  });
});

describe('a server with a certificate', () => {
  it('speaks HTTPS', async () => {
    const server = await serve(fakeConfig([]), { tls: { cert: TEST_CERT, key: TEST_KEY } });
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
    const body = await new Promise<string>((resolve, reject) => {
      get(`${server.url}/health`, { ca: TEST_CERT, agent: false }, (res) => {
        res.on('data', (chunk: Buffer) => resolve(chunk.toString()));
      }).on('error', reject);
    });
    expect(body).toBe('OK');
  });
});

describe('close()', () => {
  it('ends endless answers, lets others finish, and closes kept connections', async () => {
    let finish: () => void = () => {};
    const base = await upstream((_, res) => {
      res.write('begun ');
      finish = () => res.end('done');
    });
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    server.router.onAdmit = () => server.router.ready('qwen', base);
    const logs = raw(server, 'GET /logs/stream HTTP/1.1\r\nHost: x\r\n\r\n');
    await logs.until(/\r\n\r\n/);
    const kept = raw(server, 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    await kept.until(/OK$/);
    const body = '{"model":"qwen"}';
    const busy = raw(
      server,
      `POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await busy.until(/begun/);
    const closed = server.api.close(20_000);
    await logs.closed;
    await kept.closed;
    expect(busy.socket.destroyed).toBe(false);
    finish();
    await busy.until(/done/);
    await closed;
    await busy.closed;
    await expect(ask(server, 'GET', '/health')).rejects.toThrow(/ECONNREFUSED/);
  });

  it('loses its patience when it is called again', async () => {
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    const answer = json(server, 'POST', '/v1/completions', { model: 'qwen' });
    await eventually(() => server.router.admitted.length === 1, 'the arrival');
    const patient = server.api.close(3_600_000);
    await Promise.all([patient, server.api.close(0), expect(answer).rejects.toThrow()]);
  });

  it('cuts what is left after its time', async () => {
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    const answer = json(server, 'POST', '/v1/completions', { model: 'qwen' });
    await eventually(() => server.router.admitted.length === 1, 'the arrival');
    await Promise.all([server.api.close(10), expect(answer).rejects.toThrow()]);
    await eventually(() => server.router.admitted[0]?.ended != null, 'the ticket to end');
    expect(server.router.admitted[0]?.ended).toMatchObject({ how: 'left' });
  });
});
