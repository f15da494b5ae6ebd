import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventsPage } from '../../scripts/events-page.ts';
import { MEANING } from '../../src/core/event-meaning.ts';
import { VERSION } from '../../src/core/events.ts';

const ROOT = resolve(import.meta.dirname, '../..');

describe('docs/events.md', () => {
  it('is what the dictionary says: run "npm run docs" after changing it', () => {
    const page = readFileSync(join(ROOT, 'docs/events.md'), 'utf8');
    expect(page).toBe(eventsPage(readFileSync(join(ROOT, 'src/core/events.ts'), 'utf8')));
  });

  it('has a meaning and a version for the same events', () => {
    expect(Object.keys(MEANING)).toEqual(Object.keys(VERSION));
  });
});
