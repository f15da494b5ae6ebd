/** The table of header rules. */
import { describe, expect, it } from 'vitest';
import { announcesBody, headFault, plainAddress, requestHeaders, responseHead } from '../../src/api/forward/headers.ts';

const NOBODY = { remoteAddress: undefined };

describe('requestHeaders()', () => {
  it.each<[string, string[], string[]]>([
    ['keeps order, case and repeats', ['X-B', '1', 'x-a', '2', 'X-B', '3'], ['X-B', '1', 'x-a', '2', 'X-B', '3']],
    ['puts the Host of the client in once', ['Host', 'a:1', 'X', '1'], ['X', '1', 'host', 'a:1']],
    ['takes the first of two Hosts', ['Host', 'a', 'Host', 'b'], ['host', 'a']],
    [
      'drops what frames the body',
      ['Content-Length', '5', 'Transfer-Encoding', 'chunked', 'Expect', '100-continue'],
      [],
    ],
    [
      'drops every hop-by-hop header',
      ['Connection', 'close', 'Keep-Alive', '1', 'TE', 'x', 'Trailer', 'x', 'Upgrade', 'x', 'Proxy-Authorization', 'x'],
      [],
    ],
    [
      'drops what Connection names, in any case',
      ['Connection', 'X-One , x-two', 'x-one', '1', 'X-TWO', '2', 'Y', '3'],
      ['Y', '3'],
    ],
    [
      'keeps what a client must not take away',
      [
        'Connection',
        'authorization, cookie, x-forwarded-for',
        'Authorization',
        'k',
        'Cookie',
        'c',
        'X-Forwarded-For',
        '1.1.1.1',
      ],
      ['Authorization', 'k', 'Cookie', 'c', 'x-forwarded-for', '1.1.1.1'],
    ],
    ['leaves Accept-Encoding alone', ['Accept-Encoding', 'gzip, br'], ['Accept-Encoding', 'gzip, br']],
  ])('%s', (_what, raw, expected) => {
    expect(requestHeaders(raw, NOBODY)).toEqual(expected);
  });

  it('appends the address of the client to every X-Forwarded-For there is', () => {
    const raw = ['X-Forwarded-For', '1.1.1.1', 'x-forwarded-for', '2.2.2.2'];
    expect(requestHeaders(raw, { remoteAddress: '::ffff:10.0.0.9' })).toEqual([
      'x-forwarded-for',
      '1.1.1.1, 2.2.2.2, 10.0.0.9',
    ]);
    expect(requestHeaders([], { remoteAddress: '::1' })).toEqual(['x-forwarded-for', '::1']);
  });

  it('asks for no compression when usage is to be read, and forgets an encoding that was undone', () => {
    const raw = ['Accept-Encoding', 'gzip', 'Content-Encoding', 'gzip'];
    expect(requestHeaders(raw, { ...NOBODY, readUsage: true, bodyDecoded: true })).toEqual([
      'accept-encoding',
      'identity',
    ]);
  });
});

describe('responseHead()', () => {
  it('reads what the relay needs to know', () => {
    const raw = [
      'Content-Type',
      'Text/Event-Stream; charset=utf-8',
      'Content-Length',
      '12',
      'Content-Encoding',
      'gzip',
    ];
    expect(responseHead(raw, 200)).toEqual({
      headers: [...raw, 'x-accel-buffering', 'no'],
      contentLength: 12,
      contentType: 'text/event-stream; charset=utf-8',
      eventStream: true,
      encoded: true,
      fault: null,
    });
  });

  it('accepts the bytes of a parser and keeps them as they are', () => {
    const raw = [Buffer.from('X-Name'), Buffer.from([0x63, 0x61, 0x66, 0xe9])];
    expect(responseHead(raw, 200).headers).toEqual(['X-Name', 'caf\u00e9']);
  });

  it.each<[string, string[], number, string[]]>([
    [
      'drops hop-by-hop headers',
      ['Connection', 'x-a, close', 'X-A', '1', 'Keep-Alive', '1', 'Proxy-Authenticate', 'x'],
      200,
      [],
    ],
    [
      'keeps cookies apart',
      ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
      200,
      ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
    ],
    ['announces no length with a 204', ['Content-Length', '5'], 204, []],
    ['keeps the length of a 304', ['Content-Length', '5'], 304, ['Content-Length', '5']],
    ['sends equal lengths once', ['Content-Length', '5', 'content-length', '5'], 200, ['Content-Length', '5']],
    ['drops chunked framing', ['Transfer-Encoding', 'Chunked'], 200, []],
    [
      'leaves X-Accel-Buffering of other answers alone',
      ['X-Accel-Buffering', 'yes'],
      200,
      ['X-Accel-Buffering', 'yes'],
    ],
    [
      'overrules X-Accel-Buffering of event streams',
      ['X-Accel-Buffering', 'yes', 'Content-Type', 'text/event-stream'],
      200,
      ['Content-Type', 'text/event-stream', 'x-accel-buffering', 'no'],
    ],
  ])('%s', (_what, raw, status, expected) => {
    const head = responseHead(raw, status);
    expect(head.headers).toEqual(expected);
    expect(head.fault).toBeNull();
  });

  it.each([
    [['Transfer-Encoding', 'gzip, chunked']],
    [['Transfer-Encoding', 'identity']],
    [['Content-Length', '5', 'Content-Length', '6']],
    [['Content-Length', '5x']],
    [['Content-Length', '-5']],
  ])('finds fault with %j', (raw) => {
    expect(responseHead(raw, 200).fault).not.toBeNull();
  });
});

describe('the small ones', () => {
  it('headFault() finds a second Host', () => {
    expect(headFault(['Host', 'a', 'X', 'b'])).toBeNull();
    expect(headFault(['Host', 'a', 'hOST', 'b'])).toBe('2 Host headers, expected one');
  });

  it('announcesBody() knows lengths and chunks', () => {
    expect(announcesBody({})).toBe(false);
    expect(announcesBody({ 'content-length': '0' })).toBe(false);
    expect(announcesBody({ 'content-length': '1' })).toBe(true);
    expect(announcesBody({ 'transfer-encoding': 'chunked' })).toBe(true);
  });

  it('plainAddress() takes the prefix of IPv4 in IPv6 away', () => {
    expect(plainAddress('::ffff:1.2.3.4')).toBe('1.2.3.4');
    expect(plainAddress('fe80::1')).toBe('fe80::1');
    expect(plainAddress(undefined)).toBe('');
  });
});
