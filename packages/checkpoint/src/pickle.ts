import { PickleMachine, type PickleOptions } from './pickle-machine.js';
import { opcodes } from './pickle-opcodes.js';
import type { PickleValue } from './pickle-values.js';

/** Far more than the largest vocabulary has (0.8 million words, 8 opcodes each). */
const MOST_OPCODES = 1 << 24;

/**
 * Python's pickle machine (Lib/pickletools.py), which looks nothing up and runs nothing: a name is a
 * name, and a call is refused unless the rules know it. Its work and memory are bounded by the length
 * of the pickle. Gives the value, and where what follows the pickle begins.
 *
 * @throws CheckpointError PICKLE_REFUSED, BAD_PICKLE, TRUNCATED, TOO_LARGE
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  options: PickleOptions,
): { value: PickleValue; end: number } {
  const machine: PickleMachine = new PickleMachine(bytes, start, options);
  for (let left = MOST_OPCODES; ; left--) {
    const byte = machine.byte();
    const opcode = opcodes[byte];
    machine.begin(opcode?.name ?? `0x${byte.toString(16).padStart(2, '0')}`);
    if (left === 0) machine.fail(`more than ${MOST_OPCODES} opcodes`, 'TOO_LARGE');
    if (opcode === undefined) machine.fail('no opcode: this is not a pickle, or a damaged one');
    if (opcode.name === 'STOP') return { value: machine.pop(), end: machine.at };
    if (opcode.run === undefined) machine.refuse('which is not read');
    opcode.run(machine);
  }
}
