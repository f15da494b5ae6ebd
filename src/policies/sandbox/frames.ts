/**
 * How parent and child speak over a pipe: two lengths, a head in JSON, a body of plain text, so that a large text is never
 * quoted twice. Used on both sides. Must never hold more bytes than a frame may have, and never trusts a length.
 */
import { Buffer } from 'node:buffer';
import { BOUNDS } from './bounds.ts';

export interface Frame {
  head: unknown;
  body: string;
}

export interface FrameReader {
  /** Takes what came; calls back for each whole frame. Throws when the bytes cannot be frames: the pipe is then useless. */
  push(chunk: Buffer): void;
}

const LENGTHS_BYTES = 8;

export function encodeFrame(head: object, body = ''): Buffer {
  const headText = JSON.stringify(head);
  const headBytes = Buffer.byteLength(headText);
  const bodyBytes = Buffer.byteLength(body);
  const frame = Buffer.allocUnsafe(LENGTHS_BYTES + headBytes + bodyBytes);
  frame.writeUInt32BE(headBytes, 0);
  frame.writeUInt32BE(bodyBytes, 4);
  frame.write(headText, LENGTHS_BYTES);
  frame.write(body, LENGTHS_BYTES + headBytes);
  return frame;
}

/** `bodyBytesMax`: of what is read; what is written is bounded by whoever writes it. */
export function createFrameReader(onFrame: (frame: Frame) => void, bodyBytesMax: number): FrameReader {
  let chunks: Buffer[] = [];
  let held = 0;
  let needed = LENGTHS_BYTES;

  /** Exactly so many bytes from the front; there must be enough. */
  function take(count: number): Buffer {
    const whole = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    chunks = whole.length > count ? [whole.subarray(count)] : [];
    held -= count;
    return whole.subarray(0, count);
  }

  function takeFrame(): Frame | null {
    if (held < LENGTHS_BYTES) return null;
    if (needed === LENGTHS_BYTES) {
      const lengths = peek(chunks, LENGTHS_BYTES);
      const headBytes = lengths.readUInt32BE(0);
      const bodyBytes = lengths.readUInt32BE(4);
      if (headBytes > BOUNDS.policyFrameHeadBytesMax || bodyBytes > bodyBytesMax) {
        throw new Error(`a frame of ${headBytes} and ${bodyBytes} bytes is over the limit`);
      }
      needed = LENGTHS_BYTES + headBytes + bodyBytes;
    }
    if (held < needed) return null;
    const frame = take(needed);
    needed = LENGTHS_BYTES;
    const bodyAt = LENGTHS_BYTES + frame.readUInt32BE(0);
    return {
      head: JSON.parse(frame.toString('utf8', LENGTHS_BYTES, bodyAt)),
      body: frame.toString('utf8', bodyAt),
    };
  }

  return {
    push(chunk) {
      chunks.push(chunk);
      held += chunk.length;
      for (let frame = takeFrame(); frame !== null; frame = takeFrame()) onFrame(frame);
    },
  };
}

/** The first bytes, wherever the chunks were cut. */
function peek(chunks: Buffer[], count: number): Buffer {
  const first = chunks[0] as Buffer;
  return first.length >= count ? first : Buffer.concat(chunks).subarray(0, count);
}
