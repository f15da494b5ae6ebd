/** What waits for the disk stays in order and within bounds, through every kind of answer. */
import { describe, expect, it } from 'vitest';
import { createOutbox } from '../../src/core/log/sqlite-outbox.ts';

const line = (position: number) => `${position}\tline`;

describe('the outbox', () => {
  it('gives all that waits as one batch, and nothing while that is on its way', () => {
    const box = createOutbox(10, 10_000);
    expect(box.take()).toBeNull();
    box.add(line(1));
    box.add(line(2));
    box.addBlob('abc', 'text');
    expect(box.take()).toEqual({ text: '1\tline\n2\tline', blobs: [['abc', 'text']] });
    box.add(line(3));
    expect(box.take()).toBeNull();
    expect(box).toMatchObject({ pending: 3, unsent: 1, handed: 4, settled: 0 });
    expect(box.blob('abc')).toBe('text');
    box.done(2);
    expect(box).toMatchObject({ pending: 1, unsent: 1, settled: 3 });
    expect(box.blob('abc')).toBeNull();
    expect(box.take()?.text).toBe('3\tline');
  });

  it('puts a batch that came back in front of what came after it', () => {
    const box = createOutbox(10, 10_000);
    box.add(line(1));
    box.addBlob('a', '1');
    box.take();
    box.add(line(2));
    box.addBlob('b', '2');
    box.returned();
    expect(box.take()).toEqual({
      text: '1\tline\n2\tline',
      blobs: [
        ['a', '1'],
        ['b', '2'],
      ],
    });
  });

  it('forgets what turns out to be stored', () => {
    const box = createOutbox(10, 10_000);
    for (const position of [1, 2, 3]) box.add(line(position));
    box.take();
    box.returned();
    box.done(2);
    expect(box.take()?.text).toBe('3\tline');
    box.returned();
    box.done(3);
    expect(box).toMatchObject({ pending: 0, settled: 3 });
  });

  it('keeps the oldest, counts the rest, and takes no more until all that it kept is durable', () => {
    const box = createOutbox(2, 10_000);
    for (const position of [1, 2, 3]) box.add(line(position));
    expect(box).toMatchObject({ full: true, pending: 2, lost: 1 });
    box.take();
    box.add(line(4));
    expect(box.lost).toBe(2);
    box.done(2);
    expect(box).toMatchObject({ full: false, pending: 0, lost: 2 });
    box.add(line(5));
    expect(box.take()?.text).toBe('5\tline');
  });

  it('is bounded in bytes, and free again once they are written', () => {
    const box = createOutbox(1_000, 500);
    for (let position = 1; position <= 100; position += 1) box.add(line(position));
    const kept = box.pending;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(10);
    for (let round = 0; round < 5; round += 1) {
      box.take();
      box.done(1_000);
      for (let position = 1; position <= kept; position += 1) box.add(line(position));
      expect(box).toMatchObject({ full: false, pending: kept });
    }
  });

  it('counts the lost from the beginning of each trouble', () => {
    const box = createOutbox(1, 10_000);
    box.troubleBegins();
    for (const position of [1, 2, 3]) box.add(line(position));
    box.troubleBegins();
    expect(box.lost).toBe(2);
    box.take();
    box.done(1);
    box.troubleEnds();
    expect(box.lost).toBe(2);
    box.troubleBegins();
    expect(box.lost).toBe(0);
  });
});
