import { expect, test } from 'vitest';
import { createLog } from './log.ts';

test('lines that were dropped are told of as soon as lines are taken again, once', () => {
  const lines: unknown[] = [];
  let taking = false;
  const log = createLog('info', (line) => {
    if (taking) lines.push(JSON.parse(line));
    return taking;
  });
  log.info({ code: 'A' }, 'lost');
  log.info({ code: 'B' }, 'lost');
  taking = true;
  log.info({ code: 'C' }, 'written');
  log.info({ code: 'D' }, 'written');
  expect(lines).toMatchObject([{ code: 'C' }, { code: 'LOG_LINES_DROPPED', droppedSinceStart: 2 }, { code: 'D' }]);
});
