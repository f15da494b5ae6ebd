import { describe, expect, it } from 'vitest';
import { errorOfThrown, renderError, shapeOf } from '../../src/api/error-body.ts';
import { TurnoutError } from '../../src/core/errors.ts';
import type { Grant } from '../../src/core/runtime/router.ts';
import { fakeConfig } from './fake-router.ts';
import { ask, json, serve } from './server.ts';

const BODY = '{"model":"qwen"}';

function refused(status: number, code: string, message: string, retryAfterSec: number | null = null): Grant {
  return { granted: false, status, code, message, retryAfterSec };
}

/** Every row of spec 3.1: what the kernel says, and the type and code of the envelope. */
const ROWS: [Grant & { granted: false }, string, string, string][] = [
  [refused(400, 'bad-request', 'bad'), 'invalid_request_error', 'bad_request', 'bad'],
  [refused(401, 'unauthorized', 'no'), 'authentication_error', 'unauthorized', 'no'],
  [refused(403, 'forbidden', 'no'), 'authentication_error', 'forbidden', 'no'],
  [refused(404, 'not-found', 'none'), 'invalid_request_error', 'not_found', 'none'],
  [refused(409, 'conflict', 'held'), 'invalid_request_error', 'conflict', 'held'],
  [refused(429, 'planner-refused', 'later'), 'rate_limit_error', 'rate_limit_exceeded', 'later'],
  [refused(502, 'upstream-unreachable', 'down'), 'server_error', 'bad_gateway', 'down'],
  [
    refused(503, 'not-ready', '[qwen] process is not ready'),
    'server_error',
    'service_unavailable',
    '[qwen] process is not ready',
  ],
  [refused(504, 'upstream-timeout', 'slow'), 'server_error', 'gateway_timeout', 'slow'],
  [refused(418, 'odd', 'teapot'), 'invalid_request_error', 'invalid_request', 'teapot'],
  [refused(500, 'start-failed', 'aborted'), 'server_error', 'internal_error', 'unspecific error: aborted'],
  [
    refused(500, 'shutting-down', 'unspecific error: group is shutting down'),
    'server_error',
    'internal_error',
    'unspecific error: group is shutting down',
  ],
] as [Grant & { granted: false }, string, string, string][];

describe('errors that turnout answers with', () => {
  it.each(ROWS)('%o is JSON with type %s and code %s by default', async (grant, type, code, message) => {
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    server.router.onAdmit = () => grant;
    const answer = await json(server, 'POST', '/v1/completions', { model: 'qwen' }, { accept: 'application/json' });
    expect(answer.status).toBe(grant.status);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(JSON.parse(answer.body)).toEqual({ src: 'llama-swap', error: { message, type, param: null, code } });
    expect(answer.headers['x-turnout-error']).toBe(grant.code);
    expect(answer.headers['x-turnout-request-id']).toBe('req_1');
  });

  it.each(ROWS)('%o is plain text when Accept contains text/plain', async (grant, _type, _code, message) => {
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    server.router.onAdmit = () => grant;
    const answer = await json(
      server,
      'POST',
      '/v1/completions',
      { model: 'qwen' },
      { accept: 'text/html, text/plain' },
    );
    expect(answer.status).toBe(grant.status);
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(answer.body).toBe(`llama-swap: ${message}`);
  });

  it.each(ROWS)('%o is a page when Accept contains text/html', async (grant, _type, _code, message) => {
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    server.router.onAdmit = () => grant;
    const answer = await json(server, 'POST', '/v1/completions', { model: 'qwen' }, { accept: 'text/html' });
    expect(answer.status).toBe(grant.status);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toContain(`<h1>${grant.status}</h1>`);
    expect(answer.body).toContain(message);
  });

  it.each(['application/json', 'text/plain', 'text/html'])(
    'say the concurrency limit in JSON whatever Accept is (%s)',
    async (accept) => {
      const server = await serve(fakeConfig([{ id: 'qwen' }]));
      server.router.onAdmit = () => refused(429, 'concurrency-limit', 'whatever the kernel says');
      const answer = await json(server, 'POST', '/v1/completions', { model: 'qwen' }, { accept });
      expect(answer).toMatchObject({
        status: 429,
        headers: { 'retry-after': '1', 'content-type': 'application/json' },
      });
      expect(answer.body).toBe(
        '{"src":"llama-swap","error":{"message":"Too many requests","type":"rate_limit_error","param":null,"code":"concurrency_limit"}}',
      );
    },
  );

  it('carry Retry-After when the refusal has one', async () => {
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    server.router.onAdmit = () => refused(503, 'backed-off', 'qwen failed to start', 17);
    const answer = await ask(server, 'POST', '/v1/completions', {
      headers: { 'content-type': 'application/json' },
      body: BODY,
    });
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '17', 'x-turnout-error': 'backed-off' } });
  });

  it('escape the message in a page', () => {
    const { body } = renderError({ status: 400, code: 'x', message: '<script>"&\'', retryAfterSec: null }, 'text/html');
    expect(body).toContain('&lt;script&gt;&quot;&amp;&#39;');
    expect(body).not.toContain('<script>');
  });

  it('never show the text of an unexpected error, but write it to the log with its stack', async () => {
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    server.router.onAdmit = () => {
      throw new Error('secret detail');
    };
    const answer = await json(server, 'POST', '/v1/completions', { model: 'qwen' });
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('secret detail');
    expect(server.lines().join('\n')).toMatch(/\[ERROR\] request req_1 failed: Error: secret detail\n {4}at /);
  });

  it('map every status and every thrown thing', () => {
    expect(shapeOf(451)).toEqual({ type: 'invalid_request_error', code: 'invalid_request' });
    expect(shapeOf(507)).toEqual({ type: 'server_error', code: 'internal_error' });
    expect(errorOfThrown(new TurnoutError('body-too-large', 'big'))).toMatchObject({
      status: 413,
      code: 'body-too-large',
    });
    expect(errorOfThrown('text')).toMatchObject({ status: 500, code: 'internal' });
  });
});
