// The backward pass: gradients of all parameters and of the embedded rows.
#pragma once
#include "forward.hpp"

/** Lanes whose values are strictly between the bounds: where a clip has slope 1. */
inline __mmask16 inside(__m512 values, float low, float high) {
  return _mm512_cmp_ps_mask(values, all(low), _CMP_GT_OQ) & _mm512_cmp_ps_mask(values, all(high), _CMP_LT_OQ);
}

/** Space of the backward pass, and what it leaves. */
struct Gradients {
  float* input;     // [POSITIONS, units + WIDTH]: of [h_t, x_t]; at the end the last columns are those of x_t
  bf16* gates;      // [POSITIONS, 4 units]: update, reset, candidate's state part, candidate
  float* state;     // [LANES, units]: of h_t, from the later steps
  float* gateBias;  // [3 units]
  float *outputWeights, *gateWeights;  // [units + WIDTH, hidden + SYMBOLS], [units + WIDTH, 4 units]
  bf16 *left, *right;  // operands of the products over all positions

  explicit Gradients(const Setup& setup) {
    const size_t units = setup.units, hidden = setup.hidden, inputs = setup.inputs(), outputs = setup.outputs();
    // The hidden layer's gradients, too, are put where those of the inputs will be.
    input = allocate<float>(POSITIONS * std::max(inputs, hidden));
    gates = allocate<bf16>(POSITIONS * 4 * units);
    state = allocate<float>(LANES * units);
    gateBias = allocate<float>(3 * units);
    outputWeights = allocate<float>(inputs * outputs);
    gateWeights = allocate<float>(inputs * 4 * units);
    left = allocate<bf16>(POSITIONS * std::max(inputs, hidden));
    right = allocate<bf16>(POSITIONS * std::max(4 * units, outputs));
  }
};

/** Sums columns over all positions. */
inline void sumColumns(const bf16* from, int columns, int stride, float* to) {
  memset(to, 0, columns * sizeof(float));
  for (int n = 0; n < POSITIONS; n++) {
    const bf16* row = from + static_cast<size_t>(n) * stride;
    for (int i = 0; i < columns; i += VECTOR)
      _mm512_store_ps(to + i, _mm512_add_ps(_mm512_load_ps(to + i), loadBf16(row + i)));
  }
}

/** From the logits' gradient to those of the output weights and of [h_t, x_t]. */
inline void backwardOutputs(Network& network, const PackedWeights& weights, const Activations& a, Gradients& g) {
  const int hidden = network.setup.hidden, inputs = network.setup.inputs(), columns = network.setup.outputs();
  float* toHidden = g.input;
  multiply(POSITIONS, hidden, SYMBOLS, a.outputGradient + hidden, columns, weights.outputHiddenBack, toHidden,
           hidden, Product::SET);
  for (int n = 0; n < POSITIONS; n++) {
    const float* sums = a.outputs + static_cast<size_t>(n) * columns;
    for (int i = 0; i < hidden; i += VECTOR) {
      const __mmask16 open = inside(_mm512_load_ps(sums + i), 0, 1);
      const __m512 gradient = _mm512_maskz_load_ps(open, toHidden + static_cast<size_t>(n) * hidden + i);
      storeBf16(a.outputGradient + static_cast<size_t>(n) * columns + i, gradient);
    }
  }

  pack(a.outputGradient, POSITIONS, columns, columns, g.right);
  transpose(a.current, POSITIONS, inputs, g.left);
  multiply(inputs, columns, POSITIONS, g.left, POSITIONS, g.right, g.outputWeights, columns, Product::SET);
  for (int i = 0; i < inputs; i++) {
    const float* row = g.outputWeights + static_cast<size_t>(i) * columns;
    memcpy(network.hiddenGradient(i), row, hidden * sizeof(float));
    memcpy(network.outputGradient(i), row + hidden, SYMBOLS * sizeof(float));
  }
  transpose(a.hidden, POSITIONS, hidden, g.left);
  const bf16* ofLogits = g.right + packedAt(POSITIONS, 0, hidden);
  multiply(hidden, SYMBOLS, POSITIONS, g.left, POSITIONS, ofLogits, network.outputHidden.gradient, SYMBOLS,
           Product::SET);
  sumColumns(a.outputGradient, hidden, columns, network.hiddenBias.gradient);
  sumColumns(a.outputGradient + hidden, SYMBOLS, columns, network.outputBias.gradient);
  multiply(POSITIONS, inputs, columns, a.outputGradient, columns, weights.outputsBack, g.input, inputs,
           Product::SET);
}

