/** What contexts are warmed with has the shape of a view and next to nothing of its size. */
import { describe, expect, it } from 'vitest';
import { sampleOf } from '../../../src/policies/sandbox/sample.ts';
import { usualView } from './support.ts';

describe('a sample of a view', () => {
  it('keeps every field and one entry of every list', () => {
    const view = JSON.parse(usualView());
    const sample = JSON.parse(sampleOf(usualView()) ?? '');
    expect(Object.keys(sample)).toEqual(Object.keys(view));
    expect(sample.models).toEqual([{ ...view.models[0], tags: ['chat'], askedAgoMs: [12_000] }]);
    expect(sample.waiting).toEqual([view.waiting[0]]);
    expect(sample.swaps).toEqual([]);
    expect(JSON.stringify(sample).length).toBeLessThan(1_500);
  });

  it('is none of what is no JSON', () => {
    expect(sampleOf('{"models":')).toBeNull();
  });
});
