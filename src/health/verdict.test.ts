import { describe, expect, test } from 'vitest';
import { type CheckFailure, failed, HEALTHY } from './check.ts';
import { judge, type Thresholds, UNKNOWN, type Verdict } from './verdict.ts';

const usual: Thresholds = { failures: 3, successes: 1 };
const bad = (why: CheckFailure = 'bad-status') => failed(why, 'test');

/** The verdict after checks written as `+` (good), `-` (bad) and `x` (nothing listens). */
function verdictAfter(checks: string, thresholds = usual, from: Verdict = UNKNOWN): Verdict {
  const results = { '+': HEALTHY, '-': bad(), x: bad('refused') };
  return [...checks].reduce((verdict, each) => judge(verdict, results[each as '+'], thresholds), from);
}
/** How many good checks in a row a recovery takes from here. */
function recovery(from: Verdict, thresholds = usual): number {
  let [verdict, checks] = [from, 0];
  while (verdict.standing !== 'healthy') {
    verdict = judge(verdict, HEALTHY, thresholds);
    checks += 1;
  }
  return checks;
}

describe('fit to lead', () => {
  test('is nobody before the first good check, and anybody after it', () => {
    expect(UNKNOWN.standing).toBe('unknown');
    expect(verdictAfter('--').standing).toBe('unknown');
    expect(verdictAfter('--+', { failures: 3, successes: 5 }).standing).toBe('healthy');
  });

  test('one remains through fewer bad checks in a row than decide', () => {
    expect(verdictAfter('+--+--+--').standing).toBe('healthy');
    expect(verdictAfter('+---').standing).toBe('unhealthy');
    expect(verdictAfter('+-', { failures: 1, successes: 1 }).standing).toBe('unhealthy');
  });

  test('an application that never was well is called unhealthy, and needs one good check all the same', () => {
    const never = verdictAfter('-----', { failures: 3, successes: 4 });
    expect(never.standing).toBe('unhealthy');
    expect(recovery(never)).toBe(1);
  });
});

describe('a recovery', () => {
  test('takes as many good checks in a row as are asked for', () => {
    const thresholds = { failures: 3, successes: 4 };
    const down = verdictAfter(`${'+'.repeat(100)}---`, thresholds);
    expect(verdictAfter('+++-+++', thresholds, down).standing).toBe('unhealthy');
    expect(verdictAfter('+++-++++', thresholds, down).standing).toBe('healthy');
  });

  test('takes twice as long each time that it soon fails again, and no longer than 60 checks', () => {
    let verdict = verdictAfter(`${'+'.repeat(100)}---`);
    const took: number[] = [];
    for (let flap = 0; flap < 8; flap++) {
      took.push(recovery(verdict));
      verdict = verdictAfter(`${'+'.repeat(took.at(-1)!)}---`, usual, verdict);
    }
    expect(took).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  test('takes the usual time again after it has stayed well for 60 checks', () => {
    const flapping = verdictAfter('+---++---++++---');
    expect(recovery(flapping)).toBe(8);
    const steady = verdictAfter(`${'+'.repeat(8)}${'+'.repeat(60)}---`, usual, flapping);
    expect(recovery(steady)).toBe(1);
  });

  test('that more than 60 are asked for takes those', () => {
    const thresholds = { failures: 1, successes: 80 };
    expect(recovery(verdictAfter('+-', thresholds), thresholds)).toBe(80);
    expect(recovery(verdictAfter(`+-${'+'.repeat(80)}-`, thresholds), thresholds)).toBe(80);
  });
});

describe('the application has ended', () => {
  test('when nothing listened for all the checks that decide', () => {
    expect(verdictAfter('+xxx')).toMatchObject({ standing: 'unhealthy', ended: true });
  });

  test('not when it was slow or broken before, until that many found nothing', () => {
    expect(verdictAfter('+--x')).toMatchObject({ standing: 'unhealthy', ended: false });
    expect(verdictAfter('+--xx').ended).toBe(false);
    expect(verdictAfter('+--xxx').ended).toBe(true);
  });

  test('not any more when something answers', () => {
    expect(verdictAfter('+xxx-').ended).toBe(false);
  });
});
