import type { Reading } from '../ports/doctor.ts';
import type { Service } from '../ports/publisher.ts';
import { serviceProblem } from '../publish/endpoint-slice.ts';
import { error, type Finding, ok, skipped } from './finding.ts';

/** Whether an EndpointSlice can be published for the Service: by publishing's own rules. */
export function judgeService(reading: Reading<Service | null>, name: string, namespace: string): Finding[] {
  if (!reading.ok) {
    const { code, message, remedy } = reading.failure;
    const what = `Service ${namespace}/${name} can't be read: ${message}`;
    // A replica that may not read it is a finding of its own.
    return code === 'forbidden'
      ? [skipped('SERVICE_UNREADABLE', what, 'run the doctor as somebody who may')]
      : [error('SERVICE_UNREADABLE', what, remedy ?? 'see what answers there')];
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
