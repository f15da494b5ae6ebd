/**
 * After `npm install` in a checkout: the build, where what it takes was installed. Plain JavaScript, as npm may run it with
 * a node that turnout does not support.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

if (existsSync(join(root, 'node_modules', 'rolldown'))) {
  const { build } = await import('./build.ts');
  await build();
} else {
  console.log(
    'turnout was not built, for devDependencies were left out: it runs from its sources and starts more slowly',
  );
}
