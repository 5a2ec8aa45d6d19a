import { expect, test } from 'vitest';
import { invocation } from './invocation.ts';

const directory = '/src/leasegate';

test.each([
  ['npx', '/cache/_npx/1/node_modules/.bin/leasegate', { npm_command: 'exec' }, 'npx leasegate'],
  ['node, with a script below', `${directory}/dist/leasegate.js`, {}, 'node dist/leasegate.js'],
  ['node, with a script elsewhere', '/opt/lease gate/leasegate.cjs', {}, "node '/opt/lease gate/leasegate.cjs'"],
  ['its name, found on the path', '/usr/bin/leasegate', { PATH: '/bin:/usr/bin' }, 'leasegate'],
  ['its path', '/opt/leasegate', { PATH: '/bin' }, '/opt/leasegate'],
  ['its path, from its own directory', `${directory}/leasegate`, {}, './leasegate'],
])('what was started by %s is started so again', (_, script, env, expected) => {
  expect(invocation({ script, env, directory })).toBe(expected);
});
