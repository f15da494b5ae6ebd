/**
 * The text of a configuration under other names. Nothing folds it; it is there to be read, and for the options that
 * policies were given. Commands lose what tells who and where; where models are renamed, whatever could tell which.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../../config/canonical.ts';
import { modelId } from '../../ids.ts';
import { type Disguise, WITHHELD } from './disguise.ts';

type Fields = { [key: string]: Json };

export interface DisguisedConfig {
  text: string;
  /** What the hashes of policies' options become. */
  options: Map<string, string>;
}

const COMMANDS: ReadonlySet<string> = new Set(['cmd', 'cmdStop']);
/** Words about a model that people write as they like. */
const ABOUT_MODELS: ReadonlySet<string> = new Set(['name', 'description', 'useModelName', 'metadata', 'filters']);
/** Maps whose keys are names. */
const NAMED: ReadonlySet<string> = new Set(['clientPriority', 'evictCosts', 'options']);

/** Throws what JSON.parse throws for a text that is not one of ours. */
export function disguiseConfig(text: string, to: Disguise): DisguisedConfig {
  const config = JSON.parse(text) as Fields;
  const changed = walk(config, '', to) as Fields;
  if (Array.isArray(config['models'])) changed['models'] = config['models'].map((one) => modelOf(one as Fields, to));
  if (Array.isArray(config['groups'])) {
    changed['groups'] = config['groups'].map((one) => groupOf(one as Fields, to));
  }
  if (to.relabel) for (const key of ['matrix', 'peers', 'profiles', 'selectors']) withhold(changed, key);
  return { text: canonicalJson(changed), options: optionsOf(config, changed) };
}

function groupOf({ id, ...rest }: Fields, to: Disguise): Json {
  return { ...(walk(rest, '', to) as Fields), id: to.group(String(id)) };
}

function modelOf(model: Fields, to: Disguise): Json {
  const { id, group, tags, aliases, ...rest } = model;
  return {
    ...(walk(rest, '', to) as Fields),
    id: to.model(modelId(String(id))),
    group: to.group(String(group)),
    tags: (Array.isArray(tags) ? tags : []).map((tag) => to.tag(String(tag))),
    aliases: (Array.isArray(aliases) ? aliases : []).map((alias) => to.asked(String(alias))),
  };
}

function walk(value: Json, key: string, to: Disguise): Json {
  if (to.relabel && ABOUT_MODELS.has(key)) return value === '' || value === null ? value : WITHHELD;
  if (typeof value === 'string') {
    if (COMMANDS.has(key)) return commandOf(value, to);
    return key === 'file' ? to.path(value) : to.text(value);
  }
  if (Array.isArray(value)) return value.map((item) => walk(item, '', to));
  if (value === null || typeof value !== 'object') return value;
  const named = NAMED.has(key);
  const fields = Object.entries(value).map(([name, item]) => [
    named ? to.text(name) : name,
    walk(item, named && typeof item === 'object' ? key : name, to),
  ]);
  return Object.fromEntries(fields) as Fields;
}

function withhold(config: Fields, key: string): void {
  const value = config[key];
  const empty = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  if (!empty) config[key] = WITHHELD;
}

/** The program, its switches and figures stay; where models are renamed, nothing else does. */
function commandOf(command: string, to: Disguise): string {
  const words = to.text(command).split(/(\s+)/);
  if (!to.relabel) return words.join('');
  return words.map((word, index) => (index === 0 ? programOf(word) : plainWord(word))).join('');
}

const programOf = (word: string): string => word.slice(word.lastIndexOf('/') + 1).replaceAll(/["']/g, '');

function plainWord(word: string): string {
  if (/^(?:\s*|\\|-{1,2}[\w-]+|[\d.,:]+|(?:[\d:]|\$\{\w+\})+|model-\d+)$/.test(word)) return word;
  const option = /^(-{1,2}[\w-]+=)(.*)$/s.exec(word);
  return option === null ? '…' : `${option[1]}${plainWord(option[2] ?? '')}`;
}

/** Decisions of policies name their options by hash. */
function optionsOf(before: Fields, after: Fields): Map<string, string> {
  const hashes = new Map<string, string>();
  const [old, now] = [policiesIn(before), policiesIn(after)];
  for (const [index, options] of old.entries()) hashes.set(sha256(options), sha256(now[index] ?? options));
  return hashes;
}

function policiesIn(config: Fields): string[] {
  const { policy, shadow } = (config['turnout'] ?? {}) as { policy?: Json; shadow?: Json };
  const all = [policy ?? null, ...(Array.isArray(shadow) ? shadow : [])];
  return all.map((one) => canonicalJson(((one as Fields | null)?.['options'] ?? {}) as Json));
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
