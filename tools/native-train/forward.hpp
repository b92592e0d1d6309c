// The forward pass: embedding, recurrence, outputs and loss.
#pragma once
#include <cmath>
#include "data.hpp"
#include "packed.hpp"

/** What a pass computes; gradients are written over what is not needed any more. */
struct Activations {
  float* embedded;          // [POSITIONS, WIDTH]: x_t
  bf16* current;            // [POSITIONS, units + WIDTH]: [h_t, x_t], what the outputs read
  bf16* previous;           // [POSITIONS, units + WIDTH]: [h_{t-1}, x_t], what the gates read
  float* sums;              // [LANES, 4 units]: update, reset, candidate from state, candidate from input
  float* state;             // [LANES, units]: the newest h_t
  float *update, *reset;    // [POSITIONS, units]: z_t, r_t
  float* candidate;         // [POSITIONS, units]: c_t
  bf16* candidateSum;       // [POSITIONS, units]: h_{t-1} Uc, that is before the reset gate
  float* outputs;           // [POSITIONS, hidden + SYMBOLS]: sums of the hidden layer, logits
  bf16* hidden;             // [POSITIONS, hidden]: q_t
  bf16* outputGradient;     // [POSITIONS, hidden + SYMBOLS]

  explicit Activations(const Setup& setup) {
    const size_t units = setup.units;
    embedded = allocate<float>(POSITIONS * WIDTH);
    current = allocate<bf16>(POSITIONS * setup.inputs());
    previous = allocate<bf16>(POSITIONS * setup.inputs());
    sums = allocate<float>(LANES * 4 * units);
    state = allocate<float>(LANES * units);
    update = allocate<float>(POSITIONS * units);
    reset = allocate<float>(POSITIONS * units);
    candidate = allocate<float>(POSITIONS * units);
    candidateSum = allocate<bf16>(POSITIONS * units);
    outputs = allocate<float>(POSITIONS * setup.outputs());
    hidden = allocate<bf16>(POSITIONS * setup.hidden);
    outputGradient = allocate<bf16>(POSITIONS * setup.outputs());
  }
};

inline __m512 all(float value) { return _mm512_set1_ps(value); }
inline __m512 clip(__m512 values, float low, float high) {
  return _mm512_min_ps(_mm512_max_ps(values, all(low)), all(high));
}

