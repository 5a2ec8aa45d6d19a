import { KubeConfig } from '@kubernetes/client-node';
import { expect, it } from 'vitest';
import { renderKubeconfig } from './kubeconfig.ts';

function load(text: string) {
  const config = new KubeConfig();
  config.loadFromString(text);
  const context = config.getContextObject(config.getCurrentContext());
  return [config.getCurrentCluster()?.server, context?.namespace, config.getCurrentUser()?.token];
}

it('is understood by the Kubernetes client: server, namespace, token', () => {
  const text = renderKubeconfig({ server: 'http://127.0.0.1:8001' });
  expect(load(text)).toEqual(['http://127.0.0.1:8001', 'default', 'developer']);
});

it('keeps values in their place, whatever they contain', () => {
  const [namespace, token] = ['a: b', '"x"\n# y: {'];
  expect(load(renderKubeconfig({ server: 'http://[::1]:1', namespace, token }))).toEqual([
    'http://[::1]:1',
    namespace,
    token,
  ]);
});
