/**
 * One WebSocket that is passed through, from the upstream request to the close of both sockets. A refusal by the
 * upstream is relayed as the answer it is; when either side ends, the other is given a moment and then closed.
 * Must never leave a socket behind or write anything after the bytes of the peer.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { LIMITS } from '../../core/limits.ts';
import { http } from '../../core/platform/node-http.ts';
import { responseHead } from './headers.ts';
import { headerObject, type Pass, passBytes, settlePass } from './pass.ts';
import { upstreamError } from './upstream-error.ts';

export interface UpgradePass extends Pass {
  readonly client: Socket;
  upstream: ClientRequest | null;
  /** Set by the 101. */
  peer: Socket | null;
}

/** The client's side; call before the library is. */
export function watchSocket(pass: UpgradePass): void {
  pass.client.on('error', () => pass.client.destroy());
  pass.client.on('close', () => {
    if (pass.status === null && settlePass(pass, 'client-gone', null)) pass.upstream?.destroy();
  });
}

/** The upstream request exists, and nothing of it was written. The library's own listeners come after these. */
export function onUpgradeRequest(pass: UpgradePass, upstream: ClientRequest): void {
  pass.upstream = upstream;
  upstream.on('error', (error) => onUpgradeError(pass, error));
  upstream.on('response', (answer) => onRefusal(pass, answer));
  upstream.on('upgrade', (answer, peer, head) => onSwitch(pass, answer, peer as Socket, head));
  if (pass.settled) upstream.destroy();
}

export function cutUpgrade(pass: UpgradePass, reason: string): void {
  const began = pass.status !== null;
  settlePass(pass, began ? 'cut' : 'no-answer', upstreamError(pass.origin, new Error(reason), began));
  pass.upstream?.destroy();
  pass.peer?.destroy();
  if (began) pass.client.destroy();
}

function onUpgradeError(pass: UpgradePass, error: Error): void {
  if (pass.status === null) settlePass(pass, 'no-answer', upstreamError(pass.origin, error, false));
}

/** The library writes the 101 right after this, with the headers that are left here, and connects the sockets. */
function onSwitch(pass: UpgradePass, answer: IncomingMessage, peer: Socket, head: Buffer): void {
  pass.peer = peer;
  peer.on('error', () => peer.destroy());
  if (pass.settled) {
    peer.destroy();
    return;
  }
  answer.headers = {
    ...headerObject(responseHead(answer.rawHeaders, 101).headers),
    connection: 'Upgrade',
    upgrade: 'websocket',
  };
  pass.status = 101;
  pass.track.answered();
  if (head.length > 0) pass.track.moved();
  peer.on('data', (chunk: Buffer) => passBytes(pass, chunk.length));
  pass.client.on('data', pass.track.moved);
  closeTogether(pass, pass.client, peer);
}

function closeTogether(pass: UpgradePass, client: Socket, peer: Socket): void {
  let timer: NodeJS.Timeout | null = null;
  const destroyBoth = () => {
    client.destroy();
    peer.destroy();
  };
  const ending = () => {
    timer ??= setTimeout(destroyBoth, LIMITS.upgradeHalfCloseMs);
  };
  const closed = () => {
    ending();
    // what is still to be written goes out first
    client.destroySoon();
    peer.destroySoon();
    if (!client.destroyed || !peer.destroyed) return;
    if (timer !== null) clearTimeout(timer);
    const broken = peer.errored !== null && client.errored === null;
    const error = broken ? upstreamError(pass.origin, peer.errored, true) : null;
    settlePass(pass, broken ? 'cut' : 'ok', error);
  };
  client.on('end', ending).on('close', closed);
  peer.on('end', ending).on('close', closed);
}

/** Any answer but 101 is passed on and ends with its connection. */
function onRefusal(pass: UpgradePass, answer: IncomingMessage): void {
  const { client } = pass;
  if (pass.settled) {
    answer.destroy();
    return;
  }
  const status = answer.statusCode ?? 502;
  const head = responseHead(answer.rawHeaders, status);
  if (head.fault !== null) {
    settlePass(pass, 'no-answer', upstreamError(pass.origin, new Error(head.fault), false));
    answer.destroy();
    return;
  }
  pass.status = status;
  let lines = `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? 'Unknown'}\r\n`;
  for (let i = 0; i + 1 < head.headers.length; i += 2) lines += `${head.headers[i]}: ${head.headers[i + 1]}\r\n`;
  client.write(`${lines}connection: close\r\n\r\n`, 'latin1');
  answer.on('data', (chunk: Buffer) => passBytes(pass, chunk.length));
  answer.on('end', () => settlePass(pass, 'ok', null));
  answer.on('close', () => {
    if (answer.complete) return;
    const error = upstreamError(pass.origin, new Error('a closed connection'), true);
    if (settlePass(pass, 'cut', error)) client.resetAndDestroy();
  });
  client.on('close', () => {
    if (settlePass(pass, 'client-gone', null)) answer.destroy();
  });
  answer.pipe(client);
  // a client that keeps its side open would hold the connection for ever
  client.on('finish', () => client.destroySoon());
}
