import type { Reading } from '../ports/doctor.ts';
import type { Service } from '../ports/publisher.ts';
import { serviceProblem } from '../publish/endpoint-slice.ts';
import { error, type Finding, ok } from './finding.ts';

/** Whether an EndpointSlice can be published for the Service: by publishing's own rules. */
export function judgeService(reading: Reading<Service | null>, name: string, namespace: string): Finding[] {
  if (!reading.ok) {
    // A missing right is a finding of its own.
    if (reading.failure.code === 'forbidden') return [];
    const { message, remedy } = reading.failure;
    return [
      error('SERVICE_UNREADABLE', `Service ${namespace}/${name} can't be read: ${message}`, remedy ?? 'see its words'),
    ];
  }
  if (reading.value === null) {
    return [
      error(
        'SERVICE_MISSING',
        `there is no Service ${namespace}/${name}`,
        'create it without a selector, or correct LEASEGATE_ENDPOINTSLICE_SERVICE',
      ),
    ];
  }
  const problem = serviceProblem(reading.value);
  return problem === null
    ? [ok('SERVICE_OK', `Service ${namespace}/${name} leaves its endpoints to us`)]
    : [error('SERVICE_UNSUITABLE', problem.message, problem.remedy)];
}
