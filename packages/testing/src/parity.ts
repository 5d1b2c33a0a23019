import { expect } from '@jest/globals';
import { type Model, valueAndGradients } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { distance, largest } from './closeness.js';
import { camelCase, type Fixture, openFixture } from './fixture.js';
import type { VariantInputs, VariantModel } from './variant-model.js';

export interface ParityOptions<M extends VariantModel> {
  /** Loads the model under test from the fixture's folder. */
  load: (folder: Fixture['folder']) => Promise<M>;
  /** Largest difference of any output; default 1e-5. */
  tolerance?: number;
  /** Largest difference of a gradient as a share of its largest entry; default 1e-4. */
  gradientTolerance?: number;
  /** Names of the fixture that this model has no counterpart for, with the reason in the test. */
  leaveOut?: string[];
}

/**
 * Runs the model on a fixture's inputs and compares everything the reference wrote: every output,
 * hidden state and attention, and the gradient of every parameter, of the loss or of
 * Σ output·cotangent where the fixture gives cotangents. A name the model does not produce fails.
 */
export async function expectParity<M extends VariantModel>(
  path: string,
  { load, tolerance = 1e-5, gradientTolerance = 1e-4, leaveOut = [] }: ParityOptions<M>,
): Promise<void> {
  const fixture = await openFixture(path);
  let model: M | undefined;
  try {
    model = await load(fixture.folder);
    const inputs = modelInputs(fixture);
    const outputs = model.forward(inputs, { outputHiddenStates: true, outputAttentions: true });
    const produced = flatten(outputs);
    const far: string[] = [];
    for (const [name, { shape, values }] of fixture.expected) {
      if (name.startsWith('grad/') || leaveOut.includes(name)) continue;
      const tensor = produced.get(camelCase(name));
      if (tensor === undefined) {
        far.push(`${name}: not produced`);
        continue;
      }
      expect({ name, shape: tensor.shape }).toEqual({ name, shape });
      const { absolute, index } = distance(await tensor.data(), values);
      if (!(absolute <= tolerance)) far.push(`${name}: off by ${absolute} at ${index}`);
    }
    outputs.dispose();
    far.push(...(await gradientsFar(model, fixture, inputs, gradientTolerance)));
    expect(far).toEqual([]);
  } finally {
    model?.dispose();
    fixture.dispose();
  }
}

async function gradientsFar(
  model: VariantModel,
  fixture: Fixture,
  inputs: VariantInputs,
  tolerance: number,
): Promise<string[]> {
  const wanted = [...fixture.expected].filter(([name]) => name.startsWith('grad/'));
  if (wanted.length === 0) return [];
  const scalar = () => {
    const outputs = model.forward(inputs);
    const terms = [...fixture.inputs]
      .filter(([name]) => name.startsWith('cotangent.'))
      .map(([name, cotangent]) => {
        const output = flatten(outputs).get(camelCase(name.slice('cotangent.'.length)));
        return tf.sum(tf.mul(output!, cotangent));
      });
    return terms.length > 0 ? terms.reduce((a, b) => tf.add(a, b)) : (outputs.loss as tf.Tensor);
  };
  const { value, gradients } = valueAndGradients(model as Model, scalar);
  // A gradient that is zero but for rounding (a key's bias, say) has no scale of its own.
  const negligible = 1e-6 * Math.max(...wanted.map(([, { values }]) => largest(values)));
  const far: string[] = [];
  for (const [name, { shape, values }] of wanted) {
    const gradient = gradients.get(name.slice('grad/'.length));
    if (gradient === undefined) {
      // A parameter that the scalar does not reach has no gradient; the reference writes zeros.
      if (values.some((v) => v !== 0)) far.push(`${name}: not produced`);
      continue;
    }
    expect({ name, shape: gradient.shape }).toEqual({ name, shape });
    const { absolute, relative } = distance(await gradient.data(), values);
    if (!(relative <= tolerance || absolute <= negligible))
      far.push(`${name}: off by ${relative} of its largest`);
  }
  for (const name of gradients.keys()) {
    if (!fixture.expected.has(`grad/${name}`)) far.push(`grad/${name}: the reference has none`);
  }
  tf.dispose([value, ...gradients.values()]);
  return far;
}

function modelInputs({ inputs }: Fixture): VariantInputs {
  const named = [...inputs].filter(([name]) => !name.startsWith('cotangent.'));
  return Object.fromEntries(
    named.map(([name, t]) => [camelCase(name), t]),
  ) as unknown as VariantInputs;
}

/** `hiddenStates: [a, b]` becomes `hiddenStates.0`, `hiddenStates.1`. */
function flatten(outputs: object): Map<string, tf.Tensor> {
  const flat = new Map<string, tf.Tensor>();
  for (const [name, value] of Object.entries(outputs)) {
    if (value instanceof tf.Tensor) flat.set(name, value);
    if (!Array.isArray(value)) continue;
    for (const [i, tensor] of (value as tf.Tensor[]).entries()) flat.set(`${name}.${i}`, tensor);
  }
  return flat;
}
