/**
 * The Transformer's operators on TensorFlow.js tensors: written down plainly, differentiated by the library.
 *
 * @module
 */
import type * as tensorflow from '@tensorflow/tfjs';
import { ATTENTION_RANGE } from './gradient/attention.ts';
import type { Operators } from './operators.ts';

type Tensor = tensorflow.Tensor;
type Names = 'layerNorm' | 'positionRows' | 'rotate' | 'attention';

/** These operators, for the engine to add to its own. */
export function transformerTensors(tf: typeof tensorflow): Pick<Operators<Tensor>, Names> {
  return {
    layerNorm: (x, scale, offset) => {
      const centred = tf.sub(x, tf.mean(x, 1, true));
      const variance = tf.add(tf.mean(tf.square(centred), 1, true), 1e-5);
      return tf.add(tf.mul(tf.div(centred, tf.sqrt(variance)), scale), offset);
    },
    positionRows: ({ data, rows, columns }, first, { lanes, steps }) => {
      const positions = tf.add(tf.reshape(first, [1, lanes]), tf.reshape(tf.range(0, steps), [steps, 1]));
      const wrapped = tf.cast(tf.mod(positions, rows), 'int32');
      const picked = tf.gather(tf.tensor(data, [rows, columns]), tf.reshape(wrapped, [steps * lanes]));
      return tf.reshape(picked, [steps * lanes, columns]);
    },
    rotate: (x, cosines, sines, headWidth) => {
      const [count, width] = x.shape as [number, number];
      const halves = tf.reshape(x, [count, width / headWidth, 2, headWidth / 2]);
      const [a, b] = tf.split(halves, 2, 2) as [Tensor, Tensor];
      const turned = tf.reshape(tf.concat([tf.neg(b), a], 2), [count, width]);
      return tf.add(tf.mul(x, cosines), tf.mul(turned, sines));
    },
    attention: (query, key, value, { lanes, steps }, heads) => {
      const width = query.shape[1]!;
      const size = width / heads;
      const byHead = (x: Tensor): Tensor =>
        tf.transpose(tf.reshape(x, [steps, lanes, heads, size]), [1, 2, 0, 3]);
      const scores = tf.mul(
        tf.matMul(byHead(query), tf.transpose(byHead(key), [0, 1, 3, 2])),
        1 / (ATTENTION_RANGE * Math.sqrt(size)),
      );
      const later = tf.greater(
        tf.reshape(tf.range(0, steps), [1, steps]),
        tf.reshape(tf.range(0, steps), [steps, 1]),
      );
      const masked = tf.sub(scores, tf.mul(tf.cast(later, 'float32'), 1e4));
      const u = tf.relu(tf.add(tf.sub(masked, tf.max(masked, 3, true)), 1));
      const weights = tf.square(tf.square(tf.square(u)));
      const mean = tf.div(tf.matMul(weights, byHead(value)), tf.sum(weights, 3, true));
      return tf.reshape(tf.transpose(mean, [2, 0, 1, 3]), [steps * lanes, width]);
    },
  };
}
