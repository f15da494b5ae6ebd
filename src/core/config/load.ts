/**
 * Texts in, a validated configuration out, or every problem at once with its place. Pure: reads no file and no
 * environment but what it is given. The main flow: env, YAML, merge, macros, schema, build.
 */
import { LIMITS } from '../limits.ts';
import { type Budget, budgetMessage, createBudget } from './budget.ts';
import { buildConfig } from './build.ts';
import type { StoreCheck } from './build-general.ts';
import type { Config } from './config.ts';
import { decode } from './decode.ts';
import type { Diagnostic } from './diagnostics.ts';
import { type Environment, substituteEnv } from './env.ts';
import { expandConfig } from './expand.ts';
import { treeOfYaml } from './from-yaml.ts';
import { describe, plainIssues, reportIssues } from './issues.ts';
import { mergeSources } from './merge.ts';
import { reportDifferences, withoutTurnout } from './reference.ts';
import { createReport, type Mask, type Report } from './report.ts';
import { configSchema, type RawConfig, TOP_LEVEL_KEYS } from './schema.ts';
import { hideTokens } from './secret-looks.ts';
import { collectSecrets, cover, hideByValue, hideSecrets, type Secrets, secretsOf } from './secrets.ts';
import { sourceText } from './source.ts';
import { isNull, type MapNode, mapNode, type TreeNode } from './tree.ts';
import { reportUnsupported } from './unsupported.ts';
import { withoutFaults } from './without-faults.ts';
import { parseYaml } from './yaml-text.ts';

/** One text. `file` is what diagnostics call it. */
export interface ConfigSource {
  file: string;
  text: string;
}

/** A configuration (with warnings inside), or the reasons why there is none. Tell them apart by `'config' in result`. */
export type ConfigResult = { config: Config } | { errors: Diagnostic[]; warnings: Diagnostic[] };

export interface LoadOptions {
  /** Values for `${env.NAME}`. Default: none are set. */
  env?: Environment;
  /**
   * `llama-swap`: errors are what that program refuses, warnings what it ignores or reads differently. Default:
   * `turnout`.
   */
  reader?: 'turnout' | 'llama-swap';
  /** Where the models run: it decides the default of `cmdStop`. Default: this machine's. */
  platform?: NodeJS.Platform;
  /** Looks at the file of `store.path`. Default: nobody does. */
  storeCheck?: StoreCheck;
}

/** The sources in their order (spec 2.1). None, or only empty ones, is a configuration without models. */
export function loadConfig(sources: readonly ConfigSource[], options: LoadOptions = {}): ConfigResult {
  const report = createReport();
  const budget = createBudget();
  const files = sources.map(({ file }) => file);
  const fromEnv: string[] = [];
  const trees = sources.map((source) => readSource(source, options.env ?? {}, fromEnv, budget, report));
  const early = secretsOf(fromEnv);
  if (trees.includes('failed') || budget.exceeded !== null) return failure(report, early, budget, files);

  const asReference = options.reader === 'llama-swap';
  const given = trees.filter((tree) => typeof tree === 'object' && tree !== null);
  const whole = mergeSources(given, report) ?? emptyTree(files);
  const merged = asReference ? withoutTurnout(whole, report) : whole;
  const { root, ports, macros } = expandConfig(merged, TOP_LEVEL_KEYS, budget, report);
  if (budget.exceeded !== null) return failure(report, early, budget, files);

  const secrets = secretsOf(collectSecrets(root, fromEnv, macros));
  const raw = checkShape(root, budget, report);
  if (raw === null || budget.exceeded !== null) return failure(report, secrets, budget, files);
  const storeCheck = options.storeCheck ?? (() => null);
  const platform = options.platform ?? process.platform;
  const config = buildConfig(raw, root, ports, secrets, { platform, storeCheck }, report);
  if (asReference) reportDifferences(raw, root, config.names, report);
  else reportUnsupported(root, report);
  if (report.hasErrors()) return failure(report, secrets, budget, files);
  return { config: { ...config, warnings: report.list('warning', masked(secrets)), files } };
}

/** Null for an empty text. */
function readSource(
  { file, text }: ConfigSource,
  env: Environment,
  fromEnv: string[],
  budget: Budget,
  report: Report,
): MapNode | null | 'failed' {
  if (text.length > LIMITS.configBytesMax) {
    report.fileError('too-large', file, `the file is larger than ${LIMITS.configBytesMax} bytes`);
    return 'failed';
  }
  const source = sourceText(file, text);
  const substituted = substituteEnv(source, env, report);
  fromEnv.push(...substituted.values);
  const parsed = parseYaml(source, substituted, budget, report);
  if (parsed === 'failed') return 'failed';
  if (parsed === null) return null;
  const tree: TreeNode = treeOfYaml(parsed, source, substituted, budget, report);
  if (isNull(tree)) return null;
  if (tree.kind === 'map') return tree;
  report.error('wrong-type', tree.at, `expected a mapping at the top level, got ${describe(tree)}`);
  return 'failed';
}

/** The raw configuration. Where values are wrong they are reported and left out, so that later checks can run too. */
function checkShape(root: MapNode, budget: Budget, report: Report): RawConfig | null {
  const plain = decode(root, configSchema, [], budget, report);
  if (budget.exceeded !== null) return null;
  for (let pass = 0; pass < LIMITS.configShapePassesMax; pass += 1) {
    const parsed = configSchema.safeParse(plain);
    if (parsed.success) return parsed.data;
    const issues = plainIssues(parsed.error.issues, root);
    // what is wrong later on is a consequence of what was left out
    if (pass === 0) reportIssues(issues, root, report);
    withoutFaults(plain, issues);
  }
  return null;
}

function failure(report: Report, secrets: Secrets, budget: Budget, files: string[]): ConfigResult {
  const mask = masked(secrets);
  if (budget.exceeded !== null) {
    // what was found until then may be a consequence of having stopped in the middle
    const only = createReport();
    only.fileError('too-large', files[0] ?? '', budgetMessage(budget.exceeded));
    return { errors: only.list('error', mask), warnings: [] };
  }
  return { errors: report.list('error', mask), warnings: report.list('warning', mask) };
}

function masked(secrets: Secrets): Mask {
  // a hundred problems may stand in one long line
  const lines = new Map<string, string>();
  return {
    // "apiKeys: expected a list" only looks like a header with a secret
    sentence: (text) => hideTokens(hideByValue(text, secrets, cover), cover),
    source: (text) => {
      const line = lines.get(text) ?? hideSecrets(text, secrets, cover);
      lines.set(text, line);
      return line;
    },
  };
}

function emptyTree(files: string[]): MapNode {
  return mapNode(new Map(), { source: sourceText(files[0] ?? '', ''), start: 0, end: 0 });
}
