// V8 (since Turboshaft, as in Chromium 150) makes a constant vector anew wherever it is used, at each turn
// of a loop: some three instructions, as much work again as an exponential's polynomial. So constants that
// a loop uses become locals of its function: there GELU takes half as long, softmax 0.6 times, dropout 0.7,
// attention 0.87. The source cannot say so: neither binaryen nor V8 may see that they are constants, or they
// would be back where they were. They are combined with a number that is 0 and that both do not know.
import binaryen from 'assemblyscript/binaryen';

/** A memory has at most 65,536 pages: nothing of its size is left. */
const zero = '(i32x4.splat (i32.shr_u (memory.size) (i32.const 17)))';
/** Which takes one instruction to make. */
const zeros = 'i32x4 0x00000000 0x00000000 0x00000000 0x00000000';

/** A module, as binary, with the vector constants of its loops in locals. */
export function hoistConstants(binary) {
  const before = binaryen.readBinary(binary);
  before.setFeatures(binaryen.Features.All);
  const parts = before.emitText().split(/\n(?= \()/); // what is at the top level
  before.dispose();
  const after = binaryen.parseText(
    parts.map((part) => (part.startsWith(' (func ') ? inFunction(part) : part)).join('\n'),
  );
  after.setFeatures(binaryen.Features.All);
  if (!after.validate()) throw new Error('Constants in locals made the kernels invalid.');
  const hoisted = after.emitBinary();
  after.dispose();
  return hoisted;
}

/** The text of a function, an expression a line, what is inside another further to the right. */
function inFunction(text) {
  const names = new Map();
  const loops = [];
  const lines = text.split('\n').map((line) => {
    const column = line.search(/\S/);
    while (loops.length > 0 && column <= loops.at(-1)) loops.pop();
    if (line.startsWith('(loop', column)) loops.push(column);
    if (loops.length === 0) return line;
    return line.replace(/\(v128\.const ([^)]+)\)/g, (expression, value) => {
      if (value === zeros) return expression;
      if (!names.has(value)) names.set(value, `$constant${names.size}`);
      return `(local.get ${names.get(value)})`;
    });
  });
  if (names.size === 0) return text;
  const body = lines.findIndex((line, i) => i > 0 && !line.startsWith('  (local '));
  lines.splice(
    body,
    0,
    ...['$zero', ...names.values()].map((name) => `  (local ${name} v128)`),
    `  (local.set $zero ${zero})`,
    ...[...names].map(
      ([value, name]) => `  (local.set ${name} (v128.xor (v128.const ${value}) (local.get $zero)))`,
    ),
  );
  return lines.join('\n');
}
