/** Which addresses a `proxy` URL means, and whether somebody is there. */
import { createServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { firstAccepting, loopbackEndpoints, portInUse } from '../../src/core/runtime/local/port.ts';
import { freePort } from './harness.ts';

describe('loopbackEndpoints()', () => {
  const hosts = (proxy: string | null): string[] => loopbackEndpoints(proxy).map(({ host, port }) => `${host} ${port}`);
  test('are both addresses for localhost', () => {
    expect(hosts('http://localhost:5801/v1')).toEqual(['127.0.0.1 5801', '::1 5801']);
  });
  test('are the address itself where the URL names one', () => {
    expect(hosts('http://127.0.0.2:80')).toEqual(['127.0.0.2 80']);
    expect(hosts('https://[::1]')).toEqual(['::1 443']);
    expect(hosts('http://0.0.0.0:9')).toEqual(['127.0.0.1 9']);
  });
  test('are none for other machines and for what is no URL', () => {
    for (const proxy of ['http://10.0.0.1:80', 'http://example.invalid', 'nonsense', '', null]) {
      expect(hosts(proxy)).toEqual([]);
    }
  });
});

describe('a port', () => {
  test('accepts while somebody listens and refuses afterwards', async () => {
    const server: Server = createServer();
    onTestFinished(() => void server.close());
    const port = await freePort();
    const endpoints = loopbackEndpoints(`http://localhost:${port}`);
    expect(await firstAccepting(endpoints)).toBeNull();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    expect(await firstAccepting(endpoints)).toEqual({ host: '127.0.0.1', port });
    expect(await portInUse({ host: '127.0.0.1', port })).toContain(`port-in-use: process ${process.pid} (`);
    await new Promise((resolve) => server.close(resolve));
    expect(await firstAccepting(endpoints)).toBeNull();
    expect(await portInUse({ host: '::1', port })).toBe(
      `port-in-use: another program accepts connections on [::1]:${port} already, expected the port to be free`,
    );
  });
});
