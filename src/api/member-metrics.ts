import Gauge from 'prom-client/lib/gauge.js';
import type Registry from 'prom-client/lib/registry.js';
import type { Membership } from '../ports/membership.ts';

/** What this replica sees of the members at the scrape, in the registry of all other metrics. */
export function registerMemberMetrics(registry: Registry, membership: Membership): void {
  const registers = [registry];
  new Gauge({
    name: 'leasegate_members',
    help: 'Members by what this replica sees of them.',
    labelNames: ['state'],
    registers,
    collect() {
      const { members } = membership.answer();
      const alive = members.filter((member) => member.alive).length;
      this.set({ state: 'alive' }, alive);
      this.set({ state: 'lost' }, members.length - alive);
    },
  });
  new Gauge({
    name: 'leasegate_members_watch_up',
    help: 'Whether changes of members are watched (1); while they are not, nobody is found lost.',
    registers,
    collect() {
      this.set(membership.answer().watching ? 1 : 0);
    },
  });
}
