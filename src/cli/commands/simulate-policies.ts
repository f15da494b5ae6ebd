/**
 * Policies of users in a simulation, in the real host: one that was brought as a file, or those that the log names. Must
 * never run a policy anywhere else, nor let how busy this machine is decide what comes out.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../core/config/canonical.ts';
import type { EventType, PolicyFaultData, TurnoutEvent } from '../../core/events.ts';
import { pagesOf } from '../../core/history/pages.ts';
import type { SimPolicy } from '../../core/history/simulate/contender.ts';
import type { Position } from '../../core/ids.ts';
import { eventJson } from '../../core/runtime/policy-events.ts';
import { dataOf } from '../../core/runtime/policy-slot.ts';
import type { PolicyHost } from '../../policies/sandbox/types.ts';
import { patiently } from '../../policies/testing/run-case.ts';
import type { PastLog } from './past-log.ts';
import type { ProgramFile } from './policy-programs.ts';
import { refused } from './policy-programs.ts';
import { recordedOptions } from './recorded-policies.ts';

export interface SimPolicies {
  /** The policy of a file. */
  brought(program: ProgramFile): SimPolicy;
  /** Whatever the log says was loaded. */
  recorded(): SimPolicy;
  close(): Promise<void>;
}

/** `from`: what a policy remembers of the time before it comes from the log, what happens after from the play. */
export function simPolicies(log: PastLog, from: Position): SimPolicies {
  let host: PolicyHost | null = null;
  let slots = 0;
  /** What happened in the play that is on, as far as its policy wants to know. */
  let playing: TurnoutEvent[] = [];

  async function opened(): Promise<PolicyHost> {
    if (host !== null) return host;
    const { createPolicyHost } = await import('../../policies/sandbox/policy-host.ts');
    host = createPolicyHost({
      async *replay({ types, upTo }) {
        const query = { from: log.base + 1, to: Math.min(upTo, from), types: types as EventType[] };
        for await (const page of pagesOf(log, query)) yield page.map(eventJson);
        yield playing.filter(({ type, position }) => position <= upTo && types.includes(type)).map(eventJson);
      },
    });
    return host;
  }

  function policyOf(programOf: (ask: TakeAsk) => Promise<Program | PolicyFaultData>): SimPolicy {
    let slot = '';
    let played: TurnoutEvent[] = [];
    return {
      async take(ask) {
        const program = await programOf(ask);
        if ('kind' in program) return { refused: program };
        played = [...played, ...ask.earlier];
        playing = played;
        const place = await opened();
        if (slot !== '') place.drop(slot);
        slot = `simulated ${++slots}`;
        const { file, source, options } = program;
        const { models, position } = ask;
        const result = await patiently(() => place.load({ slot, file, source, options, models, live: true, position }));
        if (!result.ok) {
          if (ask.recorded === null) throw refused(result.fault);
          return { refused: dataOf(result.fault) };
        }
        const { name, hooks, events } = result.value;
        const { rank, idle, evolve } = hooks;
        const sourceHash = sha256(source);
        const optionsHash = sha256(canonicalJson(options));
        const loaded = { slot: 'live', file, name, sourceHash, optionsHash, hooks: { rank, idle, evolve } };
        return { loaded: ask.recorded ?? loaded, wants: events };
      },
      async ask(hook, json, seed) {
        return patiently(async () => (await opened()).ask(slot, hook, json, seed));
      },
      evolve(upTo, events) {
        played.push(...events);
        host?.evolve(slot, upTo, events.map(eventJson));
      },
    };
  }

  return {
    brought: (program) => policyOf(async () => program),
    recorded: () =>
      policyOf(async ({ recorded, configHash }) => {
        const { sourceHash = '', optionsHash = '', file = 'policy.js' } = recorded ?? {};
        const source = await log.getBlob(sourceHash);
        if (source === null) return unknown(file, 'its source is not in the log');
        const options = await recordedOptions(log, configHash, optionsHash);
        if (options === null) return unknown(file, 'its options are not in the log');
        return { file, source, options };
      }),
    async close() {
      await host?.close();
    },
  };
}

type TakeAsk = Parameters<SimPolicy['take']>[0];
type Program = Pick<ProgramFile, 'file' | 'source' | 'options'>;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

function unknown(file: string, message: string): PolicyFaultData {
  return { kind: 'dead', during: 'load', message, file, line: null, column: null, excerpt: null };
}
