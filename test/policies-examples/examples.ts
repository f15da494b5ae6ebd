/** The policies of policies-examples/, as files and as modules that run here instead of in the sandbox. */
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join, resolve } from 'node:path';
import type { Policy } from '../../src/policies/policy.ts';

export const FOLDER = resolve(import.meta.dirname, '../../policies-examples');

interface Example {
  /** Without its ending. */
  name: string;
  /** Absolute. */
  file: string;
  source: string;
}

export const EXAMPLES: Example[] = readdirSync(FOLDER)
  .filter((file) => /^[a-z-]+\.[jt]s$/.test(file))
  .map((file) => {
    const path = join(FOLDER, file);
    return { name: file.slice(0, -3), file: path, source: readFileSync(path, 'utf8') };
  });

/** What it exports. The one import that a policy may have is put in its place. */
export async function moduleOf({ file, source }: Example): Promise<Policy> {
  const plain = file.endsWith('.ts') ? stripTypeScriptTypes(source) : source;
  const alone = plain.replace(
    /^import \{ definePolicy \} from 'turnout\/policy';$/m,
    'const definePolicy = (it) => it;',
  );
  const loaded = (await import(`data:text/javascript,${encodeURIComponent(alone)}`)) as { default: Policy };
  return loaded.default;
}
