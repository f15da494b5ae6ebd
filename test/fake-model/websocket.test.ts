/** The echoing WebSocket of the fake model, against Node's own client and raw frames. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fakeModel } from './helpers.ts';

function opened(url: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => resolve(socket), { once: true });
    socket.addEventListener('error', () => reject(new Error('cannot open the WebSocket')), { once: true });
  });
}

function next(socket: WebSocket): Promise<unknown> {
  return new Promise((resolve) => {
    socket.addEventListener('message', (event) => resolve(event.data), { once: true });
  });
}

function closed(socket: WebSocket): Promise<{ code: number; wasClean: boolean }> {
  return new Promise((resolve) => socket.addEventListener('close', resolve, { once: true }));
}

/** Sends raw bytes after the handshake and returns all that came after it. */
function raw(url: string, path: string, frame: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    socket.write(frame);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks)));
  });
}

describe('the WebSocket of the fake model', () => {
  it.each([0, 5, 125, 126, 65_535, 65_536, 300_000])('echoes a text of %i characters', async (length) => {
    const socket = await opened(await fakeModel());
    const text = 'x'.repeat(length);
    const answer = next(socket);
    socket.send(text);
    expect(await answer).toBe(text);
    const end = closed(socket);
    socket.close(1000);
    expect(await end).toMatchObject({ code: 1000, wasClean: true });
  });

  it('echoes binary frames as binary', async () => {
    const socket = await opened(await fakeModel());
    const answer = next(socket);
    socket.send(Uint8Array.of(0, 1, 255));
    expect(new Uint8Array((await answer) as ArrayBuffer)).toEqual(Uint8Array.of(0, 1, 255));
    socket.close();
  });

  it('gives back the close code of the client', async () => {
    const socket = await opened(await fakeModel());
    const end = closed(socket);
    socket.close(3456);
    expect(await end).toMatchObject({ code: 3456, wasClean: true });
  });

  it('answers a ping with a pong of the same payload', async () => {
    const ping = Buffer.from([0x89, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
    const close = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);
    const answer = await raw(await fakeModel(), '/ws', Buffer.concat([ping, close]));
    expect(answer.toString('latin1')).toContain('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(answer.subarray(answer.indexOf('\r\n\r\n') + 4)).toEqual(Buffer.from([0x8a, 2, 0x68, 0x69, 0x88, 0]));
  });

  it('ends the connection with 1002 on an unmasked frame', async () => {
    const answer = await raw(await fakeModel(), '/ws', Buffer.from([0x81, 1, 0x68]));
    expect(answer.subarray(-4)).toEqual(Buffer.from([0x88, 2, 0x03, 0xea]));
  });

  it('refuses an upgrade on another path', async () => {
    const answer = await raw(await fakeModel(), '/elsewhere', Buffer.alloc(0));
    expect(answer.toString()).toContain('404 Not Found');
  });
});
