/**
 * A WebSocket that sends back what it gets (RFC 6455): text and binary, whole or in fragments, ping and close.
 * Must never trust a frame's length: one that is too long ends the connection with 1009.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const FRAME_BYTES_MAX = 16 * 1024 * 1024;
const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

interface Frame {
  final: boolean;
  opcode: number;
  payload: Buffer;
}

/** A whole frame and the bytes after it, null while bytes are missing, or the close code of a fault. */
function parseFrame(bytes: Buffer): { frame: Frame; rest: Buffer } | number | null {
  if (bytes.length < 2) return null;
  const first = bytes[0]!;
  const second = bytes[1]!;
  const short = second & 0x7f;
  const control = (first & 0x08) !== 0;
  // Reserved bits, an unmasked frame from a client, or a control frame that is long or in fragments.
  if ((first & 0x70) !== 0 || (second & 0x80) === 0 || (control && (short > 125 || (first & 0x80) === 0))) return 1002;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const maskAt = 2 + lengthBytes;
  if (bytes.length < maskAt + 4) return null;
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (length > FRAME_BYTES_MAX) return 1009;
  const end = maskAt + 4 + length;
  if (bytes.length < end) return null;
  const payload = Buffer.from(bytes.subarray(maskAt + 4, end));
  for (let i = 0; i < payload.length; i++) payload[i] = payload[i]! ^ bytes[maskAt + (i & 3)]!;
  return { frame: { final: (first & 0x80) !== 0, opcode: first & 0x0f, payload }, rest: bytes.subarray(end) };
}

/** A frame as a server sends it: never masked. */
function frameBytes({ final, opcode, payload }: Frame): Buffer {
  const first = (final ? 0x80 : 0) | opcode;
  if (payload.length < 126) return Buffer.concat([Buffer.from([first, payload.length]), payload]);
  if (payload.length < 65_536) {
    return Buffer.concat([Buffer.from([first, 126, payload.length >> 8, payload.length & 0xff]), payload]);
  }
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

function closeFrame(payload: Buffer): Buffer {
  return frameBytes({ final: true, opcode: OPCODE.close, payload });
}

function fault(code: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return closeFrame(payload);
}

/** Answers one frame. Returns true when the conversation is over. */
function respond(socket: Duplex, frame: Frame): boolean {
  if (frame.opcode === OPCODE.close) {
    socket.end(closeFrame(frame.payload.subarray(0, 2)));
    return true;
  }
  if (frame.opcode === OPCODE.ping) socket.write(frameBytes({ ...frame, opcode: OPCODE.pong }));
  else if (frame.opcode <= OPCODE.binary) socket.write(frameBytes(frame));
  return false;
}

/** Echoes on `/ws`; refuses an upgrade anywhere else. */
export function acceptWebSocket(req: IncomingMessage, socket: Duplex, head: Buffer): void {
  // Without a listener, a client that resets the connection would end the process.
  socket.on('error', () => socket.destroy());
  const key = req.headers['sec-websocket-key'];
  if ((req.url ?? '').split('?', 1)[0] !== '/ws' || typeof key !== 'string') {
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    return;
  }
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let waiting: Buffer = Buffer.alloc(0);
  let over = false;
  const take = (chunk: Buffer) => {
    if (over) return;
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    while (!over) {
      const parsed = parseFrame(waiting);
      if (parsed === null) return;
      if (typeof parsed === 'number') {
        over = true;
        socket.end(fault(parsed));
        return;
      }
      waiting = parsed.rest;
      over = respond(socket, parsed.frame);
    }
  };
  socket.on('data', take);
  socket.on('end', () => socket.end());
  take(head);
}
