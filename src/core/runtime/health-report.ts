/**
 * How turnout is: whether requests are served, and what is not as it should be. Gathers what the log, the models, broken
 * invariants and refused configurations have to say; changes nothing.
 */
import type { Diagnostic } from '../config/diagnostics.ts';
import type { TurnoutEvent } from '../events.ts';
import type { EventLog } from '../log/log.ts';
import type { State } from '../state.ts';
import type { HealthReport, Router } from './router.ts';

export interface Health {
  report(): HealthReport;
  note: Router['note'];
  onChange: Router['onHealth'];
  /** Policies that were refused or disabled, until one is taken. */
  observe(event: TurnoutEvent): void;
  /** An invariant broke; said once, for good. */
  broke(violation: string): void;
}

/** Not ok only when requests for healthy models cannot be served (design section 9). */
export function createHealthReport(state: Readonly<State>, log: EventLog): Health {
  const broken = new Set<string>();
  const noted = new Map<string, { text: string; diagnostics: readonly Diagnostic[] }>();
  const listeners = new Set<(report: HealthReport) => void>();

  function report(): HealthReport {
    const status = log.status();
    const troubled = status.state === 'troubled';
    const notes = [...broken].map((violation) => `broken invariant: ${violation}`);
    for (const { text } of noted.values()) notes.push(text);
    if (troubled) {
      const waiting = `${status.pending} events wait in memory, ${status.lost} lost`;
      notes.push(`event log: ${status.message ?? status.code}; ${waiting}`);
    }
    for (const model of state.models.values()) {
      if (model.backoff !== null) notes.push(`model ${model.id} fails to start: ${model.backoff.why}`);
    }
    const refusing = troubled && state.settings.onTrouble === 'refuse';
    const diagnostics = [...noted.values()].flatMap((one) => one.diagnostics);
    return { ok: state.phase === 'running' && !refusing, notes, diagnostics };
  }

  const note: Health['note'] = (name, text, diagnostics = []) => {
    if (text === null && !noted.has(name)) return;
    if (text === null) noted.delete(name);
    else noted.set(name, { text, diagnostics });
    changed();
  };

  function changed(): void {
    for (const listener of listeners) listener(report());
  }

  log.onStatus(changed);
  return {
    report,
    note,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    observe(event) {
      switch (event.type) {
        case 'policy.refused': {
          const { slot, fault } = event.data;
          const at = fault.line === null ? fault.file : `${fault.file}:${fault.line}:${fault.column ?? 1}`;
          return note(`policy ${slot}`, `policy ${at} was not taken: ${fault.message}`);
        }
        case 'policy.disabled':
          return note(`policy ${event.data.slot}`, `the policy is not asked any more: ${event.data.why}`);
        case 'policy.loaded':
        case 'policy.unloaded':
          return note(`policy ${event.data.slot}`, null);
        default:
          return;
      }
    },
    broke(violation) {
      broken.add(violation);
      changed();
    },
  };
}
