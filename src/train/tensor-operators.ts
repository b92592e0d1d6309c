/**
 * The operators on TensorFlow.js tensors, which differentiates them itself.
 *
 * @module
 */
import type * as tensorflow from '@tensorflow/tfjs';
import type { Operators } from './operators.ts';
import { transformerTensors } from './transformer-tensors.ts';

/** The library, whichever package it comes from. */
export type Tensorflow = typeof tensorflow;
/** A tensor of any rank. */
export type Tensor = tensorflow.Tensor;

/** The operators of a library that is loaded and ready. */
export function tensorOperators(tf: Tensorflow): Operators<Tensor> {
  return {
    linear: (x, weights, bias) => {
      const product = tf.matMul(x, weights);
      return bias === undefined ? product : tf.add(product, bias);
    },
    add: (a, b) => tf.add(a, b),
    subtract: (a, b) => tf.sub(a, b),
    multiply: (a, b) => tf.mul(a, b),
    affine: (x, factor, offset = 0) => tf.add(tf.mul(x, factor), offset),
    interpolate: (h, candidate, gate) => tf.add(h, tf.mul(gate, tf.sub(candidate, h))),
    clip: (x, low, high) => tf.clipByValue(x, low, high),
    split: (x, axis, sizes) => tf.split(x, [...sizes], axis),
    concat: (parts, axis) => tf.concat([...parts], axis),
    crossEntropy: (logits, targets) => {
      const [rows, classes] = logits.shape;
      const wanted = tf.oneHot(tf.reshape<tensorflow.Rank.R1>(targets, [rows]), classes);
      return tf.neg(tf.div(tf.sum(tf.mul(tf.logSoftmax(logits), wanted)), rows));
    },
    ...transformerTensors(tf),
  };
}
