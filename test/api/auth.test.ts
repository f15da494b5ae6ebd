import { describe, expect, it } from 'vitest';
import { candidateOf, createKeyRing } from '../../src/api/auth.ts';
import { fakeConfig } from './fake-router.ts';
import { ask, json, serve } from './server.ts';

const KEYS = ['first-key', 'sécond-kéy'];
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('API keys', () => {
  it.each([
    ['Bearer first-key', true],
    ['bearer first-key', true],
    ['BEARER   first-key', true],
    [basic('anyone:first-key'), true],
    [basic(':sécond-kéy'), true],
    [basic('first-key'), false],
    [basic('first-key:'), false],
    ['Bearer first-ke', false],
    ['Bearer first-key2', false],
    ['Bearer', false],
    ['first-key', false],
    ['Digest first-key', false],
  ])('Authorization: %s is valid: %s', (authorization, valid) => {
    expect(createKeyRing(KEYS).check({ authorization }) !== null).toBe(valid);
  });

  it('are taken from x-api-key when Authorization offers none', () => {
    const ring = createKeyRing(KEYS);
    expect(ring.check({ 'x-api-key': 'first-key' })).not.toBeNull();
    expect(ring.check({ authorization: 'Basic !!!not-base64', 'x-api-key': 'first-key' })).not.toBeNull();
    expect(ring.check({ authorization: 'Negotiate abc', 'x-api-key': 'first-key' })).not.toBeNull();
    expect(ring.check({})).toBeNull();
    expect(ring.check({ 'x-api-key': '' })).toBeNull();
  });

  it('in Authorization hide a valid x-api-key, as in llama-swap', () => {
    expect(createKeyRing(KEYS).check({ authorization: 'Bearer wrong', 'x-api-key': 'first-key' })).toBeNull();
    expect(candidateOf({ authorization: basic('u:p:q'), 'x-api-key': 'k' })).toBe('p:q');
  });

  it('have a stable short label that does not hold the key', () => {
    const label = createKeyRing(KEYS).check({ 'x-api-key': 'first-key' });
    expect(label).toMatch(/^key:[0-9a-f]{8}$/);
    expect(createKeyRing(['other', 'first-key']).check({ 'x-api-key': 'first-key' })).toBe(label);
  });

  it('of more than 512 characters are not looked at', () => {
    const long = 'x'.repeat(513);
    expect(createKeyRing([long]).check({ 'x-api-key': long })).toBeNull();
  });
});

describe('a server with keys', () => {
  const config = () => fakeConfig([{ id: 'qwen' }], { apiKeys: KEYS });

  it.each(['/health', '/wol-health', '/', '/favicon.ico', '/upstream'])(
    'lets everyone ask for GET and HEAD %s',
    async (path) => {
      const server = await serve(config());
      expect((await ask(server, 'GET', path)).status).not.toBe(401);
      expect((await ask(server, 'HEAD', path)).status).not.toBe(401);
    },
  );

  it.each([
    ['GET', '/v1/models'],
    ['GET', '/running'],
    ['GET', '/unload'],
    ['GET', '/logs'],
    ['GET', '/logs/stream'],
    ['GET', '/metrics'],
    ['GET', '/ui/'],
    ['GET', '/api/health'],
    ['GET', '/api/log'],
    ['POST', '/api/models/unload'],
    ['POST', '/health'],
    ['GET', '/upstream/qwen/'],
    ['POST', '/v1/chat/completions'],
    ['GET', '/no/such/path'],
  ])('refuses %s %s without a key', async (method, path) => {
    const server = await serve(config());
    const answer = await ask(server, method, path);
    expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Basic realm="llama-swap"' } });
    expect(JSON.parse(answer.body)).toEqual({
      src: 'llama-swap',
      error: {
        message: 'unauthorized: invalid or missing API key',
        type: 'authentication_error',
        param: null,
        code: 'unauthorized',
      },
    });
    expect(server.router.admitted).toEqual([]);
    expect(server.router.unloaded).toEqual([]);
  });

  it('labels the client by its key', async () => {
    const server = await serve(config());
    server.router.onAdmit = () => ({
      granted: false,
      status: 503,
      code: 'not-ready',
      message: 'x',
      retryAfterSec: null,
    });
    const answer = await json(server, 'POST', '/v1/completions', { model: 'qwen' }, { 'x-api-key': 'first-key' });
    expect(answer.status).toBe(503);
    expect(server.router.admitted[0]?.arrival.client).toMatch(/^key:[0-9a-f]{8}$/);
  });
});
