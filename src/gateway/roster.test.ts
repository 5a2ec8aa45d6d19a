import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Listed, Roster } from './roster.ts';

test('lists what was added and not removed, like a Set', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(7))), (steps) => {
      const all = Array.from({ length: 8 }, (): Listed => ({ place: -1 }));
      const roster = new Roster<Listed>();
      const model = new Set<Listed>();
      for (const [adds, index] of steps) {
        const each = all[index]!;
        if (!adds) expect(roster.remove(each)).toBe(model.delete(each));
        else if (!model.has(each)) {
          roster.add(each);
          model.add(each);
        }
        expect(roster.size).toBe(model.size);
      }
      expect(new Set(roster.all())).toEqual(model);
    }),
  );
});
