/** Frames arrive whole however the bytes were cut, and what cannot be one is refused before it is held. */
import { describe, expect, it } from 'vitest';
import { createFrameReader, encodeFrame, type Frame } from '../../../src/policies/sandbox/frames.ts';

const BODY_MAX = 10_000;

function read(chunks: Buffer[]): Frame[] {
  const frames: Frame[] = [];
  const reader = createFrameReader((frame) => frames.push(frame), BODY_MAX);
  for (const chunk of chunks) reader.push(chunk);
  return frames;
}

const FRAMES: Frame[] = [
  { head: { op: 'a' }, body: '' },
  { head: { op: 'b', text: 'ü\n' }, body: 'äöü €\u0000' },
  { head: {}, body: 'x'.repeat(BODY_MAX) },
];
const BYTES = Buffer.concat(FRAMES.map(({ head, body }) => encodeFrame(head as object, body)));

describe('frames', () => {
  it.each([1, 2, 3, 7, 8, 9, 100, 4_096, BYTES.length])('are read from pieces of %i bytes', (size) => {
    const chunks: Buffer[] = [];
    for (let from = 0; from < BYTES.length; from += size) chunks.push(BYTES.subarray(from, from + size));
    expect(read(chunks)).toEqual(FRAMES);
  });

  it('wait for the rest', () => {
    expect(read([BYTES.subarray(0, -1)])).toEqual(FRAMES.slice(0, -1));
  });

  it.each([
    ['a body over the limit', encodeFrame({}, 'x'.repeat(BODY_MAX + 1)).subarray(0, 8)],
    ['a head over the limit', encodeFrame({ x: 'x'.repeat(40_000) }).subarray(0, 8)],
    ['text', Buffer.from('HTTP/1.1')],
    ['a head that is no JSON', Buffer.from('\0\0\0\x02\0\0\0\0{]')],
    ['an empty head', Buffer.alloc(8)],
  ])('refuse %s', (_, bytes) => {
    expect(() => read([bytes])).toThrow();
  });
});
