/**
 * One policy of the configuration, the live one or one in the shadow: its file is read, checked by the host, its memory
 * rebuilt from the log, and only then it takes the place of what was there. A bad one changes nothing and is told.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../config/canonical.ts';
import type { PolicyConfig } from '../config/config.ts';
import type { PolicyFaultData, TurnoutEvent } from '../events.ts';
import type { ModelId } from '../ids.ts';
import type { Input } from '../inputs.ts';
import type { EventLog } from '../log/log.ts';
import type { State } from '../state.ts';
import { eventJson } from './policy-events.ts';
import { type Print, readPolicy, watchPolicy } from './policy-files.ts';
import type { PolicyFault, PolicyPort } from './policy-port.ts';

export interface PolicySlotPorts {
  slot: string;
  port: PolicyPort;
  log: EventLog;
  state: Readonly<State>;
  post(input: Input): void;
}

export interface PolicySlot {
  /** Takes this configuration; resolves when it is in charge, or was refused. */
  take(policy: PolicyConfig, models: readonly ModelId[]): Promise<void>;
  /** Name of its place in the host; null while nothing is loaded. */
  place(): string | null;
  observe(events: readonly TurnoutEvent[]): void;
  close(): void;
}

/** What a policy is made from. */
interface Program {
  source: string;
  sourceHash: string;
  optionsHash: string;
  /** Ids that its options may name. */
  models: string;
}

interface Taken {
  place: string;
  from: Program;
  wants: ReadonlySet<string>;
}

export function createPolicySlot({ slot, port, log, state, post }: PolicySlotPorts): PolicySlot {
  let policy: { config: PolicyConfig; models: readonly ModelId[] } | null = null;
  let taken: Taken | null = null;
  /** What is being loaded, and the events that came meanwhile. */
  let coming: { place: string; events: TurnoutEvent[] } | null = null;
  let attempts = 0;
  let refused = '';
  /** Of the file as it was read last; null = it is to be read again. */
  let print: Print | null = null;
  let stopWatching = () => {};
  let closed = false;

  async function load(): Promise<void> {
    if (policy === null || closed) return;
    const { config, models } = policy;
    const mine = ++attempts;
    coming = null; // what was being loaded does not count any more
    const read = await readPolicy(config.file);
    if (mine !== attempts) return;
    print = read.print;
    if ('problem' in read) return refuse(unread(config.file, read.problem));
    const { source } = read;
    const optionsHash = sha256(canonicalJson(config.options));
    const from = { source, sourceHash: sha256(source), optionsHash, models: [...models].sort().join('\n') };
    // after a refusal the one in charge is loaded once more, which says that all is well again
    if (refused === '' && isTaken(from)) return;
    await bringUp(config, models, from, `${slot}#${mine}`);
  }

  /** Other models are a change for its options alone: they do not bring back what is disabled. */
  function isTaken({ sourceHash, optionsHash, models }: Program): boolean {
    if (taken?.from.sourceHash !== sourceHash || taken.from.optionsHash !== optionsHash) return false;
    return taken.from.models === models || state.policies.get(slot)?.disabled != null;
  }

  async function bringUp(
    { file, options }: PolicyConfig,
    models: readonly ModelId[],
    from: Program,
    place: string,
  ): Promise<void> {
    const mine = { place, events: [] as TurnoutEvent[] };
    coming = mine;
    const program = { slot: place, file, source: from.source, options, models, live: slot === 'live' };
    const result = await port.load({ ...program, position: state.position });
    if (coming !== mine || closed) return port.drop(place);
    coming = null;
    if (!result.ok) {
      port.drop(place);
      if (!result.fault.guilty) print = null; // not its fault: it is tried again at the next look
      return refuse(dataOf(result.fault));
    }
    const { name, hooks, events: wanted } = result.value;
    const { source, sourceHash, optionsHash } = from;
    log.putBlob(sourceHash, source);
    if (taken !== null) port.drop(taken.place);
    taken = { place, from, wants: new Set(hooks.evolve ? wanted : []) };
    refused = '';
    feed(taken, mine.events);
    const { rank, idle, evolve } = hooks;
    const loaded = { slot, file, name, sourceHash, optionsHash, hooks: { rank, idle, evolve } };
    post({ type: 'policy.loaded', loaded });
  }

  /** The same refusal is said once. */
  function refuse(fault: PolicyFaultData): void {
    const text = JSON.stringify(fault);
    if (text === refused) return;
    refused = text;
    // what the log knows of is from an earlier run
    if (taken === null && state.policies.has(slot)) post({ type: 'policy.unloaded', slot });
    post({ type: 'policy.refused', slot, fault });
  }

  function feed({ place, wants }: Taken, events: readonly TurnoutEvent[]): void {
    const last = events.at(-1);
    if (last === undefined || wants.size === 0) return;
    const wanted = events.filter((event) => wants.has(event.type));
    port.evolve(place, last.position, wanted.map(eventJson));
  }

  return {
    async take(config, models) {
      if (policy?.config.file !== config.file) {
        stopWatching();
        stopWatching = watchPolicy(
          config.file,
          () => print,
          () => void load(),
        );
      }
      policy = { config, models };
      await load();
    },
    place: () => taken?.place ?? null,
    observe(events) {
      for (const event of events) coming?.events.push(event);
      if (taken !== null) feed(taken, events);
    },
    close() {
      closed = true;
      attempts++;
      stopWatching();
      if (taken !== null) port.drop(taken.place);
      taken = null;
    },
  };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** What of a fault stands in the log. */
export function dataOf({ kind, during, message, file, line, column, excerpt, problems }: PolicyFault): PolicyFaultData {
  const more = problems.map(({ option, message: what }) => (option === '' ? what : `option "${option}": ${what}`));
  return { kind, during, message: [message, ...more].join('; '), file, line, column, excerpt };
}

function unread(file: string, message: string): PolicyFaultData {
  return { kind: 'shape', during: 'load', message, file, line: null, column: null, excerpt: null };
}