/** The gates' gradients at one position, and what of the state's gradient goes past them to the step before. */
inline void backwardPosition(const Setup& setup, const Activations& a, int t, int lane, Gradients& g) {
  const int units = setup.units, inputs = setup.inputs();
  const size_t n = static_cast<size_t>(t) * LANES + lane;
  const float *update = a.update + n * units, *reset = a.reset + n * units, *candidate = a.candidate + n * units;
  const bf16 *candidateSum = a.candidateSum + n * units, *previous = a.previous + n * inputs;
  const float* fromOutputs = g.input + n * inputs;
  float *later = g.state + static_cast<size_t>(lane) * units, *bias = g.gateBias;
  bf16* gates = g.gates + n * 4 * units;
  auto addTo = [](float* sum, __m512 values) { _mm512_store_ps(sum, _mm512_add_ps(_mm512_load_ps(sum), values)); };
  for (int i = 0; i < units; i += VECTOR) {
    const __m512 dState = _mm512_add_ps(_mm512_load_ps(later + i), _mm512_load_ps(fromOutputs + i));
    const __m512 z = _mm512_load_ps(update + i), r = _mm512_load_ps(reset + i), c = _mm512_load_ps(candidate + i);
    const __m512 old = loadBf16(previous + i), sum = loadBf16(candidateSum + i);
    const __m512 dUpdate =
        _mm512_maskz_mul_ps(inside(z, 0, 1), _mm512_mul_ps(all(0.25f), dState), _mm512_sub_ps(c, old));
    const __m512 dCandidate = _mm512_maskz_mul_ps(inside(c, -1, 1), dState, z);
    const __m512 dReset = _mm512_maskz_mul_ps(inside(r, 0, 1), _mm512_mul_ps(all(0.25f), dCandidate), sum);
    storeBf16(gates + i, dUpdate);
    storeBf16(gates + units + i, dReset);
    storeBf16(gates + 2 * units + i, _mm512_mul_ps(dCandidate, r));
    storeBf16(gates + 3 * units + i, dCandidate);
    addTo(bias + i, dUpdate);
    addTo(bias + units + i, dCandidate);
    addTo(bias + 2 * units + i, dReset);
    _mm512_store_ps(later + i, _mm512_mul_ps(dState, _mm512_sub_ps(all(1), z)));
  }
}

/** Through time, within the segment. */
inline void backwardRecurrence(Network& network, const PackedWeights& weights, const Activations& a,
                               Gradients& g) {
  const int units = network.setup.units, inputs = network.setup.inputs(), columns = 4 * units;
  memset(g.state, 0, LANES * units * sizeof(float));
  memset(g.gateBias, 0, 3 * units * sizeof(float));
  for (int t = STEPS - 1; t >= 0; t--) {
    for (int lane = 0; lane < LANES; lane++) backwardPosition(network.setup, a, t, lane, g);
    const bf16* gates = g.gates + static_cast<size_t>(t) * LANES * columns;
    float* toInput = g.input + static_cast<size_t>(t) * LANES * inputs + units;
    multiply(LANES, units, 3 * units, gates, columns, weights.gatesToState, g.state, units, Product::ADD);
    multiply(LANES, WIDTH, columns, gates, columns, weights.gatesToInput, toInput, inputs, Product::ADD);
  }
  memcpy(network.gateBias.gradient, g.gateBias, 3 * units * sizeof(float));

  pack(g.gates, POSITIONS, columns, columns, g.right);
  transpose(a.previous, POSITIONS, inputs, g.left);
  multiply(inputs, columns, POSITIONS, g.left, POSITIONS, g.right, g.gateWeights, columns, Product::SET);
  for (int i = 0; i < inputs; i++) {
    // The candidate's weights on the state are before the reset gate, those on the input behind it.
    const float* row = g.gateWeights + static_cast<size_t>(i) * columns;
    float* to = network.gateGradient(i);
    memcpy(to, row, units * sizeof(float));
    memcpy(to + units, row + (i < units ? 2 : 3) * units, units * sizeof(float));
    memcpy(to + 2 * units, row + units, units * sizeof(float));
  }
}

/** The pass after `forward` in training. */
inline void backward(Network& network, const PackedWeights& weights, const Activations& a, Gradients& g) {
  backwardOutputs(network, weights, a, g);
  backwardRecurrence(network, weights, a, g);
}
