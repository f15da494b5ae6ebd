/** Writes what in docs/ is made from the source: `npm run docs`; `--check` only says whether it is up to date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationPage } from './configuration-page.ts';
import { eventsPage } from './events-page.ts';

const root = join(import.meta.dirname, '..');
const pages = {
  'docs/configuration.md': configurationPage(),
  'docs/events.md': eventsPage(readFileSync(join(root, 'src/core/events.ts'), 'utf8')),
};

for (const [file, text] of Object.entries(pages)) {
  const path = join(root, file);
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${file} is not up to date: run "npm run docs"`);
    process.exitCode = 1;
  }
}
