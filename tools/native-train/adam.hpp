// The optimiser: Adam (https://arxiv.org/abs/1412.6980), as in src/train/adam.ts and src/train/tables.ts.
#pragma once
#include "backward.hpp"

/** Gradients are scaled down to this norm. */
constexpr double CLIP_NORM = 1;
/** The tables' learning rate in units of the others'. */
constexpr double TABLE_RATE = 2;
constexpr float BETA1 = 0.9f, BETA2 = 0.999f, EPSILON = 1e-8f;

/** Updates the parameters: dense ones all, of the tables the rows that the segment touched. */
class Optimiser {
 public:
  explicit Optimiser(const Setup& setup)
      : slots_(allocate<int>(setup.totalRows)),
        touched_(allocate<int>(POSITIONS * rowsPerPosition(setup))),
        rowGradients_(allocate<float>(static_cast<size_t>(POSITIONS) * rowsPerPosition(setup) * WIDTH)) {}

  /**
   * @param drop - as of `embed`
   * @param step - counted from 1 in this run, also where the moments are those of an earlier one
   */
  void update(Network& network, const Segment& segment, const Gradients& gradients, float drop, double rate,
              long step) {
    sumRows(network, segment, gradients, drop);
    const double norm = sqrt(squaredNorm(network));
    const float scale = norm > CLIP_NORM ? CLIP_NORM / norm : 1;
    for (Parameter* parameter : network.dense()) updateDense(*parameter, rate, scale, step);
    updateRows(network.tables, rate * TABLE_RATE, scale);
  }

 private:
  /** Where each row's gradient is gathered, plus one; 0 for nowhere. */
  int* slots_;
  /** [slots], the rows. */
  int* touched_;
  /** [slots, WIDTH] */
  float* rowGradients_;
  int count_ = 0;

  void sumRows(const Network& network, const Segment& segment, const Gradients& gradients, float drop) {
    const int units = network.setup.units, inputs = network.setup.inputs();
    const int rowCount = rowsPerPosition(network.setup);
    const Parameter& tables = network.tables;
    count_ = 0;
    for (int n = 0; n < POSITIONS; n++) {
      const float* gradient = gradients.input + static_cast<size_t>(n) * inputs + units;
      for (int t = 0; t < rowCount; t++) {
        if (!(segment.kept[n] >> t & 1)) continue;
        const int row = segment.rows[n * rowCount + t];
        if (slots_[row] == 0) {
          touched_[count_++] = row;
          slots_[row] = count_;
          memset(rowGradients_ + (count_ - 1) * WIDTH, 0, WIDTH * sizeof(float));
          prefetchRow<_MM_HINT_T1>(tables.first + static_cast<size_t>(row) * WIDTH);
          prefetchRow<_MM_HINT_T1>(tables.second + static_cast<size_t>(row) * WIDTH);
        }
        float* to = rowGradients_ + (slots_[row] - 1) * WIDTH;
        const float scale = t > 0 ? keptScale(drop) : 1;
#pragma GCC ivdep
        for (int k = 0; k < WIDTH; k++) to[k] += scale * gradient[k];
      }
    }
    for (int slot = 0; slot < count_; slot++) slots_[touched_[slot]] = 0;
  }

  /** Of all gradients together. Each parameter's (and row's) squares are summed in float32. */
  double squaredNorm(Network& network) const {
    auto squares = [](const float* values, size_t count) {
      float sum = 0;
      for (size_t i = 0; i < count; i++) sum += values[i] * values[i];
      return sum;
    };
    double sum = 0;
    for (int slot = 0; slot < count_; slot++) sum += squares(rowGradients_ + slot * WIDTH, WIDTH);
    for (const Parameter* parameter : network.dense()) sum += squares(parameter->gradient, parameter->size);
    return sum;
  }

  static void updateDense(const Parameter& parameter, double rate, float scale, long step) {
    float *weights = parameter.weights, *first = parameter.first, *second = parameter.second;
    const float* gradient = parameter.gradient;
    // The moments' correction for having begun at 0, taken into rate and epsilon.
    const float correction = sqrt(1 - pow(0.999, step));
    const float corrected = rate * correction / (1 - pow(0.9, step)), epsilon = EPSILON * correction;
#pragma GCC ivdep
    for (size_t i = 0; i < parameter.size; i++) {
      const float g = gradient[i] * scale;
      first[i] = BETA1 * first[i] + (1 - BETA1) * g;
      second[i] = BETA2 * second[i] + (1 - BETA2) * g * g;
      weights[i] -= corrected * first[i] / (sqrtf(second[i]) + epsilon);
    }
  }

  /** Rows are too rare for a correction by the step. */
  void updateRows(const Parameter& tables, float rate, float scale) const {
    constexpr int AHEAD = 4;
    for (int slot = 0; slot < count_; slot++) {
      if (slot + AHEAD < count_)
        for (const float* array : {tables.first, tables.second, tables.weights})
          prefetchRow<_MM_HINT_T0>(array + static_cast<size_t>(touched_[slot + AHEAD]) * WIDTH);
      const size_t at = static_cast<size_t>(touched_[slot]) * WIDTH;
      float *weights = tables.weights + at, *first = tables.first + at, *second = tables.second + at;
      const float* gradient = rowGradients_ + slot * WIDTH;
#pragma GCC ivdep
      for (int k = 0; k < WIDTH; k++) {
        const float g = gradient[k] * scale;
        const float m = first[k] = BETA1 * first[k] + (1 - BETA1) * g;
        const float v = second[k] = BETA2 * second[k] + (1 - BETA2) * g * g;
        weights[k] -= rate * m / (sqrtf(v) + EPSILON);
      }
    }
  }
};