/** e^x by its series around the nearest multiple of ln 2. */
inline __m512 exponential(__m512 x) {
  x = _mm512_max_ps(x, all(-80));
  const __m512 power = _mm512_roundscale_ps(_mm512_mul_ps(x, all(1.44269504f)), 0);
  // ln 2 in two parts, the first with few digits: their products are exact enough.
  __m512 rest = _mm512_fnmadd_ps(power, all(0.693145752f), x);
  rest = _mm512_fnmadd_ps(power, all(1.42860677e-6f), rest);
  __m512 sum = all(1.0f / 720);
  for (float coefficient : {1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
    sum = _mm512_fmadd_ps(sum, rest, all(coefficient));
  return _mm512_scalef_ps(sum, power);
}

/** How much the rows that are kept are scaled up, so that their sum stays the same on average. */
inline float keptScale(float drop) { return drop > 0 ? 1 / (1 - drop) : 1; }

/** Asks for the four cache lines of a row. */
template <_mm_hint HINT>
inline void prefetchRow(const float* row) {
  const char* bytes = reinterpret_cast<const char*>(row);
  for (size_t at = 0; at < WIDTH * sizeof(float); at += 64) _mm_prefetch(bytes + at, HINT);
}

/**
 * Sums the rows of every position: x_t.
 *
 * @param drop - the share of the tables' rows that is left out at random; the byte's row never is
 */
inline void embed(const Network& network, const Segment& segment, float drop, Random& random, Activations& a) {
  constexpr int VECTORS = WIDTH / VECTOR, AHEAD = 8;
  const int units = network.setup.units, inputs = network.setup.inputs();
  const int rowCount = rowsPerPosition(network.setup);
  const uint32_t limit = static_cast<uint32_t>(drop * 4294967295.0);
  const __m512 tableScale = all(keptScale(drop));
  auto rowOf = [&](int n, int t) {
    return network.tables.weights + static_cast<size_t>(segment.rows[n * rowCount + t]) * WIDTH;
  };
  for (int n = 0; n < POSITIONS; n++) {
    if (n + AHEAD < POSITIONS)
      for (int t = 1; t < rowCount; t++) prefetchRow<_MM_HINT_T0>(rowOf(n + AHEAD, t));
    __m512 sums[VECTORS] = {all(0), all(0), all(0), all(0)};
    uint8_t kept = 255;
    for (int t = 0; t < rowCount; t++) {
      if (drop > 0 && t > 0 && random.next() < limit) {
        kept &= ~(1 << t);
        continue;
      }
      const __m512 scale = t > 0 ? tableScale : all(1);
      for (int i = 0; i < VECTORS; i++)
        sums[i] = _mm512_fmadd_ps(scale, _mm512_load_ps(rowOf(n, t) + i * VECTOR), sums[i]);
    }
    segment.kept[n] = kept;
    float* x = a.embedded + static_cast<size_t>(n) * WIDTH;
    for (int i = 0; i < VECTORS; i++) _mm512_store_ps(x + i * VECTOR, sums[i]);
    bf16* rounded = a.current + static_cast<size_t>(n) * inputs + units;
    roundToBf16(x, rounded, WIDTH);
    memcpy(a.previous + static_cast<size_t>(n) * inputs + units, rounded, WIDTH * sizeof(bf16));
  }
}

/** One step of the recurrence for one lane, whose products are in `sums`. */
inline void advanceLane(const Network& network, Pass pass, int t, int lane, Activations& a) {
  const int units = network.setup.units, inputs = network.setup.inputs();
  const size_t n = static_cast<size_t>(t) * LANES + lane;
  const float *bias = network.gateBias.weights, *candidateBias = bias + units, *resetBias = bias + 2 * units;
  const float* updateSum = a.sums + static_cast<size_t>(lane) * 4 * units;
  const float *resetSum = updateSum + units, *stateSum = resetSum + units, *inputSum = stateSum + units;
  float* h = a.state + static_cast<size_t>(lane) * units;
  float *update = a.update + n * units, *reset = a.reset + n * units, *candidate = a.candidate + n * units;
  bf16 *candidateSum = a.candidateSum + n * units, *current = a.current + n * inputs;
  bf16* next = t + 1 < STEPS ? a.previous + (n + LANES) * inputs : nullptr;
  for (int i = 0; i < units; i += VECTOR) {
    __m512 z = _mm512_add_ps(_mm512_load_ps(updateSum + i), _mm512_load_ps(bias + i));
    z = clip(_mm512_fmadd_ps(all(0.25f), z, all(0.5f)), 0, 1);
    __m512 r = _mm512_add_ps(_mm512_load_ps(resetSum + i), _mm512_load_ps(resetBias + i));
    r = clip(_mm512_fmadd_ps(all(0.25f), r, all(0.5f)), 0, 1);
    const __m512 fromState = _mm512_load_ps(stateSum + i);
    const __m512 fromInput = _mm512_add_ps(_mm512_load_ps(inputSum + i), _mm512_load_ps(candidateBias + i));
    const __m512 c = clip(_mm512_fmadd_ps(r, fromState, fromInput), -1, 1);
    const __m512 old = _mm512_load_ps(h + i);
    const __m512 state = _mm512_fmadd_ps(z, _mm512_sub_ps(c, old), old);
    _mm512_store_ps(h + i, state);
    storeBf16(current + i, state);
    if (next != nullptr) storeBf16(next + i, state);
    if (pass == Pass::VALIDATION) continue;
    _mm512_store_ps(update + i, z);
    _mm512_store_ps(reset + i, r);
    _mm512_store_ps(candidate + i, c);
    storeBf16(candidateSum + i, fromState);
  }
}

/** @param state - [LANES, units], before the segment */
inline void forwardRecurrence(const Network& network, const PackedWeights& weights, const float* state, Pass pass,
                              Activations& a) {
  const int units = network.setup.units, inputs = network.setup.inputs(), columns = 4 * units;
  for (int lane = 0; lane < LANES; lane++)
    roundToBf16(state + static_cast<size_t>(lane) * units, a.previous + static_cast<size_t>(lane) * inputs, units);
  memcpy(a.state, state, LANES * units * sizeof(float));
  for (int t = 0; t < STEPS; t++) {
    const bf16* in = a.previous + static_cast<size_t>(t) * LANES * inputs;
    float *stateSum = a.sums + 2 * units, *inputSum = a.sums + 3 * units;
    multiply(LANES, 2 * units, inputs, in, inputs, weights.gates, a.sums, columns, Product::SET);
    multiply(LANES, units, units, in, inputs, weights.candidateState, stateSum, columns, Product::SET);
    multiply(LANES, units, WIDTH, in + units, inputs, weights.candidateInput, inputSum, columns, Product::SET);
    for (int lane = 0; lane < LANES; lane++) advanceLane(network, pass, t, lane, a);
  }
}

/**
 * The loss of one position; in training its gradient too, divided by the positions of a step.
 *
 * @param logits - [SYMBOLS], without the bias; overwritten by the gradient
 * @returns nats
 */
inline float crossEntropy(float* logits, const float* bias, int target, Pass pass, bf16* gradient) {
  constexpr int VECTORS = SYMBOLS / VECTOR;
  __m512 values[VECTORS], most = all(-1e30f), sum = all(0);
  for (int i = 0; i < VECTORS; i++) {
    values[i] = _mm512_add_ps(_mm512_load_ps(logits + i * VECTOR), _mm512_load_ps(bias + i * VECTOR));
    most = _mm512_max_ps(most, values[i]);
  }
  const float highest = _mm512_reduce_max_ps(most), ofTarget = logits[target] + bias[target] - highest;
  for (int i = 0; i < VECTORS; i++) {
    values[i] = exponential(_mm512_sub_ps(values[i], all(highest)));
    sum = _mm512_add_ps(sum, values[i]);
  }
  const float total = _mm512_reduce_add_ps(sum);
  if (pass == Pass::TRAINING) {
    const __m512 scale = all(1.0f / (total * POSITIONS));
    for (int i = 0; i < VECTORS; i++) _mm512_store_ps(logits + i * VECTOR, _mm512_mul_ps(values[i], scale));
    logits[target] -= 1.0f / POSITIONS;
    for (int i = 0; i < VECTORS; i++) storeBf16(gradient + i * VECTOR, _mm512_load_ps(logits + i * VECTOR));
  }
  return logf(total) - ofTarget;
}

/** @returns nats per byte */
inline double forwardOutputs(const Network& network, const PackedWeights& weights, const uint8_t* targets,
                             Pass pass, Activations& a) {
  const int hidden = network.setup.hidden, inputs = network.setup.inputs(), columns = network.setup.outputs();
  multiply(POSITIONS, columns, inputs, a.current, inputs, weights.outputs, a.outputs, columns, Product::SET);
  for (int n = 0; n < POSITIONS; n++) {
    float* sums = a.outputs + static_cast<size_t>(n) * columns;
    bf16* q = a.hidden + static_cast<size_t>(n) * hidden;
    for (int i = 0; i < hidden; i += VECTOR) {
      const __m512 sum = _mm512_add_ps(_mm512_load_ps(sums + i), _mm512_load_ps(network.hiddenBias.weights + i));
      _mm512_store_ps(sums + i, sum);
      storeBf16(q + i, clip(sum, 0, 1));
    }
  }
  float* logits = a.outputs + hidden;
  multiply(POSITIONS, SYMBOLS, hidden, a.hidden, hidden, weights.outputHidden, logits, columns, Product::ADD);
  double loss = 0;
  for (int n = 0; n < POSITIONS; n++) {
    const size_t at = static_cast<size_t>(n) * columns + hidden;
    const float* bias = network.outputBias.weights;
    loss += crossEntropy(a.outputs + at, bias, targets[n], pass, a.outputGradient + at);
  }
  return loss / POSITIONS;
}

/**
 * The pass after `embed`; `a.state` is the state after it.
 *
 * @param state - [LANES, units], before the segment
 * @returns nats per byte
 */
inline double forward(const Network& network, const PackedWeights& weights, const Segment& segment,
                      const float* state, Pass pass, Activations& a) {
  forwardRecurrence(network, weights, state, pass, a);
  return forwardOutputs(network, weights, segment.targets, pass, a);
}
