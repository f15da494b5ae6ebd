/** Public ids of requests: their form, and that none comes twice, also where the pool is filled anew. */
import { expect, it } from 'vitest';
import { createRequestIds } from '../../src/core/runtime/request-ids.ts';

it('request ids have one form and never repeat', () => {
  const next = createRequestIds();
  const ids = Array.from({ length: 2_000 }, () => next());
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^req_[A-Za-z0-9_-]{16}$/);
});
