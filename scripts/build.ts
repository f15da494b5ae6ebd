/**
 * Puts the sources and most of the packages that they use together into `dist`, which starts in half the time: reading
 * some 700 files one by one is most of a start. `bin/turnout.js` runs it as long as no source is newer.
 * What the build before made stays until the next one, for a turnout that still runs may load more of it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { rolldown } from 'rolldown';

const ROOT = dirname(import.meta.dirname);
const DIST = join(ROOT, 'dist');
const MANIFEST = join(DIST, 'chunks.json');

/** What runs on its own, below `src`; code asks for these by `programFile`. */
const ENTRIES = [
  'cli/main',
  'cli/socket-holder',
  'cli/fake-model/main',
  'core/log/sqlite-writer',
  'core/log/sqlite-reader',
  'policies/policy',
  'policies/sandbox/host-main',
];

/** Addons find their binaries from where they lie, and http-proxy is loaded by hand, on first use. */
const APART = ['better-sqlite3', 'isolated-vm', 'http-proxy'];

export async function build(): Promise<void> {
  const bundle = await rolldown({
    cwd: ROOT,
    platform: 'node',
    input: Object.fromEntries(ENTRIES.map((name) => [name, join(ROOT, 'src', `${name}.ts`)])),
    external: [/^node:/, ...APART],
    onLog(level, log) {
      // a package under Koa builds functions from text; they see no name that a build would change
      if (level === 'warn' && log.code !== 'EVAL') throw new Error(log.message);
    },
  });
  const { output } = await bundle.write({
    dir: DIST,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
  });
  await bundle.close();
  const chunks = output.map(({ fileName }) => fileName).filter((name) => name.startsWith('chunks/'));
  prune(chunks);
  writeFileSync(MANIFEST, `${JSON.stringify(chunks.map((name) => basename(name)))}\n`);
  const parts = output.flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []));
  writeFileSync(join(DIST, 'THIRD-PARTY-NOTICES.txt'), notices(parts));
}

/** Removes chunks that neither this build nor the one before made. */
function prune(made: readonly string[]): void {
  const before = existsSync(MANIFEST) ? (JSON.parse(readFileSync(MANIFEST, 'utf8')) as string[]) : [];
  const kept = new Set([...before, ...made.map((name) => basename(name))]);
  const folder = join(DIST, 'chunks');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (!kept.has(name)) rmSync(join(folder, name));
}

/** The licences of the packages that are part of what was built. */
function notices(files: readonly string[]): string {
  const folders = new Set(files.flatMap((file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file) ?? []));
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
    const text = licence === undefined ? `License: ${license}` : readFileSync(join(folder, licence), 'utf8').trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  return `The files of this folder contain these packages:\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

if (import.meta.main) await build();
