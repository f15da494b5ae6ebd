/**
 * Other names for what tells who and where: clients, sessions, machines, directories and, when that is asked for, models.
 * The same name always gets the same other one; without the key, which is thrown away with the export, none can be guessed
 * by trying names. Must never change a word that the fold looks at.
 */
import { createHmac } from 'node:crypto';
import { type ModelId, modelId, runId } from '../../ids.ts';
import { outputFile, runOfOutputFile } from '../../output-file.ts';
import { createReplaceNames } from './find-names.ts';
import { isNobody, type Names, OWN_CLIENTS } from './names.ts';

export interface DisguiseOptions {
  /** Clients, sessions, addresses, directories and output are hidden. */
  redact: boolean;
  /** Models, their groups and tags get numbers. */
  relabel: boolean;
  /** Random, for one export. */
  key: Buffer;
}

export interface Disguise {
  readonly redact: boolean;
  readonly relabel: boolean;
  model(id: ModelId): ModelId;
  models(ids: readonly ModelId[]): ModelId[];
  /** The name that a client used for a model. */
  asked(name: string): string;
  group(id: string): string;
  tag(tag: string): string;
  /** A set of the matrix. */
  set(name: string): string;
  client(label: string): string;
  session(label: string): string;
  /** Who pinned a model, with the reason that was given. */
  owner(text: string): string;
  /** A sentence. */
  text(text: string): string;
  /** Lines that a program wrote. */
  output(lines: readonly string[]): string[];
  path(path: string): string;
  /** Where a run's output lies. */
  logFile(path: string): string;
  endpoint(path: string): string;
  url(url: string): string;
  /** What tells one machine from another. */
  machine(id: string): string;
}

const HASH_CHARS = 12;
export const WITHHELD = '[REDACTED]';

export function createDisguise(names: Names, { redact, relabel, key }: DisguiseOptions): Disguise {
  const hashed = (kind: string, text: string) =>
    `${kind}-${createHmac('sha256', key).update(`${kind} ${text}`).digest('hex').slice(0, HASH_CHARS)}`;
  const numbered = (kind: string, known: ReadonlySet<string>) =>
    new Map([...known].map((name, index) => [name, `${kind}-${index + 1}`]));
  const models = numbered('model', names.models);
  const groups = numbered('group', names.groups);
  const tags = numbered('tag', names.tags);
  const sets = numbered('set', names.sets);

  const labelOf = (id: string): string => models.get(id) ?? hashed('model', id);
  const model = (id: ModelId): ModelId => (relabel ? modelId(labelOf(id)) : id);
  const askedLabel = (name: string): string => (models.has(name) ? labelOf(name) : hashed('name', name));
  const client = (label: string): string => (!redact || OWN_CLIENTS.has(label) ? label : hashed('client', label));
  const session = (label: string): string => (redact ? hashed('session', label) : label);
  const inText = createReplaceNames(wordsOf());

  /** Every name that may stand in a sentence. What has two meanings is a model. */
  function wordsOf(): Map<string, string> {
    const words = new Map<string, string>();
    if (redact) {
      for (const name of names.sessions) if (!isNobody(name)) words.set(name, session(name));
      for (const name of names.clients) if (!isNobody(name)) words.set(name, client(name));
      for (const name of names.owners) words.set(name, owner(name));
    }
    if (relabel) {
      for (const name of names.asked) words.set(name, askedLabel(name));
      for (const [id, label] of models) words.set(id, label);
      // A group may be called like any word, so its name only counts where it is said that it is one.
      for (const [name, label] of groups) words.set(`group ${name}`, `group ${label}`);
      for (const [name, label] of sets) words.set(`set "${name}"`, `set "${label}"`);
    }
    return words;
  }

  /** `client (reason)`: the reason is whatever somebody wrote. */
  function owner(text: string): string {
    if (!redact) return text;
    const by = [...names.clients].find((one) => text.startsWith(`${one} (`));
    const cut = text.indexOf(' (');
    if (by !== undefined) return `${client(by)} (${WITHHELD})`;
    return cut > 0 && text.endsWith(')') ? `${client(text.slice(0, cut))} (${WITHHELD})` : client(text);
  }

  const host = (name: string): string => (isLocal(name) ? name : hashed('host', name));

  function path(text: string): string {
    const cut = text.lastIndexOf('/');
    const [dir, file] = [text.slice(0, cut + 1), text.slice(cut + 1)];
    const shown = inText(file);
    if (!redact) return inText(dir) + shown;
    return cut <= 0 ? shown : `/${hashed('dir', dir)}/${shown}`;
  }

  function withoutPlaces(text: string): string {
    return text
      .replace(URL_HOST, (_, scheme: string, name: string) => scheme + host(name))
      .replace(ADDRESS, (address) => (isLocal(address) ? address : hashed('address', address)))
      .replace(PATH, (whole) => (API_PATH.test(whole) ? whole : path(whole)));
  }

  return {
    redact,
    relabel,
    model,
    models: (ids) => ids.map(model),
    asked: (name) => (relabel ? askedLabel(name) : name),
    group: (id) => (relabel && id !== '(default)' ? (groups.get(id) ?? hashed('group', id)) : id),
    tag: (tag) => (relabel ? (tags.get(tag) ?? hashed('tag', tag)) : tag),
    set: (name) => (relabel ? (sets.get(name) ?? hashed('set', name)) : name),
    client,
    session,
    owner,
    text(text) {
      // What a server prints names its model in ways that nobody knows.
      const own = relabel ? text.replace(LAST_OUTPUT, `$1${WITHHELD}`) : text;
      const named = inText(own);
      return redact ? withoutPlaces(named) : named;
    },
    output(lines) {
      return relabel ? [] : lines.map((line) => this.text(line));
    },
    path,
    logFile(file) {
      const run = runOfOutputFile(file);
      if (!relabel || run === null) return file;
      return outputFile(model(modelId(decodeURIComponent(file.split('/')[1] ?? ''))), runId(run));
    },
    endpoint(text) {
      if (!redact || text.startsWith('/v1/')) return text;
      const [, first = '', ...rest] = text.split('/');
      return rest.length === 0 ? text : `/${first}/…`;
    },
    url: (text) => (redact ? withoutPlaces(text) : text),
    machine: (id) => (redact ? hashed('boot', id) : id),
  };
}

const LAST_OUTPUT = /(last output: ).*$/s;
const URL_HOST = /(https?:\/\/(?:[^\s/@]*@)?)(\[[^\]\s]+\]|[^\s/:"'<>)]+)/g;
const ADDRESS = /(?<![\w.:-])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,7})(?![\w.-])/gi;
/** Absolute, or below the home directory. */
const PATH = /(?<![\w./:~…-])~?\/(?:[^\s/"'`<>|(),;:]+\/)+[^\s/"'`<>|(),;:]*/g;
const API_PATH = /^\/(?:v1|api|upstream)\//;

const isLocal = (name: string): boolean => /^(?:127\.[\d.]+|0\.0\.0\.0|localhost|\[?::1?\]?|\$\{.*)$/i.test(name);
