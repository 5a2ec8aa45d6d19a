import type { Rule } from '../replica/role.ts';
import { SERVICE, type Way } from './ways.ts';

/** The least rights of one way. */
export function rightsOf(way: Way): Rule[] {
  const pods = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch'] };
  switch (way.publish) {
    case 'label':
      return [pods];
    case 'readiness-gate':
      return [pods, { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] }];
    case 'endpointslice':
      return [
        { apiGroups: [''], resources: ['services'], resourceNames: [SERVICE], verbs: ['get'] },
        {
          apiGroups: ['discovery.k8s.io'],
          resources: ['endpointslices'],
          verbs: ['get', 'list', 'watch', 'create', 'patch'],
        },
      ];
  }
}
