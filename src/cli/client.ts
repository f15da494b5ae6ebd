/**
 * How commands talk to a running turnout, and where they look for one: `--url`, `$TURNOUT_URL`, the instance files of
 * this machine, the state directory. What is not found is said together with where it was looked for.
 */

import { readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { TurnoutError } from '../core/errors.ts';
import { runningInstances } from './instance.ts';
import type { GlobalOptions } from './output.ts';
import { stateHome } from './state-dir.ts';

export interface Found {
  /** Address of the running turnout, or null: only its log can be read. */
  url: string | null;
  stateDir: string | null;
  /** Where it was looked for, for messages. */
  looked: string[];
}

export async function findTurnout(options: GlobalOptions): Promise<Found> {
  const given = options.url ?? process.env.TURNOUT_URL;
  if (given !== undefined && given !== '') return named(given.replace(/\/+$/, ''), options);
  const dir = options.stateDir ?? process.env.TURNOUT_STATE_DIR ?? null;
  const { found, looked } = await runningInstances(dir);
  const [first, second] = found;
  if (first !== undefined && second !== undefined) {
    const list = found.map((one) => `  --url ${one.url}   (pid ${one.pid}, state in ${one.stateDir})`).join('\n');
    throw new TurnoutError('usage', `several turnouts run on this machine, say which one is meant:\n${list}`);
  }
  if (first !== undefined) return { url: first.url, stateDir: first.stateDir, looked };
  if (dir !== null) return { url: null, stateDir: dir, looked };
  const homes = await stateDirs();
  return { url: null, stateDir: homes.length === 1 ? (homes[0] ?? null) : null, looked: [...looked, stateHome()] };
}

/** One that was named by its address; where its log lies is known when it runs on this machine. */
async function named(url: string, { stateDir }: GlobalOptions): Promise<Found> {
  const { found } = await runningInstances(null);
  return { url, stateDir: stateDir ?? found.find((one) => one.url === url)?.stateDir ?? null, looked: [url] };
}

async function stateDirs(): Promise<string[]> {
  try {
    return (await readdir(stateHome())).map((name) => join(stateHome(), name));
  } catch {
    return []; // never run here
  }
}

/** The running turnout, or an error that says where it was looked for. */
export async function needServer(options: GlobalOptions): Promise<string> {
  const { url, looked } = await findTurnout(options);
  if (url !== null) return url;
  throw new TurnoutError(
    'not-found',
    `no running turnout found (looked in ${looked.join(', ')}); start one, or name it with --url or $TURNOUT_URL`,
  );
}

/** The state directory whose log is read when no turnout runs. */
export function needStateDir({ stateDir, looked }: Found): string {
  if (stateDir !== null) return stateDir;
  throw new TurnoutError(
    'not-found',
    `no running turnout and no single event log found (looked in ${looked.join(', ')}); name it with --url or --state-dir`,
  );
}

/** Asks the running turnout; an answer that is not 2xx is an error with the server's own message. */
export async function request(url: string, path: string, init: RequestInit = {}): Promise<Response> {
  const key = process.env.TURNOUT_API_KEY;
  const headers = new Headers(init.headers);
  if (key !== undefined && key !== '') headers.set('authorization', `Bearer ${key}`);
  // Who pins or unloads a model is shown to others: the person, not the program.
  headers.set('user-agent', `${userName()}/turnout`);
  let response: Response;
  try {
    response = await fetch(url + path, { ...init, headers });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw new TurnoutError('not-found', `ask the turnout at ${url}: ${reason}`, { cause });
  }
  if (response.ok) return response;
  throw new TurnoutError('not-found', await refusalText(response));
}

export async function requestJson<T>(url: string, path: string, init?: RequestInit): Promise<T> {
  return (await (await request(url, path, init)).json()) as T;
}

async function refusalText(response: Response): Promise<string> {
  const text = await response.text();
  const hint = response.status === 401 ? ' (give the key in $TURNOUT_API_KEY)' : '';
  try {
    const body = JSON.parse(text) as { error?: { message?: string } };
    if (body.error?.message !== undefined) return body.error.message + hint;
  } catch {
    // not JSON: the text itself is the message
  }
  return `${response.status} ${text.trim().slice(0, 500)}${hint}`;
}

/** A model id as path segments: `/` separates, everything else is encoded. */
export function modelPath(model: string): string {
  return model.split('/').map(encodeURIComponent).join('/');
}

/** Letters that stand in a header and in a label; `turnout` where the machine knows no name. */
function userName(): string {
  let name = process.env.USER ?? '';
  try {
    name = userInfo().username;
  } catch {
    // no entry for this user, as in a container that runs under a bare number
  }
  return name.replace(/[^\w.-]/g, '') || 'turnout';
}
