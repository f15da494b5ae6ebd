import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTracks, type OnQuiet } from '../../src/api/forward/tracks.ts';
import { runId } from '../../src/core/ids.ts';

const RUN = runId(7);
let now = 0;

beforeEach(() => {
  now = 0;
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function pass(ms: number): void {
  for (let step = 0; step < ms; step += 1_000) {
    now += 1_000;
    vi.advanceTimersByTime(1_000);
  }
}

describe('tracks of what is passed through', () => {
  it('say when no byte moved for a minute, and when one does again', () => {
    const heard: Parameters<OnQuiet>[] = [];
    const track = createTracks(() => now).open(
      RUN,
      () => {},
      (...what) => heard.push(what),
    );
    track.answered();
    pass(59_000);
    track.moved();
    pass(59_000);
    expect(heard).toEqual([]);
    pass(2_000);
    expect(heard).toEqual([[true, 60_000]]);
    pass(60_000);
    track.moved();
    track.moved();
    expect(heard).toEqual([
      [true, 60_000],
      [false, 0],
    ]);
  });

  it('wait for an answer that has not begun, however long the model works on it', () => {
    const heard: boolean[] = [];
    const track = createTracks(() => now).open(
      RUN,
      () => {},
      (quiet) => heard.push(quiet),
    );
    pass(600_000);
    expect(heard).toEqual([]);
    track.answered();
    pass(1_000);
    expect(heard).toEqual([true]);
  });

  it('leave no timer when nothing is open', () => {
    const tracks = createTracks(() => now);
    const first = tracks.open(
      RUN,
      () => {},
      () => {},
    );
    const second = tracks.open(
      RUN,
      () => {},
      () => {},
    );
    expect(vi.getTimerCount()).toBe(1);
    first.end();
    second.end();
    expect(vi.getTimerCount()).toBe(0);
  });
});
