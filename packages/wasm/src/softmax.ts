import type { TensorInfo } from '@tensorflow/tfjs-core';
import { check, input, type Kernel, type KernelCall, sameShape, sizeOf } from './kernel-host.js';

/** x [..., d] → e^x / Σ e^x over the last axis. */
export const softmax: Kernel = {
  name: 'MhSoftmax',
  run(call) {
    const x = input(call, 'MhSoftmax', 'x');
    const length = x.shape.at(-1);
    check(length !== undefined, 'MhSoftmax', () => 'x is a scalar, which has no last axis');
    const y = call.output(x.shape);
    const rows = sizeOf(x.shape.slice(0, -1));
    const at = [x, y].map(call.address);
    const calls = call.parts(rows, 2 * length).map(([from, to]) => {
      return [...at.map((address) => address + 4 * from * length), to - from, length];
    });
    call.run('softmax', calls);
    return y;
  },
};

/** logits [rows, classes] and their labels, int32 [rows]; what is named besides is [rows]. */
function classified(call: KernelCall, kernel: string, ...perRow: string[]) {
  const logits = input(call, kernel, 'logits');
  check(
    logits.shape.length === 2,
    kernel,
    () => `logits [${logits.shape}] are not [rows, classes]`,
  );
  const [rows, classes] = logits.shape as [number, number];
  const labels = input(call, kernel, 'labels', 'int32');
  for (const tensor of [labels, ...perRow.map((name) => input(call, kernel, name))])
    check(
      sameShape(tensor.shape, [rows]),
      kernel,
      () => `labels and what goes with them are [${tensor.shape}], not [${rows}]`,
    );
  const ignoreIndex = Number(call.attrs.ignoreIndex ?? -100);
  return { logits, labels, rows, classes, ignoreIndex };
}

function refuse(kernel: string, badRow: number, classes: number): void {
  check(
    badRow < 0,
    kernel,
    () => `the label of row ${badRow} is neither one of the ${classes} classes nor ignoreIndex`,
  );
}

/** → losses [rows] (ln Σ e^logits − logits[label]; 0 where ignored) and logSumExp [rows]. */
export const softmaxCrossEntropy: Kernel = {
  name: 'MhSoftmaxCrossEntropy',
  run(call): TensorInfo[] {
    const given = classified(call, 'MhSoftmaxCrossEntropy');
    const { logits, labels, rows, classes, ignoreIndex } = given;
    const outputs = [call.output([rows]), call.output([rows])];
    const at = [logits, labels, ...outputs].map(call.address);
    const badRow = call.wasm.crossEntropy!(...at, rows, classes, ignoreIndex);
    refuse('MhSoftmaxCrossEntropy', badRow, classes);
    return outputs;
  },
};

/** dlosses [rows] and the forward's inputs and logSumExp → dlogits [rows, classes]. */
export const softmaxCrossEntropyGrad: Kernel = {
  name: 'MhSoftmaxCrossEntropyGrad',
  run(call) {
    const given = classified(call, 'MhSoftmaxCrossEntropyGrad', 'dlosses', 'logSumExp');
    const { logits, labels, rows, classes, ignoreIndex } = given;
    const { dlosses, logSumExp } = call.inputs;
    const dlogits = call.output([rows, classes]);
    const at = [dlosses!, logits, labels, logSumExp!, dlogits].map(call.address);
    const badRow = call.wasm.crossEntropyGrad!(...at, rows, classes, ignoreIndex);
    refuse('MhSoftmaxCrossEntropyGrad', badRow, classes);
    return dlogits;
  },
};
