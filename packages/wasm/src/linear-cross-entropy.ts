import { check, input, type Kernel, sameShape } from './kernel-host.js';

/**
 * The cross-entropy of x·Wᵀ + bias, without the logits: x [rows, d], weight [classes, d], bias?
 * [classes], labels int32 [rows] → losses [rows], 0 where the label is `ignoreIndex`; with `gradients`
 * also dx, dweight and, with a bias, dbias, the gradients of Σ losses·scale.
 */
export const linearCrossEntropy: Kernel = {
  name: 'MhLinearCrossEntropy',
  run(call) {
    const name = 'MhLinearCrossEntropy';
    const [x, weight] = [input(call, name, 'x'), input(call, name, 'weight')];
    const bias = call.inputs.bias && input(call, name, 'bias');
    const labels = input(call, name, 'labels', 'int32');
    const [rows, d] = x.shape as [number, number];
    const [classes] = weight.shape as [number];
    check(
      x.shape.length === 2 &&
        sameShape(weight.shape, [classes, d]) &&
        sameShape(labels.shape, [rows]) &&
        (bias === undefined || sameShape(bias.shape, [classes])),
      name,
      () =>
        `x [${x.shape}], weight [${weight.shape}], labels [${labels.shape}] and bias [${bias?.shape ?? ''}] do not go together`,
    );
    const { ignoreIndex = -100, scale = 1, gradients = false } = call.attrs;
    check(Number.isInteger(ignoreIndex), name, () => `ignoreIndex is ${ignoreIndex}`);
    const wanted = gradients ? [x, weight, ...(bias ? [bias] : [])] : [];
    const outputs = [call.output([rows]), ...wanted.map(({ shape }) => call.output(shape))];
    const scratch = call.scratch(call.wasm.linearCrossEntropyScratch!(d, classes, !!gradients));
    const at = outputs.map(call.address);
    while (at.length < 4) at.push(0);
    const badRow = call.wasm.linearCrossEntropy!(
      ...[call.address(x), call.address(weight), bias ? call.address(bias) : 0],
      ...[call.address(labels), ...at, rows, d, classes],
      ...[Number(ignoreIndex), Number(scale), scratch],
    );
    check(badRow < 0, name, () => `the label of row ${badRow} is not one of ${classes} classes`);
    return outputs;
  },
};
