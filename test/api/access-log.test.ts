import { describe, expect, it } from 'vitest';
import { accessLine, beginAccess, duration } from '../../src/api/access-log.ts';
import { fakeConfig } from './fake-router.ts';
import { ask, eventually, raw, serve } from './server.ts';

describe('the access log', () => {
  it('has one line per request with address, request, status, bytes, agent and duration, but no query', async () => {
    const server = await serve(fakeConfig([]));
    await ask(server, 'GET', '/health?key=secret', {
      headers: { 'user-agent': 'curl/8.5', 'x-forwarded-for': '9.9.9.9' },
    });
    await eventually(() => server.lines().length === 1 && server.lines()[0] !== '', 'the line');
    expect(server.lines()[0]).toMatch(
      /^\[INFO\] Request 127\.0\.0\.1 "GET \/health HTTP\/1\.1" 200 2 "curl\/8\.5" [\d.]+(µs|ms|s)$/,
    );
  });

  it('escapes what would forge lines or reach a terminal', async () => {
    const server = await serve(fakeConfig([]));
    const client = raw(
      server,
      Buffer.from('GET /a HTTP/1.1\r\nHost: x\r\nUser-Agent: a\u009b31mb\r\nConnection: close\r\n\r\n', 'latin1'),
    );
    await client.closed;
    await eventually(() => server.lines().some((line) => line.includes('Request')), 'the line');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(server.lines().join('\n')).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    expect(server.lines()[0]).toContain('\\x9b31mb');
  });

  it.each(['/wol-health', '/metrics', '/api/performance'])('leaves out %s', async (path) => {
    const server = await serve(fakeConfig([]));
    await ask(server, 'GET', path);
    await ask(server, 'GET', '/health');
    await eventually(() => server.lines().some((line) => line.includes('/health')), 'the other line');
    expect(server.lines().filter((line) => line.includes('Request'))).toHaveLength(1);
  });

  it('knows the address of a client that has left', async () => {
    const server = await serve(fakeConfig([]));
    const client = raw(server, 'GET /logs/stream HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until(/\r\n\r\n/);
    client.socket.destroy();
    await eventually(() => server.lines().some((line) => line.includes('Request')), 'the line');
    expect(server.lines()[0]).toContain('Request 127.0.0.1 "GET /logs/stream HTTP/1.1" 200 0 ""');
  });

  it('counts no body for HEAD', async () => {
    const server = await serve(fakeConfig([]));
    await ask(server, 'HEAD', '/health');
    await eventually(() => server.lines().some((line) => line.includes('HEAD')), 'the line');
    expect(server.lines()[0]).toContain('" 200 0 "');
  });

  it('shows IPv4 addresses of dual-stack sockets as they are', () => {
    const req = {
      url: '/',
      method: 'GET',
      httpVersion: '1.1',
      headers: {},
      socket: { remoteAddress: '::ffff:10.0.0.1' },
    };
    expect(accessLine(beginAccess(req as never), 200, 0)).toMatch(/^Request 10\.0\.0\.1 "GET \/ HTTP\/1\.1" 200 0 "" /);
  });

  it.each([
    [0.85, '850µs'],
    [12.3456, '12.346ms'],
    [1_234, '1.234s'],
    [123_500, '2m3.5s'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
